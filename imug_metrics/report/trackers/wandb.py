# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Scores and tables to Weights & Biases."""

from __future__ import annotations

from typing import TYPE_CHECKING

from imug_metrics._optional import require
from imug_metrics.report.trackers.scores import Detail, Scores, tracked_scores, tracked_tables

if TYPE_CHECKING:
    from wandb import Run


def log_wandb(
    scores: Scores, run: Run | None = None, *, prefix: str = "", detail: Detail = "interval", step: int | None = None
) -> dict[str, float]:
    """Log scores in a run of W&B, in one step; tables of an `Evaluation` or a `Comparison` as `wandb.Table`.

    Args:
        scores, prefix, detail: as for `imug_metrics.report.trackers.scores.tracked_scores`.
        run: None: the one that `wandb.init` made last.
        step: of the run; None: its next one.

    Returns:
        What was logged of numbers, by key.

    Raises:
        ArgumentError: as `tracked_scores`; nothing is logged then.
        ModuleNotFoundError: if wandb is not installed.
        wandb.Error: if there is no run.
    """
    wandb = require("wandb", purpose="log_wandb", extra="trackers")
    found = tracked_scores(scores, prefix=prefix, detail=detail)
    tables = {
        key: wandb.Table(columns=[*rows[0]], data=[[*row.values()] for row in rows], allow_mixed_types=True)
        for key, table in tracked_tables(scores, prefix=prefix).items()
        if (rows := table.records())
    }
    (wandb if run is None else run).log({**found, **tables}, step=step)
    return found
