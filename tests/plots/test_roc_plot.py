# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import math

import pytest

from imug_metrics import plots, verifier_curve


def test_the_rates_of_the_functional_counterpart_are_a_line_above_chance() -> None:
    found = verifier_curve([0.9, 0.8, 0.7, 0.6, 0.3, 0.1], [1, 1, 0, 1, 0, 0])
    _, axis = plots.roc({"mine": (found.false_accept, found.true_accept)})
    line = axis.lines[0]
    assert line.get_xdata().tolist()[0] == line.get_ydata().tolist()[0] == pytest.approx(0)
    assert line.get_xdata().tolist() == pytest.approx(found.false_accept.tolist())
    assert line.get_ydata().tolist() == pytest.approx(found.true_accept.tolist())
    assert [text.get_text() for text in axis.get_legend().get_texts()] == ["mine", "chance"]


def test_a_judge_is_a_point_with_bars_both_ways() -> None:
    _, axis = plots.roc(points={"turn 1": ((0.2, 0.1, 0.3), (0.7, 0.6, 0.9)), "turn 2": (math.nan, 0.5)})
    [drawn] = axis.containers
    across, upright = (bar.get_segments()[0] for bar in drawn.lines[2])
    assert across[:, 0].tolist() == pytest.approx([0.1, 0.3])
    assert upright[:, 1].tolist() == pytest.approx([0.6, 0.9])


def test_both_axes_have_one_scale() -> None:
    _, axis = plots.roc({"mine": ([0, 1], [0, 1])})
    assert axis.get_aspect() == 1
    assert axis.get_xlim() == axis.get_ylim()


@pytest.mark.parametrize("arguments", [{}, {"points": {"a": (math.nan, 0.1)}}, {"lines": {"a": ([math.nan], [0.5])}}])
def test_without_any_rate_the_axis_says_so(arguments: dict[str, object]) -> None:
    _, axis = plots.roc(**arguments)
    assert axis.texts[0].get_text() == "nothing could be scored"
