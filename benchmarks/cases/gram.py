# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Sum, smallest and largest cosine of each row to the others of its dialogue."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from imug_kernels import dialogue_gram
from torch import Tensor
from torch.nn import functional as F
from torchmetrics.functional import pairwise_cosine_similarity

from benchmarks.cases.providers import Function, compiled, providers
from benchmarks.machine import DEVICE, ON_GPU
from benchmarks.registry import Case, register


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
    functions: dict[str, Function] = {
        "torch padded bmm": _padded,
        **(compiled("torch.compile of it", _padded) if compiling else {}),
        **({} if ON_GPU else {"loop of torchmetrics pairwise_cosine_similarity": _loop}),
        "imug_kernels dialogue_gram": _packed,
    }
    return Case(
        name="dialogue_gram",
        sizes={"dialogues": dialogues, "turns": f"{shortest}-{longest}", "width": width, "dtype": "float32"},
        providers=providers(functions, rows, offsets, rows=len(rows)),
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


def _loop(rows: Tensor, offsets: Tensor) -> Tensor:
    parts = []
    for dialogue in torch.split(rows, offsets.diff().tolist()):
        cosine = pairwise_cosine_similarity(dialogue)
        smallest = cosine.clone().fill_diagonal_(torch.inf).amin(1)
        largest = cosine.clone().fill_diagonal_(-torch.inf).amax(1)
        parts.append(torch.stack([cosine.sum(1), smallest, largest]))
    return torch.cat(parts, 1)


def _padded(rows: Tensor, offsets: Tensor) -> Tensor:
    padded, mask = pad_unit_rows(rows, offsets)
    cosine = padded @ padded.mT
    off_diagonal = ~torch.eye(mask.shape[1], dtype=torch.bool, device=rows.device)
    partner = mask[:, :, None] & mask[:, None, :] & off_diagonal
    total = cosine.masked_fill(~partner, 0).sum(2)
    smallest = cosine.masked_fill(~partner, torch.inf).amin(2)
    largest = cosine.masked_fill(~partner, -torch.inf).amax(2)
    return torch.stack([total[mask], smallest[mask], largest[mask]])
