# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""The table in the terminal."""

from __future__ import annotations

import io
import math
from typing import Any

import pytest
from rich.console import Console

from imug_metrics.cli.tables import print_tables
from imug_metrics.report import score_tables


def printed(models: list[Any], width: int = 80) -> str:
    buffer = io.StringIO()
    print_tables(score_tables(models), Console(file=buffer, width=width, force_terminal=False))
    return buffer.getvalue()


def row_of(text: str, name: str) -> list[str]:
    """The words of the first row that begins with a name."""
    return next(line.split() for line in text.splitlines() if line.split()[:1] == [name])


def test_it_fits_eighty_columns_with_every_number_whole(make_scores: Any) -> None:
    text = printed([make_scores("steady"), make_scores("copying", slope=-0.08, copy_rate=0.97, consistency=0.99)])
    assert max(map(len, text.splitlines())) <= 80
    assert text.count("▼ −0.080") == 4, "answers under both protocols, alignment and retrieval"
    assert text.count("−0.100 to −0.060") == 4


def test_repeated_images_are_marked_in_the_table_and_told_below(make_scores: Any) -> None:
    text = printed([make_scores("steady"), make_scores("copying", copy_rate=0.97, consistency=0.99)])
    assert row_of(text, "copying")[-6:] == ["0.99", "=", "0.97", "!", "98.0", "%"]
    assert "=" not in row_of(text, "steady")
    assert "= copying, Consistency: it repeats its own images" in " ".join(text.split())


def test_missing_outputs_are_marked_at_the_name_in_every_table(make_scores: Any) -> None:
    models = [make_scores("whole"), make_scores("skips")]
    models[1].scores["turn_alignment_coverage"] = 0.5999
    text = printed(models)
    assert row_of(text, "whole")[-2:] == ["98.0", "%"]
    assert row_of(text, "skips")[-3:] == ["59.9", "%", "!"], "rounded towards not all"
    assert "! skips, Alignment: 59 % of the outputs were scored" in " ".join(text.split())
    for table in score_tables(models):
        marks = {cell.content: [mark.sign for mark in cell.marks] for row in table.rows for cell in row if cell.model}
        assert marks["skips"] == ["!"]


def test_only_significant_slopes_are_marked(make_scores: Any) -> None:
    text = printed([make_scores("level", slope=-0.01, slope_error=0.01)])
    assert "−0.010" in text
    assert not any("▼" in line for line in text.splitlines() if "−0.010" in line)


def test_a_model_without_any_score_is_named_with_dashes(make_scores: Any) -> None:
    models = [make_scores("there"), make_scores("empty")]
    models[1].scores.update(dict.fromkeys(models[1].scores, math.nan))
    assert row_of(printed(models), "empty") == ["empty", *["–"] * 7]
    assert [str(table).splitlines()[-1] for table in score_tables(models[1:])] == ["empty         –"]


def test_a_name_with_markup_is_printed_as_it_is(make_scores: Any) -> None:
    assert "[red]x[/red]" in printed([make_scores("[red]x[/red]")], width=120)


@pytest.mark.parametrize("width", [40, 60])
def test_a_table_wider_than_the_terminal_is_printed_in_parts_with_every_number(make_scores: Any, width: int) -> None:
    model = make_scores("steady")
    text = printed([model], width)
    assert max(map(len, text.splitlines())) <= width
    rows = [
        line.split() for line in text.partition("Change per turn")[0].splitlines() if line.split()[:1] == ["steady"]
    ]
    assert len(rows) > 1
    assert [word for row in rows for word in row[1:]] == ["0.80", "0.48", "0.80", "0.80", "0.80", "0.00", "98.0", "%"]


def test_no_model_is_an_error() -> None:
    with pytest.raises(ValueError, match="at least one model"):
        score_tables([])
