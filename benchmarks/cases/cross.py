# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Largest cosines, and log-sum-exp of the cosines, of every row to the rows of a second set."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

import torch
from imug_kernels import cross_stats
from torch import Tensor
from torch.nn import functional as F

from benchmarks.cases.providers import Function, compiled, providers
from benchmarks.machine import DEVICE, ON_GPU
from benchmarks.registry import Case, register

K, SCALE = 10, 10.0
CHUNK = 512  # rows of a chunk: with 1e5 columns its cosines fill 200 MB

Reduce = Callable[[Tensor], Tensor]

QUESTIONS: dict[str, tuple[Reduce, Function]] = {
    "10 largest": (lambda cosine: cosine.topk(K).values, lambda x, y: cross_stats(x, y, k=K).values),
    "log-sum-exp": (
        lambda cosine: torch.logsumexp(SCALE * cosine, 1),
        lambda x, y: cross_stats(x, y, lse=True, scale=SCALE).lse,
    ),
}


@register
def cross(quick: bool) -> Iterator[Case]:
    rows, columns, width = (16, 40, 16) if quick else (100_000, 100_000, 768) if ON_GPU else (2_000, 10_000, 768)
    for question in QUESTIONS:
        yield cross_case(question, rows, columns, width, compiling=not quick)


def cross_case(question: str, rows: int, columns: int, width: int, *, compiling: bool = False) -> Case:
    dtype = torch.bfloat16 if ON_GPU else torch.float32
    generator = torch.Generator().manual_seed(0)
    x, y = (torch.randn(n, width, generator=generator).to(DEVICE, dtype) for n in (rows, columns))
    reduce, fused = QUESTIONS[question]
    step = partial(_step, reduce)
    steps: dict[str, Function] = {"torch matmul in chunks": step}
    if compiling:
        steps |= compiled("torch.compile of the chunks", step)
    functions: dict[str, Function] = {
        **({} if ON_GPU else {"torch matmul of all": partial(_whole, reduce)}),  # 1e10 cosines fill 40 GB
        **{name: partial(_chunked, function) for name, function in steps.items()},
        "imug_kernels cross_stats": fused,
    }
    return Case(
        name=f"cross_stats: {question}",
        sizes={"columns": columns, "width": width, "dtype": str(dtype).removeprefix("torch.")},
        providers=providers(functions, x, y, rows=rows),
        bytes_per_row=width * x.element_size() * (rows + columns) / rows,
        flops_per_row=2.0 * columns * width,
        truth=_chunked(step, x.double(), y.double()),
        repeats=5,
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
