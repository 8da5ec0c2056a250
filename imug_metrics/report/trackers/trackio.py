# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Scores and tables to trackio."""

from __future__ import annotations

from typing import TYPE_CHECKING

from imug_metrics._optional import require
from imug_metrics.report.trackers.scores import Detail, Scores, tracked_scores, tracked_tables

if TYPE_CHECKING:
    from trackio.run import Run


def log_trackio(
    scores: Scores, run: Run | None = None, *, prefix: str = "", detail: Detail = "interval", step: int | None = None
) -> dict[str, float]:
    """Log scores in a run of trackio, in one step; tables of an `Evaluation` or a `Comparison` as `trackio.Table`.

    Args:
        scores, prefix, detail: as for `imug_metrics.report.trackers.scores.tracked_scores`.
        run: None: the one that `trackio.init` made last.
        step: of the run; None: its next one.

    Returns:
        What was logged of numbers, by key.

    Raises:
        ArgumentError: as `tracked_scores`; nothing is logged then.
        ModuleNotFoundError: if trackio is not installed.
        RuntimeError: if there is no run.
    """
    trackio = require("trackio", purpose="log_trackio", extra="trackio")
    found = tracked_scores(scores, prefix=prefix, detail=detail)
    tables = {key: trackio.Table(data=table.records()) for key, table in tracked_tables(scores, prefix=prefix).items()}
    (trackio if run is None else run).log({**found, **tables}, step=step)
    return found
