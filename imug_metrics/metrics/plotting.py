# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Plots of metrics."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from imug_metrics._optional import require
from imug_metrics.metrics.curve import curve_points


def plot_curve(name: str, values: Mapping[str, Any], ax: Any = None, *, over: str = "turn", label: str = "") -> Any:
    """Draw a curve with its band.

    Args:
        name, values, over: as in `curve_points`.
        ax: a matplotlib axis; None: a new figure.
        label: of the line; by default the name.

    Returns:
        Figure and axis.

    Raises:
        ModuleNotFoundError: if matplotlib is not installed.
    """
    plt = require("matplotlib.pyplot", extra="report", purpose="Plotting")
    figure, ax = plt.subplots() if ax is None else (ax.get_figure(), ax)
    points = curve_points(name, values, over)
    places = [point.at for point in points]
    ax.plot(places, [point.value for point in points], marker="o", label=label or name)
    ax.fill_between(places, [point.lower for point in points], [point.upper for point in points], alpha=0.2)
    ax.set_xlabel(over)
    ax.set_ylabel(name.replace("_", " "))
    ax.set_xticks(places if len(ax.lines) == 1 else sorted({*places, *ax.get_xticks()}))
    return figure, ax
