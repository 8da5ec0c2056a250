# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""One call of every operation, for a program that watches: `python -m imug_benchmarks.one_call ROWS WIDTH DTYPE`."""

from __future__ import annotations

import sys

import torch

from .cases.gram import packed
from .machine import clock_seconds, draw, draw_integers
from .operations import OPERATIONS, Batch
from .registry import DTYPES, Size


def main(rows: int, width: int, dtype: torch.dtype) -> None:
    x, offsets = packed(Size(rows, width, dtype))
    index = torch.arange(len(x), device=x.device)
    small = (1, 3, 20, 30) if rows < 100 else (8, 3, 480, 640)
    images = draw_integers(0, 256, small[0] * small[1] * small[2] * small[3]).to(torch.uint8).view(small)
    y = draw(*x.shape, dtype=dtype, seed=1)
    batch = Batch(x, y, offsets, positions=index, index=index, groups=index % 4, images=images, valid=None)
    few = 4096  # of all pairs there are enough
    pairs = Batch(x[:few], y[:few], offsets, index[:few], index[:few], index[:few] % 4, images, None)
    for name, call in OPERATIONS.items():
        clock_seconds(lambda call=call, name=name: call(pairs if name in ("cross_stats", "rbf_sum") else batch))


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), DTYPES[sys.argv[3]])
