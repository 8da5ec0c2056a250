# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""`PointScore`: what counts, what is absent, and the details."""

from __future__ import annotations

import pytest
import torch

from imug_metrics import PointScore
from imug_metrics.functional import point_score
from tests.metrics import cases

CASES = {
    "points": cases.Case(PointScore, cases.points),
    "points-imug": cases.Case(lambda **k: PointScore(protocol="imug", best=10, **k), cases.points),
}


def test_turns_without_points_do_not_count_and_absent_ones_lower_the_coverage() -> None:
    metric = PointScore(detail=True)
    metric.update([[5, 5], [], None, [0, 5]], dialogue=[1, 1, 1, 2], turn=[1, 2, 3, 1])
    found = metric.compute()
    assert found["point_score"].item() == pytest.approx(0.75)
    assert found["point_score_coverage"].item() == pytest.approx(2 / 3)
    assert found["point_score_full"].item() == pytest.approx(0.5)
    assert found["point_score_point"].item() == pytest.approx(15 / 20)
    zero = PointScore(missing="zero")
    zero.update([[5, 5], [], None, [0, 5]], dialogue=[1, 1, 1, 2], turn=[1, 2, 3, 1])
    assert zero.compute().item() == pytest.approx(0.5)


def test_turns_weigh_alike_and_points_do_not() -> None:
    metric = PointScore(detail=True)
    metric.update([[5] * 9, [0]], dialogue=[1, 2], turn=[1, 1])
    found = metric.compute()
    assert (found["point_score"].item(), found["point_score_point"].item()) == (0.5, 0.9)


def test_padded_points_and_their_masks() -> None:
    points = torch.tensor([[[5.0, 0.0], [3.0, 9.0]], [[4.0, 4.0], [0.0, 0.0]]])
    masks = torch.tensor([[[True, True], [True, False]], [[True, True], [False, False]]])
    valid = torch.tensor([[True, True], [True, False]])
    metric = PointScore()
    metric.update(points, masks, valid=valid, lengths=[2, 1])
    assert metric.compute().item() == point_score([[5, 0], [3], [4, 4]]).item()


def test_a_point_out_of_range_changes_nothing() -> None:
    metric = PointScore()
    metric.update([[5]], dialogue=[1], turn=[1])
    with pytest.raises(ValueError, match=r"got 7\.0 at row 1"):
        metric.update([[5], [7]], dialogue=[2, 2], turn=[1, 2])
    assert metric.compute() == 1


def test_lengths_leave_out_what_lies_behind_a_dialogue() -> None:
    metric = PointScore(detail=True)
    metric.update(torch.tensor([[[5.0], [0.0]], [[5.0], [torch.nan]]]), lengths=torch.tensor([2, 1]))
    found = metric.compute()
    assert (found["point_score_n"], found["point_score_coverage"]) == (3, 1)
    assert found["point_score"].item() == pytest.approx(2 / 3)
