# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""`ChecklistScore` against plain loops over the items."""

from __future__ import annotations

import math
import random
from typing import Any

import pytest
import torch

from imug_metrics import ChecklistScore
from tests.metrics import cases

CATEGORIES = ("colour", "count")
CASES = {"checklist": cases.Case(lambda **k: ChecklistScore(CATEGORIES, **k), cases.checklists)}


def _values(metric: ChecklistScore) -> dict[str, float]:
    found = metric.compute()
    assert isinstance(found, dict)
    return {key.removeprefix("checklist_score"): float(value) for key, value in found.items()}


def _share(cells: list[bool]) -> float:
    return sum(cells) / len(cells) if cells else math.nan


def _mean(values: list[float]) -> float:
    known = [value for value in values if not math.isnan(value)]
    return sum(known) / len(known)


def test_every_detail_against_plain_loops() -> None:
    draw = random.Random(2)
    dialogue, turn, items, target, weights, categories, ages = [], [], [], [], [], [], []
    for name in range(40):
        for place in range(1, draw.randint(2, 6)):
            count = draw.randint(1, 7)
            dialogue.append(name)
            turn.append(place)
            items.append([draw.choice(["yes", "no", "yes", "n/a", None]) for _ in range(count)])
            target.append([draw.choice(["yes", "no"]) for _ in range(count)])
            weights.append([draw.random() for _ in range(count)])
            categories.append([draw.choice([*CATEGORIES, None]) for _ in range(count)])
            ages.append([draw.randrange(place) for _ in range(count)])
    metric = ChecklistScore(CATEGORIES, detail=True)
    rows = {"target": target, "weights": weights, "categories": categories, "ages": ages}
    metric.update(items, dialogue=dialogue, turn=turn, **rows)
    found = _values(metric)
    lists = [[*zip(*row)] for row in zip(items, target, weights, categories, ages)]
    applies = [[item for item in row if item[0] != "n/a"] for row in lists]
    answered = [[item for item in row if item[0] is not None] for row in applies]
    flat = [item for row in answered for item in row]

    def met(row: list[Any]) -> list[bool]:
        return [item[0] == item[1] for item in row]

    worst = [_share(met(row)) if given else math.nan for row, given in zip(applies, answered)]
    best = [_share([i[0] in (None, i[1]) for i in row]) if given else math.nan for row, given in zip(applies, answered)]
    full = [low if low in (0, 1) else 0.0 if high < 1 else math.nan for low, high in zip(worst, best)]
    full = [math.nan if low != high and high == 1 else value for low, high, value in zip(worst, best, full)]
    weighted = [sum(i[2] for i in r if i[0] == i[1]) / sum(i[2] for i in r) if r else math.nan for r in answered]
    expected = {
        "": _mean([_share(met(row)) for row in answered]),
        "_weighted": _mean(weighted),
        "_full": _mean(full),
        "_worst": _mean(worst),
        "_best": _mean(best),
        "_item": _share(met(flat)),
        "_answered": len(flat) / sum(len(row) for row, given in zip(applies, answered) if given),
        "_new": _share(met([item for item in flat if item[4] == 0])),
        "_kept": _share(met([item for item in flat if item[4] > 0])),
        **{f"_category_{name}": _share(met([item for item in flat if item[3] == name])) for name in CATEGORIES},
        **{f"_age_{age}": _share(met([item for item in flat if item[4] == age])) for age in range(5)},
        "_coverage": sum(map(bool, answered)) / sum(map(bool, applies)),
    }
    assert {key: found[key] for key in expected} == pytest.approx(expected, nan_ok=True)
    assert math.isnan(found["_age_9"])


def test_an_item_without_an_answer_is_missing_and_never_wrong_in_silence() -> None:
    metric = ChecklistScore(detail=True)
    metric.update([[1, None], [None, None], [], None], dialogue=[1, 1, 1, 2], turn=[1, 2, 3, 1])
    found = _values(metric)
    assert (found[""], found["_worst"], found["_best"]) == (1, 0.5, 1)
    assert found["_coverage"] == pytest.approx(1 / 3)
    assert math.isnan(found["_full"])
    zero = ChecklistScore(missing="zero")
    zero.update([[1, None], [None, None], [], None], dialogue=[1, 1, 1, 2], turn=[1, 2, 3, 1])
    assert float(zero.compute()) == pytest.approx(0.5 / 3)


def test_wishes_that_are_forgotten_show_by_their_age() -> None:
    metric = ChecklistScore(detail=True)
    for name in range(12):
        wishes = [[1] * turn for turn in range(1, 5)]
        kept = [[int(turn - asked < 2) for asked in range(1, turn + 1)] for turn in range(1, 5)]
        ages = [[turn - asked for asked in range(1, turn + 1)] for turn in range(1, 5)]
        metric.update(kept, wishes, ages=ages, dialogue=[name] * 4, turn=[1, 2, 3, 4])
    found = _values(metric)
    assert [found[f"_age_{age}"] for age in range(4)] == [1, 1, 0, 0]
    assert (found["_new"], found["_kept"]) == (1, 0.5)
    assert found["_slope"] < 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"categories": [["colour", "shape"]]}, "`categories` to hold real numbers, got 'shape' at row 0"),
        ({"categories": [[0, 2]]}, "`categories` to hold places from 0 to 1, got 2 at row 0"),
        ({"ages": [[0, -1]]}, "`ages` to hold whole numbers from 0, got -1 at row 0"),
        ({"ages": [[0, 0.5]]}, "`ages` to hold whole numbers from 0, got 0.5 at row 0"),
        ({"weights": [[1]]}, "`weights` to have as many entries as `items`, 2, got 1 at row 0"),
    ],
)
def test_what_is_refused_changes_nothing(arguments: dict[str, Any], message: str) -> None:
    metric = ChecklistScore(CATEGORIES)
    metric.update([[1, 0]], dialogue=[1], turn=[1])
    with pytest.raises(ValueError, match=message):
        metric.update([[1, 1]], **arguments, dialogue=[2], turn=[1])
    assert metric.compute() == 0.5


def test_categories_have_to_differ() -> None:
    with pytest.raises(ValueError, match="expected different names of categories"):
        ChecklistScore(["a", "a"])


def test_padded_lists_are_the_same_as_flat_ones() -> None:
    flat, padded, lists = (ChecklistScore(detail=True) for _ in range(3))
    items = torch.tensor([[[1.0, 0], [1, 1]], [[0, 0], [math.nan, math.nan]]])
    flat.update([[1, 0], [1, 1], [0, 0]], dialogue=[0, 0, 1], turn=[1, 2, 1])
    padded.update(items, lengths=[2, 1])
    lists.update([[[1, 0], [1, 1]], [[0, 0]]])
    for other in (padded, lists):
        assert _values(other) == pytest.approx(_values(flat), nan_ok=True)
