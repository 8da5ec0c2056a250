# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Simulate all cells, and write coverage.json and coverage.md; fails where intervals cover too rarely."""

from __future__ import annotations

import argparse
import json
import platform
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import scipy
import torch

import imug_metrics
from tests.coverage.comparisons import AHEAD, DIALOGUES, MODELS, Told, tell_apart
from tests.coverage.grid import CORRELATIONS, ESTIMATORS, GROUPS, Row, cells, simulate, simulate_groups
from tests.coverage.page import below, page

EXTRA = ("shares", "planted", "gains", "correlations")
"""Simulated under the highest correlation too."""
_FEWER = {2: 1, 3: 1, 10: 2}
SEED = 2026


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.coverage", description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("docs/quality"), help="folder of the two files")
    parser.add_argument("--runs", type=int, default=1000, help="data sets a cell")
    options = parser.parse_args(arguments)
    torch.set_num_threads(1)
    rows, told = _rows(options.runs), _told(max(options.runs // 2, 1))
    made = {
        "seed": SEED,
        "runs": options.runs,
        "versions": {
            "imug_metrics": imug_metrics.__version__,
            "torch": torch.__version__,
            "scipy": scipy.__version__,
            "python": platform.python_version(),
        },
    }
    write(rows, told, made, options.out)
    for row in below(rows):
        print(f"too rarely: {row.covered:.1%} of {row.given}: {row}")
    sys.exit(bool(below(rows)))


def write(rows: Sequence[Row], told: Sequence[Told], made: Mapping[str, Any], folder: Path) -> None:
    """The counts as one line a cell, whose changes a diff shows, and the page made of them."""
    folder.mkdir(parents=True, exist_ok=True)
    counted = {"cells": [row.as_dict() for row in rows], "comparisons": [one.as_dict() for one in told]}
    parts = [f"{json.dumps(key)}: {json.dumps(value)}" for key, value in made.items()]
    for name, lines in counted.items():
        body = ",\n".join(json.dumps([*line.values()]) for line in lines)
        parts.append(f'"{name}": {{"columns": {json.dumps([*lines[0]])}, "rows": [\n{body}\n]}}')
    (folder / "coverage.json").write_text("{\n" + ",\n".join(parts) + "\n}\n", encoding="utf-8")
    (folder / "coverage.md").write_text(page(rows, told, made), encoding="utf-8")


def _rows(runs: int) -> list[Row]:
    rows: list[Row] = []
    for name, (_, scores, _) in ESTIMATORS.items():
        start = time.perf_counter()
        correlations = CORRELATIONS if name in EXTRA else CORRELATIONS[:-1]
        for cell in cells(scores, correlations=correlations):
            rows += simulate(name, cell, runs, SEED)
        print(f"{name}: {time.perf_counter() - start:.0f} s", flush=True)
    return rows + [row for groups in GROUPS for row in simulate_groups(groups, runs, SEED)]


def _told(runs: int) -> list[Told]:
    kinds = ("right or wrong", "graded")
    start = time.perf_counter()
    equal = [
        tell_apart(kind, models, dialogues, max(runs // _FEWER[models], 1), seed=SEED)
        for models in MODELS
        for kind in kinds
        for dialogues in DIALOGUES
    ]
    ahead = [tell_apart(kind, 2, dialogues, runs, AHEAD, SEED) for kind in kinds for dialogues in DIALOGUES[1:]]
    print(f"comparisons: {time.perf_counter() - start:.0f} s", flush=True)
    return equal + ahead


if __name__ == "__main__":
    main()
