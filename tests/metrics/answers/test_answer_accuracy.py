# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""AnswerAccuracy: what the class adds to the functional counterpart."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from imug_metrics import AnswerAccuracy
from tests.metrics import cases

CASES = {
    "accuracy-strict": cases.Case(AnswerAccuracy, cases.answers, rows="lists"),
    "accuracy-imug": cases.Case(lambda **k: AnswerAccuracy(protocol="imug", **k), cases.answers, rows="lists"),
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
    with pytest.raises(ValueError, match="`target` to have one key"):
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
