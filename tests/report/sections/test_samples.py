# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""The list of all dialogues, on the page and beside it."""

from __future__ import annotations

import csv
import importlib
import re
from pathlib import Path
from typing import Any

import pytest

from imug_metrics.report.dialogues import scored_dialogue as limits
from imug_metrics.report.sections import Report, tables_of
from imug_metrics.report.sections.samples import samples
from imug_metrics.report.tables.table import Table
from imug_metrics.suite import ModelScores
from tests.report.large import large_scores
from tests.report.page_reader import seen, written


def table(report: Report) -> Table:
    found = samples(report)
    assert found is not None
    [only] = tables_of(found.parts)
    return only


def file_rows(folder: Path) -> list[dict[str, str]]:
    with (folder / "samples.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_a_row_a_dialogue_and_model_the_worst_first() -> None:
    found = table(Report(large_scores(2, 20, 4)))
    wrong = [row["Wrong"] for row in found.records()]
    assert len(wrong) == 40
    assert wrong == sorted(wrong, reverse=True)
    assert (found.sortable, found.filterable) == (True, True)


def test_counts_and_means_are_those_of_the_rows(tmp_path: Path) -> None:
    models = large_scores(1, 30, 6)
    written(models, tmp_path)
    for row in file_rows(tmp_path):
        mine = [item for item in models[0].items if item["dialogue"] == row["Dialogue"]]
        read = [item["answer_strict"] for item in mine if item["reading"] == "answer"]
        assert int(row["Turns"]) == 6
        assert int(row["Wrong"]) == read.count(0.0)
        assert int(row["Not read"]) == sum(item["reading"] == "unclear" for item in mine)
        assert int(row["Absent"]) == sum(item["text"] is None and item["image"] is None for item in mine)
        assert int(row["Fits another prompt"]) == sum(item["retrieval"] == 0 for item in mine)
        values = [item["alignment"] for item in mine if item["alignment"] is not None]
        if values:
            assert float(row["Alignment"]) == pytest.approx(sum(values) / len(values))
        else:
            assert row["Alignment"] == ""
        assert row["Class"] == mine[0]["class"]


def test_beyond_the_budget_the_page_says_what_it_leaves_out_and_the_file_holds_all(
    tmp_path: Path, monkeypatch: Any
) -> None:
    monkeypatch.setattr(limits, "MOST_LISTED", 30)
    models = large_scores(2, 40, 2)
    page = written(models, tmp_path)
    assert len(page.rows("samples", "Dialogues of all models")) == 1 + 30
    assert "50 rows are not in the page" in seen(page.section("samples"))
    assert len(file_rows(tmp_path)) == 80


def test_turns_are_folded_into_their_row(tmp_path: Path) -> None:
    page = written(large_scores(1, 5, 4), tmp_path)
    folded = re.findall(r"<details>.*?</details>", page.section("samples"), re.S)
    assert len(folded) == 5
    for one in folded:
        assert re.search(r'<ol id="dialogue-\d+">', one)
        assert one.count("<li ") == 4
        assert "Which colour does" in one
        assert ">A</b>" in one


def test_when_the_page_is_full_rows_stay_and_their_turns_do_not(monkeypatch: Any) -> None:
    monkeypatch.setattr(importlib.import_module("imug_metrics.report.sections.samples"), "_PAGE", -1_480_000)
    found = [row[2].drawing for row in table(Report(large_scores(1, 30, 4))).rows]
    assert found[0].startswith("<details>")
    assert "not in the page" in found[-1]
    assert len({re.search(r'id="(dialogue-\d+)"', one)[1] for one in found if one}) == 30  # type: ignore[index]


def test_wrong_answers_are_counted_only_where_answers_are_judged() -> None:
    judged = {"dialogue": "d", "turn": 1, "modality": "text", "text": "A", "target": "A", "answer_strict": 1.0}
    keyless = {**judged, "target": None, "answer_strict": None}
    assert "Wrong" in table(Report([ModelScores("mine", {}, [judged])])).columns
    assert "Wrong" not in table(Report([ModelScores("mine", {}, [keyless])])).columns


def test_a_column_that_says_nothing_is_left_out_of_the_page_and_kept_in_the_file(tmp_path: Path) -> None:
    models = large_scores(1, 10, 1)
    assert "Domain" not in table(Report(models)).columns, "all are of one"
    assert {"Subdomain", "Absent"} <= {*table(Report(models)).columns}
    assert "Not read" not in table(Report(models)).columns, "no answer was asked for"
    written(models, tmp_path)
    assert {"Domain", "Not read", "Wrong"} <= file_rows(tmp_path)[0].keys()


def test_names_that_others_chose_are_cut_and_escaped(make_scores: Any, tmp_path: Path) -> None:
    model = make_scores(dialogues=2)
    for row in model.items:
        row |= {"dialogue": f"<b>{row['dialogue']}" + "x" * 500, "prompt": "<i>" * 1000, "class": "=<u>" * 100}
    page = written([model, make_scores("other")], tmp_path)
    found = page.section("samples")
    assert not re.search(r"<b>P|<i><i>|<u>", found)
    assert "x" * 61 not in found
    assert file_rows(tmp_path)[0]["Class"].startswith("'=<u>"), "no spreadsheet takes it for a formula"


def test_a_dialogue_whose_turns_are_of_several_groups_names_all(make_scores: Any, tmp_path: Path) -> None:
    model = make_scores(dialogues=1, turns=3)
    for row, difficulty in zip(model.items, ("easy", "hard", "easy"), strict=True):
        row["difficulty"] = difficulty
    written([model], tmp_path)
    assert file_rows(tmp_path)[0]["Difficulty"] == "easy, hard"


def test_without_records_there_is_no_section_and_an_empty_file(make_scores: Any, tmp_path: Path) -> None:
    model = make_scores()
    model.items.clear()
    assert samples(Report([model])) is None
    written([model], tmp_path)
    assert file_rows(tmp_path) == []
