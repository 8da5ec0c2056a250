# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""The command `score`: from folders to a report."""

from imug_metrics.evaluation.score import run

__all__ = ["run"]
