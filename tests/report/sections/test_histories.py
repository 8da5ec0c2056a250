# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Own against reference history in the table, the page and the sentences."""

from __future__ import annotations

import io
import math
from typing import Any

from rich.console import Console

from imug_metrics.cli.tables import print_tables
from imug_metrics.report import Figure, Panels, Report, Section, find, score_tables
from imug_metrics.report.sections.histories import histories
from imug_metrics.report.tables.table import Cell, Table


def put(scores: dict[str, float], key: str, value: float, error: float) -> None:
    scores |= {key: value, f"{key}_lower": value - 2 * error, f"{key}_upper": value + 2 * error}


def compared(model: Any, *, excess: float = 60.0, error: float = 10.0, gap: float = 0.1, drawn: float = 0.0) -> Any:
    """Adds the scores of a run on the reference history."""
    put(model.scores, "exposure_bias", excess, error)
    put(model.scores, "exposure_bias_mean", gap, 0.02)
    put(model.scores, "exposure_bias_slope", gap / 4, 0.01)
    for turn in (2, 4):
        put(model.scores, f"exposure_bias_turn_{turn}", gap * turn / 3, 0.05)
        put(model.scores, f"exposure_bias_excess_{turn}", excess * turn / 4, error)
    put(model.scores, "exposure_gap_alignment", drawn, 0.01)
    more = {"scores": 0.6, "baseline": 0.7, "n": 60, "unpaired": 3}
    model.scores.update({f"exposure_bias_{key}": value for key, value in more.items()})
    return model


def sentences(model: Any) -> list[tuple[str, str]]:
    return [(f.tone, f.text) for f in find([model]) if "history" in f.text]


def printed(models: list[Any]) -> str:
    buffer = io.StringIO()
    print_tables(score_tables(models), Console(file=buffer, width=80, force_terminal=False))
    return buffer.getvalue()


def test_an_excess_clear_of_zero_is_a_loss_named_with_its_turn(make_scores: Any) -> None:
    ((tone, text),) = sentences(compared(make_scores()))
    assert tone == "loss"
    assert text.startswith("piles up 60 % more error by turn 4 on its own history than on the reference history")
    assert "95 % interval 40 to 80" in text


def test_a_model_better_on_its_own_history_gains(make_scores: Any) -> None:
    ((tone, text),) = sentences(compared(make_scores(), excess=-60.0))
    assert tone == "gain"
    assert "60 % less error" in text


def test_no_cost_seen_comes_with_the_excess_that_remains_possible(make_scores: Any) -> None:
    ((tone, text),) = sentences(compared(make_scores(), excess=5.0, gap=0.0))
    assert tone == "calm"
    assert "Up to 25 % more error by turn 4 remains possible." in text


def test_without_any_error_of_the_reference_the_gap_is_told(make_scores: Any) -> None:
    ((tone, text),) = sentences(compared(make_scores(), excess=math.nan))
    assert tone == "loss"
    assert text.startswith("answers 0.100 worse on its own history")


def test_images_that_fit_worse_are_a_sentence_of_their_own(make_scores: Any) -> None:
    _, (tone, text) = sentences(compared(make_scores(), drawn=0.05))
    assert tone == "loss"
    assert "draws images that fit 0.050 worse" in text


def test_an_interval_without_width_proves_nothing(make_scores: Any) -> None:
    assert not sentences(compared(make_scores(), error=0.0))


def test_the_table_shows_the_models_that_were_compared(make_scores: Any) -> None:
    text = printed([compared(make_scores("fading")), make_scores("alone")])
    below = text.partition("Own against reference history")[2]
    assert "fading" in below
    assert "alone" not in below
    assert "▲ +60" in below
    assert "40 to 80" in below
    assert "by turn 4" in below
    assert max(map(len, text.splitlines())) <= 80
    assert "reference history" not in printed([make_scores("alone")])


def section(*models: Any) -> tuple[Table, list[Figure]]:
    found = histories(Report(models))
    assert isinstance(found, Section)
    table, panels = found.parts
    assert isinstance(table, Table)
    assert isinstance(panels, Panels)
    return table, [part for part in panels.parts if isinstance(part, Figure)]


def measure(table: Table, name: str) -> list[Cell]:
    return next(list(row) for row in table.rows if row[1].text.startswith(name))


def test_the_section_keeps_each_models_colour_and_draws_three_panels(make_scores: Any) -> None:
    first, second = make_scores("alone"), compared(make_scores("fading"))
    put(second.scores, "exposure_gap_alignment_turn_1", 0.01, 0.01)
    table, figures = section(first, second)
    assert {row[0].content for row in table.rows} == {"fading"}
    assert next(table.rows)[0].model == 1
    assert measure(table, "Unpaired")[2].text == "3"
    excess = measure(table, "Excess error by turn 4")
    assert [cell.text for cell in excess[2:]] == ["▲ +60 %", "40 to 80"]
    assert (excess[2].tone, excess[2].value, excess[2].lower, excess[2].upper) == ("bad", 60, 40, 80)
    assert measure(table, "Answers, reference")[2].value == 0.7
    assert [figure.title for figure in figures] == ["Gap of answers", "Excess error", "Gap of alignment"]
    assert all("fading" in figure.svg for figure in figures)


def test_undefined_costs_are_dashes(make_scores: Any) -> None:
    table, _ = section(compared(make_scores(), excess=math.nan))
    assert measure(table, "Excess")[2].text == "–"
    assert measure(table, "Excess")[2].content is None


def test_axes_of_large_numbers_carry_no_decimals(make_scores: Any) -> None:
    _, figures = section(compared(make_scores(), excess=200.0))
    assert ">200<" in figures[1].svg
    assert ".0<" not in figures[1].svg


def test_without_a_reference_run_there_is_no_section(make_scores: Any) -> None:
    assert histories(Report([make_scores()])) is None
