# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Rates of a verifier: right work that it accepts against wrong work that it accepts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, SupportsFloat

from imug_metrics.plots.style import GREY, canvas, say_empty, stroke, take_literally
from imug_metrics.plots.values import Value, as_point

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_HEIGHT = 2.9
_MOST_INSIDE = 5  # names that the empty half below the diagonal has room for


def roc(
    lines: Mapping[str, tuple[Sequence[SupportsFloat], Sequence[SupportsFloat]]] | None = None,
    points: Mapping[str, tuple[Value, Value]] | None = None,
    *,
    x: str = "wrong accepted",
    y: str = "right accepted",
    note: str = "",
    ax: Axes | None = None,
) -> tuple[Figure, Axes]:
    """Draw receiver operating characteristics and single judges, and the diagonal on which chance lies.

    Args:
        lines: by name, false-accept rates and true-accept rates over all thresholds, two sequences of one length.
        points: by name, false-accept and true-accept rate of a judge or a threshold: numbers, or triples of a number
            and its two bounds.
        x, y: what the axes show.
        note: small words above the axis: what the bars are, on how much data they rest.
        ax: an axis to draw on; None: a new figure.

    Returns:
        Figure and axis. Without any defined rate the axis says that nothing could be scored.

    Raises:
        ModuleNotFoundError: if matplotlib is not installed.

    Example:
        >>> figure, axis = roc({"AUROC 0.80": ([0.0, 0.2, 1.0], [0.0, 0.7, 1.0])}, {"turn 1": (0.1, 0.5)})
        >>> axis.get_xlabel(), [text.get_text() for text in axis.get_legend().get_texts()]
        ('wrong accepted', ['AUROC 0.80', 'chance', 'turn 1'])
    """
    rates = {name: [[float(rate) for rate in side] for side in sides] for name, sides in (lines or {}).items()}
    rates = {name: sides for name, sides in rates.items() if all(rate == rate for side in sides for rate in side)}
    read = {name: (as_point(wrong), as_point(right)) for name, (wrong, right) in (points or {}).items()}
    read = {name: sides for name, sides in read.items() if all(side.known for side in sides)}
    with canvas(ax, _HEIGHT, note) as (figure, axis):
        axis.set(xlabel=x, ylabel=y)
        if not rates and not any(read):
            say_empty(axis)
            return figure, axis
        for place, (name, (wrong, right)) in enumerate(rates.items()):
            look = stroke(place)
            axis.plot(wrong, right, color=look.colour, linestyle=look.dashes, label=name, zorder=2)
        for place, (name, (at, to)) in enumerate(read.items(), len(rates)):
            look = stroke(place)
            axis.errorbar(
                at.value, to.value, xerr=[[arm] for arm in at.arms], yerr=[[arm] for arm in to.arms],
                linestyle="", marker=look.marker, color=look.colour, elinewidth=0.9, label=name, zorder=3,
            )  # fmt: skip
        axis.axline((0, 0), (1, 1), color=GREY, linewidth=0.8, linestyle=(0, (4, 3)), label="chance", zorder=1)
        axis.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02), aspect="equal")
        many = len(rates) + len(read) > _MOST_INSIDE
        where: dict[str, Any] = {"loc": "upper left", "bbox_to_anchor": (1.02, 1)} if many else {"loc": "lower right"}
        take_literally(axis.legend(handlelength=2, **where))
    return figure, axis
