# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""turn_cost against a line fitted by numpy."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from imug_metrics.errors import InputError
from imug_metrics.functional import turn_cost


@pytest.mark.parametrize("seed", range(3))
def test_one_dialogue_grows_by_its_slope_in_parts_of_its_first_cost(seed: int) -> None:
    costs = np.random.default_rng(seed).gamma(3, 100, 6)
    slope = np.polyfit(range(6), costs, 1)[0]
    assert turn_cost(costs[None]).item() == pytest.approx(slope / costs[0], abs=1e-9)


def test_the_unit_does_not_matter() -> None:
    costs = torch.tensor([[3.0, 5.0, 4.0], [2.0, 2.0, 7.0]])
    torch.testing.assert_close(turn_cost(costs), turn_cost(1000 * costs))


def test_dialogues_come_by_id_and_unknown_costs_are_left_out() -> None:
    costs = [10.0, 20.0, 4.0, torch.nan, 8.0]
    found = turn_cost(costs, dialogue=[7, 7, 3, 3, 3], turn=[1, 2, 1, 2, 3], reduction="none")
    assert found.tolist() == pytest.approx([0.5, 1.0])


def test_a_first_cost_that_is_not_known_is_replaced_by_the_first_that_is() -> None:
    assert turn_cost([[torch.nan, 10.0, 15.0]]).item() == pytest.approx(0.5)


def test_equal_costs_have_no_growth_at_all() -> None:
    assert turn_cost([[0.1, 0.1, 0.1]]).item() == 0


def test_a_single_turn_says_nothing() -> None:
    assert turn_cost([[5.0], [7.0]]).isnan()


def test_negative_costs_are_refused() -> None:
    with pytest.raises(InputError, match="`costs` to lie in"):
        turn_cost([[1.0, -2.0]])
