# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Quality of selectors over a stream: within records and pooled, and whether their scores mean what they say."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from sklearn.metrics import brier_score_loss, roc_auc_score
from torch import Tensor

from imug_metrics import Selection
from imug_metrics.functional import selection
from tests.metrics import cases

CASES = {
    "selection": cases.Case(Selection, cases.candidates),
    "selection-probabilities": cases.Case(
        lambda **k: Selection("spearman", probabilities=True, bins=4, **k), cases.candidates
    ),
}


@pytest.fixture(scope="module")
def data() -> dict[str, Tensor]:
    """Right and wrong candidates with calibrated probabilities on a grid of 1/16."""
    generator = torch.Generator().manual_seed(0)
    probability = (torch.randint(0, 16, (300, 6), generator=generator) + 0.5).double() / 16
    right = (torch.rand(300, 6, generator=generator) < probability).double()
    return {
        "scores": right,
        "selector": probability,
        "dialogue": torch.arange(300) // 3,
        "turn": torch.arange(300) % 3 + 1,
    }


def test_estimates_are_those_of_the_references(data: dict[str, Tensor]) -> None:
    metric = Selection("spearman", probabilities=True, detail=True)
    metric.update(**data)
    found = {key: float(value) for key, value in metric.compute().items()}
    y, p = data["scores"], data["selector"]
    for name, measure in (("selection", "spearman"), ("selection_top", "top"), ("selection_auroc", "auroc")):
        assert found[name] == pytest.approx(selection(y, p, measure=measure).item())
    flat = y.flatten().numpy(), p.flatten().numpy()
    assert found["selection_pooled_auroc"] == pytest.approx(roc_auc_score(*flat)), "the bins are the grid"
    assert found["selection_brier"] == pytest.approx(brier_score_loss(*flat))
    bins = [abs((flat[1] - flat[0])[flat[1] == level].sum()) for level in np.unique(flat[1])]
    assert found["selection_ece"] == pytest.approx(sum(bins) / len(flat[0]))
    assert found["selection_calibration_slope"] == pytest.approx(np.polyfit(flat[1], flat[0], 1)[0])
    assert found["selection_calibration_slope_lower"] < 1 < found["selection_calibration_slope_upper"]


def test_a_selector_that_only_knows_hard_turns_picks_no_better_than_chance() -> None:
    generator = torch.Generator().manual_seed(1)
    easy = torch.rand(500, 1, generator=generator)
    right = (torch.rand(500, 8, generator=generator) < easy).double()
    selector = (easy + 0.02 * torch.rand(500, 8, generator=generator)).clamp(0, 1)
    metric = Selection(detail=True)
    metric.update(right, selector, dialogue=torch.arange(500), turn=torch.ones(500).long())
    found = metric.compute()
    assert found["selection_pooled_auroc"] > 0.75
    assert found["selection_auroc_lower"] < 0.5 < found["selection_auroc_upper"]
    assert found["selection_top"].item() == pytest.approx(found["selection_chance"].item(), abs=0.05)


def test_an_overconfident_selector_has_a_flat_calibration_slope(data: dict[str, Tensor]) -> None:
    metric = Selection(probabilities=True, detail=True)
    metric.update(**{**data, "selector": (data["selector"] > 0.5).double() * 0.98 + 0.01})
    found = metric.compute()
    assert found["selection_calibration_slope"] < 0.6
    assert found["selection_ece"] > 0.2
    assert found["selection_ece_lower"].isnan()


def test_bootstrap_gives_the_calibration_error_an_interval(data: dict[str, Tensor]) -> None:
    metric = Selection(probabilities=True, detail=True, bootstrap=50)
    metric.update(**data)
    found = metric.compute()
    assert found["selection_ece_lower"] < found["selection_ece_upper"]


def test_probabilities_outside_their_range_are_refused(data: dict[str, Tensor]) -> None:
    with pytest.raises(ValueError, match="`selector` to lie in"):
        Selection(probabilities=True).update(**{**data, "selector": data["selector"] * 2})


def test_a_selector_beyond_the_bins_is_refused_where_they_are_needed(data: dict[str, Tensor]) -> None:
    logits = {**data, "selector": 3 + data["selector"]}
    plain = Selection()
    plain.update(**logits)
    metric = Selection(detail=True)
    with pytest.raises(ValueError, match=r"`selector` to lie in 0 to 1, .*set `low` and `high`.* at row \[0, 0\]"):
        metric.update(**logits)
    unseen = Selection(detail=True, validate=False)
    unseen.update(**logits)
    found = unseen.compute()
    assert found["selection"] == plain.compute()
    assert found["selection_pooled_auroc"].isnan()
    right = Selection(detail=True, low=3, high=4)
    right.update(**logits)
    assert right.compute()["selection_pooled_auroc"] > 0.6


@pytest.mark.parametrize("arguments", [{"correlation": "pearson"}, {"low": 1.0}, {"bins": 1}])
def test_wrong_arguments_are_refused(arguments: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=f"`{next(iter(arguments))}`"):
        Selection(**arguments)


def test_infinite_scores_are_ordered_and_spoil_nothing(data: dict[str, Tensor]) -> None:
    """A selector may give logarithms of probabilities; that of 0 is -inf."""
    selector = data["selector"].log()
    selector[::7, 2] = -torch.inf
    metric = Selection("spearman", low=-9, detail=True)
    metric.update(**data | {"selector": selector})
    found = {key: float(value) for key, value in metric.compute().items()}
    finite = selector.isfinite()
    assert found["selection"] == pytest.approx(selection(data["scores"], selector, measure="spearman").item())
    line = np.polyfit(selector[finite].numpy(), data["scores"][finite].numpy(), 1)
    assert found["selection_calibration_slope"] == pytest.approx(line[0])
    for name in ("", "_top", "_auroc", "_pooled_auroc", "_calibration_slope"):
        assert found[f"selection{name}_lower"] < found[f"selection{name}"] < found[f"selection{name}_upper"]
