# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""A table is one value: text, CSV, Markdown, LaTeX, HTML and pandas show the same cells."""

from __future__ import annotations

import csv
import io
import math
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from imug_metrics.report import Cell, Mark, Table
from imug_metrics.report.tables.table import name_cell
from imug_metrics.report.tables.text import narrow

MARK = Mark("!", "coverage", "half is missing")
TABLE = Table(
    ("Model", "Score,\nstrict", "Words"),
    [
        [(name_cell("a_b|c", 0), Cell("0.50", "bold", "0.40 to 0.60", 0.504, 0.4, 0.6, 12, (MARK,)), Cell("x & y"))],
        [(name_cell("=2+3", 1), Cell("–", value=math.nan), Cell("50 %"))],
    ],
    "Scores",
    ("a caption.",),
    "scores",
)


def test_files_hold_exact_values_with_bounds_and_counts() -> None:
    first, second = TABLE.records()
    assert first == {
        "Model": "a_b|c",
        "Score, strict": 0.504,
        "Score, strict lower": 0.4,
        "Score, strict upper": 0.6,
        "Score, strict n": 12,
        "Words": "x & y",
    }
    assert second["Score, strict"] is None
    assert second["Score, strict lower"] is None


def test_csv_is_read_back_as_it_was_and_holds_no_formula() -> None:
    first, second = csv.DictReader(io.StringIO(TABLE.to_csv()))
    assert float(first["Score, strict"]) == 0.504
    assert second["Score, strict"] == ""
    assert second["Model"] == "'=2+3"


def test_text_shows_signs_intervals_and_a_rule_between_groups() -> None:
    lines = str(TABLE).splitlines()
    assert lines[0] == "Scores"
    assert "0.50 !" in lines[4]
    assert "0.40 to 0.60" in lines[5]
    assert set(lines[6]) == {"─"}
    assert lines[-1] == "a caption."


def test_a_compact_table_breaks_its_headings_and_leaves_intervals_to_files() -> None:
    table = narrow(Table(("Answers, official rule", "Consistency", "Words"), TABLE.groups[:1]))
    assert table.header == ("Answers,\nofficial\nrule", "Consistency", "Words")
    assert "0.40 to 0.60" not in str(table)
    assert table.records()[0]["Consistency"] == 0.504


def test_columns_of_one_name_are_told_apart() -> None:
    assert Table(("", "A", "A\n", "A"), []).columns == ("", "A", "A 2", "A 3")
    assert Table(("A", "A", "A 2"), []).columns == ("A", "A 2", "A 2 2")


def test_no_column_hides_another_nor_its_bounds() -> None:
    """Models and metrics can be called like a numbered column or like the bound of another."""
    header = ("A", "A", "A 2", "B", "B lower")
    bounded = Cell("3", value=3.0, lower=2.5, upper=3.5)
    row = [Cell("0", value=0.0), Cell("1", value=1.0), Cell("2", value=2.0), bounded, Cell("4", value=4.0)]
    table = Table(header, [[row]])
    [record] = table.records()
    assert [*record.values()] == [0.0, 1.0, 2.0, 3.0, 2.5, 3.5, 4.0]
    assert record["B"] == 3.0
    assert record["B lower"] == 4.0
    assert next(csv.reader(io.StringIO(table.to_csv()))) == [*record]


HOSTILE = Table(
    ("Model\x1b[2J", "Notes\u202e"),
    [
        [(Cell("[2ex]"), Cell("a", below="\x1b[2J"))],
        [(Cell("*"), Cell("&lt;b&gt; a--b---c"))],
        [(Cell('"quoted"'), Cell("&amp"))],
    ],
    caption=("one\x00", "two\u2028"),
)


@pytest.mark.parametrize("form", [str, Table.to_markdown, Table.to_latex])
def test_no_form_passes_on_what_terminals_and_editors_act_upon(form: Callable[[Table], str]) -> None:
    assert form(HOSTILE).replace("\n", "").isprintable()


def test_markdown_shows_entities_as_they_are_written() -> None:
    assert r"\&lt;b\&gt; a--b---c" in HOSTILE.to_markdown()
    assert r"| &amp |" in HOSTILE.to_markdown()


def test_latex_takes_no_name_for_an_argument_and_joins_no_dashes() -> None:
    text = HOSTILE.to_latex()
    assert "\n{[}2ex{]} & a" in text
    assert "\n{*} & " in text
    assert r"a-{}-b-{}-{}-c" in text
    assert "textquotedbl" not in text  # which the usual encoding of fonts lacks


def test_markdown_escapes_what_would_part_cells() -> None:
    assert r"| a\_b\|c | 0.50 ! (0.40 to 0.60) | x & y |" in TABLE.to_markdown()


def test_latex_escapes_what_it_would_act_upon() -> None:
    text = TABLE.to_latex()
    assert r"a\_b\textbar{}c & 0.50 ! {\scriptsize (0.40 to 0.60)} & x \& y \\" in text
    assert r"\label{tab:scores}" in text
    assert r"50 \%" in text


def test_latex_has_numbers_to_the_right_and_what_must_be_known_below_the_rows() -> None:
    text = TABLE.to_latex()
    assert r"\begin{tabular}{lrl}" in text
    assert "\\caption{Scores}\n" in text
    assert text.index("a caption.") > text.index(r"\end{tabular}")
    assert "textbf" not in text, "bold is read as the best"


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="no LaTeX is installed")
def test_latex_compiles(tmp_path: Path) -> None:
    head = r"\documentclass{article}\usepackage{booktabs,amssymb}\begin{document}"
    (tmp_path / "t.tex").write_text(f"{head}{TABLE.to_latex()}\\end{{document}}", encoding="utf-8")
    call = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "t.tex"]
    subprocess.run(call, cwd=tmp_path, check=True, capture_output=True)


def test_html_escapes_names_and_tells_marks() -> None:
    table = Table(("Model",), [[(Cell("<script>", marks=(MARK,)),)]])
    shown = table._repr_html_()
    assert "&lt;script&gt;" in shown
    assert "<script>" not in shown
    assert 'title="half is missing"' in shown


def test_pandas_holds_the_exact_values() -> None:
    pandas = pytest.importorskip("pandas")
    frame = TABLE.to_pandas()
    assert isinstance(frame, pandas.DataFrame)
    assert frame["Score, strict"][0] == 0.504
    assert frame["Score, strict"].isna()[1]


def test_an_empty_table_has_its_headings_in_every_form() -> None:
    empty = Table(("Model", "Score"), [])
    assert empty.to_csv() == "Model,Score\n"
    assert "| Model | Score |" in empty.to_markdown()
    assert r"Model & Score \\" in empty.to_latex()
    assert str(empty).splitlines()[0].split() == ["Model", "Score"]
