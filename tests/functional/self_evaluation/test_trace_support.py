# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Support of claims against plain means."""

from __future__ import annotations

import math
import random

import pytest
import torch

from imug_metrics.functional import trace_support


def test_ragged_claims_against_plain_means() -> None:
    draw = random.Random(1)
    claims = [[draw.random() for _ in range(draw.randint(1, 9))] for _ in range(200)]
    expected = [sum(row) / len(row) for row in claims]
    assert trace_support(claims, reduction="none").tolist() == pytest.approx(expected, abs=1e-15)
    assert trace_support(claims).item() == pytest.approx(sum(expected) / len(expected), abs=1e-15)


def test_masks_are_the_same_as_lists() -> None:
    claims = torch.tensor([[0.5, 0.25, 9.0], [1.0, torch.nan, torch.nan]])
    masks = torch.tensor([[True, True, False], [True, False, False]])
    found = trace_support(claims, masks, reduction="none")
    torch.testing.assert_close(found, trace_support([[0.5, 0.25], [1]], reduction="none"))


def test_what_cannot_be_scored_is_nan() -> None:
    found = trace_support([[], None, [math.nan, 1], [1]], reduction="none")
    assert found.isnan().tolist() == [True, True, True, False]
    assert trace_support([]).isnan()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"items": [[1], [0, 1.5]]}, "from 0 to 1, got 1.5 at row 1"),
        ({"items": [[-0.5]]}, "from 0 to 1, got -0.5 at row 0"),
        ({"items": torch.rand(3)}, "`items` to have shape"),
        ({"items": torch.rand(2, 2, 3)}, r"`items` to have shape \[N, P\]"),
        ({"items": [[1]], "masks": torch.ones(1, 2, dtype=torch.bool)}, "`masks` to have the shape of `items`"),
        ({"items": [[1]], "reduction": "sum"}, "`reduction`"),
    ],
)
def test_refused(arguments: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        trace_support(**arguments)
