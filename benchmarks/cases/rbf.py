# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Sum of a Gaussian kernel over all pairs of two sets of unit rows, as in a maximum mean discrepancy."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import torch
from imug_kernels import rbf_sum
from torch import Tensor
from torch.nn import functional as F

from benchmarks.cases.providers import Function, compiled, providers
from benchmarks.machine import DEVICE, ON_GPU
from benchmarks.registry import Case, register

SIGMA = 10.0


@register
def rbf(quick: bool) -> Iterator[Case]:
    yield rbf_case(16, 16) if quick else rbf_case(30_000 if ON_GPU else 4_000, 768, compiling=True)


def rbf_case(rows: int, width: int, *, compiling: bool = False) -> Case:
    generator = torch.Generator().manual_seed(0)
    x, y = (F.normalize(torch.randn(rows, width, generator=generator)).to(DEVICE) for _ in range(2))
    sums: dict[str, Function] = {
        "torch matmul and exp": _eager,
        **(compiled("torch.compile of it", _eager) if compiling else {}),
        "imug_kernels rbf_sum": partial(rbf_sum, sigma=SIGMA),
    }
    return Case(
        name="rbf_sum",
        sizes={"columns": rows, "width": width, "dtype": "float32"},
        providers=providers({name: partial(_mean, function) for name, function in sums.items()}, x, y, rows=rows),
        bytes_per_row=2 * width * x.element_size(),
        flops_per_row=2.0 * rows * width,
        truth=_mean(_eager, x.double(), y.double()),
        repeats=5,
    )


def _mean(sum_over_pairs: Function, x: Tensor, y: Tensor) -> Tensor:
    return sum_over_pairs(x, y)[None] / (len(x) * len(y))


def _eager(x: Tensor, y: Tensor) -> Tensor:
    distance = (x * x).sum(1)[:, None] + (y * y).sum(1) - 2 * (x @ y.T)
    return torch.exp(distance.clamp_min(0) / (-2 * SIGMA**2)).sub(1).sum(dtype=torch.float64)
