# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""How numbers of candidates and strategies are read."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch

from imug_metrics import AdaptivePolicy, BestOfN, Selection, StrategyComparison, VerifierCurve
from imug_metrics.functional import adaptive_policy, best_of_n_curve, selection, strategy_comparison, verifier_curve

CLOSE = [0.1, 0.1 + 1e-12]  # as float32 these would be one number
WRONG: dict[str, tuple[Callable[..., object], dict[str, object]]] = {
    "selector": (BestOfN().update, {"scores": [[0.1, 0.2]], "selector": [[0.1]]}),
    "selector of Selection": (Selection().update, {"scores": [[0.1, 0.2]], "selector": [[0.1]]}),
    "target": (VerifierCurve().update, {"scores": [[0.1, 0.2]], "target": [[1]]}),
    "costs": (
        StrategyComparison(("a", "b"), costs=("tokens",)).update,
        {"scores": [[0.1, 0.2]], "costs": [[1.0, 1.0], [1.0, 1.0]]},
    ),
    "costs of AdaptivePolicy": (AdaptivePolicy(2).update, {"scores": [[0.1, 0.2]], "costs": [[1.0]], "preds": [0]}),
}


@pytest.mark.parametrize("case", WRONG)
def test_an_argument_of_another_shape_is_named(case: str) -> None:
    update, arguments = WRONG[case]
    with pytest.raises(ValueError, match=f"`{case.split()[0]}` to have the shape of .scores."):
        update(**arguments, dialogue=[0], turn=[1])


def test_lists_keep_all_digits() -> None:
    assert selection([CLOSE], [[0.0, 1.0]]).item() == 1
    assert selection([[0.0, 1.0]], [CLOSE]).item() == 1
    assert best_of_n_curve([CLOSE], k=2).item() == CLOSE[1]
    assert strategy_comparison([CLOSE])[1].item() == CLOSE[1] - CLOSE[0]
    assert adaptive_policy([CLOSE], [[1.0, 1.0]], [0]).item() == pytest.approx(1e-12, rel=1e-3)
    assert len(verifier_curve(CLOSE, [0, 1]).threshold) == 3


def test_whole_numbers_and_booleans_are_scores() -> None:
    right = torch.tensor([[True, False], [True, True]])
    assert best_of_n_curve(right, k=2).item() == 1
    metric = BestOfN(2)
    metric.update(right.long(), dialogue=[0, 1], turn=[1, 1])
    assert metric.compute().item() == 1
