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


def test_it_fits_eighty_columns_with_every_number_whole(make_scores: Any) -> None:
    text = printed([make_scores("steady"), make_scores("copying", slope=-0.08, copy_rate=0.97, consistency=0.99)])
    assert max(map(len, text.splitlines())) <= 80
    assert text.count("▼ −0.080") == 2
    assert text.count("−0.10…−0.06") == 2
    assert "0.97 !" in text
    assert "steady" in text
    assert "copying" in text


def test_only_significant_slopes_are_marked(make_scores: Any) -> None:
    rows = printed([make_scores("level", slope=-0.01, slope_error=0.01)]).splitlines()
    assert "▼" not in next(row for row in rows if "level" in row)


def test_undefined_numbers_are_dashes(make_scores: Any) -> None:
    model = make_scores("empty")
    model.scores.update(dict.fromkeys(model.scores, math.nan))
    row = next(row for row in printed([model]).splitlines() if "empty" in row)
    assert row.split() == ["empty", *["–"] * 8]


def test_a_name_with_markup_is_printed_as_it_is(make_scores: Any) -> None:
    assert "[red]x[/red]" in printed([make_scores("[red]x[/red]")], width=120)


def test_no_model_is_an_error() -> None:
    with pytest.raises(ValueError, match="at least one model"):
        score_tables([])
