# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Simulate all cells, and write coverage.json and coverage.md; fails where intervals cover too rarely."""

from __future__ import annotations

import argparse
import json
import platform
import sys
import time
from pathlib import Path

import scipy
import torch

import imug_metrics
from tests.coverage.comparisons import AHEAD, DIALOGUES, MODELS, Told, tell_apart
from tests.coverage.grid import CORRELATIONS, ESTIMATORS, GROUPS, Row, cells, simulate, simulate_groups
from tests.coverage.page import below, page

EXTRA = ("shares", "planted", "gains", "correlations")
"""Simulated under the highest correlation too."""
_FEWER = {2: 1, 3: 1, 10: 5}
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
    options.out.mkdir(parents=True, exist_ok=True)
    content = {**made, "cells": [row.as_dict() for row in rows], "comparisons": [one.as_dict() for one in told]}
    (options.out / "coverage.json").write_text(_lines(content), encoding="utf-8")
    (options.out / "coverage.md").write_text(page(rows, told, made), encoding="utf-8")
    for row in below(rows):
        print(f"too rarely: {row.covered:.1%} of {row.given}: {row}")
    sys.exit(bool(below(rows)))


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


def _lines(content: dict[str, object]) -> str:
    """JSON with one cell a line: what changes from one run to the next is seen in a diff."""
    parts = []
    for key, value in content.items():
        if isinstance(value, list):
            rows = ",\n".join(json.dumps(row) for row in value)
            parts.append(f"{json.dumps(key)}: [\n{rows}\n]")
        else:
            parts.append(f"{json.dumps(key)}: {json.dumps(value)}")
    return "{\n" + ",\n".join(parts) + "\n}\n"


if __name__ == "__main__":
    main()
