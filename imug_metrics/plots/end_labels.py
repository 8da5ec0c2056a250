# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Names of lines at their ends, pushed apart where they would cover each other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from imug_metrics.plots.style import small

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MOST = 8
"""With more lines than this their names would cover each other: a legend takes their place."""

LONGEST = 24
"""Letters of the longest name that leaves a figure of one column room for its lines."""


class End(NamedTuple):
    """Where a line ends, its name and the colour of the words."""

    x: float
    y: float
    name: str
    colour: str


def fits(names: Sequence[str]) -> bool:
    """Whether names can stand at the ends of their lines."""
    return len(names) <= MOST and max(map(len, names), default=0) <= LONGEST


def label_ends(ax: Axes, ends: Sequence[End]) -> None:
    """Write each name to the right of its line's end; names of one place are spread around their lines' ends."""
    size = small(ax)
    last = max((end.x for end in ends), default=0.0)
    low, high = ax.get_ylim()
    figure = ax.get_figure(root=True)
    assert figure is not None
    points = 72 * figure.get_size_inches()[1] * ax.get_position().height  # of the axis, before anything is laid out
    for x in {end.x for end in ends}:
        here = sorted((end for end in ends if end.x == x), key=lambda end: end.y)
        wanted = [(end.y - low) / (high - low) * points for end in here]
        for end, before, after in zip(here, wanted, spread(wanted, 1.3 * size), strict=True):
            ax.annotate(
                end.name,
                (end.x, end.y),
                xytext=(6, after - before),
                textcoords="offset points",
                ha="left",
                va="center",
                fontsize=size,
                color=end.colour,
                annotation_clip=False,
                parse_math=False,
                bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.7, "pad": 0.5} if x < last else None,
            )


def spread(wanted: Sequence[float], gap: float) -> list[float]:
    """Heights at least `gap` apart, as near to the wanted ones as that allows (least squares).

    Args:
        wanted: in rising order.
        gap: least distance of neighbours.

    Example:
        >>> spread([0.0, 1.0, 9.0], 3.0)
        [-1.0, 2.0, 9.0]
    """
    blocks: list[tuple[float, int]] = []  # sum and number of neighbours that move together, less their own gaps
    for place, height in enumerate(wanted):
        total, count = height - place * gap, 1
        while blocks and blocks[-1][0] / blocks[-1][1] >= total / count:
            before, many = blocks.pop()
            total, count = total + before, count + many
        blocks.append((total, count))
    levels = [total / count for total, count in blocks for _ in range(count)]
    return [level + place * gap for place, level in enumerate(levels)]
