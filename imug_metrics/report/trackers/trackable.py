# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""What can be given to a tracker, by one method a tracker."""

from __future__ import annotations

from abc import ABC, abstractmethod
from pathlib import Path
from typing import TYPE_CHECKING

from imug_metrics.report.tables.table import Table
from imug_metrics.report.trackers.groups import ScoreGroup

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from torch.utils.tensorboard import SummaryWriter
    from trackio.run import Run as TrackioRun
    from wandb import Run as WandbRun

    from imug_metrics.report.trackers.scores import Detail


class Trackable(ABC):
    """A result that is logged in experiment trackers."""

    @abstractmethod
    def _score_groups(self) -> list[ScoreGroup]:
        """All scores, in groups."""

    @abstractmethod
    def _tracked_tables(self) -> list[Table]:
        """Tables of exact numbers, by name."""

    def to_wandb(
        self, run: WandbRun | None = None, *, prefix: str = "", detail: Detail = "interval", step: int | None = None
    ) -> dict[str, float]:
        """Log scores and tables in Weights & Biases; see `imug_metrics.report.trackers.log_wandb`."""
        from imug_metrics.report.trackers.wandb import log_wandb

        return log_wandb(self, run, prefix=prefix, detail=detail, step=step)

    def to_tensorboard(
        self, writer: SummaryWriter, *, prefix: str = "", detail: Detail = "interval", step: int | None = None
    ) -> dict[str, float]:
        """Log scores and tables in TensorBoard; see `imug_metrics.report.trackers.log_tensorboard`."""
        from imug_metrics.report.trackers.tensorboard import log_tensorboard

        return log_tensorboard(self, writer, prefix=prefix, detail=detail, step=step)

    def to_mlflow(
        self,
        run_id: str | None = None,
        *,
        client: MlflowClient | None = None,
        artifacts: Path | str | None = None,
        prefix: str = "",
        detail: Detail = "interval",
        step: int | None = None,
    ) -> dict[str, float]:
        """Log scores and tables in MLflow; see `imug_metrics.report.trackers.log_mlflow`."""
        from imug_metrics.report.trackers.mlflow import log_mlflow

        return log_mlflow(self, run_id, client=client, artifacts=artifacts, prefix=prefix, detail=detail, step=step)

    def to_trackio(
        self, run: TrackioRun | None = None, *, prefix: str = "", detail: Detail = "interval", step: int | None = None
    ) -> dict[str, float]:
        """Log scores and tables in trackio; see `imug_metrics.report.trackers.log_trackio`."""
        from imug_metrics.report.trackers.trackio import log_trackio

        return log_trackio(self, run, prefix=prefix, detail=detail, step=step)
