# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import math
from itertools import pairwise

import pytest
from matplotlib.axes import Axes

from imug_metrics import plots

CURVE = {1: (0.9, 0.85, 0.95), 2: (0.8, 0.7, 0.9), 3: (0.7, 0.6, 0.8)}


def named(axis: Axes) -> dict[str, object]:
    """The lines that stand for data, by name."""
    return {line.get_label(): line for line in axis.lines if not line.get_label().startswith("_")}


def test_a_line_goes_through_its_values_and_its_band_through_its_bounds() -> None:
    _, axis = plots.curves({"mine": CURVE}, y="answer accuracy (share)")
    [line] = axis.lines
    assert line.get_xdata().tolist() == [1, 2, 3]
    assert line.get_ydata().tolist() == [0.9, 0.8, 0.7]
    corners = {(x, round(y, 9)) for x, y in axis.collections[0].get_paths()[0].vertices}
    assert {(1, 0.85), (1, 0.95), (3, 0.6), (3, 0.8)} <= corners
    assert (axis.get_xlabel(), axis.get_ylabel()) == ("turn", "answer accuracy (share)")
    assert axis.get_xticks().tolist() == [1, 2, 3]


def test_a_gap_breaks_the_line_and_the_band() -> None:
    broken = {**CURVE, 3: math.nan, 4: (0.5, 0.4, 0.6), 5: (0.4, 0.3, 0.5)}
    _, axis = plots.curves({"mine": broken})
    assert math.isnan(axis.lines[0].get_ydata()[2])
    assert len(axis.collections[0].get_paths()) == 2


def test_a_turn_that_is_not_there_is_passed_over() -> None:
    _, axis = plots.curves({"mine": {1: 0.9, 3: 0.7, 5: 0.6}})
    assert axis.lines[0].get_ydata().tolist() == [0.9, 0.7, 0.6]


def test_the_interval_of_a_point_without_neighbours_is_a_bar() -> None:
    _, axis = plots.curves({"mine": {1: (0.9, 0.85, 0.95), 2: math.nan, 3: (0.5, 0.4, 0.6)}})
    bars = axis.collections[1].get_segments()
    assert [bar.tolist() for bar in bars] == [[[1, 0.85], [1, 0.95]], [[3, 0.4], [3, 0.6]]]


def test_points_on_few_dialogues_are_hollow_and_the_note_says_so() -> None:
    _, axis = plots.curves({"mine": CURVE}, counts={"mine": {1: 30, 2: 20, 3: 19}}, note="bands: 95 %")
    full, hollow = axis.lines
    assert full.get_markevery() == [0, 1]
    assert hollow.get_xdata().tolist() == [3]
    assert hollow.get_markerfacecolor() == "white"
    assert axis.get_title(loc="left").splitlines() == ["bands: 95 %", "hollow: fewer than 20 dialogues"]


def test_names_at_the_ends_stand_apart_in_the_order_of_their_lines() -> None:
    lines = {name: {1: 0.5, 2: height} for name, height in (("a", 0.9), ("b", 0.901), ("c", 0.899), ("d", 0.1))}
    figure, axis = plots.curves(lines)
    figure.draw_without_rendering()
    boxes = sorted((text.get_window_extent() for text in axis.texts), key=lambda box: box.y0)
    assert all(below.y1 <= above.y0 + 1 for below, above in pairwise(boxes))
    heights = {text.get_text(): text.get_window_extent().y0 for text in axis.texts}
    assert heights["d"] < heights["c"] < heights["a"] < heights["b"]
    assert axis.get_legend() is None


@pytest.mark.parametrize("names", [[f"m{i}" for i in range(9)], ["a model with a name that is very long", "b"]])
def test_names_that_do_not_fit_at_the_ends_are_in_a_legend(names: list[str]) -> None:
    _, axis = plots.curves({name: {1: 0.5, 2: i / 10} for i, name in enumerate(names)})
    assert [text.get_text() for text in axis.get_legend().get_texts()] == names
    assert not axis.texts


def test_a_legend_lies_within_the_figure() -> None:
    figure, axis = plots.curves({f"model {i}": {1: 0.5, 2: i / 20} for i in range(14)})
    figure.draw_without_rendering()
    box = axis.get_legend().get_window_extent()
    assert box.x1 <= figure.bbox.x1
    assert box.y0 >= figure.bbox.y0 - 1


def test_lines_differ_in_colour_marker_and_dash() -> None:
    _, axis = plots.curves({f"m{i}": {1: 0.5, 2: i / 10} for i in range(8)})
    looks = [(line.get_color(), line.get_marker(), line.get_linestyle()) for line in named(axis).values()]
    assert len(set(looks)) == 8
    assert len({(marker, dash) for _, marker, dash in looks}) == 8, "without colour they are told apart as well"


def test_a_second_call_on_an_axis_goes_on_with_the_colours() -> None:
    _, axis = plots.curves({"a": CURVE})
    plots.curves({"b": {1: 0.5, 4: 0.4}}, ax=axis)
    first, second = named(axis).values()
    assert first.get_color() != second.get_color()
    assert axis.get_xticks().tolist() == [1, 2, 3, 4]


def test_a_model_without_scores_leaves_the_colours_of_the_others_as_they_are() -> None:
    _, both = plots.curves({"a": CURVE, "b": CURVE})
    _, one = plots.curves({"a": {1: math.nan}, "b": CURVE})
    assert named(one)["b"].get_color() == named(both)["b"].get_color()


def test_a_level_is_named_and_zero_is_marked_where_scores_have_both_signs() -> None:
    _, axis = plots.curves({"mine": CURVE}, reference=0.25)
    assert axis.texts[0].get_text() == "chance"
    assert axis.lines[-1].get_ydata() == [0.25, 0.25]
    _, axis = plots.curves({"mine": {1: -0.1, 2: 0.2}})
    assert axis.lines[-1].get_ydata() == [0, 0]
    _, axis = plots.curves({"mine": CURVE})
    assert len(axis.lines) == 1


@pytest.mark.parametrize("lines", [{}, {"mine": {}}, {"mine": {1: math.nan, 2: None}}])
def test_without_any_value_the_axis_says_so(lines: dict[str, dict[int, float | None]]) -> None:
    _, axis = plots.curves(lines, y="score")
    assert [text.get_text() for text in axis.texts] == ["nothing could be scored"]
    assert axis.get_ylabel() == "score"


def test_names_are_no_formulas() -> None:
    figure, axis = plots.curves({r"a $\frac$": {1: 0.5, 2: 0.4}, "b": {1: 0.2, 2: 0.3}}, note=r"$\frac$")
    figure.draw_without_rendering()  # which would fail on a formula that is none
    assert axis.texts[0].get_text() in (r"a $\frac$", "b")


def test_tensors_are_numbers() -> None:
    torch = pytest.importorskip("torch")
    _, axis = plots.curves({"mine": {1: torch.tensor(0.5), 2: torch.tensor([0.4, 0.3, 0.5])}})
    assert axis.lines[0].get_ydata().tolist() == pytest.approx([0.5, 0.4])


def test_a_pair_of_numbers_is_refused() -> None:
    with pytest.raises(ValueError, match="a number and two bounds, got 2"):
        plots.curves({"mine": {1: (0.5, 0.4)}})
