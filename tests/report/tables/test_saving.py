# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Tables of a report as files: every one that has a name, exact, and none that an earlier report left behind."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest

from imug_metrics.errors import ArgumentError
from imug_metrics.report import SECTIONS, Cell, Report, Section, Table, write_report
from imug_metrics.report.sections import tables_of
from imug_metrics.report.tables.saving import table_texts, write_tables

ROW = [[[Cell("a"), Cell("0.50", value=0.504)]]]


def table(name: str) -> Table:
    return Table(("Model", "Score"), ROW, name=name)


def test_every_named_table_of_the_page_is_written_in_three_forms(make_scores: Any, tmp_path: Path) -> None:
    models = [make_scores("a"), make_scores("b", slope=-0.08)]
    write_report(models, tmp_path, manifest={})
    named = {
        part.name
        for build in SECTIONS
        if (section := build(Report(models))) is not None
        for part in tables_of(section.parts)
        if part.name
    }
    files = {path.name for path in (tmp_path / "tables").iterdir()}
    assert files >= {f"{name}.{form}" for name in named for form in ("csv", "md", "tex")}
    assert {"scores.csv", "changes.tex", "differences.csv", "coverage.md"} <= files


def test_the_csv_holds_exact_values_with_bounds(make_scores: Any, tmp_path: Path) -> None:
    model = make_scores("a")
    write_report([model], tmp_path, manifest={})
    with (tmp_path / "tables" / "scores.csv").open(encoding="utf-8", newline="") as file:
        [row] = csv.DictReader(file)
    assert row["Model"] == "a"
    for end, key in (("", ""), (" lower", "_lower"), (" upper", "_upper"), (" n", "_n")):
        assert float(row[f"Answers{end}"]) == model.scores[f"answer_accuracy{key}"]


def test_tables_of_an_earlier_report_go_away_and_files_of_others_stay(tmp_path: Path) -> None:
    write_tables(tmp_path, table_texts([table("old"), table("scores")]))
    (tmp_path / "mine.csv").write_text("kept")
    assert write_tables(tmp_path, table_texts([table("scores")])) == ["scores.csv", "scores.md", "scores.tex"]
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "index.json", "mine.csv", "scores.csv", "scores.md", "scores.tex"
    ]  # fmt: skip


def test_an_index_that_names_other_places_takes_nothing_away(tmp_path: Path) -> None:
    folder = tmp_path / "tables"
    folder.mkdir()
    (tmp_path / "kept.csv").write_text("kept")
    (folder / "upper.CSV").write_text("kept")
    for content in ({"files": ["../kept.csv", "upper.CSV", 3, None]}, {"files": 5}, [], {}):
        (folder / "index.json").write_text(json.dumps(content))
        write_tables(folder, {})
    (folder / "index.json").write_bytes(b"\xff\xfe")
    write_tables(folder, {})
    assert (tmp_path / "kept.csv").exists()
    assert (folder / "upper.CSV").exists()


@pytest.mark.parametrize("name", ["../x", "A", "a b", "a.csv", "ü"])
def test_a_name_that_no_file_should_have_is_refused_before_anything_is_written(
    make_scores: Any, tmp_path: Path, name: str
) -> None:
    def mine(report: Report) -> Section:
        return Section("mine", "Mine", parts=[table(name)])

    with pytest.raises(ArgumentError, match="of the characters a-z, 0-9 and _"):
        write_report([make_scores()], tmp_path / "out", manifest={}, sections=[*SECTIONS, mine])
    assert not list((tmp_path / "out").rglob("*.csv"))


def test_two_tables_of_one_name_are_refused() -> None:
    with pytest.raises(ArgumentError, match="'scores' twice"):
        table_texts([table("scores"), table("scores")])
