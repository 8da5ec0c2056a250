# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Judged points against plain arithmetic."""

from __future__ import annotations

import math
import random

import pytest
import torch

from imug_metrics.functional import point_score


def test_ragged_points_against_plain_means() -> None:
    draw = random.Random(1)
    points = [[draw.randint(0, 5) for _ in range(draw.randint(1, 9))] for _ in range(200)]
    expected = [sum(row) / len(row) / 5 for row in points]
    assert point_score(points, reduction="none").tolist() == pytest.approx(expected, abs=1e-15)
    assert point_score(points).item() == pytest.approx(sum(expected) / len(expected), abs=1e-15)


def test_masks_are_the_same_as_lists() -> None:
    points = torch.tensor([[5.0, 3.0, 9.0], [1.0, torch.nan, torch.nan]])
    masks = torch.tensor([[True, True, False], [True, False, False]])
    found = point_score(points, masks, reduction="none")
    torch.testing.assert_close(found, point_score([[5, 3], [1]], reduction="none"))


def test_what_cannot_be_scored_is_nan() -> None:
    found = point_score([[], None, [math.nan, 5], [5]], reduction="none")
    assert found.isnan().tolist() == [True, True, True, False]
    assert point_score([]).isnan()


@pytest.mark.parametrize("wrong", [6, -1, 2.5, math.inf])
def test_strict_refuses_what_the_released_summary_takes(wrong: float) -> None:
    with pytest.raises(ValueError, match=f"whole numbers from 0 to 5, got {float(wrong)} at row 1"):
        point_score([[5], [3, wrong]])
    assert point_score([[wrong, 5]], protocol="imug").item() == pytest.approx((wrong + 5) / 10)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"items": torch.rand(3)}, "`items` to have shape"),
        ({"items": torch.ones(2, 3), "masks": torch.ones(2, 3)}, "`masks` to be boolean"),
        ({"items": [[1]], "masks": torch.ones(1, 2, dtype=torch.bool)}, "`masks` to have the shape of `items`"),
        ({"items": [[1]], "best": 0}, "`best` to be positive"),
        ({"items": [[1]], "protocol": "official"}, "`protocol` to be one of"),
        ({"items": [[1]], "reduction": "sum"}, "`reduction`"),
    ],
)
def test_refused(arguments: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        point_score(**arguments)
