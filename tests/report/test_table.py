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


def rows_of(text: str, model: str) -> list[list[str]]:
    """The cells of a model's row in each table, without the second lines of intervals."""
    return [line.split() for line in text.splitlines() if line.split()[:1] == [model]]


def printed(models: list[Any], width: int = 80) -> str:
    buffer = io.StringIO()
    print_tables(score_tables(models), Console(file=buffer, width=width, force_terminal=False))
    return buffer.getvalue()


def test_it_fits_eighty_columns_with_every_number_whole(make_scores: Any) -> None:
    text = printed([make_scores("steady"), make_scores("copying", slope=-0.08, copy_rate=0.97, consistency=0.99)])
    assert max(map(len, text.splitlines())) <= 80
    assert text.count("▼ −0.080") == 2
    assert text.count("−0.10…−0.06") == 2
    assert [len(rows_of(text, model)) for model in ("steady", "copying")] == [2, 2], "scores, then the changes"


def test_repeated_images_are_marked_in_the_table_and_told_below(make_scores: Any) -> None:
    text = printed([make_scores("steady"), make_scores("copying", copy_rate=0.97, consistency=0.99)])
    assert rows_of(text, "copying")[0][-5:] == ["0.99", "=", "0.97", "98", "%"]
    assert "=" not in rows_of(text, "steady")[0]
    assert "= copying, Consistency: it repeats its own images" in " ".join(text.split())


def test_coverage_stands_in_every_table_and_is_marked_where_outputs_are_missing(make_scores: Any) -> None:
    models = [make_scores("whole"), make_scores("skips")]
    models[1].scores["turn_alignment_coverage"] = 0.599
    text = printed(models)
    assert [row[-2:] for row in rows_of(text, "whole")] == [["98", "%"]] * 2
    assert [row[-3:] for row in rows_of(text, "skips")] == [["59", "%", "!"]] * 2, "rounded towards not all"
    assert "! skips, Alignment: 59 % of the outputs were scored" in " ".join(text.split())
    assert "whole," not in text


def test_only_significant_slopes_are_marked(make_scores: Any) -> None:
    rows = printed([make_scores("level", slope=-0.01, slope_error=0.01)]).splitlines()
    assert not any("▼" in row for row in rows if "level" in row)


def test_undefined_numbers_are_dashes(make_scores: Any) -> None:
    model = make_scores("empty")
    model.scores.update(dict.fromkeys(model.scores, math.nan))
    assert rows_of(printed([model]), "empty") == [["empty", *["–"] * 7], ["empty", *["–"] * 3]]


def test_a_name_with_markup_is_printed_as_it_is(make_scores: Any) -> None:
    assert "[red]x[/red]" in printed([make_scores("[red]x[/red]")], width=120)


def test_no_model_is_an_error() -> None:
    with pytest.raises(ValueError, match="at least one model"):
        score_tables([])
