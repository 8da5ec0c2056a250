# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""SwitchCost against statsmodels and numbers worked by hand."""

from __future__ import annotations

from imug_metrics import SwitchCost
from tests.metrics import cases

CASES = {
    "switch-cost": cases.Case(SwitchCost, cases.scores_and_switches),
}
