# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""EditLocality against crops, models that are simulated, and files."""

from __future__ import annotations

from imug_metrics import EditLocality
from tests.metrics import cases

CASES = {
    "edits": cases.Case(lambda **k: EditLocality(min_region=8, **k), cases.edits, refuses=("missing",)),
}
