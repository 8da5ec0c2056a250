# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Curves over turns, a band of confidence around each."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from imug_metrics.plots.end_labels import End, fits, label_ends
from imug_metrics.plots.style import GREY, HEIGHT, Stroke, canvas, legend_below, say_empty, small, stroke
from imug_metrics.plots.values import Point, Value, as_point

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

FEW = 20
"""A point on which fewer dialogues rest is drawn hollow: its interval is only approximate."""

_MOST_TICKS = 12
_LEGEND_LINE = 0.14  # inches

Lines = Mapping[str, Mapping[int, Value]]
Counts = Mapping[str, Mapping[int, float]]


def curves(
    lines: Lines,
    *,
    counts: Counts | None = None,
    x: str = "turn",
    y: str = "score",
    reference: float = math.nan,
    reference_name: str = "chance",
    note: str = "",
    ax: Axes | None = None,
) -> tuple[Figure, Axes]:
    """Draw one or more curves over turns, each with a band, its name at its end.

    A line is broken where a turn is undefined (NaN); a turn that a line does not have is passed over. Points on which
    fewer than 20 dialogues rest are hollow, and the note says so. With several lines on one axis, also over several
    calls, each has a colour, marker and dash of its own. Where names do not fit at the ends, they are in a legend.

    Args:
        lines: by name, values by turn: numbers, or triples of a number and its two bounds.
        counts: by name, how many dialogues (or records) each turn rests on; what is not there is taken for enough.
        x, y: what the axes show, with unit.
        reference: height of a level to compare with, such as chance; NaN: none.
        reference_name: the words at it.
        note: small words above the axis: what the bands are, on how much data they rest.
        ax: an axis to draw on; None: a new figure.

    Returns:
        Figure and axis. Without any defined value the axis says that nothing could be scored.

    Raises:
        ModuleNotFoundError: if matplotlib is not installed.

    Example:
        >>> figure, axis = curves({"mine": {1: (0.9, 0.85, 0.95), 2: (0.8, 0.7, 0.9)}}, y="answer accuracy")
        >>> axis.get_xlabel(), axis.get_ylabel(), axis.lines[0].get_xdata().tolist()
        ('turn', 'answer accuracy', [1, 2])
    """
    drawn = known_lines(lines)
    few = few_points(drawn, counts)
    legend = 0.0 if fits([*drawn]) else _LEGEND_LINE * len(drawn)
    with canvas(ax, HEIGHT + legend, noted(note, few)) as (figure, axis):
        axis.set(xlabel=x, ylabel=y)
        if not drawn:
            say_empty(axis)
            return figure, axis
        first = sum(not str(line.get_label()).startswith("_") for line in axis.lines)
        looks = {name: stroke(place) for place, name in enumerate(lines, first)}
        for name, points in drawn.items():
            _draw(axis, name, points, few[name], looks[name])
        mark_places(axis, [place for points in drawn.values() for place in points])
        mark_level(axis, reference, reference_name)
        if len(drawn) > 1:
            _name(axis, drawn, looks, whole=ax is None)
    return figure, axis


def known_lines(lines: Lines) -> dict[str, dict[int, Point]]:
    """The lines that have a point to draw, each with its points in rising order of turns."""
    found = {name: {place: as_point(line[place]) for place in sorted(line)} for name, line in lines.items()}
    return {name: points for name, points in found.items() if any(point.known for point in points.values())}


def few_points(lines: Mapping[str, Mapping[int, Point]], counts: Counts | None) -> dict[str, list[int]]:
    """The turns of each line at which too few dialogues stand behind a point."""
    known = counts or {}
    return {
        name: [at for at, point in points.items() if point.known and known.get(name, {}).get(at, FEW) < FEW]
        for name, points in lines.items()
    }


def noted(note: str, few: Mapping[str, Sequence[int]]) -> str:
    """The note, with what hollow points mean where there are any."""
    hollow = f"hollow: fewer than {FEW} dialogues" if any(few.values()) else ""
    return "\n".join(filter(None, (note, hollow)))


def mark_places(axis: Axes, places: Sequence[int]) -> None:
    """Ticks at turns that have a point, thinned where there are many."""
    ticks = sorted({*places, *(axis.get_xticks() if getattr(axis, "_places", False) else ())})
    axis._places = True  # type: ignore[attr-defined]
    axis.set_xticks(ticks[:: math.ceil(len(ticks) / _MOST_TICKS)])


def mark_level(axis: Axes, level: float, name: str) -> None:
    """A level to compare with and its words; else zero, where the axis has both signs."""
    axis.margins(x=0.06)
    axis.autoscale_view()
    low, high = axis.get_ylim()
    if math.isfinite(level):
        axis.axhline(level, color=GREY, linewidth=0.8, linestyle=(0, (4, 3)), label="_level", zorder=1)
        is_top = level > low + 0.9 * (high - low)
        axis.annotate(
            name, (0, level), xycoords=axis.get_yaxis_transform(), xytext=(3, -2 if is_top else 2),
            textcoords="offset points", va="top" if is_top else "bottom", fontsize=small(axis), color=GREY,
            parse_math=False,
        )  # fmt: skip
    elif low < 0 < high:
        axis.axhline(0, color=GREY, linewidth=0.6, label="_zero", zorder=1)


def _draw(axis: Axes, name: str, points: Mapping[int, Point], few: Sequence[int], look: Stroke) -> None:
    """A line, its band, and its points: hollow where they rest on little."""
    places, values = list(points), [point.value if point.known else math.nan for point in points.values()]
    full = [i for i, place in enumerate(places) if place not in few]
    style: dict[str, Any] = {"color": look.colour, "marker": look.marker}
    axis.plot(places, values, linestyle=look.dashes, markevery=full, label=name, **style)
    if few:
        hollow = [points[place].value for place in few]
        axis.plot(few, hollow, linestyle="", markerfacecolor="white", label="_hollow", **style)
    bounded = [point.bounded for point in points.values()]
    lower, upper = ([getattr(point, end) for point in points.values()] for end in ("lower", "upper"))
    if not any(bounded):
        return
    axis.fill_between(places, lower, upper, where=bounded, color=look.colour, alpha=0.16, linewidth=0)
    alone = [
        i for i in range(len(places)) if bounded[i] and not any(bounded[max(i - 1, 0) : i] + bounded[i + 1 : i + 2])
    ]
    if alone:  # a band of one point has no width
        at, least, most = ([of[i] for i in alone] for of in (places, lower, upper))
        axis.vlines(at, least, most, color=look.colour, linewidth=0.9)


def _name(axis: Axes, lines: Mapping[str, Mapping[int, Point]], looks: Mapping[str, Stroke], *, whole: bool) -> None:
    """Names at the ends of the lines, or in a legend."""
    if not fits([*lines]):
        legend_below(axis, whole=whole)
        return
    ends = []
    for name, points in lines.items():
        last = max(place for place, point in points.items() if point.known)
        ends.append(End(last, points[last].value, name, looks[name].dark))
    label_ends(axis, ends)
