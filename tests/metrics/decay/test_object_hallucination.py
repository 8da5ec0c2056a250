# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""ObjectHallucination: a worked example, a loop in plain Python, planted models, and what is refused."""

from __future__ import annotations

import math
import random
from collections import defaultdict
from typing import Any

import pytest
from torch import Tensor

from imug_metrics import ObjectHallucination
from tests.metrics import cases

NAMES = ("dog", "cat", "Red Car", "tree", "cup", "lamp", "hat")


def objects(dialogue: Tensor, turn: Tensor) -> cases.Batch:
    """What is there from the start, of which some is said, and now and then something else."""
    preds, target = [], []
    for row, (d, t) in enumerate(zip(dialogue.tolist(), turn.tolist())):
        there = [NAMES[(d + k) % 5] for k in range(2 + t % 2)]
        wrong = NAMES[int(cases.labels(dialogue, turn, 70, 7)[row])]
        said = [*there[: 1 + (d + t) % 2], there[0].upper(), *[wrong] * ((d + 2 * t) % 3)]
        preds.append([] if (d + t) % 9 == 0 and t > 2 else said)
        target.append(there)
    return {"preds": preds, "target": target}


CASES = {
    "objects": cases.Case(ObjectHallucination, objects, rows="lists", refuses=("missing",)),
    "objects-once": cases.Case(
        lambda **k: ObjectHallucination(count="objects", synonyms={"red car": "Car", "hat": "cup"}, **k),
        objects,
        rows="lists",
        refuses=("missing",),
    ),
}
Lists = list[list[list[str] | None]]

SAID: Lists = [
    [["dog", "ball"], ["dog", "dog", "cat"], ["ball", "kite", "tree"]],
    [["cup"], [], ["cup", "spoon"]],
]
THERE: Lists = [
    [["dog", "ball"], ["dog", "grass"], ["tree"]],
    [["cup"], ["table"], ["cup"]],
]


def computed(said: Any, there: Any, **options: Any) -> dict[str, float]:
    metric = ObjectHallucination(detail=True, **options)
    metric.update(said, there)
    return {key.removeprefix("object_hallucination"): float(value) for key, value in metric.compute().items()}


def test_the_worked_example_of_the_page() -> None:
    found = computed(SAID, THERE)
    assert found[""] == found["_per_object"] == pytest.approx(4 / 11)
    assert found["_per_turn"] == 3 / 6
    assert found["_mean"] == pytest.approx((0 + 1 / 3 + 2 / 3 + 0 + 0 + 1 / 2) / 6)
    assert found["_recall"] == pytest.approx(6 / 8)
    assert (found["_from_earlier"], found["_invented"]) == (1 / 4, 3 / 4)
    assert [found[f"_turn_{k}"] for k in (1, 2, 3)] == pytest.approx([0, 1 / 3, 3 / 5])
    # Shares 0, 1/3, 2/3 over turns 1, 2, 3, and 0, 1/2 over turns 1 and 3.
    assert found["_slope"] == pytest.approx((2 / 3 + 1 / 2) / (2 + 2))
    assert (found["_n"], found["_coverage"], found["_later_n"]) == (6, 1, 0)


def test_every_object_once() -> None:
    found = computed([[["dog", "dog", "cat", "cat"]]], [[["dog"]]], count="objects")
    assert found[""] == 0.5
    assert computed([[["dog", "dog", "dog", "cat"]]], [[["dog"]]])[""] == 0.25


@pytest.mark.parametrize("count", ["mentions", "objects"])
@pytest.mark.parametrize("seed", range(4))
def test_sums_equal_a_loop_over_dialogues(seed: int, count: Any) -> None:
    draw = random.Random(seed)
    said, there, dialogue, turn, subject = [], [], [], [], []
    for d in range(12):
        for t in sorted(draw.sample(range(1, 8), draw.randint(1, 5))):
            said.append(draw.choices(NAMES, k=draw.randint(0, 5)) if draw.random() < 0.9 else None)
            there.append(draw.choices(NAMES, k=draw.randint(0, 3)) if draw.random() < 0.9 else None)
            dialogue.append(d), turn.append(t), subject.append(draw.randint(0, 1))  # type: ignore[func-returns-value]
    order = draw.sample(range(len(said)), len(said))
    columns = [[column[row] for row in order] for column in (said, there, dialogue, turn, subject)]
    metric = ObjectHallucination(detail=True, count=count)
    metric.update(*columns[:2], dialogue=columns[2], turn=columns[3], subject=columns[4])
    found = metric.compute()
    for key, value in naive(said, there, dialogue, turn, count).items():
        assert float(found[f"object_hallucination{key}"]) == pytest.approx(value, abs=1e-12, nan_ok=True), key


def naive(said: Any, there: Any, dialogue: list[int], turn: list[int], count: str) -> dict[str, float]:
    """What the detail holds, record by record, as the paper has it."""
    sums: dict[str, float] = defaultdict(float)
    context: dict[int, set[str]] = defaultdict(set)
    for words, objects_, d, t in zip(said, there, dialogue, turn):
        before = set(context[d])
        context[d] |= {*(words or ()), *(objects_ or ())}
        if words is None or objects_ is None:
            continue
        words = sorted(set(words)) if count == "objects" else words
        wrong = [word for word in words if word not in objects_]
        sums["records"] += 1
        sums["any"] += bool(wrong)
        for end in ("", f"_turn_{t}"):
            sums[f"wrong{end}"] += len(wrong)
            sums[f"said{end}"] += len(words)
        sums["there"] += len({*objects_})
        sums["found"] += len({*objects_} & {*words})
        sums["carried"] += sum(word in before for word in wrong)

    def share(part: str, whole: str) -> float:
        return sums[part] / sums[whole] if sums[whole] else math.nan

    found = {"": share("wrong", "said"), "_per_turn": share("any", "records"), "_recall": share("found", "there")}
    found |= {"_from_earlier": share("carried", "wrong"), "_n": sums["records"]}
    found["_coverage"] = sums["records"] / len(said)
    return found | {f"_turn_{t}": share(f"wrong_turn_{t}", f"said_turn_{t}") for t in range(1, 9)}


def test_an_output_without_objects_is_scored_and_one_that_is_absent_is_not() -> None:
    found = computed([[[], None, ["cat"]]], [[["dog"], ["dog"], None]])
    assert (found["_per_turn"], found["_recall"], found["_n"]) == (0, 0, 1)
    assert found["_coverage"] == pytest.approx(1 / 3)
    assert math.isnan(found[""])


def test_what_an_unscored_turn_showed_was_in_the_context() -> None:
    """An output whose targets are not known, and the target of an output that is absent."""
    found = computed([[["cat"], None, ["cat", "cup", "hat"]]], [[None, ["cup"], ["dog"]]])
    assert (found["_from_earlier"], found["_invented"]) == pytest.approx((2 / 3, 1 / 3))


def test_an_object_of_the_same_turn_or_of_another_dialogue_is_not_carried_over() -> None:
    said, there = [["cat", "cat"], ["cat"]], [["dog"], ["dog"]]
    metric = ObjectHallucination(detail=True)
    metric.update(said, there, dialogue=["a", "b"], turn=[2, 3])
    assert metric.compute()["object_hallucination_from_earlier"] == 0


def test_all_dialogues_may_weigh_alike() -> None:
    found = computed(SAID, THERE, average="dialogue")
    assert found[""] == pytest.approx((3 / 8 + 1 / 3) / 2)
    assert found["_mean"] == pytest.approx((1 / 3 + 1 / 6) / 2)


def test_records_beyond_the_curve_are_counted_as_records() -> None:
    with pytest.warns(UserWarning, match="2 of 6 scored records have later turns"):
        found = computed(SAID, THERE, max_turns=2)
    assert found["_later_n"] == 2


def test_names_are_folded_and_synonyms_are_one() -> None:
    options = {"synonyms": {"Puppy": "dog", "automobile": "car"}, "normalize": lambda name: name.removesuffix("s")}
    found = computed([[[" PUPPYs", "Traffic\n Light", "bus stop"]]], [[["dog", "traffic lights", "car"]]], **options)
    assert found[""] == pytest.approx(1 / 3)


def planted(kind: str, seed: int, count: int = 40) -> tuple[Lists, Lists]:
    """Dialogues of 5 turns in which the model is right, invents, forgets, or goes on with what was asked before."""
    draw = random.Random(seed)
    said: Lists = []
    there: Lists = []
    for _ in range(count):
        asked = [draw.sample(range(100), 3) for _ in range(5)]
        lines: list[list[str] | None] = []
        for turn, now in enumerate(asked):
            shown = [*now]
            if kind == "forgets":
                shown = now[: 3 - draw.randint(0, 2)]
            if kind == "invents" and draw.random() < 0.4:
                shown.append(100 + draw.randint(0, 50))
            if kind == "carries" and turn and draw.random() < 0.5:
                shown += asked[turn - 1][:1]
            lines.append([f"object {number}" for number in shown])
        said.append(lines)
        there.append([[f"object {number}" for number in now] for now in asked])
    return said, there


def test_inventing_is_found_and_forgetting_leaves_it_quiet() -> None:
    honest, inventive, forgetful, clinging = (
        computed(*planted(kind, 3)) for kind in ("honest", "invents", "forgets", "carries")
    )
    assert (honest[""], honest["_recall"]) == (0, 1)
    assert inventive["_lower"] > 0.05
    assert inventive["_invented"] > 0.9
    assert inventive["_recall"] == 1
    assert forgetful[""] == 0
    assert forgetful["_recall_upper"] < 0.8
    assert clinging["_lower"] > 0.05
    assert clinging["_from_earlier"] > 0.9


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"count": "names"}, "`count` to be one of"),
        ({"missing": "zero"}, "`missing` to be 'skip'"),
        ({"synonyms": {"a": "b", "b": "c"}}, "stand for themselves, got 'a' for 'b'"),
        ({"synonyms": {"a": "b", " A": "c"}}, "give 'a' one meaning"),
        ({"synonyms": ["a"]}, "`synonyms` to be a mapping"),
        ({"normalize": "plural"}, "`normalize` to be a function"),
    ],
)
def test_options_are_checked(options: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        ObjectHallucination(**options)


@pytest.mark.parametrize("name", ["", " \t", "x" * 1001, 3, None])
def test_what_is_no_name_is_refused_and_changes_nothing(name: Any) -> None:
    metric = ObjectHallucination()
    with pytest.raises(ValueError, match=r"`preds` to hold names of objects, .* at row \[0, 1\]"):
        metric.update([[["dog"], ["cat", name]]], [[["dog"], ["cat"]]])
    assert metric.update_count == 0


def test_a_function_that_makes_no_name_is_told() -> None:
    metric = ObjectHallucination(normalize=lambda name: name.strip("!"))
    with pytest.raises(
        ValueError, match="`normalize` to make a name of every object in `preds`, got no name of '!!' at row 0"
    ):
        metric.update([["!!"]], [["dog"]], dialogue=["a"], turn=[1])


def test_any_characters_make_a_name() -> None:
    odd = ["<b>", "a\0b", "\ud800", "é", "e\u0301", "日本", "x" * 1000]
    found = computed([[odd]], [[[*odd[:3], "É"]]])
    assert found[""] == pytest.approx(2 / 7)
