# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import math

from imug_metrics import plots

POINTS = {
    "plain": ((10, 9, 11), (0.5, 0.4, 0.6)),
    "cot": (60, (0.7, 0.6, 0.8)),
    "long": (90, 0.6),
    "unknown": (20, math.nan),
}


def test_the_front_climbs_in_steps_over_what_no_other_beats() -> None:
    _, axis = plots.pareto(POINTS)
    [front] = [line for line in axis.lines if line.get_label() == "Pareto front"]
    assert front.get_xdata()[:2].tolist() == [10, 60]
    assert front.get_ydata().tolist() == [0.5, 0.7, 0.7]
    assert front.get_drawstyle() == "steps-post"


def test_points_off_the_front_are_hollow_and_unknown_ones_left_out() -> None:
    _, axis = plots.pareto(POINTS)
    filled = [container.lines[0].get_markerfacecolor() != "white" for container in axis.containers]
    assert filled == [True, True, False]
    assert [text.get_text() for text in axis.texts] == ["plain", "cot", "long"]


def test_names_cover_neither_points_nor_each_other() -> None:
    points = {f"strategy {i}": (10 + 4 * i, 0.5 + 0.01 * i) for i in range(6)}
    figure, axis = plots.pareto(points)
    figure.draw_without_rendering()
    boxes = [text.get_window_extent() for text in axis.texts]
    assert not any(one.overlaps(two) for i, one in enumerate(boxes) for two in boxes[:i])
    places = axis.transData.transform([*points.values()])
    assert not any(box.contains(*place) for box in boxes for place in places)


def test_without_any_point_the_axis_says_so() -> None:
    _, axis = plots.pareto({"plain": (math.nan, 0.5)})
    assert axis.texts[0].get_text() == "nothing could be scored"
