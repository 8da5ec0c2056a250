# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""What all tests share."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

import imug_metrics  # noqa: F401  before any test imports torchmetrics: it lets a CPU torch live beside torchvision

torch.set_num_threads(1)  # the same sums in every run, and two workers do not fight for cores


@pytest.fixture(scope="session")
def golden() -> Path:
    """Folder of inputs with the official scorers' outputs; it is no part of a clone."""
    folder = Path(__file__).resolve().parents[2] / "shared" / "golden"
    if not folder.is_dir():
        pytest.skip(f"golden data not found at {folder}")
    return folder


@pytest.fixture(scope="session", params=["cpu", pytest.param("cuda", marks=pytest.mark.gpu)])
def device(request: pytest.FixtureRequest) -> torch.device:
    """Every device there is."""
    if request.param == "cuda" and not torch.cuda.is_available():
        pytest.skip("no CUDA device")
    return torch.device(request.param)
