# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""What all tests share."""

from __future__ import annotations

import gc
from contextlib import suppress
from pathlib import Path

import pytest
import torch

with suppress(ModuleNotFoundError):  # where a package is missing, the files that need it say so
    import imug_metrics  # noqa: F401  before any test imports torchmetrics: a CPU torch beside torchvision needs it

from tests.missing_packages import SkipMissingPackages

torch.set_num_threads(1)  # the same sums in every run, and two workers do not fight for cores


def pytest_configure(config: pytest.Config) -> None:
    if config.getoption("markexpr") == "gpu":
        config.option.doctestmodules = False  # examples need no GPU, and their files all packages
        config.pluginmanager.register(SkipMissingPackages())


def pytest_collection_finish() -> None:
    """What was imported need not be searched for garbage again and again: a tenth of the time."""
    gc.collect()
    gc.freeze()


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
