# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""What the plots of metrics say: a curve or a value under the words of its metric, with its level, n and slope."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import pairwise
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, TypeAlias

from imug_metrics import plots
from imug_metrics.errors import ArgumentError
from imug_metrics.metrics.curve import curve_points
from imug_metrics.metrics.description import MetricDescription
from imug_metrics.plots.values import Point, reading

if TYPE_CHECKING:
    from imug_metrics.metrics.dialogue_metric import DialogueMetric

Detail: TypeAlias = Mapping[str, Any]
Plot: TypeAlias = tuple[Any, Any]
"""A matplotlib figure and axis; metrics are imported without matplotlib."""


def quantity(description: MetricDescription) -> str:
    """What an axis shows: what the primary estimate is called, and its unit.

    Example:
        >>> from imug_metrics import TurnConsistency
        >>> quantity(TurnConsistency().describe())
        'consistency (cosine)'
    """
    return f"{description.noun.removeprefix('the ')} ({description.unit})"


def point(values: Detail, key: str) -> Point:
    """An estimate of a result and its bounds, NaN where the result has none."""
    return Point(*(float(values.get(f"{key}{end}", math.nan)) for end in ("", "_lower", "_upper")))


def line(name: str, values: Detail, over: str = "turn") -> dict[int, Point]:
    """A curve of a result, without what is undefined at its ends.

    Where no two neighbouring points are defined, as with images at every second turn, what is undefined between them
    is no gap, and left out as well.

    Args:
        name, values, over: as in `curve_points`.

    Example:
        >>> list(line("a", {"a_turn_1": 0.5, "a_turn_2": float("nan"), "a_turn_3": 0.4, "a_turn_4": float("nan")}))
        [1, 3]
    """
    found = curve_points(name, values, over)
    has_neighbours = any(not math.isnan(before.value + after.value) for before, after in pairwise(found))
    return {at.at: Point(*at[1:]) for at in found if has_neighbours or not math.isnan(at.value)}


def plot_curves(
    metric: DialogueMetric,
    values: Detail,
    overs: Mapping[str, str],
    behind: Detail,
    ax: Any,
    *,
    first: Mapping[int, Point] = MappingProxyType({}),
    carried: str = "",
    slope: str = "slope",
    **options: Any,
) -> Plot:
    """Draw curves of a result with its note.

    Args:
        metric: whose result it is.
        values: the result.
        overs: by name of a curve, what stands before the number in its keys: "turn", "text_turn", "length", ...
        behind: how many dialogues stand behind each sum, see `DialogueMetric._draw`.
        ax: an axis, or None.
        first: a point with which every curve begins.
        carried: the ratios of which `behind` tells, where they are called otherwise than the curve's keys.
        slope: which estimate is a slope of the curves, for the note.
        options: of `imug_metrics.plots.curves`.
    """
    lines = {name: {**first, **line(metric.name, values, over)} for name, over in overs.items()}
    counts = {
        name: {at: float(behind.get(f"{carried or over}_{at}.den", math.inf)) for at in lines[name]}
        for name, over in overs.items()
    }
    bounded = any(at.bounded for points in lines.values() for at in points.values())
    said = note(metric, values, "bands" if bounded else "", slope)
    return plots.curves(lines, counts=counts, note=said, ax=ax, **options)


def plot_value(metric: DialogueMetric, value: Any, ax: Any) -> Plot:
    """Draw a value, with its interval where the result has one, under its name."""
    values = value if isinstance(value, Mapping) else {metric.name: value}
    return _plot_rows(metric, values, {metric.describe().label: point(values, metric.name)}, ax)


def plot_groups(metric: DialogueMetric, values: Detail, ax: Any, keys: Mapping[str, str]) -> Plot:
    """Draw the primary estimate of groups in rows, beside a line at the first of them.

    Args:
        metric: of all records.
        values: the result of all records and of each group.
        ax: an axis, or None.
        keys: by row, where the estimate is.
    """
    rows = {row: point(values, key) for row, key in keys.items()}
    return _plot_rows(metric, values, rows, ax, next(iter(rows.values())).value)


def _plot_rows(
    metric: DialogueMetric, values: Detail, rows: Mapping[str, Point], ax: Any, level: float = math.nan
) -> Plot:
    bounded = any(at.bounded for at in rows.values())
    with_bounds = f"{metric.name}_lower" in values
    said = note(metric, values, "bars" if bounded else "", slope="", repeated=False) if with_bounds else ""
    return plots.forest(rows, x=quantity(metric.describe()), reference=level, note=said, ax=ax)


def plot_steps(
    metric: DialogueMetric, results: Sequence[Any], ax: Any, keys: Mapping[str, str] = MappingProxyType({})
) -> Plot:
    """Draw the primary estimate of several results over steps from 0, as torchmetrics counts them.

    Args:
        metric: whose results they are.
        results: values, or dicts with bounds.
        ax: an axis, or None.
        keys: by line, where the estimate is; empty: one line of the primary estimate.

    Raises:
        ArgumentError: if there is no result.
    """
    if not len(results):
        raise ArgumentError("val", "expected at least one result, got none")
    about = metric.describe()
    found = [value if isinstance(value, Mapping) else {metric.name: value} for value in results]
    lines = {
        name: {step: point(values, key) for step, values in enumerate(found)}
        for name, key in (keys or {about.label: metric.name}).items()
    }
    bounded = any(at.bounded for line in lines.values() for at in line.values())
    said = level_words(metric, "bands") if bounded else ""
    return plots.curves(lines, x="step", y=quantity(about), note=said, ax=ax)


def level_words(metric: DialogueMetric, shape: str) -> str:
    """What is drawn around the estimates: the level of their intervals; or that there are none."""
    level = f"{100 * metric.level:g} %"
    return f"{shape}: {level} interval by dialogue" if shape else f"no {level} interval can be given"


def note(metric: DialogueMetric, values: Detail, shape: str, slope: str = "slope", *, repeated: bool = True) -> str:
    """What stands above a drawing: level of the intervals, n, and the primary estimate and slope with theirs.

    Args:
        metric: whose result it is.
        values: the result.
        shape: what the intervals are drawn as; empty: there are none.
        slope: which estimate is a slope of what is drawn.
        repeated: whether to say the primary estimate, which then is not what is drawn.

    Example:
        >>> from imug_metrics import TurnDecay
        >>> print(note(TurnDecay(), {"turn_decay": -0.1, "turn_decay_n": 9.0, "turn_decay_dialogues": 3.0}, "bands"))
        bands: 95 % interval by dialogue
        n = 9 records, 3 dialogues
        change per turn −0.10
    """
    lines, counts = [level_words(metric, shape)], {"records": "n", "dialogues": "dialogues"}
    found = {word: float(values[key]) for word, end in counts.items() if (key := f"{metric.name}_{end}") in values}
    if found:
        lines.append(f"n = {', '.join(f'{count:,.0f} {word}' for word, count in found.items())}")
    if repeated:
        about = metric.describe()
        unit = " %" if about.unit == "%" else ""
        lines.append(f"{about.noun.removeprefix('the ')} {reading(point(values, metric.name))}{unit}")
    key = f"{metric.name}_{slope}"
    if key in values and metric.primary != slope:
        lines.append(f"{slope.replace('_', ' ')} {reading(point(values, key))} per turn")
    return "\n".join(lines)
