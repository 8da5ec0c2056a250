# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Largest cosines, log-sum-exp of the cosines, and rank of the first, of every row to the rows of a second set."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

import torch
from imug_kernels import cross_stats
from imug_kernels.tolerances import TIE
from torch import Tensor
from torch.nn import functional as F

from ..machine import ON_GPU, draw, fitting
from ..registry import Case, Job, Setup, Size, name_of
from ..runner import race
from .providers import Function, compiled, ours, providers

K, SCALE = 10, 10.0
CHUNK = 512  # rows of a chunk: with 1e5 columns its cosines fill 200 MB

Reduce = Callable[[Tensor], Tensor]

QUESTIONS: dict[str, tuple[Reduce, Function]] = {
    "10 largest": (lambda cosine: cosine.topk(K).values, lambda x, y: cross_stats(x, y, k=K).values),
    "log-sum-exp": (
        lambda cosine: torch.logsumexp(SCALE * cosine, 1),
        lambda x, y: cross_stats(x, y, lse=True, scale=SCALE).lse,
    ),
    "ranks": (
        lambda cosine: (cosine > cosine[:, :1] + TIE).sum(1),
        lambda x, y: cross_stats(x, y, positive=torch.zeros(len(x), dtype=torch.int64, device=x.device)).greater,
    ),
}
KERNELS = {"10 largest": "cross_largest", "log-sum-exp": "cross_lse", "ranks": "cross_rank"}  # in the table of settings


def cross(setup: Setup) -> Iterator[Job]:
    rows, dtype = (100_000, torch.bfloat16) if ON_GPU else (2_000, torch.float32)
    for size in setup.sizes(Size(16, 16, torch.float32), Size(rows, 768, dtype)):
        columns = 40 if setup.quick else rows if ON_GPU else 10_000
        for question in QUESTIONS:
            make = partial(cross_case, setup, question, size, columns, compiling=not setup.quick)
            yield race(setup, f"cross_stats {size} with {columns}: {question}", make)


def cross_case(setup: Setup, question: str, size: Size, columns: int, *, compiling: bool = False) -> Case:
    rows = fitting(size.rows, size.width * size.dtype.itemsize)
    x, y = (draw(n, size.width, dtype=size.dtype, seed=seed) for seed, n in enumerate((rows, columns)))
    reduce, fused = QUESTIONS[question]
    step = partial(_step, reduce)
    steps: dict[str, Function] = {"torch matmul in chunks": step}
    if compiling:
        steps |= compiled("torch.compile of the chunks", step)
    functions: dict[str, Function] = {
        **({} if ON_GPU else {"torch matmul of all": partial(_whole, reduce)}),  # 1e10 cosines fill 40 GB
        **{name: partial(_chunked, function) for name, function in steps.items()},
        **ours(setup, "imug_kernels cross_stats", fused, x, KERNELS[question]),
    }
    return Case(
        name=f"cross_stats: {question}",
        sizes={"columns": columns, "width": size.width, "dtype": name_of(size.dtype)},
        providers=providers(functions, x, y, rows=rows),
        bytes_per_row=size.width * x.element_size() * (rows + columns) / rows,
        flops_per_row=2.0 * columns * size.width,
        truth=_chunked(step, x.double(), y.double()),
        repeats=3 if ON_GPU else 9,
    )


def _whole(reduce: Reduce, x: Tensor, y: Tensor) -> Tensor:
    return reduce(_cosines(F.normalize(x), F.normalize(y)))


def _step(reduce: Reduce, part: Tensor, unit: Tensor) -> Tensor:
    return reduce(_cosines(F.normalize(part), unit))


def _chunked(step: Function, x: Tensor, y: Tensor) -> Tensor:
    unit = F.normalize(y)
    return torch.cat([step(part, unit) for part in x.split(CHUNK)])


def _cosines(x: Tensor, y: Tensor) -> Tensor:
    """Return the products in float32 or wider: cosines rounded to bfloat16 would tie by the hundred."""
    return torch.mm(x, y.T, out_dtype=torch.float32) if x.is_cuda and x.dtype == torch.bfloat16 else x @ y.T
