# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Images that are scored by rule: which they are, their right boards, and the points of a board."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from imug_metrics.functional.answers.grid_accuracy import EMPTY, FILLED, GREEN, NO_BOARD, RED, grid_points
from imug_metrics.protocols.imug.board import Protocol
from imug_metrics.protocols.imug.samples import Sample
from imug_metrics.reading.files import Problems, as_turn, read_jsonl

GRIDS = Path("data/grid_gt")
DOMAIN = "Geometric_Coloring"
SUBDOMAINS = ("cubes_coloring", "cubes_completion", "cubes_synthesis")
"""The sub-domains whose images are scored by rule."""
CODES: Mapping[str, int] = {"0": EMPTY, "1": FILLED, "r": RED, "g": GREEN}


def is_grid(sample: Sample) -> bool:
    """Whether the images of a sample are scored by rule."""
    return sample.domain == DOMAIN and sample.subdomain in SUBDOMAINS


def board_codes(cells: tuple[str, ...] | None) -> Tensor:
    """The cells of a board as codes for `GridAccuracy`, nine times -1 where there is none.

    Returns:
        int8 `[3, 3]`: 0 empty, 1 filled, 2 red, 3 green. Every symbol but "0", "r" and "g" is filled.

    Example:
        >>> board_codes(("0", "1", "r", "g", "0", "0", "0", "0", "0")).tolist()
        [[0, 1, 2], [3, 0, 0], [0, 0, 0]]
    """
    codes = [NO_BOARD] * 9 if cells is None else [CODES.get(cell, FILLED) for cell in cells]
    return torch.tensor(codes, dtype=torch.int8).view(3, 3)


def board_points(
    detected: tuple[str, ...] | None, truth: tuple[str, ...], point_count: int, protocol: Protocol = "imug"
) -> tuple[int, ...]:
    """The points of one board, each 0 or 5; see `imug_metrics.functional.answers.grid_accuracy.grid_points`.

    Args:
        detected: the cells that were read, or None.
        truth: the cells that are right.
        point_count: evaluation points of the task.
        protocol: `"imug"` writes points 1 and 2 that are met even where the task has fewer, as the released scorer
            does.

    Example:
        >>> board_points(("r",) * 9, ("1",) * 9, 4), board_points(None, ("1",) * 9, 2)
        ((5, 5, 0, 5), (0, 0))
    """
    rows = board_codes(detected)[None], board_codes(truth)[None]
    points = grid_points(*rows, point_count, protocol=protocol)[0]
    return tuple(int(point) for point in points[~points.isnan()].tolist())


def truth_file(benchmark: Path, sample: Sample) -> Path:
    """Where the right boards of a sample lie."""
    return benchmark / GRIDS / ("__".join(sample.key) + ".jsonl")


@dataclass(frozen=True)
class Boards:
    """The right boards of one sample: by turn, the entries of its file in their order, as they stand."""

    grids: Mapping[int, tuple[Any, ...]]

    def read(self, protocol: Protocol) -> dict[int, tuple[str, ...]]:
        """The nine cells of each turn's board: the first of its entries that can be read.

        Args:
            protocol: under `"imug"` everything but the text "0" is a filled cell, as in the released scorer; under
                `"strict"` the numbers 0 and 1 are read as text and a board with other symbols is none.
        """
        read = {turn: (_cells(grid, protocol) for grid in grids) for turn, grids in self.grids.items()}
        first = {turn: next((cells for cells in boards if cells is not None), None) for turn, boards in read.items()}
        return {turn: cells for turn, cells in first.items() if cells is not None}


def read_boards(benchmark: Path, sample: Sample, problems: Problems) -> Boards:
    """The right boards of a sample; of a turn that occurs twice the first is kept.

    Args:
        benchmark: the benchmark folder.
        sample: one of a grid sub-domain; a sample without a file has no boards.
        problems: collects what protocol "strict" cannot read.
    """
    path = truth_file(benchmark, sample)
    grids: dict[int, tuple[Any, ...]] = {}
    if not path.is_file():
        return Boards(grids)
    known: set[int] = set()
    for line, row in read_jsonl(path, problems):
        turn, cells = as_turn(row.get("turn")), _cells(row.get("grid"), "strict")
        if turn is None or cells is None:
            field = "turn" if turn is None else "grid"
            problems.error(path, line, field, "expected a turn from 1 and a 3 x 3 grid of '0', '1', 'r' and 'g'")
        elif turn in known:
            problems.warn(path, line, "turn", f"turn {turn} occurs twice; the first is kept")
        else:
            known.add(turn)
        if turn is not None:
            grids[turn] = (*grids.get(turn, ()), row.get("grid"))
    return Boards(grids)


def _cells(grid: Any, protocol: Protocol) -> tuple[str, ...] | None:
    rows = grid if isinstance(grid, list) else []
    if len(rows) != 3 or not all(isinstance(row, list) and len(row) == 3 for row in rows):
        return None
    cells = [cell for row in rows for cell in row]
    if protocol == "imug":
        return tuple(cell if isinstance(cell, str) and cell in CODES else "1" for cell in cells)
    symbols = tuple(str(cell) for cell in cells)
    return symbols if all(symbol in CODES for symbol in symbols) else None
