# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Sum, smallest and largest cosine of each row to the others of its dialogue."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

import torch
from imug_kernels import dialogue_gram
from torch import Tensor
from torch.nn import functional as F
from torchmetrics.functional import pairwise_cosine_similarity

from benchmarks.cases.compiling import compiled
from benchmarks.machine import DEVICE, ON_GPU
from benchmarks.registry import Answer, Case, Provider, register


@register
def gram(quick: bool) -> Iterator[Case]:
    many = 20 if ON_GPU else 1
    if quick:
        yield gram_case(8, 2, 5, 16)
        return
    yield gram_case(7000 * many, 2, 12, 768, compiling=True)
    yield gram_case(1500 * many, 2, 64, 768, compiling=True)


def gram_case(dialogues: int, shortest: int, longest: int, width: int, *, compiling: bool = False) -> Case:
    rows, offsets = packed(dialogues, shortest, longest, width)
    lengths = offsets.diff().double()
    ways = {
        "torch padded bmm": _padded,
        **(compiled("torch.compile of it", _padded) if compiling else {}),
        **({} if ON_GPU else {"loop of torchmetrics pairwise_cosine_similarity": _loop}),
        "imug_kernels dialogue_gram": _packed,
    }
    return Case(
        name="dialogue_gram",
        sizes={"dialogues": dialogues, "turns": f"{shortest}-{longest}", "width": width, "dtype": "float32"},
        providers=tuple(Provider(n, partial(_answer, way, rows, offsets), len(rows)) for n, way in ways.items()),
        bytes_per_row=width * rows.element_size(),
        flops_per_row=2 * width * float((lengths**2).sum() / lengths.sum()),
        truth=_packed(rows.double(), offsets) if ON_GPU else _loop(rows.double(), offsets),
    )


def packed(dialogues: int, shortest: int, longest: int, width: int) -> tuple[Tensor, Tensor]:
    """Rows `[N, D]` and offsets of dialogues whose lengths are drawn evenly."""
    generator = torch.Generator().manual_seed(0)
    lengths = torch.randint(shortest, longest + 1, (dialogues,), generator=generator)
    offsets = F.pad(lengths.cumsum(0), (1, 0)).to(DEVICE)
    return torch.randn(int(offsets[-1]), width, generator=generator).to(DEVICE), offsets


def _answer(way: Callable[[Tensor, Tensor], Tensor], rows: Tensor, offsets: Tensor) -> Answer:
    return Answer(way(rows, offsets))


def _packed(rows: Tensor, offsets: Tensor) -> Tensor:
    stats = dialogue_gram(rows, offsets)
    return torch.stack([stats.sum, stats.min, stats.max])


def _loop(rows: Tensor, offsets: Tensor) -> Tensor:
    parts = []
    for dialogue in torch.split(rows, offsets.diff().tolist()):
        cosine = pairwise_cosine_similarity(dialogue)
        smallest = cosine.clone().fill_diagonal_(torch.inf).amin(1)
        largest = cosine.clone().fill_diagonal_(-torch.inf).amax(1)
        parts.append(torch.stack([cosine.sum(1), smallest, largest]))
    return torch.cat(parts, 1)


def _padded(rows: Tensor, offsets: Tensor) -> Tensor:
    lengths = offsets.diff()
    longest = int(lengths.max())
    there = torch.arange(longest, device=rows.device) < lengths[:, None]
    padded = rows.new_zeros(len(lengths), longest, rows.shape[1])
    padded[there] = F.normalize(rows)
    cosine = padded @ padded.mT
    other = there[:, :, None] & there[:, None, :] & ~torch.eye(longest, dtype=torch.bool, device=rows.device)
    total = cosine.masked_fill(~other, 0).sum(2)
    smallest = cosine.masked_fill(~other, torch.inf).amin(2)
    largest = cosine.masked_fill(~other, -torch.inf).amax(2)
    return torch.stack([total[there], smallest[there], largest[there]])
