# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""What a result hands to trainers and trackers."""

from __future__ import annotations

import math

import pytest
import torch

from imug_metrics.errors import ArgumentError
from imug_metrics.metrics.exports import finite_scores


def test_what_is_undefined_or_infinite_is_left_out() -> None:
    result = {"a": torch.tensor(0.5), "b": torch.tensor(torch.nan), "c": -math.inf, "d": 3, "e": torch.tensor([0.25])}
    assert finite_scores(result) == {"a": 0.5, "d": 3.0, "e": 0.25}
    assert {type(value) for value in finite_scores(result).values()} == {float}


@pytest.mark.parametrize("value", [torch.zeros(2), "0.5 m", None, {"a": 1.0}])
def test_a_value_that_is_no_number_is_named(value: object) -> None:
    with pytest.raises(ArgumentError, match="'mine' is no single number"):
        finite_scores({"mine": value})
