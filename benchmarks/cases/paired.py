# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Cosine of row pairs."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import torch
from imug_kernels import paired_cosine
from torch.nn import functional as F
from torchmetrics.functional import cosine_similarity

from benchmarks.cases.providers import Function, compiled, providers
from benchmarks.machine import DEVICE, ON_GPU
from benchmarks.registry import Case, register


@register
def paired(quick: bool) -> Iterator[Case]:
    if quick:
        yield paired_case(64, 16, torch.float32)
        return
    yield paired_case(1_000_000 if ON_GPU else 50_000, 768, torch.float32, compiling=True)
    yield paired_case(1_000_000 if ON_GPU else 50_000, 768, torch.bfloat16, compiling=True)
    yield paired_case(200_000 if ON_GPU else 10_000, 4096, torch.float32, compiling=True)


def paired_case(rows: int, width: int, dtype: torch.dtype, *, compiling: bool = False) -> Case:
    generator = torch.Generator().manual_seed(0)
    x, y = (torch.randn(rows, width, generator=generator).to(DEVICE, dtype) for _ in range(2))
    functions: dict[str, Function] = {
        "torch F.cosine_similarity": F.cosine_similarity,
        **(compiled("torch.compile of it", F.cosine_similarity) if compiling else {}),
        "torchmetrics cosine_similarity": partial(cosine_similarity, reduction="none"),
        "imug_kernels paired_cosine": paired_cosine,
    }
    return Case(
        name="paired_cosine",
        sizes={"width": width, "dtype": str(dtype).removeprefix("torch.")},
        providers=providers(functions, x, y, rows=rows),
        bytes_per_row=2 * width * x.element_size(),
        flops_per_row=6 * width,  # three dot products: of the pair, and of each row with itself
        truth=F.cosine_similarity(x.double(), y.double()),
    )
