# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Trackers whose package is not installed."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import pytest

from imug_metrics.report.trackers import log_mlflow, log_trackio, log_wandb


@pytest.mark.parametrize(
    ("log", "package", "extra"),
    [(log_wandb, "wandb", "trackers"), (log_mlflow, "mlflow", "trackers"), (log_trackio, "trackio", "trackio")],
)
def test_a_missing_package_is_named_with_its_extra(
    log: Callable[..., Any], package: str, extra: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    message = rf"^log_{package} needs {package}, which is not installed: pip install 'imug_metrics\[{extra}\]'$"
    with pytest.raises(ModuleNotFoundError, match=message):
        log({"a": 0.5})
