# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import matplotlib
import pytest

from imug_metrics import plots
from imug_metrics.plots.style import COLOURS, DASHES, MARKERS, stroke


def test_no_setting_of_matplotlib_is_changed() -> None:
    before = dict(matplotlib.rcParams)
    plots.curves({"a": {1: 0.5}})
    with plots.publication(columns=2, font_size=10):
        plots.forest({"a": 0.5})
    with pytest.raises(ZeroDivisionError), plots.publication():
        raise ZeroDivisionError
    assert dict(matplotlib.rcParams) == before


def test_figures_are_as_wide_as_a_column_unless_told_otherwise() -> None:
    assert plots.curves({"a": {1: 0.5}})[0].get_figwidth() == pytest.approx(3.3)
    with plots.publication(columns=2):
        assert plots.curves({"a": {1: 0.5}})[0].get_figwidth() == pytest.approx(6.8)
    assert plots.curves({"a": {1: 0.5}})[0].get_figwidth() == pytest.approx(3.3)


def test_the_font_is_that_of_the_style_in_force() -> None:
    with plots.publication(font_size=11):
        _, axis = plots.curves({"a": {1: 0.5}}, note="small")
    assert axis.yaxis.label.get_fontsize() == 11
    assert axis.title.get_fontsize() <= 11
    assert axis._left_title.get_fontsize() == 10


def test_another_number_of_columns_is_refused() -> None:
    with pytest.raises(ValueError, match="expected 1 or 2, got 3"), plots.publication(columns=3):
        pass


def test_series_repeat_no_look_for_long() -> None:
    looks = [stroke(place) for place in range(len(COLOURS) * len(MARKERS))]
    assert len({(look.colour, look.marker, str(look.dashes)) for look in looks}) == len(looks)
    assert len(DASHES) > 1


def test_colours_are_told_apart_in_grey_or_by_marker() -> None:
    def grey(colour: str) -> float:
        return sum(w * int(colour[i : i + 2], 16) for i, w in ((1, 0.299), (3, 0.587), (5, 0.114)))

    for place in range(len(COLOURS) - 1):
        one, two = stroke(place), stroke(place + 1)
        assert abs(grey(one.colour) - grey(two.colour)) > 20 or one.marker != two.marker


def test_an_axis_of_the_user_is_drawn_upon() -> None:
    from matplotlib.figure import Figure

    figure = Figure()
    axis = figure.add_subplot()
    assert plots.curves({"a": {1: 0.5, 2: 0.4}}, ax=axis) == (figure, axis)
    assert plots.roc({"a": ([0, 1], [0, 1])}, ax=axis)[1] is axis
