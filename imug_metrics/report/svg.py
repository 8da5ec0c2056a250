# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Inline SVG: curves over turns with confidence bands, and error bars for slopes. Colours come from the page's CSS."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape

from imug_metrics._numbers import number
from imug_metrics.report.estimates import FEW_DIALOGUES, Estimate, span

PALETTE = 8
"""How many model colours the style sheet defines (classes c0 to c7)."""

LABELLED = 8
"""With more lines than this the names at the line ends would cover each other."""

_WIDTH, _HEIGHT = 520, 300
_LEFT, _RIGHT, _TOP, _BOTTOM = 44, 146, 14, 34
_LEAST_SPREAD = 0.2  # a closer look than this would make noise look like a trend


@dataclass(frozen=True)
class Line:
    """One model's curve: ``points`` by turn, and how many records stand behind each."""

    name: str
    colour: int
    points: Mapping[int, Estimate]
    counts: Mapping[int, int]


@dataclass(frozen=True)
class _Scale:
    """Maps a range of numbers onto a range of pixels."""

    low: float
    high: float
    start: float
    stop: float

    def __call__(self, value: float) -> float:
        share = (value - self.low) / (self.high - self.low)
        return self.start + share * (self.stop - self.start)


def curves(
    lines: Sequence[Line],
    title: str,
    *,
    is_share: bool = False,
    reference: float = math.nan,
    reference_name: str = "",
    axis: str = "turn",
) -> str:
    """Curves over turns as one SVG element, a band of confidence around each.

    Args:
        lines: one entry a model; turns without a value break the line.
        title: read out by screen readers.
        is_share: whether the score lies in [0, 1], so that the axis must not reach past that.
        reference: height of a dashed line, such as the level of chance; NaN for none.
        reference_name: the words at that line.
        axis: what the points are numbered by.

    Returns:
        The SVG's source; names in it are escaped.

    Example:
        >>> svg = curves([Line("a<b", 0, {1: Estimate(0.5), 2: Estimate(0.25)}, {})], "Alignment by turn")
        >>> "a&lt;b" in svg, "<script" in svg
        (True, False)
    """
    turns = sorted({turn for line in lines for turn in line.points})
    if not turns:
        return ""
    x = _Scale(turns[0] - 0.25, turns[-1] + 0.25, _LEFT, _WIDTH - _RIGHT)
    low, high, ticks = _range(lines, reference, is_share)
    y = _Scale(low, high, _HEIGHT - _BOTTOM, _TOP)
    drawn = [line for line in lines if any(point.known for point in line.points.values())]
    parts = [
        f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="{escape(title)}">',
        *_axes(x, y, turns, ticks, axis),
        *_reference(y, reference, reference_name),
        *(_band(line, x, y) for line in drawn),
        *(_stroke(line, x, y) for line in drawn),
        *(_dots(line, x, y, axis) for line in drawn),
        *(_names(drawn, y) if len(drawn) <= LABELLED else ()),
        "</svg>",
    ]
    return "".join(parts)


def error_bar(slope: Estimate, low: float, high: float, colour: int) -> str:
    """A slope and its interval on an axis from ``low`` <= 0 to ``high`` >= 0, zero marked.

    Example:
        >>> error_bar(Estimate(float("nan")), -0.1, 0.1, 0)
        ''
    """
    if not slope.known:
        return ""
    width, height = 240, 22
    middle = height / 2
    x = _Scale(low, high, 8, width - 8)
    parts = [f'<svg class="error-bar c{colour % PALETTE}" viewBox="0 0 {width} {height}" aria-hidden="true">']
    parts.append(f'<line class="grid" x1="8" x2="{width - 8}" y1="{middle}" y2="{middle}"/>')
    parts.append(f'<line class="zero" x1="{x(0):.1f}" x2="{x(0):.1f}" y1="1" y2="{height - 1}"/>')
    if slope.bounded:
        ends = f'x1="{x(slope.lower):.1f}" x2="{x(slope.upper):.1f}"'
        parts.append(f'<line class="bar" {ends} y1="{middle}" y2="{middle}"/>')
    parts.append(f'<circle class="dot" cx="{x(slope.value):.1f}" cy="{middle}" r="4.5"/></svg>')
    return "".join(parts)


def _range(lines: Sequence[Line], reference: float, is_share: bool) -> tuple[float, float, list[float]]:
    """Ends of the vertical axis and its ticks: round numbers around all values, and 0 to 1 at most for shares."""
    values = [end for line in lines for p in line.points.values() for end in (p.value, p.lower, p.upper)]
    values = [value for value in (*values, reference) if math.isfinite(value)] or [0.0, 1.0]
    low, high = min(values), max(values)
    is_share = is_share and low >= 0 and high <= 1  # official points may lie beyond
    lacking = max(0.0, _LEAST_SPREAD * max(1.0, abs(high), abs(low)) - (high - low))
    low = low - lacking / 2
    high = high + lacking / 2
    if is_share:
        low, high = (0.0, _LEAST_SPREAD) if low < 0 else (1 - _LEAST_SPREAD, 1.0) if high > 1 else (low, high)
    step = _nice_step(high - low)
    first, last = math.floor(low / step + 1e-6), math.ceil(high / step - 1e-6)
    return first * step, last * step, [i * step for i in range(first, last + 1)]


def _nice_step(spread: float) -> float:
    rough = spread / 4
    power = 10.0 ** math.floor(math.log10(rough))
    return next(factor * power for factor in (1, 2, 2.5, 5, 10) if factor * power >= rough * 0.999)


def _axes(x: _Scale, y: _Scale, turns: Sequence[int], ticks: Sequence[float], axis: str) -> Iterable[str]:
    step = ticks[1] - ticks[0]
    digits = max(1, -math.floor(math.log10(step) + 1e-9)) + (1 if _is_quarter(ticks) else 0) if step < 10 else 0
    for tick in ticks:
        yield f'<line class="grid" x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{y(tick):.1f}" y2="{y(tick):.1f}"/>'
        label = number(tick, digits)
        yield f'<text class="tick" x="{_LEFT - 8}" y="{y(tick) + 4:.1f}" text-anchor="end">{label}</text>'
    every = math.ceil(len(turns) / 12)
    for turn in turns[::every]:
        yield f'<text class="tick" x="{x(turn):.1f}" y="{_HEIGHT - 14}" text-anchor="middle">{turn}</text>'
    yield f'<text class="tick axis" x="{_LEFT - 8}" y="{_HEIGHT - 14}" text-anchor="end">{escape(axis)}</text>'


def _is_quarter(ticks: Sequence[float]) -> bool:
    step = ticks[1] - ticks[0]
    return f"{step:e}".startswith("2.5")


def _reference(y: _Scale, value: float, name: str) -> Iterable[str]:
    if math.isfinite(value):
        yield f'<line class="chance" x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{y(value):.1f}" y2="{y(value):.1f}"/>'
        yield f'<text class="tick" x="{_LEFT + 4}" y="{y(value) - 5:.1f}">{escape(name)}</text>'


def _runs(points: Mapping[int, Estimate], keep: str) -> list[list[tuple[int, Estimate]]]:
    """Stretches of neighbouring turns whose points are ``known`` or ``bounded``."""
    runs: list[list[tuple[int, Estimate]]] = [[]]
    for turn in sorted(points):
        if getattr(points[turn], keep):
            runs[-1].append((turn, points[turn]))
        elif runs[-1]:
            runs.append([])
    return [run for run in runs if run]


def _band(line: Line, x: _Scale, y: _Scale) -> str:
    shapes = []
    for run in _runs(line.points, "bounded"):
        # A lone turn has no width: give it a narrow bar, so that its interval shows as well.
        wide = run if len(run) > 1 else [(run[0][0] - 0.06, run[0][1]), (run[0][0] + 0.06, run[0][1])]
        top = [f"{x(turn):.1f},{y(p.upper):.1f}" for turn, p in wide]
        bottom = [f"{x(turn):.1f},{y(p.lower):.1f}" for turn, p in reversed(wide)]
        shapes.append(f'<polygon class="band c{line.colour % PALETTE}" points="{" ".join(top + bottom)}"/>')
    return "".join(shapes)


def _stroke(line: Line, x: _Scale, y: _Scale) -> str:
    dashed = " dashed" if line.colour >= PALETTE else ""
    return "".join(
        f'<polyline class="line{dashed} c{line.colour % PALETTE}" points="'
        + " ".join(f"{x(turn):.1f},{y(point.value):.1f}" for turn, point in run)
        + '"/>'
        for run in _runs(line.points, "known")
        if len(run) > 1
    )


def _dots(line: Line, x: _Scale, y: _Scale, axis: str) -> str:
    dots = []
    for turn, point in ((turn, point) for turn, point in line.points.items() if point.known):
        count = line.counts.get(turn)
        hollow = " hollow" if count is not None and count < FEW_DIALOGUES else ""
        note = f"{line.name}, {axis} {turn}: {number(point.value, 3)}"
        note += f" ({span(point, 3)})" if point.bounded else ""
        note += f", {count} records" if count is not None else ""
        place = f'cx="{x(turn):.1f}" cy="{y(point.value):.1f}" r="3.6"'
        style = f"dot{hollow} c{line.colour % PALETTE}"
        dots.append(f'<circle class="{style}" {place}><title>{escape(note)}</title></circle>')
    return "".join(dots)


def _names(lines: Sequence[Line], y: _Scale) -> Iterable[str]:
    """Names at the ends of the lines, pushed apart where they would overlap."""
    known = ((line, [point for _, point in sorted(line.points.items()) if point.known]) for line in lines)
    ends = sorted((y(points[-1].value), line.name, line.colour) for line, points in known)
    gap = 16
    heights: list[float] = []
    for height, _, _ in ends:
        heights.append(max(height, heights[-1] + gap) if heights else height)
    overflow = max(0.0, heights[-1] - (_HEIGHT - _BOTTOM))
    for i in range(len(heights) - 1, -1, -1):
        ceiling = heights[i + 1] - gap if i + 1 < len(heights) else heights[i] - overflow
        heights[i] = min(heights[i], ceiling)
    for height, (_, name, colour) in zip(heights, ends, strict=True):
        short = name if len(name) <= 14 else name[:13] + "…"
        yield (
            f'<text class="name c{colour % PALETTE}" x="{_WIDTH - _RIGHT + 10}" y="{height + 4:.1f}">'
            f"{escape(short)}</text>"
        )
