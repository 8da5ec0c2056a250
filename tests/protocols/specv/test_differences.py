# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Every way in which strict scores of SpecV depart from released ones is named and counted."""

from __future__ import annotations

import math
import random
from pathlib import Path
from typing import Any

import pytest

from imug_metrics.protocols import specv
from imug_metrics.protocols.specv import Item, JudgedItem, ModelResults, Result, Task


def task(track: str, name: str = "a", weights: tuple[float, ...] = (1.0, 1.0), place: int = 0) -> Task:
    items = tuple(Item(str(n), "Is it?", "", "", "Yes", weight) for n, weight in enumerate(weights, 1))
    return Task(track, specv.TRACKS[track].dimensions[place], name, "Do.", items=items)


def results(tasks: dict[Task, list[dict[str, Any]] | None], empty: tuple[int, ...] = ()) -> ModelResults:
    """Results of tasks; None: none. `empty`: places of dimensions with an empty folder."""
    track = next(iter(tasks)).track
    found: dict[str, tuple[Result, ...]] = {specv.TRACKS[track].dimensions[place]: () for place in empty}
    for one, rows in tasks.items():
        if rows is not None:
            result = Result(one.key, Path(f"{one.id}.json"), tuple(map(JudgedItem, rows)))
            found[one.dimension] = (*found.get(one.dimension, ()), result)
    return ModelResults(track, "mine", found)


def row(number: int, answer: Any = "Yes", **more: Any) -> dict[str, Any]:
    return {"id": number, "expected_answer": "Yes", "answer": answer, **more}


def touched(tasks: dict[Task, list[dict[str, Any]] | None], empty: tuple[int, ...] = ()) -> dict[str, int]:
    found = specv.differences([*tasks], results(tasks, empty))
    return {one.rule.name: one.touched for one in found if one.touched}


PLAIN = [row(1), row(2, "No")]
FINAL = {"subcategory": "Final Answer"}
OTHERS = ("Reasoning Quality", "Image Quality", "Image-Text Alignment")
CASES: dict[str, tuple[dict[Task, list[dict[str, Any]] | None], dict[str, int]]] = {
    "nothing": ({task("t2i"): PLAIN}, {}),
    "spelling": ({task("t2i"): [row(1, "yes "), row(2)]}, {"spelling": 1}),
    "no answer": ({task("t2i"): [row(1, "N/A"), row(2)]}, {"no answer": 1}),
    "expected answer": ({task("t2i"): [row(1, expected_answer="No"), row(2)]}, {"expected answer": 1}),
    "absent item": ({task("t2i"): [row(1)]}, {"absent item": 1}),
    "other items": ({task("t2i"): [*PLAIN, row(9), row(8)]}, {"other items": 2}),
    "repeated item": ({task("t2i"): [row(1), row(1), row(2), row(2)]}, {"repeated item": 2}),
    "weights": ({task("t2i", weights=(1.0, 2.0)): PLAIN}, {"weights": 1}),
    "group weights": (
        {task("think_with_img", weights=(1.0,) * 4): [
            row(1, **FINAL), *(row(n, "No", subcategory=name) for n, name in enumerate(OTHERS, 2))
        ]},
        {"group weights": 1},
    ),
    "absent group": ({task("think_with_img"): [row(1, **FINAL), row(2, **FINAL)]}, {"absent group": 1}),
    "other groups": (
        {task("understanding"): [row(1, category="Final Answer Correctness"), row(2, category="Else")]},
        {"other groups": 1},
    ),
    "empty list": ({task("t2i"): []}, {"empty list": 1, "absent item": 2}),
    "absent result": ({task("t2i"): PLAIN, task("t2i", "b"): None}, {"absent result": 1}),
    "overall": (
        {task("t2i"): PLAIN, task("t2i", "b"): PLAIN, task("t2i", "c", place=1): PLAIN},
        {"overall": 2},
    ),
    "rounding of tasks": ({task("t2i", weights=(1.0,) * 3): [*PLAIN, row(3)]}, {"rounding": 1}),
    "rounding of a dimension": (
        {task("t2i", name): [row(1, answer), row(2, answer)] for name, answer in zip("abc", ("Yes", "Yes", "No"))},
        {"rounding": 1},
    ),
    "rounding of a track": (
        {task("t2i", "a", place=place): [row(1, answer), row(2, answer)]
         for place, answer in enumerate(("Yes", "Yes", "No"))},
        {"rounding": 1},
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_each_rule_is_touched_by_a_case_of_its_own(name: str) -> None:
    tasks, expected = CASES[name]
    assert touched(tasks) == expected


def test_results_of_no_task_and_empty_folders_are_counted() -> None:
    stray = task("t2i", "stray")
    found = specv.differences([task("t2i")], results({task("t2i"): PLAIN, stray: PLAIN}))
    assert {one.rule.name: one.touched for one in found if one.touched} == {"other results": 1}
    assert touched({task("t2i"): PLAIN}, empty=(1,)) == {"overall": 2}


def test_every_rule_has_a_case() -> None:
    counted = {name for _, expected in CASES.values() for name in expected} | {"other results"}
    assert counted == {rule.name for rule in specv.RULES}


@pytest.mark.parametrize("track", specv.TRACKS)
def test_where_no_rule_is_touched_the_scores_are_the_same(track: str) -> None:
    """The list of rules is whole: whatever makes the scores differ is one of them."""
    draw = random.Random(track)
    same = 0
    for _ in range(700):
        tasks: dict[Task, list[dict[str, Any]] | None] = {}
        for name in "ab"[: draw.randint(1, 2)]:
            one = task(track, name, draw.choice([(1.0, 1.0), (2.0,), (1.0, 3.0)]), draw.randrange(2))
            tasks[one] = draw.choice([_drawn(draw, one), _drawn(draw, one), None])
        found = results(tasks, draw.choice([(), (), (2,)]))
        released = specv.official_scores(found).overall
        strict = specv.strict_scores([*tasks], found)[0].score
        if not any(one.touched for one in specv.differences([*tasks], found)):
            same += 1
            assert released == pytest.approx(100 * strict, abs=1e-9, nan_ok=True), tasks
    assert same > 5 or track == "think_with_img"  # whose four groups weigh differently wherever all are there


def _drawn(draw: random.Random, one: Task) -> list[dict[str, Any]]:
    numbers = [int(item.id) for item in one.items]
    if draw.random() < 0.2:
        numbers = [draw.randint(1, 3) for _ in range(draw.randint(0, 3))]
    fields = {
        "category": ("Final Answer Correctness", "Process-Level Evaluation"),
        "subcategory": ("Final Answer", *OTHERS),
    }
    return [
        row(number, draw.choice(["Yes", "No", "Yes", "No", "yes"]), **{
            name: draw.choice([kinds[0], kinds[0], *kinds, ""]) for name, kinds in fields.items()
        })
        for number in numbers
    ]  # fmt: skip


def test_strict_shares_against_plain_loops() -> None:
    draw = random.Random(3)
    tasks = [task("edit", f"t{n}", tuple(draw.uniform(0.5, 9) for _ in range(draw.randint(1, 6)))) for n in range(60)]
    judged: dict[Task, list[dict[str, Any]] | None] = {
        one: None
        if draw.random() < 0.1
        else [row(int(item.id), draw.choice(["Yes", " NO", "N/A", None, "yes"])) for item in one.items]
        for one in tasks
    }
    shares, plain = [], []
    for one, rows in judged.items():
        said = [(item.weight, str(r["answer"]).strip().lower()) for item, r in zip(one.items, rows or [])]
        known = [(weight, word == "yes") for weight, word in said if word in ("yes", "no")]
        if known:
            shares.append(sum(weight for weight, met in known if met) / sum(weight for weight, _ in known))
            plain.append(sum(met for _, met in known) / len(known))
    whole = specv.strict_scores(tasks, results(judged))[0]
    assert whole.score == pytest.approx(sum(shares) / len(shares))
    assert whole.unweighted == pytest.approx(sum(plain) / len(plain))
    assert (whole.scored, whole.tasks) == (len(shares), 60)
    assert whole.lower < whole.score < whole.upper
    assert not math.isnan(whole.coverage)
