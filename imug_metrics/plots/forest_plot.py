# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Estimates with their intervals in rows: slopes, differences of models, a score by group."""

from __future__ import annotations

import math
from collections.abc import Mapping
from textwrap import fill
from typing import TYPE_CHECKING

from imug_metrics.plots.style import GREY, canvas, legend_below, letters, say_empty, small, stroke
from imug_metrics.plots.values import Point, Value, as_point, digits_of, reading

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Rows = Mapping[str, Value | Mapping[str, Value]]

_NAME = 22  # letters of a line of a row's name
_TICK = 8  # letters that a tick and the space beside it take
_LINE, _FRAME = 0.17, 0.75  # inches of a line, and of all that stands above and below the lines


def forest(
    rows: Rows,
    *,
    x: str = "estimate",
    reference: float = 0.0,
    reference_name: str = "",
    note: str = "",
    ax: Axes | None = None,
) -> tuple[Figure, Axes]:
    """Draw estimates with their intervals, a row each, and their numbers at the right.

    Args:
        rows: by name, a number or a triple of a number and its two bounds; or by name and series (such as the model)
            such values: a row then has a line a series, in the order in which the series are first named.
        x: what the estimates are, with unit.
        reference: marked by a line: 0 for slopes and differences, the overall value for groups; NaN: none.
        reference_name: the words at it.
        note: small words above the axis: what the bars are, on how much data they rest.
        ax: an axis to draw on; None: a new figure, as high as its rows ask.

    Returns:
        Figure and axis. Without any defined value the axis says that nothing could be scored.

    Raises:
        ModuleNotFoundError: if matplotlib is not installed.

    Example:
        >>> figure, axis = forest({"steady": (-0.01, -0.03, 0.01), "fading": (-0.1, -0.14, -0.06)}, x="change per turn")
        >>> [label.get_text() for label in axis.get_yticklabels()]
        ['steady', 'fading']
        >>> axis.texts[-1].get_text()
        '−0.100 (−0.140 to −0.060)'
    """
    table = {name: _series(row) for name, row in rows.items()}
    names = {name: fill(name, _NAME) for name in table}
    series = list(dict.fromkeys(which for row in table.values() for which in row))
    points = [point for row in table.values() for point in row.values()]
    between = 0.6 if len(series) > 1 else 0.35
    lines = {name: max(len(row), names[name].count("\n") + 1) for name, row in table.items()}
    height = _FRAME + _LINE * (sum(lines.values()) + between * len(table)) + (0.2 if len(series) > 1 else 0)
    name_lines = [line for name in names.values() for line in name.splitlines()]
    with canvas(ax, height, note, name_lines) as (figure, axis):
        axis.set_xlabel(x)
        if not any(point.known for point in points):
            say_empty(axis)
            return figure, axis
        places, middles = _places(table, lines, between)
        if math.isfinite(reference):
            axis.axvline(reference, color=GREY, linewidth=0.8, label="_reference", zorder=1)
        digits = digits_of(points)
        for place, which in enumerate(series):
            look = stroke(place)
            mine = {(name, which): row[which] for name, row in table.items() if which in row}
            known = {key: point for key, point in mine.items() if point.known}
            arms = list(zip(*(point.arms for point in known.values()), strict=True))
            axis.errorbar(
                [point.value for point in known.values()],
                [places[key] for key in known],
                xerr=arms if known else None,
                linestyle="",
                marker=look.marker,
                color=look.colour,
                elinewidth=1.1,
                label=which or "_estimate",
            )
            for key, point in mine.items():
                _write(axis, places[key], reading(point, digits))
        axis.set_yticks(list(middles.values()), [*names.values()], parse_math=False)
        axis.set_ylim(max(places.values()) + 0.7, min(places.values()) - 0.7)
        axis.tick_params(axis="y", length=0)
        axis.spines["left"].set_visible(False)
        axis.margins(x=0.08)
        written = max(len(reading(point, digits)) for point in points)
        room = letters(figure.get_size_inches()[0], small(axis)) - max(map(len, name_lines), default=0) - written
        axis.locator_params(axis="x", nbins=min(max(2, room // _TICK), 5))
        if reference_name:
            axis.annotate(
                reference_name, (reference, 1), xycoords=axis.get_xaxis_transform(), xytext=(0, 1),
                textcoords="offset points", ha="center", fontsize=small(axis), color=GREY,
            )  # fmt: skip
        if len(series) > 1:
            legend_below(axis, whole=ax is None)
    return figure, axis


def _series(row: Value | Mapping[str, Value]) -> dict[str, Point]:
    """A row's points by series; of a row without series under the empty name."""
    if isinstance(row, Mapping):
        return {str(name): as_point(value) for name, value in row.items()}
    return {"": as_point(row)}


def _places(
    table: Mapping[str, Mapping[str, Point]], lines: Mapping[str, int], between: float
) -> tuple[dict[tuple[str, str], float], dict[str, float]]:
    """Heights of all points from above, and the middle of each row."""
    places: dict[tuple[str, str], float] = {}
    middles, height = {}, 0.0
    for name, row in table.items():
        first = height + (lines[name] - len(row)) / 2
        places |= {(name, which): first + i for i, which in enumerate(row)}
        middles[name] = height + (lines[name] - 1) / 2
        height += lines[name] + between
    return places, middles


def _write(axis: Axes, height: float, text: str) -> None:
    """A number at the right of the axis."""
    axis.annotate(
        text, (1, height), xycoords=axis.get_yaxis_transform(), xytext=(6, 0), textcoords="offset points",
        va="center", fontsize=small(axis), annotation_clip=False, color="0.2",
    )  # fmt: skip
