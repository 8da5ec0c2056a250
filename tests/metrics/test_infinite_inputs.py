# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""An infinite number is refused where a range is checked, and counts elsewhere as NaN does: not given."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from torch import Tensor

from tests.metrics.cases import metric_cases, places

CASES = metric_cases()
ORDERS_ONLY = {"best-of-n", "selection", "selection-probabilities", "verifier"}  # scores of a selector may be infinite
LARGEST = 1e12  # no result of these inputs comes near

pytestmark = pytest.mark.filterwarnings("ignore:The ``compute`` method")


def columns_of(name: str) -> list[str]:
    """Arguments of a case that are numbers; row numbers and integer codes have no infinity."""
    batch = CASES[name].columns(*places(4))
    return [
        key
        for key, value in batch.items()
        if isinstance(value, Tensor) and key != "links" and not (name == "grid" and key in ("preds", "target"))
    ]


COLUMNS = [(name, key) for name in CASES for key in columns_of(name)]


def result(name: str, key: str, value: float, validate: bool) -> dict[str, Tensor] | str:
    """What the metric gives with a value in six rows of an argument, or why it refuses them."""
    dialogue, turn = places()
    batch: dict[str, Any] = CASES[name].columns(dialogue, turn)
    column = batch[key] if batch[key].is_floating_point() else batch[key].double()
    changed = column.clone()
    changed.view(len(column), -1)[3:40:7, 0] = value
    metric = CASES[name].make(detail=True, validate=validate)
    try:
        metric.update(**{**batch, key: changed}, dialogue=dialogue, turn=turn)
    except ValueError as error:
        return str(error)
    return metric.compute()


@pytest.mark.parametrize("validate", [True, False])
@pytest.mark.parametrize(("name", "key"), COLUMNS)
def test_infinity_is_refused_or_counts_as_nan(name: str, key: str, validate: bool) -> None:
    unknown = result(name, key, math.nan, validate)
    for value in (math.inf, -math.inf):
        found = result(name, key, value, validate)
        if isinstance(found, str):
            assert f"`{key}`" in found
            continue
        refused = isinstance(result(name, key, math.copysign(LARGEST, value), validate), str)
        assert not refused or name in ORDERS_ONLY, "a range is checked"
        assert not isinstance(unknown, str), "what is refused as NaN cannot be taken as infinity"
        assert found.keys() == unknown.keys()
        for entry, number in found.items():
            assert not number.abs() > LARGEST, entry
            if name not in ORDERS_ONLY:
                torch.testing.assert_close(number, unknown[entry], rtol=1e-9, atol=1e-9, equal_nan=True, msg=entry)


def test_numbers_of_every_metric_are_tried() -> None:
    assert len(COLUMNS) > 60
