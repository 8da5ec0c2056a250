# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""What the base class promises beyond the invariances: options, plots, import cost."""

from __future__ import annotations

from typing import Any

import matplotlib
import pytest
import torch
from torch import Tensor

from imug_metrics import DialogueMetric, MetricAgreement, SelfBias, TurnConsistency, TurnDecay
from imug_metrics.dialogues.columns import score_column

matplotlib.use("Agg")


@pytest.mark.parametrize(
    ("options", "name"),
    [
        ({"missing": "drop"}, "missing"),
        ({"average": "micro"}, "average"),
        ({"level": 1.0}, "level"),
        ({"bootstrap": -1}, "bootstrap"),
        ({"bootstrap": 2.5}, "bootstrap"),
        ({"max_turns": 0}, "max_turns"),
        ({"slope": "mean"}, "slope"),
        ({"keep": 0.0}, "keep"),
    ],
)
def test_options_outside_their_range_are_named(options: dict, name: str) -> None:
    with pytest.raises(ValueError, match=f"`{name}`"):
        TurnDecay(**options)
    with pytest.raises(ValueError, match="Unexpected keyword"):
        TurnDecay(nothing=1)


def test_turns_beyond_the_curve_count_in_everything_else() -> None:
    metric = TurnDecay(detail=True, max_turns=2)
    metric.update([[1.0, 0.8, 0.6], [0.9, 0.7, 0.5]])
    found = metric.compute()
    assert found["turn_decay"].item() == pytest.approx(-0.2)
    assert found["turn_decay_n"] == 6
    assert "turn_decay_turn_3" not in found
    assert found["turn_decay_later_n"] == 2


def test_average_by_dialogue_weighs_short_and_long_alike() -> None:
    scores, dialogue, turn = [1.0, 0.0, 0.0, 0.0], [0, 1, 1, 1], [1, 1, 2, 3]
    for average, mean in (("record", 0.25), ("dialogue", 0.5)):
        metric = TurnDecay(detail=True, average=average)
        metric.update(scores, dialogue=dialogue, turn=turn)
        assert metric.compute()["turn_decay_mean"].item() == pytest.approx(mean)


def test_detail_is_a_flat_dict_of_float64_scalars() -> None:
    metric = TurnConsistency(detail=True)
    metric.update(torch.rand(3, 4, 5))
    for key, value in metric.compute().items():
        assert key.startswith("turn_consistency")
        assert value.dtype == torch.float64
        assert value.ndim == 0


def unseen(key: str, found: dict[str, Tensor]) -> bool:
    """Whether it is a turn that nobody scored."""
    return "_turn_" in key and bool(found[key].isnan())


def test_reasons_tell_what_is_missing_in_the_last_result_and_nothing_else() -> None:
    metric = TurnDecay(detail=True, bootstrap=0, score_range=(0, 1))
    assert metric.reasons == {}
    metric.update([[0.9, 0.8]], dialogue=[1])
    found = metric.compute()
    few = "fewer than 2 effective dialogues carry it"
    assert metric.reasons["turn_decay"] == metric.reasons["turn_decay_mean"] == few
    assert metric.reasons.keys() == {key for key in found if f"{key}_lower" in found and not unseen(key, found)}
    metric.update(torch.rand(8, 3, generator=torch.Generator().manual_seed(0)), dialogue=range(2, 10))
    assert few in metric.reasons.values(), "they are those of the last result until another one is made"
    metric.compute()
    assert metric.reasons == {
        "turn_decay_effective_turns": "it has no formula for one, and there is no bootstrap",
    }
    assert not any(key.endswith("_reason") for key in metric.compute())


def test_every_reason_is_given_for_what_it_says() -> None:
    metric = TurnDecay(detail=True)
    metric.update([[0.5, 0.5], [0.5, 0.5], [0.5, 0.5]])
    metric.compute()
    constant = "it is the same in all dialogues, or differs from 0 in fewer than 2 effective ones"
    assert metric.reasons["turn_decay"] == metric.reasons["turn_decay_mean"] == constant
    metric.reset()
    metric.update([[0.5], [0.75], [0.25]])
    metric.compute()
    assert metric.reasons["turn_decay"] == metric.reasons["turn_decay_retention"] == "it is undefined"
    assert "turn_decay_mean" not in metric.reasons


def test_the_bootstrap_bounds_what_has_no_formula_and_leaves_the_other_bounds_as_they_are() -> None:
    scores = torch.rand(30, 4, generator=torch.Generator().manual_seed(1)) - 0.1 * torch.arange(4)
    results = []
    for bootstrap in (0, 300):
        metric = TurnDecay(detail=True, bootstrap=bootstrap)
        metric.update(scores, dialogue=range(30))
        results.append((metric.compute(), metric.reasons))
    (plain, lacking), (drawn, nothing) = results
    key = "turn_decay_effective_turns"
    assert lacking.keys() == {key}
    assert nothing == {}
    assert drawn[f"{key}_lower"] <= drawn[key] <= drawn[f"{key}_upper"]
    for name in plain.keys() - {f"{key}_lower", f"{key}_upper"}:
        assert torch.equal(plain[name].nan_to_num(-9), drawn[name].nan_to_num(-9)), name


def test_effective_dialogues_of_an_average_by_dialogue_are_all_of_them() -> None:
    """Each weighs alike, however long: what is one dialogue by records has an interval by dialogue."""
    scores = torch.rand(35, generator=torch.Generator().manual_seed(2))
    dialogue, turn = [1] * 30 + [2] * 3 + [3, 4], [*range(1, 31), 1, 2, 3, 1, 1]
    found = {}
    for average in ("record", "dialogue"):
        metric = TurnDecay(detail=True, average=average, max_turns=30)
        metric.update(scores, dialogue=dialogue, turn=turn)
        found[average] = metric.compute()["turn_decay_mean_lower"]
    assert found["record"].isnan()
    assert not found["dialogue"].isnan()


def test_plot_draws_the_value_or_the_curve_with_its_band() -> None:
    scalar, curve = TurnDecay(), TurnDecay(detail=True)
    for metric in (scalar, curve):
        metric.update(torch.rand(6, 4))
    figure, axis = scalar.plot()
    assert figure is not None
    figure, axis = curve.plot()
    assert axis.lines[0].get_xdata().tolist() == [1, 2, 3, 4]
    expected = [curve.compute()[f"turn_decay_turn_{k}"].item() for k in range(1, 5)]
    assert axis.lines[0].get_ydata().tolist() == pytest.approx(expected)
    assert len(axis.collections) == 1
    assert curve.plot(curve.compute(), ax=axis)[1] is axis


class _Own(DialogueMetric):
    """A metric of somebody else, who knows the base class alone."""

    name = "own"

    def update(self, scores: list[float], *, dialogue: list[int] | None = None, turn: list[int] | None = None) -> None:
        inputs = self._pack({"scores": score_column("scores", scores)}, dialogue, turn)
        self._add(inputs.batch, inputs.columns["scores"])


class _OfOnePoint(_Own):
    primary = "turn_2"


class _OfSums(_Own):
    primary = "double"

    def _derived(self, sums: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        return {"double": 2 * sums["mean.num"] / sums["mean.den"]}


class _OfFewSums(_OfSums):
    def _needed(self) -> tuple[str, ...]:
        return "mean.num", "mean.den"


class _OfUnknownSums(_OfSums):
    def _needed(self) -> tuple[str, ...]:
        return "mean.num", "mean.count"


@pytest.mark.parametrize(
    ("metric", "value", "kept"), [(_Own, 2, 2), (_OfOnePoint, 3, 2), (_OfSums, 4, 39), (_OfFewSums, 4, 2)]
)
@pytest.mark.parametrize("padded", [True, False])
def test_any_estimate_may_be_the_primary_one(metric: type[_Own], value: float, kept: int, padded: bool) -> None:
    plain, detailed = metric(), metric(detail=True)
    for each in (plain, detailed):
        each.update(torch.tensor([[1.0, 3.0]])) if padded else each.update([1.0, 3.0], dialogue=[0, 0], turn=[1, 2])
    assert plain.compute() == detailed.compute()["own"] == value
    assert len(plain.moments) == kept


def test_sums_that_nobody_adds_are_refused() -> None:
    with pytest.raises(ValueError, match=r"`_needed` to name sums of _OfUnknownSums, got 'mean.count'"):
        _OfUnknownSums()


def test_a_state_of_inference_mode_becomes_like_any_other() -> None:
    """As a trainer leaves one that validates in inference mode and trains outside of it."""
    with torch.inference_mode():
        metric = TurnDecay()
        metric.update([[0.5, 0.25]])
    metric.update([[0.5, 0.25]])
    metric.moments.mul_(1.0)
    weight = torch.ones((), requires_grad=True, dtype=torch.float64)
    (weight * metric.moments).sum().backward()
    assert metric.compute() == -0.25


@pytest.mark.parametrize(
    ("metric", "columns", "name"),
    [
        (TurnDecay("theil-sen"), 1, "slopes"),
        (SelfBias(skewness=True), 2, "differences"),
        (MetricAgreement(detail=True), 2, "rows"),
    ],
    ids=["slopes", "differences", "rows"],
)
def test_rows_that_a_metric_keeps_can_be_used_anywhere(metric: Any, columns: int, name: str) -> None:
    for seed in range(3):
        metric.update(*torch.rand(columns, 2, 3, generator=torch.Generator().manual_seed(seed)))
    weight = torch.ones((), requires_grad=True)
    for rows in getattr(metric, name):
        (weight * rows.mul_(1.0)).sum().backward()
    assert weight.grad is not None


def test_forward_keeps_the_gradient_of_a_metric_that_says_nothing_of_derivatives() -> None:
    class Total(DialogueMetric):
        name = "total"
        last: Tensor

        def update(self, scores: Tensor) -> None:
            self.last = scores.sum()

        def compute(self) -> Tensor:
            return self.last

    scores = torch.ones(2, 3, requires_grad=True)
    Total()(scores).backward()
    assert scores.grad is not None
