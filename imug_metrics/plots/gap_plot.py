# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Differences of two arms over turns: what a model's own history costs, what a change brings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from imug_metrics.plots.curve_plot import Counts, Lines, few_points, known_lines, mark_places, noted
from imug_metrics.plots.style import GREY, canvas, legend_below, say_empty, small, stroke

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_BETWEEN = 0.14
"""Turns between the points of two neighbouring lines at one turn."""


def gaps(
    lines: Lines,
    *,
    counts: Counts | None = None,
    x: str = "turn",
    y: str = "reference − own history",
    above: str = "",
    below: str = "",
    note: str = "",
    ax: Axes | None = None,
) -> tuple[Figure, Axes]:
    """Draw differences of pairs over turns, each with its interval, and zero, at which both arms are equal.

    Points of several lines stand side by side, so that each interval can be held against zero.

    Args:
        lines: by name, differences by turn: numbers, or triples of a number and its two bounds.
        counts: by name, how many dialogues each turn rests on; below 20 a point is hollow.
        x, y: what the axes show; the vertical one is a difference: say which arm is taken from which.
        above, below: what it means that a point lies above or below zero.
        note: small words above the axis: what the bars are, on how much data they rest.
        ax: an axis to draw on; None: a new figure.

    Returns:
        Figure and axis. Without any defined value the axis says that nothing could be scored.

    Raises:
        ModuleNotFoundError: if matplotlib is not installed.

    Example:
        >>> figure, axis = gaps({"mine": {1: (0.0, -0.1, 0.1), 2: (0.2, 0.1, 0.3)}}, above="own history costs")
        >>> axis.get_ylabel()
        'reference − own history'
    """
    drawn = known_lines(lines)
    few = few_points(drawn, counts)
    with canvas(ax, note=noted(note, few)) as (figure, axis):
        axis.set(xlabel=x, ylabel=y)
        if not drawn:
            say_empty(axis)
            return figure, axis
        axis.axhline(0, color=GREY, linewidth=0.8, label="_zero", zorder=1)
        for place, (name, points) in enumerate(drawn.items()):
            look, shift = stroke([*lines].index(name)), (place - (len(drawn) - 1) / 2) * _BETWEEN
            known = {at: point for at, point in points.items() if point.known}
            places = [at + shift for at in known]
            values = [point.value for point in known.values()]
            arms = list(zip(*(point.arms for point in known.values()), strict=True))
            style: dict[str, Any] = {"marker": look.marker, "linestyle": "", "color": look.colour}
            axis.errorbar(places, values, yerr=arms, label=name, elinewidth=1, capsize=2, **style)
            hollow = [i for i, at in enumerate(known) if at in few[name]]
            if hollow:
                style["markerfacecolor"] = "white"
                axis.plot([places[i] for i in hollow], [values[i] for i in hollow], label="_hollow", zorder=3, **style)
        mark_places(axis, [place for points in drawn.values() for place in points])
        axis.margins(x=0.06, y=0.2 if above or below else 0.1)  # room for the words
        size = small(axis)
        for words, height, to in ((above, 0.98, "top"), (below, 0.02, "bottom")):
            if words:
                arrow = "↑" if to == "top" else "↓"
                axis.text(0.01, height, f"{arrow} {words}", transform=axis.transAxes, va=to, fontsize=size, color=GREY)
        if len(drawn) > 1:
            legend_below(axis, whole=ax is None)
    return figure, axis
