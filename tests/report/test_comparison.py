# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Models compared metric by metric from the rows of their records."""

from __future__ import annotations

import math
import random
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from statsmodels.stats.multitest import multipletests

from imug_metrics.dialogues.ids import hash_ids
from imug_metrics.report.comparison import compare_models, comparison_rows
from imug_metrics.report.metric_specs import METRICS
from imug_metrics.stats.comparison import paired_differences, rank_bounds
from imug_metrics.suite import ModelScores
from tests.metrics.interval_reference import ratio_error, student_bounds

ALIGNMENT = next(view for view in METRICS if view.key == "turn_alignment")
GAINS = {"a": 0.0, "b": 0.3, "c": -0.2}


def model(name: str, gain: float, slope: float = 0.0, dialogues: int = 20, seed: int = 0) -> ModelScores:
    items = []
    for place in range(dialogues):
        rng = random.Random(f"{name}:{place}:{seed}")
        effect = random.Random(f"{place}").gauss(0, 0.5) + rng.gauss(0, 0.1)
        for turn in range(1, 3 + place % 4):
            score = gain + effect + slope * turn + rng.gauss(0, 0.1)
            items.append({"dialogue": f"d{place}", "turn": turn, "modality": "image", "alignment": score})
    return ModelScores(name, {"turn_alignment": 0.0}, items)


@pytest.fixture
def models() -> list[ModelScores]:
    return [model(name, gain) for name, gain in GAINS.items()]


def places(models: list[ModelScores]) -> list[tuple[str, int]]:
    return sorted((item["dialogue"], item["turn"]) for item in models[0].items)


def columns(models: list[ModelScores]) -> torch.Tensor:
    known = [{(item["dialogue"], item["turn"]): item["alignment"] for item in each.items} for each in models]
    return torch.tensor([[math.nan if (v := of[place]) is None else v for place in places(models)] for of in known])


def same(found: Any, expected: Any, tolerance: float = 1e-9) -> bool:
    return found[:-1] == pytest.approx(expected[:-1], rel=tolerance, abs=1e-12, nan_ok=True)


def test_pairs_are_those_of_the_records_by_dialogue_and_turn(models: list[ModelScores]) -> None:
    [found] = compare_models(models)
    ids = hash_ids([dialogue for dialogue, _ in places(models)])
    expected = paired_differences(columns(models).double(), ids)
    assert all(same(one, other, 1e-6) for one, other in zip(found.differences, expected, strict=True))
    assert found.ranks == tuple(rank_bounds(expected, 3)) == ((2, 2), (1, 1), (3, 3))
    assert (found.key, found.leader) == ("turn_alignment", 1)


def test_the_lowest_score_ranks_first_where_lower_is_better(models: list[ModelScores]) -> None:
    [found] = compare_models(models, [replace(ALIGNMENT, higher_is_better=False)])
    assert found.ranks == ((2, 2), (3, 3), (1, 1))
    assert found.leader == 2
    [undirected] = compare_models(models, [replace(ALIGNMENT, higher_is_better=None)])
    assert undirected.ranks == ((2, 2), (1, 1), (3, 3)), "from the highest where neither end is better"


def test_the_order_of_rows_does_not_matter(models: list[ModelScores]) -> None:
    [before] = compare_models(models)
    for each in models:
        random.Random(each.model).shuffle(each.items)
    [after] = compare_models(models)
    assert all(same(one, other) for one, other in zip(before.differences, after.differences, strict=True))


def test_a_score_that_is_absent_in_one_model_is_left_out_of_its_pairs_alone(models: list[ModelScores]) -> None:
    [before] = compare_models(models)
    for item in models[2].items[:10]:
        item["alignment"] = None
    [after] = compare_models(models)
    lost = [one.records - other.records for one, other in zip(before.differences, after.differences, strict=True)]
    assert lost == [0, 10, 10]
    assert before.differences[0].value == after.differences[0].value


def test_slopes_are_compared_within_dialogues() -> None:
    models = [model("level", 0.0), model("falling", 2.0, slope=-0.3)]
    mean, slope = compare_models(models, slopes=True)
    [found] = slope.differences
    assert (mean.key, slope.key, slope.slope) == ("turn_alignment", "turn_alignment_slope", True)
    assert (mean.leader, slope.leader) == (1, 0)
    above, below = [], []
    values = (columns(models)[0] - columns(models)[1]).double().numpy()
    names, turns = (np.array(part) for part in zip(*places(models), strict=True))
    for name in sorted(set(names)):
        x, y = turns[names == name].astype(float), values[names == name]
        above.append(((x - x.mean()) * (y - y.mean())).sum())
        below.append(((x - x.mean()) ** 2).sum())
    expected = student_bounds(sum(above) / sum(below), ratio_error(np.array(above), np.array(below)), np.array(below))
    assert [found.value, found.lower, found.upper] == pytest.approx(expected, rel=1e-5)


def test_p_values_are_adjusted_over_metrics(models: list[ModelScores]) -> None:
    pair = models[:2]
    for each in pair:
        rng = random.Random(f"answers {each.model}")
        for item in each.items:
            item["consistency"] = item["alignment"] + rng.gauss(0, 1)
            item["retrieval"] = rng.gauss(0, 1)
        each.scores.update(turn_consistency=0.0, turn_retrieval=0.0)
    found = compare_models(pair)
    assert [metric.key for metric in found] == ["turn_alignment", "turn_retrieval", "turn_consistency"]
    plain = [metric.differences[0].p for metric in found]
    assert [metric.p[0] for metric in found] == pytest.approx(multipletests(plain, method="holm")[1], rel=1e-5)


def test_rows_for_files_name_the_models_and_both_p_values(models: list[ModelScores]) -> None:
    compared = compare_models(models)
    rows = comparison_rows([*GAINS], compared)
    assert [(row["metric"], row["first"], row["second"]) for row in rows] == [
        ("turn_alignment", "a", "b"),
        ("turn_alignment", "a", "c"),
        ("turn_alignment", "b", "c"),
    ]
    assert rows[0]["value"] == compared[0].differences[0].value
    assert all(row["p_all_metrics"] >= row["p"] - 1e-7 for row in rows)


def test_one_model_is_no_comparison(models: list[ModelScores]) -> None:
    assert compare_models(models[:1]) == []


def test_models_without_any_score_give_no_metric() -> None:
    assert compare_models([ModelScores("a", {}, []), ModelScores("b", {}, [])]) == []


def test_a_metric_that_only_one_model_has_is_undefined(models: list[ModelScores]) -> None:
    models[1].items[:] = [item | {"alignment": None} for item in models[1].items]
    [found] = compare_models(models[:2], [ALIGNMENT])
    assert math.isnan(found.differences[0].value)
    assert found.differences[0].reason == "it is undefined"
    assert found.leader is None
    assert found.ranks == ((1, 2), (1, 2))
