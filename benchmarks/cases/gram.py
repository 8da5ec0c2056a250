# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Sum, smallest and largest cosine of each row to the others of its dialogue."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import torch
from imug_kernels import dialogue_gram
from torch import Tensor
from torch.nn import functional as F

from ..machine import ON_GPU, draw, draw_integers, fitting
from ..registry import Case, Job, Setup, Size, name_of
from ..runner import race
from .providers import Function, compiled, ours, providers, torchmetrics_functions

MANY = 20 if ON_GPU else 1


def gram(setup: Setup) -> Iterator[Job]:
    short, long = Size(50_000 * MANY, 768, torch.float32), Size(50_000 * MANY, 768, torch.float32, (2, 64))
    in_half = [size._replace(dtype=torch.bfloat16) for size in (short, long)] if ON_GPU else []
    for size in setup.sizes(Size(10, 16, torch.float32, (2, 3)), short, long, *in_half):
        title = f"dialogue_gram {size}, turns {_range(size.turns)}"
        yield race(setup, title, partial(gram_case, setup, size, compiling=not setup.quick))


def gram_case(setup: Setup, size: Size, *, compiling: bool = False) -> Case:
    rows, offsets = packed(size)
    lengths = offsets.diff().double()
    pairwise = {} if ON_GPU else torchmetrics_functions(setup, pairwise_cosine_similarity={})
    functions: dict[str, Function] = {
        "torch padded bmm": _padded,
        **(compiled("torch.compile of it", _padded) if compiling else {}),
        **{f"loop of {name}": partial(_loop, function) for name, function in pairwise.items()},
        **({} if ON_GPU else {"loop of torch normalize and matmul": partial(_loop, _products)}),
        **ours(setup, "imug_kernels dialogue_gram", _packed, rows, "gram", float(lengths.mean())),
    }
    return Case(
        name="dialogue_gram",
        sizes={
            "dialogues": len(lengths),
            "turns": _range(size.turns),
            "width": size.width,
            "dtype": name_of(size.dtype),
        },
        providers=providers(functions, rows, offsets, rows=len(rows)),
        bytes_per_row=size.width * rows.element_size(),
        flops_per_row=2 * size.width * float((lengths**2).sum() / lengths.sum()),
        truth=_packed(rows.double(), offsets) if ON_GPU else _loop(_products, rows.double(), offsets),
    )


def packed(size: Size, seed: int = 0) -> tuple[Tensor, Tensor]:
    """About so many rows `[N, D]`, and the offsets of dialogues whose lengths are drawn evenly."""
    shortest, longest = size.turns
    rows = fitting(size.rows, size.width * size.dtype.itemsize)
    lengths = draw_integers(shortest, longest + 1, max(1, 2 * rows // (shortest + longest)), seed)
    offsets = F.pad(lengths.cumsum(0), (1, 0))
    return draw(int(offsets[-1]), size.width, dtype=size.dtype, seed=seed), offsets


def _range(turns: tuple[int, int]) -> str:
    return "-".join(map(str, turns))


def pad_unit_rows(rows: Tensor, offsets: Tensor) -> tuple[Tensor, Tensor]:
    """Unit rows `[B, T, D]` of dialogues padded with zeros to the longest, and which of them exist, `[B, T]`."""
    lengths = offsets.diff()
    mask = torch.arange(int(lengths.max()), device=rows.device) < lengths[:, None]
    padded = rows.new_zeros(*mask.shape, rows.shape[1])
    padded[mask] = F.normalize(rows)
    return padded, mask


def _packed(rows: Tensor, offsets: Tensor) -> Tensor:
    stats = dialogue_gram(rows, offsets)
    return torch.stack([stats.sum, stats.min, stats.max])


def _loop(pairwise: Function, rows: Tensor, offsets: Tensor) -> Tensor:
    parts = []
    for dialogue in torch.split(rows, offsets.diff().tolist()):
        cosine = pairwise(dialogue).fill_diagonal_(0)
        smallest = cosine.clone().fill_diagonal_(torch.inf).amin(1)
        largest = cosine.clone().fill_diagonal_(-torch.inf).amax(1)
        parts.append(torch.stack([cosine.sum(1), smallest, largest]))
    return torch.cat(parts, 1)


def _products(rows: Tensor) -> Tensor:
    unit = F.normalize(rows)
    return unit @ unit.T


def _padded(rows: Tensor, offsets: Tensor) -> Tensor:
    padded, mask = pad_unit_rows(rows, offsets)
    cosine = padded @ padded.mT
    off_diagonal = ~torch.eye(mask.shape[1], dtype=torch.bool, device=rows.device)
    partner = mask[:, :, None] & mask[:, None, :] & off_diagonal
    total = cosine.masked_fill(~partner, 0).sum(2)
    smallest = cosine.masked_fill(~partner, torch.inf).amin(2)
    largest = cosine.masked_fill(~partner, -torch.inf).amax(2)
    return torch.stack([total[mask], smallest[mask], largest[mask]])
