# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""A user's own function and own section on the page and in the files."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest

import imug_metrics
from imug_metrics import Record
from imug_metrics.evaluation import Evaluation
from imug_metrics.report import SECTIONS, Cell, Folded, Report, Section, Table, Text
from imug_metrics.suite import FunctionMetric
from tests.report.page_reader import Page


def politeness(record: Record) -> float:
    """How often an answer says please."""
    return str(record.text).count("please")


def records(factor: int) -> list[Record]:
    return [
        Record(
            f"d{d}", turn, "text", "Which?", text="please " * (factor * (turn + d % 3)), groups={"class": "ab"[d % 2]}
        )
        for d in range(24)
        for turn in (1, 2, 3)
    ]


@pytest.fixture(scope="module")
def found() -> Evaluation:
    metric = FunctionMetric(politeness, higher_is_better=True, low=0, label="Politeness")
    return imug_metrics.evaluate({"plain": records(1), "polite": records(2)}, metrics={"politeness": metric})


def test_a_function_is_in_every_table_curve_and_file(found: Evaluation, tmp_path: Path) -> None:
    page = Page(found.report(tmp_path).read_text(encoding="utf-8"))
    assert page.rows("scores", "Scores by model")[0][1] == "Politeness"
    assert 'aria-label="Politeness by turn"' in page.section("curves")
    assert [row[0] for row in page.rows("decay", "Change a turn")[1::2]] == ["Politeness"]
    assert page.rows("groups", "By class")[1][:2] == ["Politeness", "a"]
    assert page.rows("differences", "Ranks")[1:] == [["plain", "2"], ["polite", "1"]]
    assert "polite leads in Politeness" in page.words
    assert "Politeness (from 0, higher is better) How often an answer says please." in page.words
    samples = list(csv.DictReader(io.StringIO((tmp_path / "samples.csv").read_text(encoding="utf-8"))))
    assert "Politeness" in samples[0]
    assert "politeness" in (tmp_path / "per_turn.csv").read_text(encoding="utf-8")


def test_a_section_of_ones_own_stands_where_it_is_put(found: Evaluation, tmp_path: Path) -> None:
    def mine(report: Report) -> Section:
        rows = [[report.name(place), Cell("<b>", value=place)] for place in range(len(report.models))]
        table = Table(("Model", "Place"), [rows], "Places", name="places")
        return Section("mine", "My section", "About <it>.", [Text("Said <here>."), Folded("More", [table])])

    def nothing(report: Report) -> None:
        return None

    path = found.report(tmp_path, sections=[mine, nothing, *SECTIONS[:2]])
    page = Page(path.read_text(encoding="utf-8"))
    assert page.words.index("My section") < page.words.index("What the numbers say")
    assert page.rows("mine", "Places")[1:] == [["plain", "<b>"], ["polite", "<b>"]]
    assert "Said <here>." in page.words
    assert page.section("notes") == ""
    assert (tmp_path / "tables" / "places.csv").read_text(encoding="utf-8") == "Model,Place\nplain,0\npolite,1\n"
