# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Tests of compiled kernels: PyTorch, Triton, NumPy and pytest are all they need, to run on any machine with a GPU."""

from __future__ import annotations

import pytest
from imug_kernels.backend import choose_backend

from tests.kernels.gpu.on_device import CUDA


@pytest.fixture(autouse=True)
def kernels_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fail rather than compare PyTorch with PyTorch."""
    monkeypatch.setenv("IMUG_BACKEND", "triton")
    assert choose_backend(CUDA) == "triton"
