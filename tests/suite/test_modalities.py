# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""What came, as records tell it."""

from __future__ import annotations

from typing import Any

import pytest

from imug_metrics import ModalityCompliance, Record
from imug_metrics.suite.modalities import modality_columns


@pytest.mark.parametrize("modality", ["text", "image"])
@pytest.mark.parametrize(
    ("given", "came"),
    [
        ({"text": "B"}, "text"),
        ({"image": b"..."}, "image"),
        ({"text": "", "image": b"..."}, "image"),
        ({"text": "Here.", "image": b"..."}, "both"),
        ({"text": " \n"}, "none"),
        ({"text": "ERROR: timeout"}, None),
        ({"text": "ERROR: timeout", "image": b"..."}, "image"),
        ({}, None),
        ({"attempted": False}, None),
    ],
)
def test_what_came_of_a_record(modality: Any, given: dict[str, Any], came: str | None) -> None:
    columns = modality_columns([Record("a", 3, modality, "Draw or say", **given)])
    assert columns == {"preds": [came], "modality": [modality], "dialogue": ["a"], "turn": [3]}


def test_the_metric_takes_the_columns() -> None:
    asked = ["text", "image", "image"]
    records = [Record("a", turn, kind, "?", text="A dog") for turn, kind in enumerate(asked, 1)]  # type: ignore[arg-type]
    metric = ModalityCompliance()
    metric.update(**modality_columns(records))
    assert float(metric.compute()) == pytest.approx(1 / 3)
