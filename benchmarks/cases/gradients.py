# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Forward and backward of what serves as a loss: cosines of pairs, and mean cosines of dialogues."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import torch
from imug_kernels import dialogue_gram, paired_cosine
from torch import Tensor
from torch.nn import functional as F

from ..machine import ON_GPU, draw, fitting
from ..registry import Case, Job, Setup, Size, name_of
from ..runner import race
from .gram import packed, pad_unit_rows
from .providers import Function, ours, providers


def gradients(setup: Setup) -> Iterator[Job]:
    rows = 500_000 if ON_GPU else 20_000
    full = (Size(rows, 768, torch.float32), Size(rows, 768, torch.bfloat16))
    for size in setup.sizes(Size(6, 16, torch.float32, (2, 3)), *full):
        yield race(setup, f"gradient of paired_cosine {size}", partial(_pairs, setup, size))
        yield race(setup, f"gradient of dialogue_gram {size}", partial(_dialogues, setup, size))


def _pairs(setup: Setup, size: Size) -> Case:
    rows = fitting(size.rows, 4 * size.width * size.dtype.itemsize)
    x, y = (draw(rows, size.width, dtype=size.dtype, seed=seed) for seed in range(2))
    functions: dict[str, Function] = {
        "torch F.cosine_similarity": partial(_gradient, F.cosine_similarity),
        **ours(setup, "imug_kernels paired_cosine", partial(_gradient, paired_cosine)),
    }
    return Case(
        name="gradient of paired_cosine",
        sizes={"width": size.width, "dtype": name_of(size.dtype)},
        providers=providers(functions, x, y, rows=rows),
        bytes_per_row=3 * size.width * x.element_size(),  # both rows are read, and one gradient is written
        flops_per_row=12 * size.width,
        truth=_gradient(F.cosine_similarity, x.double(), y.double()),
        repeats=5,
    )


def _dialogues(setup: Setup, size: Size) -> Case:
    rows, offsets = packed(size)
    lengths = offsets.diff().double()
    functions: dict[str, Function] = {
        "torch padded bmm": partial(_gradient, _padded),
        **ours(setup, "imug_kernels dialogue_gram", partial(_gradient, _packed)),
    }
    return Case(
        name="gradient of dialogue_gram",
        sizes={
            "dialogues": len(lengths),
            "turns": "-".join(map(str, size.turns)),
            "width": size.width,
            "dtype": name_of(size.dtype),
        },
        providers=providers(functions, rows, offsets, rows=len(rows)),
        bytes_per_row=2 * size.width * rows.element_size(),
        flops_per_row=4 * size.width * float((lengths**2).sum() / lengths.sum()),
        truth=_gradient(_padded, rows.double(), offsets),
        repeats=5,
    )


def _gradient(function: Function, x: Tensor, other: Tensor) -> Tensor:
    """The gradient of the sum of all results with regard to the first rows."""
    x = x.detach().requires_grad_()
    (found,) = torch.autograd.grad(function(x, other).sum(), x)
    return found


def _packed(rows: Tensor, offsets: Tensor) -> Tensor:
    stats = dialogue_gram(rows, offsets)
    return stats.sum / stats.count.clamp_min(1)


def _padded(rows: Tensor, offsets: Tensor) -> Tensor:
    unit, mask = pad_unit_rows(rows, offsets)
    cosine = unit @ unit.mT
    partners = mask.sum(1, keepdim=True) - 1
    return ((cosine.sum(2) - cosine.diagonal(dim1=1, dim2=2)) / partners.clamp_min(1))[mask]
