# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""AnswerAccuracy: what the class adds to the functional counterpart."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torchmetrics import MetricCollection

from imug_metrics import AnswerAccuracy, Breakdown, RolloutBuffer
from imug_metrics.suite import ImugSuite
from tests.metrics import cases

CASES = {
    "accuracy-strict": cases.Case(AnswerAccuracy, cases.answers, rows="lists"),
    "accuracy-imug": cases.Case(lambda **k: AnswerAccuracy(protocol="imug", **k), cases.answers, rows="lists"),
    "accuracy-options": cases.Case(AnswerAccuracy, cases.answers_with_options, rows="lists"),
    "accuracy-numeric": cases.Case(lambda **k: AnswerAccuracy("numeric", **k), cases.numbers, rows="lists"),
    "accuracy-exact": cases.Case(lambda **k: AnswerAccuracy("exact", **k), cases.answers, rows="lists"),
    "accuracy-f1": cases.Case(lambda **k: AnswerAccuracy("f1", **k), cases.answers, rows="lists"),
}


def test_official_scores_of_all_golden_rows_come_through_the_class(golden: Path) -> None:
    rows = [json.loads(line) for line in (golden / "mcq.jsonl").read_text(encoding="utf-8").splitlines()]
    rows = [row for row in rows if row["score"] is not None]
    assert len(rows) == 2538
    metric = AnswerAccuracy(protocol="imug", detail=True, max_turns=len(rows))
    preds, target = ([row[key] for row in rows] for key in ("response", "answer"))
    metric.update(
        preds, target, dialogue=[i // 3 for i in range(len(rows))], turn=[i % 3 + 1 for i in range(len(rows))]
    )
    assert metric.compute()["answer_accuracy"].item() == pytest.approx(
        sum(r["score"] for r in rows) / len(rows), abs=1e-12
    )


def test_absent_answers_are_skipped_zero_or_zero_by_the_official_rule() -> None:
    expected = {("strict", "skip"): 1.0, ("strict", "zero"): 2 / 3, ("imug", "skip"): 2 / 3, ("imug", "zero"): 2 / 3}
    for (protocol, missing), mean in expected.items():
        metric = AnswerAccuracy(protocol=protocol, missing=missing, detail=True)
        metric.update(["A", None, "B"], ["A", "B", "B"], dialogue=["x"] * 3, turn=[1, 2, 3])
        found = metric.compute()
        assert found["answer_accuracy"].item() == pytest.approx(mean), (protocol, missing)
        assert found["answer_accuracy_coverage"].item() == pytest.approx(2 / 3)


def test_lists_of_lists_may_differ_in_length_and_end_in_an_absent_answer() -> None:
    metric = AnswerAccuracy(detail=True, missing="zero")
    metric.update([["A"], ["B", "C", None]], [["A"], ["B", "D", "A"]], dialogue=["p", "q"])
    found = metric.compute()
    assert found["answer_accuracy"].item() == pytest.approx(0.5)
    assert found["answer_accuracy_turn_3"].item() == 0
    assert found["answer_accuracy_coverage"].item() == pytest.approx(3 / 4)


def test_kinds_and_their_options_reach_the_scorer() -> None:
    places = {"dialogue": [0, 0], "turn": [1, 2]}
    for metric, preds, target, mean in [
        (AnswerAccuracy("exact"), ["The Cat.", "dog"], ["cat", "cat"], 0.5),
        (AnswerAccuracy("exact", normalize=False), ["The Cat.", "cat"], ["cat", "cat"], 0.5),
        (AnswerAccuracy("numeric", rel_tol=0.1), ["about 105", "200"], ["100", "100"], 0.5),
        (AnswerAccuracy("f1"), ["red star", "x"], [["red", "a red star"], "red"], 0.5),
        (AnswerAccuracy(options="ABCDEFGH"), ["H", "A"], ["H", "H"], 0.5),
    ]:
        metric.update(preds, target, **places)
        assert metric.compute().item() == pytest.approx(mean), metric.kind


def test_a_refused_batch_names_the_row_and_changes_nothing() -> None:
    metric = AnswerAccuracy()
    metric.update(["A"], ["A"], dialogue=[0], turn=[1])
    before = metric.moments.clone()
    with pytest.raises(ValueError, match="row 1"):
        metric.update(["A", "B"], ["A", "no letters here: 1 2 3"], dialogue=[1, 1], turn=[1, 2])
    with pytest.raises(ValueError, match="`target` to have one entry"):
        metric.update(["A", "B"], ["A"], dialogue=[1, 1], turn=[1, 2])
    assert torch.equal(metric.moments, before)
    with pytest.raises(ValueError, match="`kind`"):
        AnswerAccuracy("bleu")
    with pytest.raises(ValueError, match="imug"):
        AnswerAccuracy("exact", protocol="imug")


def test_lengths_leave_out_what_lies_behind_a_dialogue() -> None:
    metric = AnswerAccuracy(detail=True)
    metric.update([["A", None, "B"], ["A", "B", "D"]], [["A", "B", "B"], ["B", "B", "A"]], lengths=torch.tensor([3, 2]))
    found = metric.compute()
    assert (found["answer_accuracy_n"], found["answer_accuracy_coverage"]) == (4, 4 / 5)
    assert found["answer_accuracy"] == 3 / 4


CUPS = {"A": "a red cup", "B": "a blue cup", "C": "a green cup", "D": "none of the above"}

# What is said, the key, the question's options, and the score.
QUESTIONS: list[tuple[str | None, str, Any, float]] = [
    ("a blue cup", "B", CUPS, 1.0),
    ("It shows a green cup.", "C", CUPS, 1.0),
    ("None of the above.", "D", CUPS, 1.0),
    ("a blue cup", "B", "ABCD", 0.0),
    ("a blue cup", "B", None, 0.0),
    ("红色的杯子", "A", {"A": "红色的杯子", "B": "蓝色的杯子"}, 1.0),
    ("Es ist die grüne Tasse.", "B", {"A": "die rote Tasse", "B": "die grüne Tasse"}, 1.0),
    ("La tasse bleue", "A", {"A": "la tasse bleue", "B": "la tasse rouge"}, 1.0),
    ("H", "H", "ABCDEFGH", 1.0),
    ("H", "A", None, 0.0),
    ("The answer is E.", "D", "ABCD", 0.0),
    ("B", "B", CUPS, 1.0),
]


@pytest.mark.parametrize("form", ["flat", "lists", "one by one"])
def test_every_question_has_options_of_its_own(form: str) -> None:
    preds, target, options, scores = ([*column] for column in zip(*QUESTIONS, strict=True))
    metric = AnswerAccuracy(detail=True, max_turns=len(preds))
    if form == "flat":
        metric.update(preds, target, options=options, dialogue=[0] * len(preds), turn=[*range(1, len(preds) + 1)])
    elif form == "lists":
        metric.update([preds[:5], preds[5:]], [target[:5], target[5:]], options=[options[:5], options[5:]])
    else:
        for place, (pred, key, listed) in enumerate(zip(preds, target, options)):
            metric.update([pred], [key], dialogue=[place], turn=[place + 1], valid=None, lengths=None, options=[listed])
    found = metric.compute()
    assert found["answer_accuracy"].item() == pytest.approx(sum(scores) / len(scores))
    if form != "lists":
        for turn, score in enumerate(scores, 1):
            assert found[f"answer_accuracy_turn_{turn}"].item() == score, QUESTIONS[turn - 1]


def test_options_of_all_questions_and_those_of_the_constructor_stand_in_for_none() -> None:
    for metric, options in [
        (AnswerAccuracy(), CUPS),
        (AnswerAccuracy(options=CUPS), None),
        (AnswerAccuracy(options=CUPS), [[None], [None, CUPS]]),
    ]:
        metric.update([["a blue cup"], ["a red cup", "a green cup"]], [["B"], ["A", "C"]], options=options)
        assert metric.compute().item() == 1.0


@pytest.mark.parametrize("make", [lambda: AnswerAccuracy("exact"), lambda: AnswerAccuracy(protocol="imug")])
def test_a_metric_that_reads_no_options_may_be_given_them(make: Callable[[], AnswerAccuracy]) -> None:
    """So that a collection can feed it together with others."""
    with_options, without = make(), make()
    with_options.update(["a blue cup", "A"], ["B", "A"], dialogue=[0, 0], turn=[1, 2], options=[CUPS, "ABCD"])
    without.update(["a blue cup", "A"], ["B", "A"], dialogue=[0, 0], turn=[1, 2])
    assert torch.equal(with_options.moments, without.moments)


BAD_OPTIONS = [
    (["ABC", "ABB"], ValueError, r"`options` to be distinct letters A to Z, got 'ABB' at row 1\."),
    (["AB", "ab"], ValueError, r"`options` to be distinct letters A to Z, got 'ab' at row 1\."),
    (["", "AB"], ValueError, r"`options` to be distinct letters A to Z, got '' at row 0\."),
    ([None, {}], ValueError, r"`options` to be distinct letters A to Z, got {} at row 1\."),
    ([CUPS, {"AB": "a cup"}], ValueError, r"`options` to hold texts by letter, .* at row 1\."),
    ([CUPS, {"A": None}], ValueError, r"`options` to hold texts by letter, .* at row 1\."),
    ([CUPS, {1: "a cup"}], ValueError, r"`options` to hold texts by letter, .* at row 1\."),
    ([CUPS, 4], TypeError, r"`options` to hold letters or texts by letter, got int at row 1\."),
    ([CUPS, "A1"], ValueError, r"`options` .* got 'A1' at row 1\."),
    (["AB", "ÄB"], ValueError, r"`options` .* got 'ÄB' at row 1\."),
    (["AB"], ValueError, r"`options` to have one entry for each of `preds`, \[2\], got \[1\]\."),
    ([["AB"], ["AB"]], ValueError, r"`options` to have one entry for each of `preds`, \[2\], got \[2, 1\]\."),
]


@pytest.mark.parametrize("kind", ["choice", "exact"])
@pytest.mark.parametrize(("options", "error", "message"), BAD_OPTIONS)
def test_bad_options_are_refused_with_their_row_and_change_nothing(
    kind: Any, options: Any, error: type[Exception], message: str
) -> None:
    metric = AnswerAccuracy(kind, detail=True)
    metric.update(["A"], ["A"], dialogue=[0], turn=[1])
    before = metric.moments.clone()
    with pytest.raises(error, match=message):
        metric.update(["A", None], ["A", "A"], dialogue=[1, 1], turn=[1, 2], options=options)
    assert torch.equal(metric.moments, before)
    assert metric.update_count == 1


def test_bad_options_in_lists_of_dialogues_are_named_by_line_and_column() -> None:
    with pytest.raises(ValueError, match=r"got 'AA' at row \[1, 0\]"):
        AnswerAccuracy().update([["A", "B"], ["A"]], [["A", "B"], ["A"]], options=[["AB", None], ["AA"]])
    with pytest.raises(ValueError, match="`options` to have the dialogues of `preds`, of 1 turns, got 2 at row 1"):
        AnswerAccuracy().update([["A", "B"], ["A"]], [["A", "B"], ["A"]], options=[["AB", None], ["AB", None]])
    for options in ("AA", {"A": 1}):
        with pytest.raises(ValueError, match="`options`"):
            AnswerAccuracy(options=options)  # type: ignore[arg-type]


# Kind, what is said, its key, and whether it is there and says nothing that could be read.
UNREAD: list[tuple[Any, Any, Any, bool]] = [
    ("choice", "B", "B", False),
    ("choice", "C", "B", False),
    ("choice", None, "B", False),
    ("choice", "", "B", True),
    ("choice", "I cannot see the image.", "B", True),
    ("choice", "Ich kann das nicht beantworten.", "B", True),
    ("choice", "A cat", "A", True),
    ("choice", "它是红色的", "A", True),
    ("choice", "ERROR: timeout", "E", True),
    ("numeric", "12", 12, False),
    ("numeric", 7, 12, False),
    ("numeric", "it is 13", 12, False),
    ("numeric", None, 12, False),
    ("numeric", "no idea", 12, True),
    ("numeric", "je ne sais pas", 12, True),
    ("numeric", "3 or 2026/04/19", 3, False),
    ("numeric", "", 12, True),
    ("exact", "", "cat", False),
    ("exact", None, "cat", False),
    ("f1", "no idea", "cat", False),
]


@pytest.mark.parametrize(("kind", "said", "key", "unread"), UNREAD)
def test_an_answer_that_is_there_but_cannot_be_read_is_counted_and_scores_zero(
    kind: Any, said: Any, key: Any, unread: bool
) -> None:
    metric = AnswerAccuracy(kind, detail=True)
    metric.update(
        [[said, "12 A cat"[3 * (kind != "numeric") :][:2].strip()]], [[key, 12 if kind == "numeric" else "A"]]
    )
    found = metric.compute()
    assert found["answer_accuracy_unread"] == unread
    if unread:
        assert found["answer_accuracy_turn_1"] == 0
        assert found["answer_accuracy_coverage"] == 1


def test_only_answers_that_are_there_are_counted_as_unread() -> None:
    metric = AnswerAccuracy(detail=True)
    said, keys = [["no idea", "no idea", "A"], ["no idea"], ["?", None]], [["A", "A", "A"], ["A"], ["A", "A"]]
    metric.update(said, keys, valid=torch.tensor([[True, False, True], [True, True, True], [True, False, True]]))
    assert metric.compute()["answer_accuracy_unread"] == 3
    metric.update(said, keys, dialogue=["x", "y", "z"], lengths=torch.tensor([3, 1, 2]))
    assert metric.compute()["answer_accuracy_unread"] == 7
    official = AnswerAccuracy(protocol="imug", detail=True)
    official.update(["no idea"], ["A"], dialogue=[0], turn=[1])
    assert "answer_accuracy_unread" not in official.compute()


@pytest.mark.parametrize("options", [CUPS, "ABCD", [CUPS, None, "ABCD", CUPS]])
def test_options_come_through_whatever_feeds_the_metric(options: Any) -> None:
    columns: dict[str, Any] = {"preds": ["a blue cup", "B", "E", "a red cup"], "target": ["B", "B", "A", "B"]}
    places = {"dialogue": ["x", "x", "y", "y"], "turn": [1, 2, 1, 2]}
    alone = AnswerAccuracy(detail=True)
    alone.update(**columns, **places, options=options)
    expected = alone.compute()["answer_accuracy"].item()

    collection = MetricCollection({"strict": AnswerAccuracy(), "imug": AnswerAccuracy(protocol="imug")})
    collection.update(**columns, **places, options=options)
    assert collection.compute()["strict"].item() == expected
    suite = ImugSuite([AnswerAccuracy(detail=True)])
    suite.update(**columns, **places, options=options)
    assert suite.compute()["answer_accuracy"] == expected
    groups = Breakdown(AnswerAccuracy(), groups=["g", "h"])
    groups.update(**columns, **places, options=options, group=["g", "g", "h", "h"])
    found = {key: value.item() for key, value in groups.compute().items()}
    by_turn = {"answer_accuracy": expected, "answer_accuracy[g]": 1.0 if options != "ABCD" else 0.5}
    assert found == {**by_turn, "answer_accuracy[h]": 0.0}
    if isinstance(options, list):
        buffer = RolloutBuffer()
        for turn in (1, 2):
            rows = [turn - 1, turn + 1]
            taken = {name: [column[row] for row in rows] for name, column in {**columns, "options": options}.items()}
            buffer.add(["x", "y"], turn, **taken)
        released = AnswerAccuracy()
        released.update(**buffer.release())
        assert released.compute().item() == expected
