# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Maps of dialogue by turn: cells stand where they belong, and what is missing is seen to be."""

from __future__ import annotations

import base64
import io
import math
import re
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from PIL import Image

from imug_metrics.report import Figure, Folded, Panels, Report
from imug_metrics.report.dialogues.scored_dialogue import ScoredDialogue, scored_dialogues
from imug_metrics.report.heat_map import HeatMap, heat_map, heat_map_svg, told
from imug_metrics.report.metric_specs import METRICS, MetricSpec
from imug_metrics.report.sections.heat_maps import heat_maps
from tests.report.large import large_scores

ALIGNMENT = next(view for view in METRICS if view.key == "turn_alignment")
ABSENT = (214, 39, 40, 255)


def scored(values: dict[str, list[float | str | None]], metric: MetricSpec = ALIGNMENT) -> list[ScoredDialogue]:
    """Dialogues of image turns: a number, None: not scored, "": absent."""
    rows: list[dict[str, Any]] = [
        {"dialogue": name, "turn": turn, "modality": "image", "image": None if value == "" else "a.png"}
        | {"alignment": None if value == "" else value}
        for name, mine in values.items()
        for turn, value in enumerate(mine, 1)
    ]
    return scored_dialogues([SimpleNamespace(items=rows)], [metric])  # type: ignore[list-item]


def drawn(values: dict[str, list[float | str | None]], metric: MetricSpec = ALIGNMENT) -> HeatMap:
    found = heat_map(scored(values, metric), metric, 0)
    assert found is not None
    return found


def pixels(svg: str) -> list[list[tuple[int, int, int, int]]]:
    data = re.search(r'href="data:image/png;base64,([\w+/=]+)"', svg)
    assert data
    image = Image.open(io.BytesIO(base64.b64decode(data[1]))).convert("RGBA")
    return [[image.getpixel((x, y)) for x in range(image.width)] for y in range(image.height)]  # type: ignore[misc]


def test_rows_are_dialogues_by_mean_the_worst_on_top() -> None:
    found = drawn({"b": [0.5, 0.6], "c": [0.9, 0.9], "a": [0.1, 0.3]})
    assert [one.dialogue for one in found.dialogues] == ["a", "b", "c"]
    assert found.turns == (1, 2)
    assert found.values.tolist() == [[0.1, 0.3], [0.5, 0.6], [0.9, 0.9]]


def test_where_lower_is_better_the_highest_is_on_top() -> None:
    found = drawn({"a": [0.1], "b": [0.5]}, replace(ALIGNMENT, higher_is_better=False))
    assert [one.dialogue for one in found.dialogues] == ["b", "a"]
    svg = heat_map_svg(found, "mine", 0, 1)
    assert svg.index(">worst<") < svg.index(">best<")


def test_where_neither_end_is_better_none_is_called_worst() -> None:
    svg = heat_map_svg(drawn({"a": [0.1], "b": [0.5]}, replace(ALIGNMENT, higher_is_better=None)), "mine", 0, 1)
    assert "worst" not in svg
    assert svg.index(">lowest<") < svg.index(">highest<")


def test_a_pixel_a_cell_absent_ones_red_and_those_without_score_bare() -> None:
    found = drawn({"a": [0.0, ""], "b": [None, 1.0]})
    [low, absent], [bare, high] = pixels(heat_map_svg(found, "mine", 0, 1))
    assert absent == ABSENT
    assert bare[3] == 0
    assert (low[3], high[3]) == (255, 255)
    assert sum(low[:3]) < sum(high[:3]), "bright is high"
    assert found.lacking == 1


def test_dialogues_of_absent_outputs_alone_are_on_top() -> None:
    found = drawn({"a": [0.0, 0.0], "gone": ["", ""], "unscored": [None, None]})
    assert [one.dialogue for one in found.dialogues] == ["gone", "a"]
    assert [cell == ABSENT for cell in pixels(heat_map_svg(found, "mine", 0, 1))[0]] == [True, True]


def test_a_constant_score_is_drawn_in_one_colour() -> None:
    found = drawn({"a": [0.5, 0.5], "b": [0.5, 0.5]})
    assert len({cell for row in pixels(heat_map_svg(found, "mine", 0.5, 0.5)) for cell in row}) == 1


def test_of_many_dialogues_a_row_is_the_mean_of_neighbours() -> None:
    values: dict[str, list[float | str | None]] = {f"d{place:04}": [place / 1000] for place in range(900)}
    found = drawn(values)
    assert found.rows == 300
    expected = torch.arange(900, dtype=torch.float64).reshape(300, 3).mean(1, keepdim=True) / 1000
    torch.testing.assert_close(found.values, expected)
    section = heat_maps(Report(large_scores(1, 900, 3)))
    assert section is not None
    captions = [figure.caption for figure in figures(section.parts)]
    assert captions
    assert all(re.search(r"each row the mean of about (2\.9|3\.0) neighbours", caption) for caption in captions)


def figures(parts: Any) -> list[Figure]:
    found = []
    for part in parts:
        if isinstance(part, Figure):
            found.append(part)
        elif isinstance(part, (Panels, Folded)):
            found += figures(part.parts)
    return found


def test_a_map_a_metric_and_model_with_one_scale_a_metric() -> None:
    section = heat_maps(Report(large_scores(3, 20, 4)))
    assert section is not None
    found = figures(section.parts)
    assert len(found) == 4 * 3
    assert len({figure.name for figure in found}) == len(found)
    for metric in ("Answers", "Alignment", "Retrieval", "Consistency"):
        mine = [str(figure.svg) for figure in found if figure.title.startswith(metric)]
        ends = {tuple(re.findall(r'<text class="tick" x="[\d.]+" y="310[\d.]*"[^>]*>([^<]*)<', svg)) for svg in mine}
        assert len(mine) == 3
        assert len(ends) == 1


def test_what_a_map_shows_is_told_with_numbers() -> None:
    found = drawn({"a": [0.1, ""], "b": [0.5, 0.3]})
    assert told(found, "<mine>") == (
        "Alignment of <mine> by dialogue and turn: mean 0.30 at turn 1, 0.30 at turn 2; 2 dialogues, from 0.10 on top "
        "to 0.40 below; 1 output is absent."
    )
    assert "&lt;mine&gt;" in heat_map_svg(found, "<mine>", 0, 1)


def test_a_column_without_score_is_left_out_and_late_turns_are_counted() -> None:
    assert drawn({"a": [0.1, None, 0.3]}).turns == (1, 3)
    found = drawn({"a": [0.5] * 70})
    assert len(found.turns) == 64
    assert found.hidden == 6


def test_a_metric_without_value_has_no_map() -> None:
    assert heat_map(scored({"a": [None, ""]}), ALIGNMENT, 0) is None


@pytest.mark.parametrize("value", [math.inf, -math.inf])
def test_an_infinite_score_is_bare(value: float) -> None:
    found = drawn({"a": [value, 0.5], "b": [0.2, 0.3]})
    assert math.isnan(found.values[[one.dialogue for one in found.dialogues].index("a"), 0])


def test_names_of_models_and_dialogues_are_escaped() -> None:
    svg = heat_map_svg(drawn({"<b>": [0.1, 0.2]}), "<i>", 0, 1)
    assert "<b>" not in svg
    assert "<i>" not in svg
