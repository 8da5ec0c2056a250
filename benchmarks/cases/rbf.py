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

from ..machine import ON_GPU, draw
from ..registry import Case, Job, Setup, Size, name_of
from ..runner import race
from .providers import Function, compiled, ours, providers

SIGMA = 10.0


def rbf(setup: Setup) -> Iterator[Job]:
    for size in setup.sizes(Size(16, 16, torch.float32), Size(30_000 if ON_GPU else 4_000, 768, torch.float32)):
        yield race(setup, f"rbf_sum {size}", partial(rbf_case, setup, size, compiling=not setup.quick))


def rbf_case(setup: Setup, size: Size, *, compiling: bool = False) -> Case:
    x, y = (F.normalize(draw(size.rows, size.width, dtype=size.dtype, seed=seed)) for seed in range(2))
    sums: dict[str, Function] = {
        "torch matmul and exp": _eager,
        **(compiled("torch.compile of it", _eager) if compiling else {}),
        **ours(setup, "imug_kernels rbf_sum", partial(rbf_sum, sigma=SIGMA), x, "rbf"),
    }
    means = {name: partial(_mean, function) for name, function in sums.items()}
    return Case(
        name="rbf_sum",
        sizes={"columns": size.rows, "width": size.width, "dtype": name_of(size.dtype)},
        providers=providers(means, x, y, rows=size.rows),
        bytes_per_row=2 * size.width * x.element_size(),
        flops_per_row=2.0 * size.rows * size.width,
        truth=_mean(_eager, x.double(), y.double()),
        repeats=5,
    )


def _mean(sum_over_pairs: Function, x: Tensor, y: Tensor) -> Tensor:
    return sum_over_pairs(x, y)[None] / (len(x) * len(y))


def _eager(x: Tensor, y: Tensor) -> Tensor:
    distance = (x * x).sum(1)[:, None] + (y * y).sum(1) - 2 * (x @ y.T)
    return torch.exp(distance.clamp_min(0) / (-2 * SIGMA**2)).sub(1).sum(dtype=torch.float64)
