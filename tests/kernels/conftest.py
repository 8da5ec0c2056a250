# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Uninitialised memory is NaN in these tests, so that an output nobody wrote cannot pass by luck."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Iterator
from contextlib import ExitStack

import pytest
import torch
from imug_kernels.reference import chunking, cosine_blocks

from tests.kernels.poisoned_memory import poisoned_memory

# These need Triton's interpreter; test_interpreter.py starts a process that has it.
INTERPRETED = os.environ.get("TRITON_INTERPRET") == "1"
collect_ignore = [] if INTERPRETED else ["interpreted"]
if importlib.util.find_spec("triton") is None:
    collect_ignore += ["bad_kernels.py", "large_launches.py"]


@pytest.fixture(autouse=True)
def poison_empty() -> Iterator[None]:
    """Fill what `torch.empty` and its kin return with NaN."""
    with poisoned_memory():
        yield


@pytest.fixture(autouse=True, scope="session")
def prepared_interpreter() -> Iterator[None]:
    """Where kernels are interpreted, let none of them reach beyond its tensors, and none of them wait for long."""
    with ExitStack() as stack:
        if INTERPRETED:
            from tests.kernels.interpreted.address_check import checked_addresses
            from tests.kernels.interpreted.replaced_language import replaced_language

            stack.enter_context(checked_addresses())
            stack.enter_context(replaced_language())
        yield


@pytest.fixture(autouse=True)
def skip_without_device(request: pytest.FixtureRequest) -> None:
    if request.node.get_closest_marker("gpu") and not torch.cuda.is_available():
        pytest.skip("no CUDA device")


@pytest.fixture(params=["cached", "cut"])
def block_size(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Test once as it is and once with chunks and blocks so small that every segment is cut."""
    if request.param == "cut":
        monkeypatch.setattr(chunking, "CHUNK_ELEMENTS", 16)
        monkeypatch.setattr(cosine_blocks, "BLOCK_ELEMENTS", 16)
