# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Scores of single dialogues, turn by turn: where it goes wrong, and what is missing."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, SupportsFloat

from imug_metrics._optional import require
from imug_metrics.plots.style import FAINT, GREY, canvas, legend_below, say_empty

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_MOST_NAMED = 30  # rows whose names can be read beside them
_LONGEST = 16  # letters of a name; paths differ at their ends
_MOST_TICKS = 12
_ROW, _LEAST, _MOST = 0.11, 1.6, 6.0  # inches of a row, and of all


def heat_map(
    scores: Mapping[str, Mapping[int, SupportsFloat | None]] | Sequence[Sequence[SupportsFloat | None]],
    *,
    label: str = "score",
    limits: tuple[float, float] | None = None,
    x: str = "turn",
    y: str = "dialogue",
    note: str = "",
    ax: Axes | None = None,
) -> tuple[Figure, Axes]:
    """Draw a matrix of scores, a row a dialogue and a column a turn.

    Args:
        scores: by dialogue and turn; or rows `[D, T]`, lists, an array or a tensor, whose turns count from 1. NaN or
            None is missing and hatched; a turn that a dialogue does not have is blank.
        label: what the colours show, with unit.
        limits: scores at the ends of the colours; None: the lowest and the highest score.
        x, y: what columns and rows are.
        note: small words above the axis.
        ax: an axis to draw on; None: a new figure.

    Returns:
        Figure and axis. Without any defined score the axis says that nothing could be scored.

    Raises:
        ModuleNotFoundError: if matplotlib is not installed.

    Example:
        >>> figure, axis = heat_map({"a": {1: 0.9, 2: None}, "b": {1: 0.5, 2: 0.4, 3: 0.1}}, label="alignment")
        >>> axis.images[0].get_array().shape, axis.get_legend().get_texts()[0].get_text()
        ((2, 3), 'missing')
    """
    table = _table(scores)
    turns = list(range(1, max((turn for row in table.values() for turn in row), default=0) + 1))
    cells = [[row.get(turn, math.nan) for turn in turns] for row in table.values()]
    missing = [(i, turn) for i, row in enumerate(table.values(), 1) for turn, score in row.items() if math.isnan(score)]
    known = [cell for row in cells for cell in row if math.isfinite(cell)]
    height = min(max(_LEAST, 0.7 + _ROW * len(table)), _MOST)
    named = len(table) <= _MOST_NAMED
    names = [name if len(name) <= _LONGEST else f"…{name[1 - _LONGEST :]}" for name in table] if named else []
    with canvas(ax, height, note, names) as (figure, axis):
        axis.set(xlabel=x, ylabel=y)
        if not known:
            say_empty(axis)
            return figure, axis
        low, high = (min(known), max(known)) if limits is None else limits
        image = axis.imshow(
            cells, aspect="auto", interpolation="none", cmap="viridis", vmin=low, vmax=high,
            extent=(0.5, len(turns) + 0.5, len(table) + 0.5, 0.5),
        )  # fmt: skip
        if missing:
            _hatch(axis, missing, whole=ax is None)
        axis.set_xticks(turns[:: math.ceil(len(turns) / _MOST_TICKS)])
        axis.set_yticks(range(1, len(names) + 1), names, parse_math=False)
        axis.tick_params(axis="y", length=0)
        axis.spines[:].set_visible(False)
        bar = figure.colorbar(image, ax=axis, pad=0.02, fraction=0.06, label=label)
        bar.outline.set_visible(False)
    return figure, axis


def _table(scores: Any) -> dict[str, dict[int, float]]:
    """Scores by name of the row and turn, NaN where missing."""
    if isinstance(scores, Mapping):
        rows: Any = scores.items()
    else:
        rows = ((str(place), dict(enumerate(row, 1))) for place, row in enumerate(scores, 1))
    return {str(n): {t: math.nan if s is None else float(s) for t, s in row.items()} for n, row in rows}


def _hatch(axis: Axes, cells: Sequence[tuple[int, int]], *, whole: bool) -> None:
    """Hatch the cells of dialogues that have the turn and no score there, and say so."""
    patches = require("matplotlib.patches", extra="report", purpose="Plotting")
    style: dict[str, Any] = {"facecolor": FAINT, "edgecolor": GREY, "hatch": "//////", "linewidth": 0}
    for row, turn in cells:
        axis.add_patch(patches.Rectangle((turn - 0.5, row - 0.5), 1, 1, **style))
    legend_below(axis, whole=whole, handles=[patches.Patch(label="missing", **style)])
