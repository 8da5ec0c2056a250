# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Results of benchmarks whose items stand alone: one score an item, no dialogue."""

from imug_metrics.formats.isolated.read import isolated_scores

__all__ = ["isolated_scores"]
