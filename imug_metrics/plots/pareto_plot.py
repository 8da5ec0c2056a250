# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""What is paid against what is got: costs and scores, and the strategies that are worth their cost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise, product
from math import hypot
from typing import TYPE_CHECKING

from imug_metrics.functional.scaling.strategy_comparison import pareto_front
from imug_metrics.plots.style import COLOURS, FAINT, GREY, canvas, legend_below, say_empty, small
from imug_metrics.plots.values import Point, Value, as_point

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


_AMBIGUOUS = 200.0  # square points that a name may cover rather than stand nearest to another's point


def pareto(
    points: Mapping[str, tuple[Value, Value]],
    *,
    x: str = "cost",
    y: str = "score",
    note: str = "",
    ax: Axes | None = None,
) -> tuple[Figure, Axes]:
    """Draw strategies by cost and score, and the front: those that no other beats at their cost.

    On the front, none scores as high for less or higher for as little (`pareto_front`); its points are filled and
    joined by the steps of the best score that a budget buys, the others are hollow.

    Args:
        points: by name, cost and score: numbers, or triples of a number and its two bounds.
        x, y: what the axes show, with unit.
        note: small words above the axis: what the bars are, on how much data they rest.
        ax: an axis to draw on; None: a new figure.

    Returns:
        Figure and axis. Without any defined point the axis says that nothing could be scored.

    Raises:
        ModuleNotFoundError: if matplotlib is not installed.

    Example:
        >>> points = {"plain": (10, (0.5, 0.4, 0.6)), "cot": (60, (0.7, 0.6, 0.8)), "long": (90, 0.6)}
        >>> figure, axis = pareto(points, x="tokens a record", y="answer accuracy")
        >>> [text.get_text() for text in axis.texts]
        ['plain', 'cot', 'long']
    """
    read = {name: (as_point(cost), as_point(score)) for name, (cost, score) in points.items()}
    known = {name: place for name, place in read.items() if place[0].known and place[1].known}
    with canvas(ax, note=note) as (figure, axis):
        axis.set(xlabel=x, ylabel=y)
        if not known:
            say_empty(axis)
            return figure, axis
        costs, scores = ([place[i].value for place in known.values()] for i in (0, 1))
        front = pareto_front(scores, costs).tolist()
        steps = sorted((cost, score) for cost, score, on in zip(costs, scores, front, strict=True) if on)
        axis.margins(0.12)
        for (cost, score), on in zip(known.values(), front, strict=True):
            axis.errorbar(
                cost.value, score.value,
                xerr=[[arm] for arm in cost.arms] if cost.bounded else None,
                yerr=[[arm] for arm in score.arms] if score.bounded else None,
                marker="o", color=COLOURS[0], markerfacecolor=COLOURS[0] if on else "white", ecolor=GREY,
                elinewidth=0.8, zorder=3,
            )  # fmt: skip
        axis.autoscale_view()
        right = axis.get_xlim()[1]
        walked = [*steps, (right, steps[-1][1])]
        axis.plot(
            *zip(*walked, strict=True), drawstyle="steps-post", color=COLOURS[1], linewidth=1, linestyle=(0, (4, 2)),
            label="Pareto front", zorder=2,
        )  # fmt: skip
        axis.set_xlim(axis.get_xlim()[0], right)
        axis.grid(visible=True, color=FAINT, linewidth=0.4)
        _name(axis, known, walked)
        legend_below(axis, whole=ax is None)
    return figure, axis


def _name(axis: Axes, known: Mapping[str, tuple[Point, Point]], steps: Sequence[tuple[float, float]]) -> None:
    """Names beside their points, where they cover least of points, bars, the front and each other."""
    figure = axis.get_figure(root=True)
    assert figure is not None
    size = small(axis)
    (left, right), (low, high) = axis.get_xlim(), axis.get_ylim()
    width, height = (72 * inches * 0.75 for inches in figure.get_size_inches())

    def place(x: float, y: float) -> tuple[float, float]:
        return (x - left) / (right - left) * width, (y - low) / (high - low) * height

    points = [place(cost.value, score.value) for cost, score in known.values()]
    taken = [(*point, 4.0, 4.0) for point in points]
    for cost, score in known.values():  # bars
        taken += [(*place(cost.value, end), 1.0, 1.0) for end in _between(score)]
        taken += [(*place(end, score.value), 1.0, 1.0) for end in _between(cost)]
    for (x, y), (then, above) in pairwise(steps):
        taken += [(*place(x + (then - x) * i / 20, y), 1.0, 1.0) for i in range(21)]
        taken += [(*place(then, y + (above - y) * i / 20), 1.0, 1.0) for i in range(21)]
    for name, (cost, score) in known.items():
        half = 0.3 * size * len(name), 0.6 * size
        x, y = place(cost.value, score.value)
        sides = _sides(*half, 1.4 * size)
        costs = []
        for ring, dx, dy in sides:
            box = (x + dx, y + dy, *half)
            outside = max(0, half[0] - box[0]) + max(0, box[0] + half[0] - width) + max(0, half[1] - box[1])
            misread = _AMBIGUOUS * (_nearest(box, points) != (x, y))
            costs.append(ring + outside + misread + sum(_cover(box, other) for other in taken))
        _, dx, dy = sides[costs.index(min(costs))]
        taken.append((x + dx, y + dy, *half))
        axis.annotate(
            name, (cost.value, score.value), xytext=(dx, dy), textcoords="offset points", ha="center", va="center",
            fontsize=size, parse_math=False, annotation_clip=False,
            bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.7, "pad": 0.5},
        )  # fmt: skip


def _sides(wide: float, high: float, further: float) -> list[tuple[int, float, float]]:
    """Where the middle of a name can stand about its point, near it or further above or below, the best first."""
    return [
        (ring, dx * (wide + 5), dy * (high + 5 + ring * further))
        for ring, dy, dx in product((0, 1), (-1, 1, 0), (1, -1, 0))
        if dy or (dx and not ring)
    ]


def _nearest(box: tuple[float, float, float, float], points: Sequence[tuple[float, float]]) -> tuple[float, float]:
    """The point that is nearest to a box."""
    x, y, wide, high = box
    return min(points, key=lambda at: hypot(max(0.0, abs(at[0] - x) - wide), max(0.0, abs(at[1] - y) - high)))


def _between(point: Point) -> list[float]:
    """Places along an interval."""
    return [point.lower + (point.upper - point.lower) * i / 10 for i in range(11)] if point.bounded else []


def _cover(one: tuple[float, float, float, float], other: tuple[float, float, float, float]) -> float:
    """The area that two boxes (middle, half width, half height) share."""
    sides = [one[2 + i] + other[2 + i] - abs(one[i] - other[i]) for i in (0, 1)]
    return sides[0] * sides[1] if min(sides) > 0 else 0.0
