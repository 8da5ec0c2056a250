# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""The plot of every metric says what it draws: axes, level, n, slope; and draws values, steps and nothing at all."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import pytest
import torch

from imug_metrics import (
    BestOfN,
    Breakdown,
    ContextDecay,
    DialogueMetric,
    MetricAgreement,
    StrategyComparison,
    TurnAlignment,
    TurnDecay,
    VerifierCurve,
)
from imug_metrics.metrics.plotting import quantity
from tests.metrics.cases import Case, all_cases, metric_cases, places

pytestmark = pytest.mark.filterwarnings("ignore:The curve of", "ignore:The ``compute`` method")

CURVES = {  # what the curve shows, where that is not the primary estimate
    "best-of-n": ("candidates", "score of the pick"),
    "context-pooled": ("context length in tokens", "mean score"),
    "context-within": ("context length in tokens", "mean score"),
    "cost": ("turn", "mean cost"),
    "cost-scored": ("turn", "mean cost, tokens"),
    "decay-pooled": ("turn", "mean score"),
    "decay-theil-sen": ("turn", "mean score"),
    "decay-within": ("turn", "mean score"),
    "diversity": ("turn", "diversity over dialogues"),
    "diversity-distance": ("turn", "diversity over dialogues"),
    "exposure-bias": ("turn", "gap, reference − own (score)"),
    "exposure-bias-horizon": ("turn", "gap, reference − own (score)"),
    "gap": ("turn", "mean score"),
    "loops-contraction": ("turn", "mean score"),
    "loops-gain": ("turn", "mean score"),
    "samples": ("turn", "diversity of the samples"),
    "samples-distance": ("turn", "diversity of the samples"),
    "strategies": ("turn", "gain over plain (score)"),
    "switch-cost": ("turn", "mean score"),
    "turn-of-flip": ("turn", "share that still holds"),
    "verifier": ("wrong accepted", "right accepted"),
}
ROWS = {"agreement", "agreement-groups", "breakdown", "jury"}  # estimates in rows, no curve
BOUNDS: dict[str, dict[str, Any]] = {"jury": {"bootstrap": 20}}  # what jumps has none otherwise


@pytest.fixture(autouse=True)
def closed_figures() -> Iterator[None]:
    pyplot = pytest.importorskip("matplotlib.pyplot")
    yield
    pyplot.close("all")


def note(axis: Any) -> str:
    return " ".join(axis.get_title(loc="left").split())


def described(case: Case) -> str:
    return quantity(case.make().describe())


@pytest.mark.parametrize("name", sorted(all_cases()))
def test_a_value_stands_under_its_name(name: str) -> None:
    case = all_cases()[name]
    metric = case.feed(case.make(), *places())
    _, axis = metric.plot()
    assert axis.get_xlabel() == described(case)
    assert axis.texts[0].get_text() != "–"
    value = metric.compute()
    value = next(iter(value.values())) if isinstance(value, dict) else value
    assert axis.containers[0].lines[0].get_xdata()[0] == pytest.approx(float(value))


@pytest.mark.parametrize("name", sorted(all_cases()))
def test_a_curve_says_what_it_is_and_on_what_it_rests(name: str) -> None:
    case = all_cases()[name]
    metric = case.feed(case.make(detail=True), *places())
    _, axis = metric.plot()
    words = (described(case), "") if name in ROWS else CURVES.get(name, ("turn", described(case)))
    assert (axis.get_xlabel(), axis.get_ylabel()) == words
    assert "95 % interval by dialogue" in note(axis)
    assert "records" in note(axis)
    assert "dialogues" in note(axis)
    own = metric.whole if isinstance(metric, Breakdown) else metric
    found = metric.compute()
    if name not in ROWS | {"verifier"}:
        assert quantity(own.describe()).split(" (")[0] in note(axis)
        if f"{own.name}_slope" in found and own.primary != "slope" and name != "gap":
            assert "slope" in note(axis)


@pytest.mark.parametrize("name", sorted(metric_cases()))
def test_the_level_is_that_of_the_metric(name: str) -> None:
    case = metric_cases()[name]
    _, axis = case.feed(case.make(detail=True, level=0.8), *places()).plot()
    assert "80 % interval" in note(axis)


@pytest.mark.parametrize("name", sorted(metric_cases()))
def test_with_interval_there_is_the_value_and_its_bar(name: str) -> None:
    case = metric_cases()[name]
    metric = case.feed(case.make(detail="interval", **BOUNDS.get(name, {})), *places())
    _, axis = metric.plot()
    found = metric.compute()
    [bar] = [bar for container in axis.containers for part in container.lines[2] for bar in part.get_segments()]
    assert bar[:, 0].tolist() == pytest.approx([float(found[f"{metric.name}{end}"]) for end in ("_lower", "_upper")])
    assert axis.get_xlabel() == described(case)
    assert "95 % interval by dialogue" in note(axis)
    assert "records" in note(axis)


@pytest.mark.parametrize("detail", [False, "interval", True])
@pytest.mark.parametrize("name", sorted(all_cases()))
def test_where_nothing_was_scored_the_axis_says_so(name: str, detail: Any) -> None:
    figure, axis = all_cases()[name].make(detail=detail).plot()
    figure.draw_without_rendering()
    assert "nothing could be scored" in [text.get_text() for text in axis.texts]


@pytest.mark.parametrize("detail", [False, True])
@pytest.mark.parametrize("name", sorted(all_cases()))
def test_results_of_several_steps_are_drawn_over_steps(name: str, detail: bool) -> None:
    case = all_cases()[name]
    metric = case.feed(case.make(detail=detail, **BOUNDS.get(name, {})), *places())
    found = metric.compute()
    _, axis = metric.plot([found, found, found])
    assert (axis.get_xlabel(), axis.get_ylabel()) == ("step", described(case))
    assert axis.lines[0].get_xdata().tolist() == [0, 1, 2]
    has_bounds = isinstance(found, dict) and any(key.endswith("_lower") for key in found)
    assert has_bounds == bool(axis.collections)


def decay(turns: int = 4, dialogues: int = 25, **options: Any) -> TurnDecay:
    metric = TurnDecay(detail=True, **options)
    generator = torch.Generator().manual_seed(0)
    metric.update(torch.rand(dialogues, turns, generator=generator))
    return metric


def test_no_step_at_all_is_refused() -> None:
    with pytest.raises(ValueError, match="`val`: expected at least one result"):
        TurnDecay().plot([])


def test_points_on_few_dialogues_are_hollow_in_the_result_of_the_state() -> None:
    metric = TurnDecay(detail=True)
    scores = torch.zeros(30, 3)  # a score of 0 is one
    metric.update(scores, lengths=torch.tensor([2] * 15 + [3] * 15))
    _, axis = metric.plot()
    [hollow] = [line for line in axis.lines if line.get_label() == "_hollow"]
    assert hollow.get_xdata() == [3]
    found = metric.compute()
    assert "hollow" in note(metric.plot(found)[1])
    metric.update(torch.full((9, 3), 0.5))
    assert "hollow" not in note(metric.plot(found)[1]), "the state is no longer that of the result"


def test_a_turn_that_could_not_be_scored_is_a_gap() -> None:
    metric = TurnDecay(detail=True)
    metric.update(torch.tensor([[0.9, 0.8, math.nan, 0.6, 0.5]]).expand(20, 5) - torch.rand(20, 1) / 10)
    _, axis = metric.plot()
    assert [value == value for value in axis.lines[0].get_ydata()] == [True, True, False, True, True]


def test_a_curve_of_every_second_turn_is_a_line() -> None:
    metric = TurnDecay(detail=True)
    turn = torch.tensor([1, 3, 5]).repeat(20)
    metric.update(torch.rand(60), dialogue=torch.arange(20).repeat_interleave(3), turn=turn)
    assert metric.plot()[1].lines[0].get_xdata().tolist() == [1, 3, 5]


def test_a_single_turn_is_no_curve() -> None:
    metric = TurnAlignment(detail=True)
    rows = torch.randn(12, 8)
    metric.update(rows, rows + torch.randn(12, 8), dialogue=torch.arange(12), turn=torch.ones(12, dtype=torch.int64))
    _, axis = metric.plot()
    assert axis.get_xlabel() == "alignment (score)"
    assert axis.containers


def test_the_slope_of_the_note_is_that_of_the_result() -> None:
    metric = decay()
    found = metric.compute()
    ends = [f"{found[f'turn_decay{end}'].item():.2f}".replace("-", "−") for end in ("", "_lower", "_upper")]
    assert "change per turn {} ({} to {})".format(*ends) in note(metric.plot()[1])


def test_two_metrics_on_one_axis_are_told_apart() -> None:
    figure, axis = decay().plot()
    assert decay(turns=6).plot(ax=axis) == (figure, axis)
    first, second = [line for line in axis.lines if not line.get_label().startswith("_")]
    assert first.get_color() != second.get_color()


def test_the_context_length_is_on_a_log_axis_and_candidates_too() -> None:
    cases = metric_cases()
    for name in ("context-within", "best-of-n"):
        _, axis = cases[name].feed(cases[name].make(detail=True), *places()).plot()
        assert axis.get_xscale() == "log"


def test_the_roc_of_the_state_goes_through_the_thresholds() -> None:
    metric = VerifierCurve(thresholds=(0.25, 0.5, 0.75), bins=8, detail=True)
    generator = torch.Generator().manual_seed(0)
    right = (torch.rand(40, 3, generator=generator) > 0.5).double()
    scores = (0.3 * right + 0.7 * torch.rand(40, 3, generator=generator)).clamp(0, 1)
    metric.update(scores, right, dialogue=torch.arange(40), turn=torch.ones(40, dtype=torch.int64))
    found = metric.compute()
    _, axis = metric.plot()
    line = axis.lines[0]
    corners = [(round(x, 9), round(y, 9)) for x, y in zip(line.get_xdata(), line.get_ydata())]
    assert corners[0] == (0, 0)
    assert corners[-1] == (1, 1)
    for i in (1, 2, 3):
        rates = (found[f"verifier_curve_{side}_accept_{i}"].item() for side in ("false", "true"))
        assert tuple(round(rate, 9) for rate in rates) in corners
    area = float(torch.trapezoid(torch.tensor(line.get_ydata()), torch.tensor(line.get_xdata())))
    assert area == pytest.approx(found["verifier_curve"].item())
    other = {key: value.clone() for key, value in found.items()}
    assert len(metric.plot(other)[1].lines) < len(axis.lines), "without the state there are the thresholds alone"


def test_strategies_are_drawn_by_cost_and_score() -> None:
    case = metric_cases()["strategies"]
    metric: StrategyComparison = case.feed(case.make(detail=True), *places())
    _, axis = metric.plot_front()
    assert (axis.get_xlabel(), axis.get_ylabel()) == ("tokens a record", "mean score")
    assert [text.get_text() for text in axis.texts] == ["plain", "cot", "bon"]
    found = metric.compute()
    front = [found[f"strategy_comparison_front_tokens_{name}"] > 0 for name in metric.strategies]
    assert [drawn.lines[0].get_markerfacecolor() != "white" for drawn in axis.containers] == front
    with pytest.raises(ValueError, match="`cost`: expected a kind of cost"):
        metric.plot_front("seconds")
    with pytest.raises(ValueError, match="detail=True"):
        case.feed(case.make(), *places()).plot_front()


def test_agreement_is_drawn_by_kind_and_group() -> None:
    case = metric_cases()["agreement-groups"]
    metric: MetricAgreement = case.feed(case.make(detail=True), *places())
    _, axis = metric.plot()
    rows = [label.get_text() for label in axis.get_yticklabels()]
    assert rows == ["all records", *metric.groups, "within groups", "between groups"]
    assert [text.get_text() for text in axis.get_legend().get_texts()] == [
        "Pearson's r",
        "Spearman's rho",
        "Kendall's tau-b",
    ]


def test_groups_stand_beside_all_records() -> None:
    metric = Breakdown(TurnDecay(detail=True), groups=["a", "b"])
    rows = {"dialogue": torch.arange(20).repeat_interleave(3), "turn": torch.tensor([1, 2, 3]).repeat(20)}
    metric.update(torch.rand(60), group=["a", "a", "a", "b", "b", "b"] * 10, **rows)
    _, axis = metric.plot()
    assert [label.get_text() for label in axis.get_yticklabels()] == ["all records", "a", "b"]
    found = metric.compute()
    drawn = axis.containers[0].lines[0].get_xdata().tolist()
    assert drawn == pytest.approx([float(found[key]) for key in ("turn_decay", "turn_decay[a]", "turn_decay[b]")])


@pytest.mark.parametrize("metric", [BestOfN(4, detail=True), ContextDecay(detail=True)])
def test_drawing_does_not_change_the_state(metric: DialogueMetric) -> None:
    case = {"best_of_n": "best-of-n", "context_decay": "context-within"}[metric.name]
    metric_cases()[case].feed(metric, *places())
    before = metric.packed.clone()
    metric.plot()
    assert torch.equal(metric.packed, before)
