# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Scores, tables and reports to MLflow."""

from __future__ import annotations

import time
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

from imug_metrics._optional import require
from imug_metrics.errors import ArgumentError
from imug_metrics.report.trackers.scores import Detail, Scores, tracked_scores, tracked_tables

if TYPE_CHECKING:
    from mlflow import MlflowClient

_BATCH = 1000  # metrics that a server of MLflow takes at a time
_LONGEST = 250  # characters of a key that it takes


def log_mlflow(
    scores: Scores,
    run_id: str | None = None,
    *,
    client: MlflowClient | None = None,
    artifacts: Path | str | None = None,
    prefix: str = "",
    detail: Detail = "interval",
    step: int | None = None,
) -> dict[str, float]:
    """Log scores as metrics of an MLflow run; tables of an `Evaluation` or a `Comparison` as CSV among its artifacts.

    Args:
        scores, prefix, detail: as for `imug_metrics.report.trackers.scores.tracked_scores`.
        run_id: of the run; None: the active one.
        client: of the server that has the run; None: that of MLflow's tracking URI.
        artifacts: a folder, such as one that `Evaluation.report` wrote, whose files are added to the run's artifacts.
        step: where the points stand; None: at 0.

    Returns:
        What was logged of numbers, by key.

    Raises:
        ArgumentError: as `tracked_scores`, if no run is active, `artifacts` is no folder, or a key has more characters
            than MLflow takes; nothing is logged then.
        ModuleNotFoundError: if mlflow is not installed.
    """
    mlflow = require("mlflow", purpose="log_mlflow", extra="trackers")
    found = tracked_scores(scores, prefix=prefix, detail=detail)
    if artifacts is not None and not Path(artifacts).is_dir():
        raise ArgumentError("artifacts", f"expected a folder, got {artifacts}")
    if too_long := [key for key in found if len(key) > _LONGEST]:
        raise ArgumentError("scores", f"expected keys of up to {_LONGEST} characters for MLflow, got {too_long[0]!r}")
    client = mlflow.MlflowClient() if client is None else client
    run_id = _active(mlflow) if run_id is None else run_id
    now = time.time_ns() // 1_000_000
    metrics = [mlflow.entities.Metric(key, value, now, step or 0) for key, value in found.items()]
    for start in range(0, len(metrics), _BATCH):
        client.log_batch(run_id, metrics[start : start + _BATCH])
    for key, table in tracked_tables(scores, prefix=prefix).items():
        client.log_text(run_id, table.to_csv(), f"{key}.csv")
    if artifacts is not None:
        client.log_artifacts(run_id, str(artifacts))
    return found


def _active(mlflow: ModuleType) -> str:
    run = mlflow.active_run()
    if run is None:
        raise ArgumentError("run_id", "expected the id of a run, or an active one (mlflow.start_run)")
    return str(run.info.run_id)
