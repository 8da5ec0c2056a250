# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Everything that is wrong with a benchmark, with model outputs or with judgements, without scoring any of it."""

from imug_metrics.protocols.imug.check.benchmark import check_benchmark
from imug_metrics.protocols.imug.check.judged import check_judged
from imug_metrics.protocols.imug.check.outputs import check_outputs

__all__ = ["check_benchmark", "check_judged", "check_outputs"]
