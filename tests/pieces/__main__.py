# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Simulate how often repeated dialogues are noticed, and write docs/quality/pieces.md; fails on a false alarm."""

from __future__ import annotations

import argparse
import platform
import sys
import time
from collections.abc import Iterable
from pathlib import Path

import torch

import imug_metrics
from tests.pieces.page import page
from tests.pieces.simulation import LOADERS, Row, back_again, simulate, tail_of_pairs, whole

SEED = 2026
SIZES = (10, 50, 100, 400, 1000, 3113, 12_034, 20_000, 50_000, 200_000, 1_000_000)
SHARES = (0.01, 0.02, 0.05, 0.2, 1.0)
TAIL_SIZES = (16_384, 40_000, 200_000)


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.pieces", description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("docs/quality/pieces.md"), help="the page")
    parser.add_argument("--rows", type=int, default=20_000_000, help="sightings a cell, of which the runs follow")
    options = parser.parse_args(arguments)
    torch.set_num_threads(1)
    start = time.perf_counter()
    silent = [simulate("whole", whole, size, _runs(size, options.rows), SEED) for size in SIZES]
    back = list(_back(options.rows // 4))
    loaders = [
        simulate(kind, divide, size, _runs(size, options.rows // 20), SEED)
        for kind, divide in LOADERS.items()
        for size in (50, 400, 3113, 20_000)
    ]
    tails = [tail_of_pairs(size, _runs(size, options.rows * 100, 60_000), SEED) for size in TAIL_SIZES]
    versions = f"imug_metrics {imug_metrics.__version__}, torch {torch.__version__}, Python {platform.python_version()}"
    options.out.write_text(page(silent, back, loaders, tails, f"seed {SEED}; {versions}"), encoding="utf-8")
    print(f"{time.perf_counter() - start:.0f} s")
    sys.exit(any(row.noticed for row in silent))


def _back(rows: int) -> Iterable[Row]:
    for size in SIZES:
        yield simulate("one", back_again(0), size, _runs(size, rows), SEED)
        for share in SHARES:
            yield simulate(f"{share:.0%}", back_again(share), size, _runs(size, rows), SEED)


def _runs(size: int, rows: int, most: int = 2000) -> int:
    return max(min(rows // size, most), 10)


if __name__ == "__main__":
    main()
