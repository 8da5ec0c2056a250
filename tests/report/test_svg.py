# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""The drawings: what is known is drawn where it belongs, what is not leaves a gap."""

from __future__ import annotations

import math
import re
from itertools import pairwise
from xml.etree import ElementTree

import pytest

from imug_metrics.report.estimates import Estimate
from imug_metrics.report.svg import Line, curves, error_bar

NAN = math.nan


def parts(svg: str, tag: str, style: str) -> list[ElementTree.Element]:
    return [node for node in ElementTree.fromstring(svg).iter(tag) if style in node.get("class", "").split()]


def ticks(svg: str) -> list[float]:
    labels = [node.text or "" for node in parts(svg, "text", "tick") if node.get("text-anchor") == "end"]
    return [float(label.replace("−", "-")) for label in labels if label != "turn"]


def level(values: dict[int, float], width: float = 0.05) -> Line:
    points = {turn: Estimate(value, value - width, value + width) for turn, value in values.items()}
    return Line("m", 0, points, dict.fromkeys(values, 50))


def test_a_higher_score_is_drawn_higher_and_a_later_turn_further_right() -> None:
    low, high = parts(curves([level({1: 0.2, 2: 0.8})], "t"), "circle", "dot")
    assert float(high.get("cy", "nan")) < float(low.get("cy", "nan"))
    assert float(high.get("cx", "nan")) > float(low.get("cx", "nan"))


def test_a_turn_without_value_breaks_the_line_and_its_band() -> None:
    svg = curves([level({1: 0.5, 2: 0.5, 3: NAN, 4: 0.5, 5: 0.5})], "t")
    assert len(parts(svg, "polyline", "line")) == 2
    assert len(parts(svg, "polygon", "band")) == 2
    assert len(parts(svg, "circle", "dot")) == 4
    assert "nan" not in svg


def test_points_of_few_records_are_hollow() -> None:
    line = Line("m", 0, {1: Estimate(0.5), 2: Estimate(0.5)}, {1: 19, 2: 20})
    assert len(parts(curves([line], "t"), "circle", "hollow")) == 1


@pytest.mark.parametrize(("values", "low", "high"), [((0.5, 0.97), 0, 1), ((1.0, 1.0), 0.8, 1), ((0.0, 0.0), 0, 0.2)])
def test_the_axis_of_a_share_stays_within_zero_and_one(values: tuple[float, float], low: float, high: float) -> None:
    points = {turn: Estimate(at, max(at - 0.1, 0), min(at + 0.1, 1)) for turn, at in enumerate(values, start=1)}
    svg = curves([Line("m", 0, points, {})], "t", is_share=True)
    assert low <= min(ticks(svg)) < max(ticks(svg)) <= high


def test_bounds_are_drawn_where_they_are() -> None:
    """Official points may lie above 1, and so may their bounds: nothing is cut."""
    svg = curves([Line("m", 0, {1: Estimate(0.9, 0.7, 1.1), 2: Estimate(0.5, 0.4, 0.6)}, {})], "t", is_share=True)
    assert max(ticks(svg)) >= 1.1
    heights = [
        float(y) for band in parts(svg, "polygon", "band") for y in re.findall(r",([\d.-]+)", band.get("points", ""))
    ]
    assert min(heights) > 14


def test_ticks_span_all_values_and_are_evenly_spaced() -> None:
    found = ticks(curves([level({1: 2.17, 2: 1.03}, width=0.3)], "t"))
    assert min(found) <= 0.73
    assert max(found) >= 2.47
    assert len({round(b - a, 6) for a, b in pairwise(found)}) == 1
    assert 3 <= len(found) <= 8


def test_names_at_equal_heights_do_not_cover_each_other() -> None:
    lines = [Line(f"model {i}", i, {1: Estimate(0.5), 2: Estimate(0.5)}, {}) for i in range(6)]
    heights = sorted(float(node.get("y", "nan")) for node in parts(curves(lines, "t"), "text", "name"))
    assert all(b - a >= 15 for a, b in pairwise(heights))
    assert heights[-1] <= 300


def test_nothing_known_draws_nothing() -> None:
    assert curves([Line("m", 0, {}, {})], "t") == ""
    assert error_bar(Estimate(NAN), -1, 1, 0) == ""


def test_a_whisker_covers_its_interval_and_marks_zero() -> None:
    svg = error_bar(Estimate(-0.05, -0.08, -0.02), -0.1, 0.0, 3)
    (bar,), (zero,) = parts(svg, "line", "bar"), parts(svg, "line", "zero")
    (dot,) = parts(svg, "circle", "dot")
    ends = float(bar.get("x1", "nan")), float(bar.get("x2", "nan"))
    assert ends[0] < float(dot.get("cx", "nan")) < ends[1] < float(zero.get("x1", "nan"))
