# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""The choice of implementation."""

from __future__ import annotations

import subprocess
import sys
from types import SimpleNamespace

import pytest
import torch
from imug_kernels import backend, paired_cosine
from imug_kernels.backend import choose_backend


def test_triton_is_not_imported_with_the_package() -> None:
    code = "import imug_kernels, sys; sys.exit(any(n.startswith('imug_kernels.triton_kernels.') for n in sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_cpu_computes_in_pytorch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("IMUG_BACKEND", raising=False)
    assert choose_backend(torch.device("cpu")) == "torch"


@pytest.mark.parametrize(
    ("installed", "available", "capability", "expected"),
    [
        (True, True, (9, 0), "triton"),
        (True, True, (8, 0), "triton"),
        (True, True, (7, 5), "torch"),
        (True, False, (9, 0), "torch"),
        (False, True, (9, 0), "torch"),
    ],
)
def test_cuda_computes_in_triton_where_it_can_run(
    monkeypatch: pytest.MonkeyPatch,
    installed: bool,
    available: bool,
    capability: tuple[int, int],
    expected: str,
) -> None:
    monkeypatch.delenv("IMUG_BACKEND", raising=False)
    monkeypatch.setattr(backend, "_has_triton", lambda: installed)
    monkeypatch.setattr(backend, "_capability", lambda index: capability)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: available)
    assert choose_backend(torch.device("cuda", 0)) == expected
    monkeypatch.setenv("IMUG_BACKEND", "torch")
    assert choose_backend(torch.device("cuda", 0)) == "torch"


@pytest.mark.parametrize(
    ("version", "expected"), [("3.4.0", "torch"), ("3.5.0", "triton"), ("3.10.0+git1", "triton"), ("4.0", "triton")]
)
def test_triton_that_is_too_old_is_none(monkeypatch: pytest.MonkeyPatch, version: str, expected: str) -> None:
    monkeypatch.delenv("IMUG_BACKEND", raising=False)
    monkeypatch.setitem(sys.modules, "triton", SimpleNamespace(__version__=version, __spec__=object()))
    monkeypatch.setattr(backend, "_has_triton", backend._has_triton.__wrapped__)  # not what is known of the real one
    monkeypatch.setattr(backend, "_capability", lambda index: (9, 0))
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert choose_backend(torch.device("cuda", 0)) == expected


def test_unknown_or_impossible_choice_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TRITON_INTERPRET", raising=False)
    monkeypatch.setenv("IMUG_BACKEND", "cuda")
    with pytest.raises(ValueError, match="to be `torch` or `triton`, got `cuda`"):
        paired_cosine(torch.ones(1, 1), torch.ones(1, 1))
    monkeypatch.setenv("IMUG_BACKEND", "triton")
    with pytest.raises(ValueError, match="not to be `triton` on cpu"):
        paired_cosine(torch.ones(1, 1), torch.ones(1, 1))
