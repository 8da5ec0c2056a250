# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from itertools import pairwise

import pytest

from imug_metrics.plots.end_labels import fits, spread


def test_names_that_stand_apart_stay_where_they_are() -> None:
    assert spread([0.0, 10.0, 30.0], 5.0) == [0.0, 10.0, 30.0]


def test_names_of_one_place_are_spread_around_it() -> None:
    assert spread([10.0, 10.0, 10.0], 4.0) == pytest.approx([6.0, 10.0, 14.0])


def test_groups_that_meet_move_together() -> None:
    found = spread([0.0, 0.0, 3.0, 3.0], 2.0)
    assert all(after - before >= 2.0 - 1e-9 for before, after in pairwise(found))
    assert sum(found) == pytest.approx(6.0)


def test_no_names_are_no_heights() -> None:
    assert spread([], 1.0) == []
    assert fits([])
