# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Cosine of row pairs."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import torch
from imug_kernels import paired_cosine
from torch import Tensor
from torch.nn import functional as F

from ..machine import ON_GPU, draw, fitting
from ..registry import Case, Job, Setup, Size, name_of
from ..runner import race
from .providers import Function, compiled, ours, providers, torchmetrics_functions

CHUNK = 1 << 16  # rows that are made float64 at a time


def paired(setup: Setup) -> Iterator[Job]:
    many, wide = (1_000_000, 200_000) if ON_GPU else (50_000, 10_000)
    full = (Size(many, 768, torch.float32), Size(many, 768, torch.bfloat16), Size(wide, 4096, torch.float32))
    for size in setup.sizes(Size(16, 16, torch.float32), *full):
        yield race(setup, f"paired_cosine {size}", partial(paired_case, setup, size, compiling=not setup.quick))


def paired_case(setup: Setup, size: Size, *, compiling: bool = False) -> Case:
    rows = fitting(size.rows, size.width * size.dtype.itemsize)
    x, y = (draw(rows, size.width, dtype=size.dtype, seed=seed) for seed in range(2))
    functions: dict[str, Function] = {
        "torch F.cosine_similarity": F.cosine_similarity,
        **(compiled("torch.compile of it", F.cosine_similarity) if compiling else {}),
        "normalise, multiply and sum, as CLIPScore": _clip_score,
        **torchmetrics_functions(setup, cosine_similarity={"reduction": "none"}),
        **ours(setup, "imug_kernels paired_cosine", paired_cosine),
    }
    return Case(
        name="paired_cosine",
        sizes={"width": size.width, "dtype": name_of(size.dtype)},
        providers=providers(functions, x, y, rows=rows),
        bytes_per_row=2 * size.width * x.element_size(),
        flops_per_row=6 * size.width,  # three dot products: of the pair, and of each row with itself
        truth=torch.cat([F.cosine_similarity(a.double(), b.double()) for a, b in zip(x.split(CHUNK), y.split(CHUNK))]),
    )


def _clip_score(x: Tensor, y: Tensor) -> Tensor:
    """What torchmetrics CLIPScore does with its embeddings, without the factor 100."""
    x, y = x / x.norm(p=2, dim=-1, keepdim=True), y / y.norm(p=2, dim=-1, keepdim=True)
    return (x * y).sum(-1)
