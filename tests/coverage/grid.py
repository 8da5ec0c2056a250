# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""The cells that are simulated, and what is counted in each: how often bounds are there, and hold the truth."""

from __future__ import annotations

import zlib
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import torch
from scipy import stats

from tests.coverage import estimates
from tests.coverage.data import LENGTHS, RIGHT, SCORES, Scores
from tests.coverage.estimates import Cell, Estimator, Found

DIALOGUES = (10, 20, 40, 120)
CORRELATIONS = (0.0, 0.3, 0.8)
GROUPS = (5, 8, 20)
WANTED = 0.92
"""What intervals of 95 % cover at least in every cell."""
USUAL = 0.5
"""Share of runs with bounds from which a cell is judged: below, those with bounds are a selection of odd runs."""
_DOUBTFUL = 0.935
_AGAIN = 5
_AT_ONCE = 30_000  # dialogues of all runs together
_ROUNDING = 1e-9
_NORMAL = Scores("normal", 0.0, lambda uniform, mean: uniform)
_GRADED = tuple(kind for kind in SCORES if kind not in RIGHT)

# What is simulated, of which scores, and by how much fewer runs: the last two are estimated run by run.
ESTIMATORS: dict[str, tuple[Estimator, tuple[Scores, ...], int]] = {
    "shares": (estimates.shares, SCORES, 1),
    "planted": (estimates.planted, SCORES, 1),
    "gains": (estimates.gains, SCORES, 1),
    "survival": (estimates.survival, RIGHT, 1),
    "excess": (estimates.excess, SCORES, 1),
    "correlations": (estimates.correlations, (_NORMAL,), 1),
    "median_slopes": (estimates.median_slopes, _GRADED, 4),
    "powered_means": (estimates.powered_means, SCORES, 4),
}


@dataclass
class Row:
    """One estimate in one cell.

    Attributes:
        estimate, lengths, dialogues, scores, correlation: which.
        runs: how many data sets.
        given: of them with bounds.
        held: of those, whose bounds hold the truth.
        beyond: whose bounds leave the range.
        flat: of shares, whose bounds meet.
        width: sum of the bounds' distances.
        reasons: why the others have none.
    """

    estimate: str
    lengths: str
    dialogues: int
    scores: str
    correlation: float
    runs: int = 0
    given: int = 0
    held: int = 0
    beyond: int = 0
    flat: int = 0
    width: float = 0.0
    reasons: Counter[str] = field(default_factory=Counter)

    @property
    def covered(self) -> float:
        """Share of the intervals that hold the truth; NaN without any."""
        return self.held / self.given if self.given else float("nan")

    @property
    def is_judged(self) -> bool:
        """Whether bounds are usual here."""
        return self.given >= USUAL * self.runs

    @property
    def certain(self) -> tuple[float, float]:
        """Clopper and Pearson's bounds of 95 % about `covered`."""
        return stats.binomtest(self.held, self.given).proportion_ci(0.95, "exact") if self.given else (0.0, 1.0)

    def add(self, found: Found) -> None:
        """Count the runs of a batch."""
        lower, upper = found.bounds.lower, found.bounds.upper
        there = ~(lower.isnan() | upper.isnan())
        self.runs += len(there)
        self.given += int(there.sum())
        self.held += int(((lower <= found.truth + _ROUNDING) & (upper >= found.truth - _ROUNDING)).sum())
        self.beyond += int(((lower < found.low) | (upper > found.high)).sum())
        self.flat += int((there & (upper <= lower)).sum())
        self.width += float((upper - lower)[there].sum())
        codes = Counter(found.bounds.reason[~there].tolist())
        self.reasons.update({estimates.REASONS[code]: count for code, count in codes.items()})

    def as_dict(self) -> dict[str, object]:
        """What is written down."""
        return {**vars(self), "width": float(f"{self.width:.6g}"), "reasons": dict(self.reasons)}


def cells(
    scores: Iterable[Scores],
    dialogues: Iterable[int] = DIALOGUES,
    lengths: Iterable[str] = LENGTHS,
    correlations: Iterable[float] = CORRELATIONS,
) -> Iterator[Cell]:
    """All combinations."""
    kinds, sizes, shared = (list(part) for part in (scores, dialogues, correlations))
    for each in lengths:
        yield from (Cell(each, g, kind, c) for g in sizes for kind in kinds for c in shared)  # type: ignore[arg-type]


def simulate(name: str, cell: Cell, runs: int, seed: int) -> list[Row]:
    """The rows of one cell, one an estimate."""
    estimator, _, fewer = ESTIMATORS[name]
    return _rows(name, estimator, cell, max(runs // fewer, 1), seed)


def simulate_groups(groups: int, runs: int, seed: int) -> list[Row]:
    """The row of correlations between groups."""

    def estimator(cell: Cell, count: int, generator: torch.Generator) -> Iterator[Found]:
        return estimates.between(cell.dialogues, count, generator)

    return _rows("groups", estimator, Cell("all of 4 turns", groups, _NORMAL, 0.0), runs, seed)


def _rows(name: str, estimator: Estimator, cell: Cell, runs: int, seed: int) -> list[Row]:
    """Rows of so many runs; where the share in doubt is below 93.5 %, of five times as many new ones instead.

    Of a thousand cells that cover exactly 94 %, thirty would come out below 93 % of a thousand runs by chance: what
    counts is the second look, whose runs nobody picked.
    """
    found = _count(estimator, cell, runs, _seed(seed, name, cell))
    if any(row.is_judged and row.covered < _DOUBTFUL for row in found):
        again = _count(estimator, cell, _AGAIN * runs, _seed(seed + 1, name, cell))
        found = [new if old.is_judged and old.covered < _DOUBTFUL else old for old, new in zip(found, again)]
    return found


def _count(estimator: Estimator, cell: Cell, runs: int, seed: int) -> list[Row]:
    generator = torch.Generator().manual_seed(seed)
    most = max(_AT_ONCE // cell.dialogues, 1)
    rows: dict[str, Row] = {}
    for start in range(0, runs, most):
        for found in estimator(cell, min(most, runs - start), generator):
            known = (found.estimate, cell.lengths, cell.dialogues, cell.scores.name, cell.correlation)
            rows.setdefault(found.estimate, Row(*known)).add(found)
    return list(rows.values())


def _seed(seed: int, name: str, cell: Cell) -> int:
    """A seed of its own for each cell, so that any one can be simulated alone."""
    known = f"{seed} {name} {cell.lengths} {cell.dialogues} {cell.scores.name} {cell.correlation}"
    return zlib.crc32(known.encode())
