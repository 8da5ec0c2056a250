# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Groups that records carry: columns of the rows, by any name that nothing else has."""

from __future__ import annotations

from typing import Any

import pytest

from imug_metrics import TurnDecay
from imug_metrics.errors import InputError
from imug_metrics.report.breakdown import breakdown, group_names
from imug_metrics.report.metric_specs import METRICS
from imug_metrics.suite import ImugSuite, Record, score_records
from imug_metrics.suite.carried import RECORD_COLUMNS


def said(dialogue: str, groups: dict[str, Any] | None = None, text: str = "A", **more: Any) -> Record:
    return Record(dialogue, 1, "text", "Which?", text=text, target="A", groups=groups or {}, **more)


def test_any_group_is_a_column_behind_those_that_are_always_there() -> None:
    found = score_records([said("a", {"source": "web", "difficulty": 3}), said("b")], model="mine", encoder=None)
    assert [[*row][: len(RECORD_COLUMNS) + 2] for row in found.items] == [[*RECORD_COLUMNS, "difficulty", "source"]] * 2
    assert [(row["difficulty"], row["source"], row["class"]) for row in found.items] == [
        ("3", "web", None),
        (None, None, None),
    ]


def test_a_group_that_no_record_is_in_is_no_column() -> None:
    [row] = score_records([said("a")], model="mine", encoder=None).items
    assert {"class", "domain", "subdomain"} <= row.keys()
    assert not {"difficulty", "question"} & row.keys()


def test_means_are_taken_by_every_group_that_records_carry() -> None:
    records = [said(f"d{n}", {"source": "web" if n % 3 else "book"}, "A" if n % 2 else "B") for n in range(12)]
    found = score_records(records, model="mine", encoder=None)
    assert group_names([found]) == ["modality", "source"]
    means = breakdown(found, METRICS[0], "source")
    assert {name: (mean.value, mean.dialogues) for name, mean in means.items()} == {"book": (0.5, 4), "web": (0.5, 8)}


TAKEN = ["prompt", "reading", "model", "points", "alignment", "copy", "answer_accuracy", "cost_tokens", "judge", "mine"]


@pytest.mark.parametrize("name", TAKEN)
def test_a_group_that_would_pass_for_another_column_is_refused_before_anything_changes(name: str) -> None:
    suite = ImugSuite({"answer_accuracy": TurnDecay(), "mine": TurnDecay()}, keep_rows=True)
    suite.update([said("a", scores={"judge": 0.5})])
    before = {key: float(value) for key, value in suite.compute().items()}
    with pytest.raises(InputError, match=rf"`groups` to have other names.*got '{name}'"):
        suite.update([said("b", {name: "x"})])
    assert len(suite.rows()) == 1
    assert {key: float(value) for key, value in suite.compute().items()} == pytest.approx(before, nan_ok=True)


def test_a_score_that_comes_later_cannot_take_the_name_of_a_group() -> None:
    suite = ImugSuite(keep_rows=True)
    suite.update([said("a", {"source": "web"})])
    with pytest.raises(InputError, match=r"`scores` to have other names.*got 'source'"):
        suite.update([said("b", scores={"source": 1.0})])
    suite.reset()
    suite.update([said("b", scores={"source": 1.0})])
    assert suite.rows()[0]["source"] == 1.0


def test_without_rows_groups_are_called_as_they_like() -> None:
    suite = ImugSuite()
    suite.update([said("a", {"prompt": "x"})])
    assert float(suite.compute()["answer_accuracy"]) == 1.0


@pytest.mark.parametrize("name", ["", " x", "x\n", "\0", "x" * 101])
def test_a_kind_of_group_has_a_name_that_can_be_printed(name: str) -> None:
    with pytest.raises(InputError, match="`groups` to have printable names of 1 to 100"):
        said("a", {name: "x"})


def test_rows_that_come_in_steps_have_all_columns() -> None:
    suite = ImugSuite(keep_rows=True)
    suite.update(iter([said("a"), said("b", {"source": "web"})]), dialogues_per_step=1)
    assert [row["source"] for row in suite.rows()] == [None, "web"]
