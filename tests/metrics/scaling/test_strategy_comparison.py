# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Strategies on the same records against paired comparisons one by one, and their intervals together."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor

from imug_metrics import PairedGain, StrategyComparison, compare_strategies
from tests.metrics import cases

CASES = {
    "strategies": cases.Case(
        lambda **k: StrategyComparison(("plain", "cot", "bon"), costs=("tokens",), **k), cases.strategies
    ),
}

NAMES = ("plain", "cot", "verify", "bon")


def data(dialogues: int = 60, seed: int = 0, gain: float = 0.0) -> dict[str, Tensor]:
    """Four strategies that share their luck in a dialogue; the last gains `gain` more at every turn."""
    generator = torch.Generator().manual_seed(seed)
    lengths = torch.randint(1, 6, (dialogues,), generator=generator)
    dialogue = torch.arange(dialogues).repeat_interleave(lengths)
    turn = torch.cat([torch.arange(1, int(n) + 1) for n in lengths])
    level = torch.randn(dialogues, 2, generator=generator, dtype=torch.float64)[dialogue]
    scores = level[:, :1] + 0.5 * torch.randn(len(turn), 4, generator=generator, dtype=torch.float64)
    scores[:, 1:] += 0.5 * level[:, 1:]
    scores[:, 3] += gain * turn
    return {"scores": scores, "dialogue": dialogue, "turn": turn}


def comparison(**options: object) -> StrategyComparison:
    return StrategyComparison(NAMES, detail=True, **options)


def test_every_gain_is_that_of_the_paired_metric() -> None:
    columns = data()
    columns["scores"][::5, 1] = torch.nan
    metric = comparison()
    metric.update(**columns)
    found = metric.compute()
    for column, name in enumerate(NAMES[1:], 1):
        pair = PairedGain(detail=True)
        pair.update(
            columns["scores"][:, column], columns["scores"][:, 0], dialogue=columns["dialogue"], turn=columns["turn"]
        )
        expected = pair.compute()
        for key in ("", "_lower", "_upper", "_slope", "_slope_lower", "_turn_2", "_turn_2_upper"):
            torch.testing.assert_close(found[f"strategy_comparison_gain_{name}{key}"], expected[f"paired_gain{key}"])
    torch.testing.assert_close(found["strategy_comparison"], found["strategy_comparison_gain_bon"])
    complete = (~columns["scores"].isnan()).all(1).double().mean()
    torch.testing.assert_close(found["strategy_comparison_coverage"], complete)
    torch.testing.assert_close(found["strategy_comparison_coverage_cot"], complete, msg="it alone lacks records")
    assert found["strategy_comparison_coverage_bon"] == 1


def test_a_gain_that_grows_shows_in_the_slope_of_its_strategy_alone() -> None:
    metric = comparison()
    metric.update(**data(200, gain=0.3))
    found = metric.compute()
    assert found["strategy_comparison_gain_bon_slope_lower"] > 0.2
    assert found["strategy_comparison_gain_cot_slope_lower"] < 0 < found["strategy_comparison_gain_cot_slope_upper"]
    assert found["strategy_comparison_gain_bon_p"] < 0.001
    assert found["strategy_comparison_gain_cot_p"] > 0.05


@pytest.mark.parametrize("simultaneous", ["holm", "max-t"])
def test_all_gains_are_covered_together(simultaneous: str) -> None:
    held = single = 0
    for seed in range(120):
        bootstrap = 300 if simultaneous == "max-t" else 0
        metric = comparison(simultaneous=simultaneous, bootstrap=bootstrap, max_turns=1)
        metric.update(**data(seed=seed))
        found = {key.removeprefix("strategy_comparison_gain_"): float(v) for key, v in metric.compute().items()}
        held += all(found[f"{name}_joint_lower"] <= 0 <= found[f"{name}_joint_upper"] for name in NAMES[1:])
        single += all(found[f"{name}_lower"] <= 0 <= found[f"{name}_upper"] for name in NAMES[1:])
        for name in NAMES[1:]:
            inside = found[f"{name}_joint_lower"] <= 0 <= found[f"{name}_joint_upper"]
            if simultaneous == "max-t" and abs(found[f"{name}_p"] - 0.05) > 0.02:
                assert inside is (found[f"{name}_p"] > 0.05), "bounds and p-values say the same"
    assert held / 120 >= 0.9
    assert held >= single


def test_costs_front_and_price_of_the_gain() -> None:
    columns = data()
    columns["scores"] = torch.tensor([0.5, 0.6, 0.6, 0.9]).expand(len(columns["turn"]), 4) + 0.0
    costs = torch.tensor([1.0, 2.0, 3.0, 9.0]).expand(len(columns["turn"]), 4)
    metric = comparison(costs=("tokens", "images"))
    metric.update(**columns, costs={"tokens": costs, "images": costs.flip(1)})
    found = {key.removeprefix("strategy_comparison_"): float(value) for key, value in metric.compute().items()}
    assert [found[f"front_tokens_{name}"] for name in NAMES] == [1, 1, 0, 1]
    assert [found[f"front_images_{name}"] for name in NAMES] == [0, 0, 0, 1]
    assert found["per_tokens_bon"] == pytest.approx(0.4 / 8)
    assert found["per_images_bon"] != found["per_images_bon"], "it costs less than the baseline"
    assert found["cost_tokens_verify"] == pytest.approx(3)


@pytest.mark.parametrize("unknown", [float("inf"), float("nan")])
def test_an_infinite_cost_is_not_known(unknown: float) -> None:
    metric = StrategyComparison(["a", "b"], costs=["tokens"], detail=True)
    metric.update([[0.1, 0.2], [0.1, 0.4]], [[1.0, 2.0], [1.0, unknown]], dialogue=[0, 1], turn=[1, 1])
    found = metric.compute()
    assert found["strategy_comparison_cost_tokens_b"].item() == 2
    assert found["strategy_comparison_gain_b"].item() == pytest.approx(0.2)


def test_table_has_a_line_a_strategy() -> None:
    metric = comparison(costs=("tokens",))
    columns = data()
    metric.update(**columns, costs=torch.ones_like(columns["scores"]))
    lines = metric.table().splitlines()
    assert len(lines) == 2 + len(NAMES)
    assert lines[0].startswith("| strategy | coverage | score | gain |")
    assert {line.count("|") for line in lines} == {lines[0].count("|")}
    assert lines[2].split("|")[4].strip() == "–", "the baseline gains nothing over itself"


def test_names_are_free_where_no_key_is_made_twice() -> None:
    metric = StrategyComparison(["plain", "best of 8 | judge", "a_lower", ""], detail=True)
    metric.update([[0.1, 0.2, 0.3, 0.5], [0.1, 0.4, 0.3, 0.5]], dialogue=["a", "b"], turn=[1, 1])
    found = metric.compute()
    gains = [found[f"strategy_comparison_gain_{name}"].item() for name in metric.others]
    assert gains == pytest.approx([0.2, 0.2, 0.4])
    assert r"| best of 8 \| judge |" in metric.table()


@pytest.mark.parametrize("kind", [list, torch.tensor, np.array])
def test_groups_may_be_columns_of_any_kind(kind: Callable[..., object]) -> None:
    columns = data()
    by_name = dict(zip(NAMES, columns["scores"].unbind(1), strict=True))
    groups = {"turn": kind(columns["turn"].tolist())}
    found = compare_strategies(by_name, dialogue=columns["dialogue"], turn=columns["turn"], groups=groups)
    assert list(found["turn"]) == ["1", "2", "3", "4", "5"]


def test_records_without_a_group_are_a_group() -> None:
    found = compare_strategies(
        {"a": [0.0, 0.0], "b": [1.0, 3.0]}, dialogue=["x", "y"], turn=[1, 1], groups={"class": [None, "k"]}
    )
    assert {name: float(group["strategy_comparison"]) for name, group in found["class"].items()} == {"None": 1, "k": 3}


def test_groups_are_compared_one_by_one() -> None:
    columns = data()
    by_name = dict(zip(NAMES, columns["scores"].unbind(1), strict=True))
    modality = ["text" if turn % 2 else "image" for turn in columns["turn"].tolist()]
    found = compare_strategies(
        by_name, dialogue=columns["dialogue"], turn=columns["turn"], groups={"modality": modality}
    )
    assert set(found) == {"overall", "modality"}
    assert set(found["modality"]) == {"text", "image"}
    alone = comparison()
    chosen = columns["turn"] % 2 == 1
    alone.update(**{name: column[chosen] for name, column in columns.items()})
    for key, value in alone.compute().items():
        torch.testing.assert_close(found["modality"]["text"][key], value, equal_nan=True)


@pytest.mark.parametrize("simultaneous", ["holm", "max-t"])
def test_bounds_keep_to_what_shares_can_differ_by(simultaneous: str) -> None:
    few = torch.tensor([[0.0, 1.0], [0.0, 1.0], [0.1, 1.0], [0.0, 0.4]])
    found = {}
    for score_range in (None, (0.0, 1.0)):
        metric = StrategyComparison(
            ("plain", "cot"), simultaneous=simultaneous, score_range=score_range, detail=True, bootstrap=200
        )
        metric.update(few, dialogue=[0, 1, 2, 3], turn=[1, 1, 1, 1])
        found[score_range] = metric.compute()
    key = "strategy_comparison_gain_cot"
    for end in ("upper", "joint_upper"):
        assert found[None][f"{key}_{end}"] > 1 >= found[0.0, 1.0][f"{key}_{end}"] > found[0.0, 1.0][key]
    assert found[0.0, 1.0]["strategy_comparison_score_cot_upper"] <= 1
    assert found[0.0, 1.0][f"{key}_p"] == found[None][f"{key}_p"]


def test_scores_outside_the_range_are_refused() -> None:
    metric = StrategyComparison(("plain", "cot"), score_range=(0.0, 1.0))
    with pytest.raises(ValueError, match=r"`scores` to lie in \[0, 1\], got 1.5 at row \(1, 1\)|got 1.5"):
        metric.update(torch.tensor([[0.5, 0.5], [0.5, 1.5]]), dialogue=[0, 1], turn=[1, 1])
    assert not metric.update_called


def test_plot_draws_every_strategy_but_the_baseline() -> None:
    pytest.importorskip("matplotlib").use("Agg")
    metric = comparison()
    metric.update(**data())
    _, ax = metric.plot()
    assert [line.get_label() for line in ax.lines if line.get_label()[0] != "_"] == list(NAMES[1:])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"strategies": ["a"]}, "`strategies`"),
        ({"strategies": ["a", "a"]}, "`strategies`"),
        ({"strategies": ["a", "b"], "baseline": "c"}, "`baseline`"),
        ({"strategies": ["a", "b"], "simultaneous": "max-t"}, "`bootstrap`"),
        ({"strategies": "ab"}, "`strategies`"),
        ({"strategies": ["a", "b"], "costs": ["tokens", "tokens"]}, "cost_tokens_a is made twice"),
        ({"strategies": ["c", "b_c"], "costs": ["a", "a_b"]}, "cost_a_b_c is made twice"),
        *(
            ({"strategies": ["plain", "cot", f"cot_{end}"]}, "is made twice")
            for end in ("lower", "upper", "slope", "slope_lower", "turn_2", "joint_lower", "p")
        ),
    ],
)
def test_wrong_arguments_are_refused(options: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        StrategyComparison(**options)


def test_wrong_columns_are_refused() -> None:
    metric = StrategyComparison(["a", "b"], costs=["tokens"])
    place = {"dialogue": [0], "turn": [1]}
    with pytest.raises(ValueError, match="`scores` to name"):
        metric.update({"a": [1.0], "c": [1.0]}, [[1.0, 1.0]], **place)
    with pytest.raises(ValueError, match="`scores` to have shape"):
        metric.update([[1.0, 1.0, 1.0]], [[1.0, 1.0]], **place)
    with pytest.raises(ValueError, match="`costs`"):
        metric.update([[1.0, 1.0]], **place)


def test_a_table_needs_all_estimates() -> None:
    metric = StrategyComparison(["a", "b"])
    metric.update([[0.1, 0.2]], dialogue=["x"], turn=[1])
    with pytest.raises(ValueError, match="detail=True"):
        metric.table()
