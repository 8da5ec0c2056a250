# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Scores and tables to experiment trackers: the same keys with the same meaning in each, one file a tracker."""

from imug_metrics.report.trackers.keys import read_key, tracker_key
from imug_metrics.report.trackers.mlflow import log_mlflow
from imug_metrics.report.trackers.scores import tracked_scores
from imug_metrics.report.trackers.tensorboard import log_tensorboard
from imug_metrics.report.trackers.trackio import log_trackio
from imug_metrics.report.trackers.wandb import log_wandb

__all__ = ["log_mlflow", "log_tensorboard", "log_trackio", "log_wandb", "read_key", "tracked_scores", "tracker_key"]
