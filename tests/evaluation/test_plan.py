# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Plans from the items of a run: against formulas by hand, against statsmodels, and that the promised power is met."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest
from scipy import stats
from statsmodels.api import OLS

from imug_metrics.errors import ArgumentError
from imug_metrics.evaluation.plan import plan_assumed, plan_comparison
from imug_metrics.stats.planning import assumed_spread, dialogues_needed, smallest_difference


def row(model: str, dialogue: str | int, turn: int, value: object, **more: object) -> dict[str, object]:
    return {"model": model, "dialogue": dialogue, "turn": turn, "modality": "text", "answer_strict": value, **more}


def write(folder: Path, rows: list[dict[str, object]]) -> Path:
    (folder / "items.jsonl").write_text("".join(json.dumps(entry) + "\n" for entry in rows), encoding="utf-8")
    return folder


def drawn(
    generator: np.random.Generator, dialogues: int, difference: float, turns: tuple[int, int] = (2, 6)
) -> list[dict[str, object]]:
    """Scores of models a and b, of dialogues of different lengths, a better by the difference."""
    rows = []
    for dialogue in range(dialogues):
        shared, mine, yours = generator.normal(0, 0.15, 3)
        for turn in range(1, generator.integers(*turns) + 1):
            common = 0.5 + shared + generator.normal(0, 0.1)
            rows.append(row("a", dialogue, turn, common + difference + mine + generator.normal(0, 0.1)))
            rows.append(row("b", dialogue, turn, common + yours + generator.normal(0, 0.1)))
    return rows


def test_a_pair_is_what_can_be_computed_by_hand(tmp_path) -> None:
    """Three dialogues of two turns: mean differences 0.5, 0, 1; standard deviation 0.5."""
    first = {"x": (1, 1), "y": (1, 0), "z": (1, 1)}
    second = {"x": (0, 1), "y": (0, 1), "z": (0, 0)}
    rows = [
        row(model, dialogue, turn, value)
        for model, scores in (("a", first), ("b", second))
        for dialogue, values in scores.items()
        for turn, value in enumerate(values, 1)
    ]
    [pair] = plan_comparison(write(tmp_path, rows), 0.2).pairs
    assert (pair.models, pair.dialogues, pair.records) == (("a", "b"), 3, 6)
    assert pair.estimate == pytest.approx(0.5)
    assert pair.spread == pytest.approx(0.5)
    assert pair.error == pytest.approx(0.5 / math.sqrt(3))
    assert pair.smallest == pytest.approx(smallest_difference(pair.error, 3))
    assert pair.needed == dialogues_needed(0.2, 0.5)


def test_error_of_uneven_dialogues_is_that_of_statsmodels_by_cluster(tmp_path) -> None:
    rows = drawn(np.random.default_rng(0), 40, 0.05)
    [pair] = plan_comparison(write(tmp_path, rows), 0.05).pairs
    places = [(r["dialogue"], r["turn"]) for r in rows if r["model"] == "a"]
    values = {(r["model"], r["dialogue"], r["turn"]): r["answer_strict"] for r in rows}
    differences = np.array([values[("a", *place)] - values[("b", *place)] for place in places])
    groups = np.array([dialogue for dialogue, _ in places])
    fit = OLS(differences, np.ones(len(differences))).fit(
        cov_type="cluster", cov_kwds={"groups": groups, "use_correction": False}
    )
    assert pair.estimate == pytest.approx(fit.params[0])
    assert pair.error == pytest.approx(fit.bse[0] * math.sqrt(40 / 39))
    assert pair.needed == dialogues_needed(0.05, pair.error * math.sqrt(40))


def test_promised_power_is_met_by_new_dialogues(tmp_path) -> None:
    """A plan from a large run; runs of the size that it asks for find the difference as often as it says."""
    generator = np.random.default_rng(1)
    [pair] = plan_comparison(write(tmp_path, drawn(generator, 600, 0.0)), 0.1).pairs
    assert 20 < pair.needed < 100
    found, times = 0, 300
    for _ in range(times):
        rows = drawn(generator, pair.needed, 0.1)
        sums = np.zeros((pair.needed, 2))
        for a, b in zip(rows[::2], rows[1::2], strict=True):
            sums[a["dialogue"]] += (a["answer_strict"] - b["answer_strict"], 1)
        mean = sums[:, 0].sum() / sums[:, 1].sum()
        residual = ((sums[:, 0] - mean * sums[:, 1]) ** 2).sum() * pair.needed / (pair.needed - 1)
        error = math.sqrt(residual) / sums[:, 1].sum()
        found += abs(mean) / error > stats.t.ppf(0.975, pair.needed - 1)
    # 0.8 +- 3 Monte-Carlo errors, and the error of the spread, which 600 dialogues know to 3 %
    assert 0.8 - 0.085 < found / times < 0.8 + 0.085


def test_only_records_with_scores_of_both_count(tmp_path) -> None:
    rows = drawn(np.random.default_rng(2), 30, 0.0)
    whole = plan_comparison(write(tmp_path, rows), 0.05).pairs
    alone = [
        row("a", "only a", 1, 0.9),
        row("b", "only b", 1, 0.1),
        row("a", "no b", 1, 1.0),
        row("b", "no b", 1, None),
        row("a", 0, 1, 0.3, modality="image"),
    ]
    assert plan_comparison(write(tmp_path, alone + rows), 0.05).pairs == whole


def test_three_models_are_three_pairs_planned_together(tmp_path) -> None:
    rows = drawn(np.random.default_rng(3), 30, 0.0)
    rows += [{**r, "model": "c", "answer_strict": 1 - r["answer_strict"]} for r in rows if r["model"] == "b"]
    plan = plan_comparison(write(tmp_path, rows), 0.05)
    assert [pair.models for pair in plan.pairs] == [("a", "b"), ("a", "c"), ("b", "c")]
    assert plan.comparisons == 3
    assert plan.pairs[0].needed == dialogues_needed(0.05, plan.pairs[0].spread, comparisons=3)
    assert "3 comparisons together" in plan.table()
    one = plan_comparison(tmp_path, 0.05, models=["b", "a"])
    assert [pair.models for pair in one.pairs] == [("b", "a")]
    assert one.pairs[0].needed < plan.pairs[0].needed
    assert plan_comparison(tmp_path, 0.05, models=["a", "b"], comparisons=3).pairs[0] == plan.pairs[0]


def test_one_model_is_compared_with_an_assumed_one(tmp_path) -> None:
    rows = [r for r in drawn(np.random.default_rng(4), 50, 0.0) if r["model"] == "a"]
    [half] = plan_comparison(write(tmp_path, rows), 0.05).pairs
    [none] = plan_comparison(tmp_path, 0.05, between=0.0).pairs
    assert half.models == ("a",)
    assert math.isnan(half.estimate)
    assert none.spread == pytest.approx(half.spread * math.sqrt(2))
    means: dict[object, list[float]] = {}
    for r in rows:
        means.setdefault(r["dialogue"], []).append(r["answer_strict"])
    count = len(rows) / len(means)
    mean = np.mean([r["answer_strict"] for r in rows])
    residuals = np.array([sum(values) - mean * len(values) for values in means.values()]) / count
    assert half.spread == pytest.approx(residuals.std(ddof=1))
    assert "a vs another" in plan_comparison(tmp_path, 0.05).table()
    assert "correlation between models 0.5" in plan_comparison(tmp_path, 0.05).table()


def test_too_little_or_no_spread_is_undefined_not_zero(tmp_path) -> None:
    rows = [row(model, dialogue, 1, 0.1 * dialogue) for model in "ab" for dialogue in range(7)]
    rows += [row("c", 3, 1, 0.5)]
    plan = plan_comparison(write(tmp_path, rows), 0.05)
    assert [pair.needed for pair in plan.pairs] == [None] * 3
    assert [pair.dialogues for pair in plan.pairs] == [7, 1, 1]
    assert all(math.isnan(pair.smallest) for pair in plan.pairs)
    assert "fewer than two dialogues" in plan.table()


def test_few_dialogues_are_marked(tmp_path) -> None:
    few = plan_comparison(write(tmp_path, drawn(np.random.default_rng(5), 19, 0.0)), 0.05).table()
    many = plan_comparison(write(tmp_path, drawn(np.random.default_rng(5), 20, 0.0)), 0.05).table()
    assert "spread is itself uncertain" in few
    assert "spread is itself uncertain" not in many


def test_repeats_lower_what_is_needed(tmp_path) -> None:
    folder = write(tmp_path, drawn(np.random.default_rng(6), 60, 0.0))
    [once] = plan_comparison(folder, 0.05).pairs
    [often] = plan_comparison(folder, 0.05, repeats=4, repeat_variance=0.01).pairs
    assert often.smallest == once.smallest, "of the results, which are of one repeat"
    assert often.needed == dialogues_needed(0.05, math.sqrt(once.spread**2 - 0.02 * 0.75))
    with pytest.raises(ArgumentError, match="repeat_variance"):
        plan_comparison(folder, 0.05, repeats=4, repeat_variance=0.5)
    with pytest.raises(ArgumentError, match="repeats"):
        plan_comparison(folder, 0.05, repeats=4)


def test_assumptions_alone(tmp_path) -> None:
    plan = plan_assumed(0.6, 0.3, 4, 0.05, between=0.2, power=0.9, comparisons=3)
    [pair] = plan.pairs
    assert pair.needed == dialogues_needed(0.05, assumed_spread(0.6, 0.3, 4, 0.2), power=0.9, comparisons=3)
    assert (pair.models, pair.dialogues) == ((), 0)
    assert "design effect 1.9" in plan.table()
    assert "power 90 %" in plan.table()


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"difference": 0.0}, "difference"),
        ({"difference": math.nan}, "difference"),
        ({"difference": 1.5}, "difference"),
        ({"difference": 1e-9}, "difference"),
        ({"metric": "answers"}, "metric"),
        ({"metric": "turn_alignment"}, "metric"),
        ({"models": ["a", "nobody"]}, "models"),
        ({"power": 1.0}, "power"),
        ({"power": 0.04}, "power"),
        ({"level": 95}, "level"),
        ({"comparisons": 0}, "comparisons"),
        ({"between": 0.5}, "between"),
        ({"models": ["a"], "between": 1.0}, "between"),
        ({"repeats": 0}, "repeats"),
        ({"repeat_variance": -1.0}, "repeat_variance"),
    ],
)
def test_arguments_are_named(tmp_path, options, named) -> None:
    folder = write(tmp_path, drawn(np.random.default_rng(7), 5, 0.0))
    with pytest.raises(ArgumentError) as caught:
        plan_comparison(folder, **{"difference": 0.05, **options})
    assert caught.value.arguments == (named,)


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"p": 1.0}, "p"),
        ({"p": math.nan}, "p"),
        ({"correlation": 1.1}, "correlation"),
        ({"correlation": -0.4}, "correlation"),
        ({"turns": 0}, "turns"),
        ({"between": 1.0}, "between"),
        ({"difference": 1.5}, "difference"),
    ],
)
def test_assumptions_out_of_range_are_named(options, named) -> None:
    with pytest.raises(ArgumentError) as caught:
        plan_assumed(**{"p": 0.5, "correlation": 0.2, "turns": 4, "difference": 0.05, **options})
    assert caught.value.arguments == (named,)


@pytest.mark.parametrize(
    "broken",
    [
        "not JSON",
        "[1]",
        json.dumps({**row("a", 1, 9, 0.5), "model": None}),
        json.dumps({**row("a", 1, 9, 0.5), "dialogue": [1]}),
        json.dumps({**row("a", 1, 9, 0.5), "turn": "one"}),
        json.dumps(row("a", 1, 9, "0.5")),
        json.dumps(row("a", 1, 9, math.nan)),
        json.dumps(row("a", 1, 9, True)),
        json.dumps(row("a", 1, 1, 0.5)),
    ],
)
def test_a_row_that_is_not_as_expected_is_named(tmp_path, broken) -> None:
    path = write(tmp_path, [row("a", 1, 1, 0.5), row("b", 1, 1, 0.5)]) / "items.jsonl"
    path.write_text(path.read_text() + broken + "\n")
    with pytest.raises(ArgumentError, match=r"items\.jsonl:3") as caught:
        plan_comparison(tmp_path, 0.05)
    assert caught.value.arguments == ("results",)


def test_a_folder_without_items_is_named(tmp_path) -> None:
    with pytest.raises(ArgumentError, match=r"items\.jsonl"):
        plan_comparison(tmp_path, 0.05)
