# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""A user's own function and own section on the page and in the files."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

import pytest

import imug_metrics
from imug_metrics import Record
from imug_metrics.errors import ArgumentError, InputError
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
    assert [row[0] for row in page.rows("decay", "Change per turn")[1::2]] == ["Politeness"]
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


def fails(report: Report) -> Section:
    raise RuntimeError("mine")


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (fails, "mine"),
        (lambda report: "text", "return a Section or None, got 'text'"),
        (lambda report: Section("mine", "Mine", parts=["text"]), "expected tables, figures, texts, ..., got 'text'"),
        (lambda report: Section("mine", "Mine", parts=[Folded("a", [3])]), "expected tables, .* got int"),
        (lambda report: Section("mine", "Mine", parts=iter([])), "expected parts in a list"),
        (lambda report: Section("scores", "Mine"), "names of sections to differ, got 'scores'"),
        (lambda report: Section('a"b', "Mine"), "names of sections of the characters"),
        (lambda report: Section("a", "A", parts=[Table(("A", "B"), [[[Cell("1")]]])]), "rows of 2 cells"),
        (lambda report: Section("a", "A", parts=[Table(("A",), [[[Cell("1"), Cell("2")]]])]), "rows of 1 cells"),
    ],
)
def test_a_section_that_cannot_be_shown_leaves_an_earlier_report_as_it_was(
    found: Evaluation, tmp_path: Path, make: Any, message: str
) -> None:
    found.report(tmp_path, sections=SECTIONS[:2])
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    with pytest.raises((RuntimeError, ArgumentError, InputError), match=message):
        found.report(tmp_path, sections=[*SECTIONS[:3], make])
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before
