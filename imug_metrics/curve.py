# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""The curve over turns, as numbers and as a plot."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, NamedTuple


class CurvePoint(NamedTuple):
    """One turn of a curve: its mean and the bounds of its interval."""

    turn: int
    value: float
    lower: float
    upper: float


def curve_points(name: str, values: Mapping[str, Any]) -> list[CurvePoint]:
    """The points of a metric's curve in a result with `detail=True`.

    Args:
        name: the metric's name, e.g. `"turn_alignment"`.
        values: the result of `compute()`, tensors or floats.

    Returns:
        One point a turn, ordered; empty when there is no curve.

    Example:
        >>> curve_points("a", {"a": 0.5, "a_turn_2": 0.4, "a_turn_2_lower": 0.3, "a_turn_2_upper": 0.5})
        [CurvePoint(turn=2, value=0.4, lower=0.3, upper=0.5)]
    """
    turns = sorted(int(m[1]) for key in values if (m := re.fullmatch(rf"{re.escape(name)}_turn_(\d+)", key)))
    keys = [(turn, f"{name}_turn_{turn}") for turn in turns]
    return [
        CurvePoint(turn, *(float(values.get(key + bound, float("nan"))) for bound in ("", "_lower", "_upper")))
        for turn, key in keys
    ]


def plot_curve(name: str, values: Mapping[str, Any], ax: Any = None) -> Any:
    """Draw a metric's curve over turns with its band.

    Args:
        name: the metric's name.
        values: the result of `compute()` with `detail=True`.
        ax: a matplotlib axis; None: a new figure.

    Returns:
        Figure and axis.

    Raises:
        ModuleNotFoundError: if matplotlib is not installed.
    """
    try:
        import matplotlib.pyplot as plt
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError("Plots need matplotlib: pip install imug_metrics[report]") from error
    figure, ax = plt.subplots() if ax is None else (ax.get_figure(), ax)
    points = curve_points(name, values)
    turns = [point.turn for point in points]
    ax.plot(turns, [point.value for point in points], marker="o", label=name)
    ax.fill_between(turns, [point.lower for point in points], [point.upper for point in points], alpha=0.2)
    ax.set_xlabel("turn")
    ax.set_ylabel(name.replace("_", " "))
    ax.set_xticks(turns)
    return figure, ax
