# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""A metric by dialogue and turn: a row a dialogue, a column a turn, the worst on top, a pixel a cell."""

from __future__ import annotations

import base64
import io
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape

import torch
from PIL import Image
from torch import Tensor

from imug_metrics._numbers import number
from imug_metrics.report.cut import cut
from imug_metrics.report.dialogues.outcomes import Outcome
from imug_metrics.report.dialogues.scored_dialogue import ScoredDialogue
from imug_metrics.report.estimates import as_float
from imug_metrics.report.metric_specs import MetricSpec

MOST_ROWS = 300
MOST_TURNS = 64
_MOST_CELLS = 6000
_NAMED_ROWS = 60  # of more the reader could not point at one

_WIDTH, _HEIGHT = 360, 316
_LEFT, _RIGHT, _TOP, _BOTTOM = 56, 352, 8, 238
_CIVIDIS = "123570 3b496c 575d6d 707173 8a8678 a59c74 c3b369 e1cc55 fee838"
_LEVELS = 32
_ABSENT, _NO_SCORE = _LEVELS, _LEVELS + 1
_ABSENT_COLOUR = (214, 39, 40)  # no colour of the scale comes near it, whatever kind of sight
_HATCH = 7


@dataclass(frozen=True)
class HeatMap:
    """One metric of one model.

    Attributes:
        metric: which.
        turns: the columns.
        dialogues: the worst first; of several in a row their means are drawn.
        values: by row and column; NaN where there is none.
        absent: by row and column, whether outputs are absent there and none has a value.
        lacking: how many outputs are absent.
        hidden: how many turns beyond the columns are left out.
    """

    metric: MetricSpec
    turns: Sequence[int]
    dialogues: Sequence[ScoredDialogue]
    values: Tensor
    absent: Tensor
    lacking: int
    hidden: int

    @property
    def rows(self) -> int:
        """How many rows are drawn."""
        return len(self.values)


def heat_map(scored: Sequence[ScoredDialogue], metric: MetricSpec, place: int) -> HeatMap | None:
    """The map of one metric; None where it has no value.

    Args:
        scored: dialogues of one model.
        metric: with a column in the rows.
        place: of the metric in the means of dialogues.
    """
    kept = [one for one in scored if not math.isnan(one.means[place])]
    if not kept:
        return None
    lost = [one for one in scored if math.isnan(one.means[place]) and any(True for _ in _cells(one, metric))]
    ranked = lost + sorted(kept, key=lambda one: one.means[place], reverse=metric.higher_is_better is False)
    cells = [(rank, *cell) for rank, one in enumerate(ranked) for cell in _cells(one, metric)]
    rank, turn, value, lacks = (torch.tensor(column, dtype=torch.float64) for column in zip(*cells, strict=True))
    asked = torch.tensor(sorted({turn for _, turn, _, _ in cells}), dtype=torch.float64)
    shown, turns = turn <= asked[:MOST_TURNS][-1], asked[:MOST_TURNS]
    rows = min(len(ranked), MOST_ROWS, _MOST_CELLS // len(turns))
    where = (rank * rows / len(ranked)).long()[shown], torch.searchsorted(turns, turn[shown])
    sums, counts, absent = torch.zeros(3, rows, len(turns), dtype=torch.float64)
    known = value[shown].isfinite()
    sums.index_put_(where, value[shown].where(known, 0.0), accumulate=True)
    counts.index_put_(where, known.double(), accumulate=True)
    absent.index_put_(where, lacks[shown], accumulate=True)
    columns = tuple(map(int, turns.tolist()))
    is_absent = (absent > 0) & (counts == 0)
    hidden = len(asked) - len(turns)
    return HeatMap(metric, columns, ranked, sums / counts, is_absent, int(lacks.sum()), hidden)


def heat_map_svg(drawn: HeatMap, model: str, low: float, high: float) -> str:
    """The map as one SVG element; what it shows is told in a sentence with numbers.

    Args:
        drawn: what to draw.
        model: its name.
        low, high: ends of the scale of colours.
    """
    parts = [
        f'<svg class="heat-map" viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="{escape(told(drawn, model))}">',
        _hatched(_LEFT, _TOP, _RIGHT, _BOTTOM),
        f'<image x="{_LEFT}" y="{_TOP}" width="{_RIGHT - _LEFT}" height="{_BOTTOM - _TOP}" preserveAspectRatio="none" '
        f'href="{_png(drawn, low, high)}"/>',
        *_rows(drawn),
        *_axes(drawn),
        *_legend(low, high),
        "</svg>",
    ]
    return "".join(parts)


def told(drawn: HeatMap, model: str) -> str:
    """What the map shows, in a sentence with numbers."""
    by_turn = [(turn, _known_mean(column)) for turn, column in zip(drawn.turns, drawn.values.T, strict=True)]
    ends = [(turn, mean) for turn, mean in by_turn if not math.isnan(mean)]
    first, last = (f"{number(mean)} at turn {turn}" for turn, mean in (ends[0], ends[-1]))
    course = f"mean {first}, {last}" if len(ends) > 1 else f"mean {first}"
    worst, best = (_known_mean(row) for row in _known_rows(drawn.values)[[0, -1]])
    count = len(drawn.dialogues)
    rows = f"{count:,} dialogue{'s' if count > 1 else ''}" if drawn.rows == count else f"{drawn.rows} rows of dialogues"
    lacking = f"; {drawn.lacking:,} output{' is' if drawn.lacking == 1 else 's are'} absent" if drawn.lacking else ""
    return (
        f"{drawn.metric.label} of {model} by dialogue and turn: {course}; "
        f"{rows}, from {number(worst)} on top to {number(best)} below{lacking}."
    )


def _cells(one: ScoredDialogue, metric: MetricSpec) -> Iterator[tuple[int, float, bool]]:
    """Turn, value, and whether the output is absent, of the turns that have a value or should have one."""
    for row, found in zip(one.rows, one.outcomes, strict=True):
        value = as_float(row.get(metric.item))
        if not math.isnan(value):
            yield int(row["turn"]), value, False
        elif metric.modality in ("", row.get("modality")) and found in (Outcome.NO_ANSWER, Outcome.NO_IMAGE):
            yield int(row["turn"]), value, True


def _known_mean(values: Tensor) -> float:
    return float(values.nanmean())


def _known_rows(values: Tensor) -> Tensor:
    return values[values.isfinite().any(1)]


def _png(drawn: HeatMap, low: float, high: float) -> str:
    """One pixel a cell."""
    share = (drawn.values - low) / (high - low) if high > low else drawn.values * 0 + 0.5
    levels = (share.clamp(0, 1) * (_LEVELS - 1)).round().nan_to_num(_NO_SCORE)
    levels[drawn.absent] = _ABSENT
    rows, columns = levels.shape
    image = Image.frombytes("P", (columns, rows), bytes(levels.to(torch.uint8).flatten().tolist()))
    image.putpalette([part for colour in (*_colours(_LEVELS), _ABSENT_COLOUR, (0, 0, 0)) for part in colour])
    buffer = io.BytesIO()
    image.save(buffer, "PNG", transparency=_NO_SCORE, optimize=True)
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode("ascii")


def _colours(count: int) -> list[tuple[int, int, int]]:
    """The scale cividis (Nuñez, Anderton & Renslow, 2018), which reads alike for all kinds of sight.

    Its darkest ninth is left out: on a dark page it could not be told from the ground.
    """
    anchors = torch.tensor([list(bytes.fromhex(colour)) for colour in _CIVIDIS.split()], dtype=torch.float64)
    at = torch.linspace(0, len(anchors) - 1, count, dtype=torch.float64)
    left = at.floor().long().clamp_max(len(anchors) - 2)
    weight = (at - left)[:, None]
    mixed = (anchors[left] * (1 - weight) + anchors[left + 1] * weight).round().long()
    return [(red, green, blue) for red, green, blue in mixed.tolist()]


def _hatched(left: float, top: float, right: float, bottom: float) -> str:
    """Slanted lines over a rectangle: what lies bare there has no score."""
    width, height = right - left, bottom - top
    lines = []
    for offset in range(_HATCH, int(width + height), _HATCH):
        x0, y0 = (offset, 0) if offset <= width else (width, offset - width)
        x1, y1 = (0, offset) if offset <= height else (offset - height, height)
        lines.append(f"M{left + x0:g} {top + y0:g}L{left + x1:g} {top + y1:g}")
    return f'<path class="hatch" d="{"".join(lines)}"/>'


def _rows(drawn: HeatMap) -> Iterator[str]:
    """What each row is, shown under the pointer."""
    if drawn.rows != len(drawn.dialogues) or drawn.rows > _NAMED_ROWS:
        return
    height = (_BOTTOM - _TOP) / drawn.rows
    for row, (one, values) in enumerate(zip(drawn.dialogues, drawn.values, strict=True)):
        place = f'x="{_LEFT}" y="{_TOP + row * height:.1f}" width="{_RIGHT - _LEFT}" height="{height:.1f}"'
        note = f"{cut(one.dialogue, 60)}: {number(_known_mean(values))}"
        yield f'<rect class="hit" {place}><title>{escape(note)}</title></rect>'


def _axes(drawn: HeatMap) -> Iterator[str]:
    top, bottom = ("lowest", "highest") if drawn.metric.higher_is_better is None else ("worst", "best")
    yield f'<text class="tick" x="{_LEFT - 8}" y="{_TOP + 12}" text-anchor="end">{top}</text>'
    yield f'<text class="tick" x="{_LEFT - 8}" y="{_BOTTOM - 3}" text-anchor="end">{bottom}</text>'
    yield f'<text class="tick" x="{_LEFT - 8}" y="{_BOTTOM + 18}" text-anchor="end">turn</text>'
    width, every = (_RIGHT - _LEFT) / len(drawn.turns), math.ceil(len(drawn.turns) / 16)
    for column, turn in list(enumerate(drawn.turns))[::every]:
        x = _LEFT + (column + 0.5) * width
        yield f'<text class="tick" x="{x:.1f}" y="{_BOTTOM + 18}" text-anchor="middle">{turn}</text>'


def _legend(low: float, high: float) -> Iterator[str]:
    top, width, size = _BOTTOM + 38, 4, 16
    for place, (red, green, blue) in enumerate(_colours(24)):
        x = _LEFT + place * width
        colour = f"#{red:02x}{green:02x}{blue:02x}"
        yield f'<rect x="{x}" y="{top}" width="{width + 0.5}" height="{size}" fill="{colour}"/>'
    right = _LEFT + 24 * width
    yield f'<text class="tick" x="{_LEFT}" y="{top + 34}">{number(low)}</text>'
    yield f'<text class="tick" x="{right}" y="{top + 34}" text-anchor="end">{number(high)}</text>'
    red, green, blue = _ABSENT_COLOUR
    absent, bare = right + 26, right + 114
    colour = f"#{red:02x}{green:02x}{blue:02x}"
    yield f'<rect x="{absent}" y="{top}" width="{size}" height="{size}" fill="{colour}"/>'
    yield f'<text class="tick" x="{absent + size + 6}" y="{top + 13}">absent</text>'
    yield _hatched(bare, top, bare + size, top + size)
    yield f'<text class="tick" x="{bare + size + 6}" y="{top + 13}">no score</text>'
