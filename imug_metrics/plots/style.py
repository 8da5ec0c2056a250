# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""How figures look: one place for fonts, widths and colours, so that they can go into a paper as they are."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from contextvars import ContextVar
from textwrap import wrap
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from imug_metrics._optional import require
from imug_metrics.errors import ArgumentError

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WIDTHS: Mapping[int, float] = {1: 3.3, 2: 6.8}
"""Inches that one column and two columns of a paper are wide."""

HEIGHT = 2.2
"""Inches that a figure is high where its content does not say otherwise."""

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
"""Those of Okabe and Ito (2008) that show on white: people who do not see red or green tell them apart."""

MARKERS = ("o", "s", "^", "D", "v", "P", "X", "<")
DASHES: tuple[Any, ...] = ("-", (0, (5, 1.5)), (0, (1.2, 1.2)), (0, (6, 1.5, 1.2, 1.5)), (0, (3, 1)))
"""Numbers of colours, markers and dashes have no common divisor, so that lines differ in print without colour as well.
"""

GREY = "0.45"
FAINT = "0.85"

SALT = "imug_metrics"
"""Of the names within an SVG, so that a figure drawn twice is the same file."""

_ACTIVE: ContextVar[bool] = ContextVar("publication", default=False)


class Stroke(NamedTuple):
    """How the lines and points of one series are drawn."""

    colour: str
    marker: str
    dashes: Any

    @property
    def dark(self) -> str:
        """The colour for words, which need more contrast than lines."""
        parts = (int(self.colour[i : i + 2], 16) for i in (1, 3, 5))
        return "#" + "".join(f"{round(0.72 * part):02x}" for part in parts)


def stroke(place: int) -> Stroke:
    """The look of the series at a place, from 0.

    Example:
        >>> stroke(0).colour, stroke(1).marker
        ('#0072B2', 's')
    """
    return Stroke(COLOURS[place % len(COLOURS)], MARKERS[place % len(MARKERS)], DASHES[place % len(DASHES)])


@contextmanager
def publication(columns: Literal[1, 2] = 1, *, font_size: float = 8.0) -> Iterator[None]:
    """Draw for a paper: what is drawn within has its width, its font and lines to match; afterwards all is as before.

    The functions of `imug_metrics.plots` draw so by themselves, for one column. Text stays text in SVG and PDF.

    Args:
        columns: of the paper that the figure is wide: 1 (3.3 inches) or 2 (6.8 inches).
        font_size: of labels in points; ticks and notes are a point smaller.

    Raises:
        ArgumentError: if `columns` is neither 1 nor 2.
        ModuleNotFoundError: if matplotlib is not installed.

    Example:
        >>> import matplotlib
        >>> from imug_metrics import plots
        >>> before = matplotlib.rcParams["font.size"]
        >>> with plots.publication(columns=2):
        ...     figure, axis = plots.curves({"mine": {1: 0.9, 2: 0.8}}, y="accuracy")
        >>> float(figure.get_figwidth()), matplotlib.rcParams["font.size"] == before
        (6.8, True)
    """
    if columns not in WIDTHS:
        raise ArgumentError("columns", f"expected 1 or 2, got {columns!r}")
    matplotlib = require("matplotlib", extra="report", purpose="Plotting")
    small = font_size - 1
    settings = {
        "figure.figsize": (WIDTHS[columns], HEIGHT),
        "figure.dpi": 150,
        "figure.constrained_layout.use": True,
        "font.family": "sans-serif",
        "font.sans-serif": ["DejaVu Sans"],  # which comes with matplotlib: a figure is the same everywhere
        "font.size": font_size,
        "axes.labelsize": font_size,
        "axes.titlesize": small,
        "axes.titlelocation": "left",
        "axes.titlecolor": GREY,
        "axes.titlepad": 5,
        "axes.linewidth": 0.6,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.grid": False,
        "axes.axisbelow": True,
        "grid.color": "0.92",
        "grid.linewidth": 0.5,
        "grid.linestyle": "-",
        "xtick.labelsize": small,
        "ytick.labelsize": small,
        "xtick.major.width": 0.6,
        "ytick.major.width": 0.6,
        "xtick.major.size": 2.5,
        "ytick.major.size": 2.5,
        "legend.fontsize": small,
        "legend.frameon": False,
        "lines.linewidth": 1.2,
        "lines.markersize": 4,
        "hatch.linewidth": 0.5,
        **FILES,
    }
    token = _ACTIVE.set(True)
    try:
        with matplotlib.rc_context(settings):
            yield
    finally:
        _ACTIVE.reset(token)


FILES: Mapping[str, Any] = {
    "svg.fonttype": "none",
    "svg.hashsalt": SALT,
    "pdf.fonttype": 42,
    "ps.fonttype": 42,
    "savefig.dpi": 300,
}
"""Text that can be edited and searched, in fonts that publishers take; points of a PNG an inch."""


@contextmanager
def canvas(
    ax: Axes | None, height: float = HEIGHT, note: str = "", names: Sequence[str] = ()
) -> Iterator[tuple[Figure, Axes]]:
    """A figure and axis to draw on, under the style in force or the default one.

    Args:
        ax: an axis to draw on; None: a new figure.
        height: of a new figure, in inches.
        note: small words above the axis.
        names: of rows, which take room at the left.
    """
    plt = require("matplotlib.pyplot", extra="report", purpose="Plotting")
    with nullcontext() if _ACTIVE.get() else publication():
        width, size = plt.rcParams["figure.figsize"][0], plt.rcParams["axes.titlesize"]
        room = max(letters(width - _LEFT, size) - max(map(len, names), default=0), _LEAST_ROOM)
        lines = [part for line in note.splitlines() for part in wrap(line, room)]
        if ax is None:
            figure, axis = plt.subplots(figsize=(width, height + 1.3 * size / 72 * max(0, len(lines) - 1)))
        else:
            figure, axis = ax.get_figure(), ax
        yield figure, axis
        if lines:
            axis.set_title("\n".join(lines), loc="left", fontsize=size, color=GREY, parse_math=False)


def letters(inches: float, size: float) -> int:
    """How many letters of a size in points fit into a width."""
    return int(inches * 72 / (_LETTER * size))


_LEFT = 0.5  # inches from the left end of a figure to its axis
_LEAST_ROOM = 24  # letters
_LETTER = 0.55  # of the size of a font that its letters are wide on average


def say_empty(axis: Axes, words: str = "nothing could be scored") -> None:
    """Say on an axis that there is nothing to draw."""
    axis.text(0.5, 0.5, words, transform=axis.transAxes, ha="center", va="center", color=GREY)
    axis.set_xticks([])
    axis.set_yticks([])


def small(axis: Axes) -> float:
    """The size of words within an axis, in points: a point below its label's."""
    size: Any = axis.xaxis.label.get_fontsize()
    return float(size) - 1


def legend_below(axis: Axes, *, whole: bool, handles: Sequence[Any] | None = None) -> None:
    """A legend under the label of the horizontal axis.

    Args:
        axis: under which it stands.
        whole: whether the figure is of this axis alone, so that the legend begins at its left end.
        handles: what it names; None: all that is drawn and has a name.
    """
    transforms = require("matplotlib.transforms", extra="report", purpose="Plotting")
    figure = axis.get_figure(root=True)
    assert figure is not None
    handles = axis.get_legend_handles_labels()[0] if handles is None else handles
    longest = max(len(str(handle.get_label())) for handle in handles) + _HANDLE
    columns = letters(figure.get_size_inches()[0] - (0 if whole else _LEFT), small(axis)) // longest
    across = figure.transFigure if whole else axis.transAxes
    under = transforms.ScaledTranslation(0, -_UNDER_LABEL / 72, figure.dpi_scale_trans)
    legend = axis.legend(
        handles=handles,
        loc="upper left",
        bbox_to_anchor=(0.01 if whole else 0, 0),
        bbox_transform=transforms.blended_transform_factory(across, axis.transAxes) + under,
        borderaxespad=0,
        ncols=max(1, min(columns, len(handles))),
        handletextpad=0.4,
        columnspacing=1.2,
    )
    take_literally(legend)


def take_literally(legend: Any) -> None:
    """Names come from data: a dollar sign in them begins no formula."""
    for text in legend.get_texts():
        text.set_parse_math(False)


_HANDLE = 6  # letters that the sign before a name is wide
_UNDER_LABEL = 28
"""Points from an axis to what stands under its ticks and label."""
