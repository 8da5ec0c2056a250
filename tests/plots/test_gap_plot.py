# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import math

import pytest

from imug_metrics import plots

GAPS = {"steady": {1: (0.0, -0.1, 0.1), 2: (0.1, 0.0, 0.2)}, "fading": {1: (0.1, 0.0, 0.2), 2: (0.4, 0.3, 0.5)}}


def test_points_of_one_turn_stand_side_by_side_at_their_differences() -> None:
    _, axis = plots.gaps(GAPS)
    left, right = (container.lines[0] for container in axis.containers)
    assert (left.get_xdata() < right.get_xdata()).all()
    assert (left.get_xdata() + right.get_xdata()).tolist() == pytest.approx([2, 4])
    assert right.get_ydata().tolist() == [0.1, 0.4]
    assert axis.lines[0].get_ydata() == [0, 0]


def test_what_a_side_of_zero_means_is_written_there() -> None:
    _, axis = plots.gaps(GAPS, above="own history costs", below="own history helps")
    assert [text.get_text() for text in axis.texts] == ["↑ own history costs", "↓ own history helps"]
    assert [text.get_text() for text in axis.get_legend().get_texts()] == ["steady", "fading"]


def test_points_on_few_dialogues_are_hollow() -> None:
    _, axis = plots.gaps({"mine": GAPS["steady"]}, counts={"mine": {1: 40, 2: 5}})
    [hollow] = [line for line in axis.lines if line.get_label() == "_hollow"]
    assert hollow.get_xdata() == [2]
    assert "fewer than 20" in axis.get_title(loc="left")


def test_without_any_value_the_axis_says_so() -> None:
    _, axis = plots.gaps({"mine": {1: math.nan}})
    assert axis.texts[0].get_text() == "nothing could be scored"
