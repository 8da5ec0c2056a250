# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Scores and tables to TensorBoard."""

from __future__ import annotations

from typing import TYPE_CHECKING

from imug_metrics.report.trackers.scores import Detail, Scores, tracked_scores, tracked_tables

if TYPE_CHECKING:
    from torch.utils.tensorboard import SummaryWriter


def log_tensorboard(
    scores: Scores,
    writer: SummaryWriter,
    *,
    prefix: str = "",
    detail: Detail = "interval",
    step: int | None = None,
) -> dict[str, float]:
    """Log scores as scalars of TensorBoard, which keeps 32 bits of each; tables as text.

    Args:
        scores, prefix, detail: as for `imug_metrics.report.trackers.scores.tracked_scores`.
        writer: a `torch.utils.tensorboard.SummaryWriter`, or one with its `add_scalar` and `add_text`.
        step: where the points stand; None: at 0.

    Returns:
        What was logged of numbers, by key.

    Raises:
        ArgumentError: as `tracked_scores`; nothing is logged then.
    """
    found = tracked_scores(scores, prefix=prefix, detail=detail)
    for key, value in found.items():
        writer.add_scalar(key, value, step)
    for key, table in tracked_tables(scores, prefix=prefix).items():
        writer.add_text(key, table.to_markdown(), step)
    return found
