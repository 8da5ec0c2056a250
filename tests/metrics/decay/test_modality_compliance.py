# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""ModalityCompliance against counts by hand."""

from __future__ import annotations

from imug_metrics import ModalityCompliance
from tests.metrics import cases

CASES = {
    "compliance": cases.Case(ModalityCompliance, cases.outputs_and_modality),
}
