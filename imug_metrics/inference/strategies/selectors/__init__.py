# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""What tells the better of several candidates: the model itself, a judge, a metric, a vote, a function."""

from imug_metrics.inference.strategies.selectors.judge import JudgeSelector
from imug_metrics.inference.strategies.selectors.majority import MajoritySelector
from imug_metrics.inference.strategies.selectors.metric import MetricSelector
from imug_metrics.inference.strategies.selectors.own import OwnSelector
from imug_metrics.inference.strategies.selectors.protocol import Selector
from imug_metrics.inference.strategies.selectors.python_function import PythonSelector

__all__ = ["JudgeSelector", "MajoritySelector", "MetricSelector", "OwnSelector", "PythonSelector", "Selector"]
