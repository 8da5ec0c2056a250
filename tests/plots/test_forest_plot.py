# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import math
from itertools import pairwise

import pytest

from imug_metrics import plots


def test_rows_stand_from_above_as_they_are_given_with_their_numbers_beside_them() -> None:
    _, axis = plots.forest({"steady": (-0.01, -0.03, 0.01), "fading": (-0.1, -0.14, -0.06)}, x="change per turn")
    assert [label.get_text() for label in axis.get_yticklabels()] == ["steady", "fading"]
    top, bottom = axis.get_ylim()[1], axis.get_ylim()[0]
    assert top < axis.get_yticks()[0] < axis.get_yticks()[1] < bottom
    assert [text.get_text() for text in axis.texts] == ["−0.010 (−0.030 to 0.010)", "−0.100 (−0.140 to −0.060)"]


def test_bars_reach_from_bound_to_bound() -> None:
    _, axis = plots.forest({"mine": (0.5, 0.2, 0.6)})
    [bars] = [bar for container in axis.containers for bar in container.lines[2]]
    assert bars.get_segments()[0][:, 0].tolist() == pytest.approx([0.2, 0.6])


def test_zero_is_marked_or_another_level_or_none() -> None:
    def levels(**options: float) -> list[list[float]]:
        _, axis = plots.forest({"mine": 0.5}, **options)
        return [list(line.get_xdata()) for line in axis.lines if line.get_label() == "_reference"]

    assert levels() == [[0, 0]]
    assert levels(reference=0.7) == [[0.7, 0.7]]
    assert levels(reference=math.nan) == []


def test_series_keep_their_look_in_every_row_and_are_named_once() -> None:
    rows = {"Answers": {"a": 0.1, "b": math.nan}, "Alignment": {"b": 0.3}}
    _, axis = plots.forest(rows)
    assert [text.get_text() for text in axis.get_legend().get_texts()] == ["a", "b"]
    assert [text.get_text() for text in axis.texts] == ["0.10", "–", "0.30"]


def test_long_names_of_rows_are_broken_into_lines_that_do_not_meet() -> None:
    figure, axis = plots.forest({f"{'a long name ' * 4}{i}": (0.5, 0.4, 0.6) for i in range(3)})
    figure.draw_without_rendering()
    boxes = [label.get_window_extent() for label in axis.get_yticklabels()]
    assert all(upper.y0 >= lower.y1 for upper, lower in pairwise(boxes))
    assert all(box.x0 >= -1 for box in boxes)


def test_nothing_stands_outside_the_figure() -> None:
    rows = {
        f"a group of records {i}": {f"model {j}": (i / 10, i / 10 - 0.2, i / 10 + 0.1) for j in range(3)}
        for i in range(5)
    }
    figure, axis = plots.forest(rows, x="answer accuracy")
    figure.draw_without_rendering()
    for artist in (*axis.texts, *axis.get_yticklabels(), axis.get_legend()):
        box = artist.get_window_extent()
        assert box.x0 >= -1
        assert box.x1 <= figure.bbox.x1 + 1
        assert box.y0 >= -1


def test_without_any_value_the_axis_says_so() -> None:
    _, axis = plots.forest({"mine": math.nan, "other": None})
    assert [text.get_text() for text in axis.texts] == ["nothing could be scored"]
