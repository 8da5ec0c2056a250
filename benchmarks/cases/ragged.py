# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Reductions over dialogues beside the gram: segments, unit sums, cosine by turn distance, rank of the own row."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

import torch
from imug_kernels import delta_curve, dialogue_unit_sum, own_rank, segment_reduce
from torch import Tensor
from torch.nn import functional as F

from benchmarks.cases.gram import packed
from benchmarks.machine import ON_GPU
from benchmarks.registry import Answer, Case, Provider, register

DISTANCES = 8

Way = Callable[[Tensor, Tensor], Tensor]


@register
def ragged(quick: bool) -> Iterator[Case]:
    dialogues, longest, width = (8, 5, 16) if quick else (140_000 if ON_GPU else 7_000, 12, 768)
    rows, offsets = packed(dialogues, 2, longest, width)
    lengths = offsets.diff().double()
    pairs = 2.0 * width * float((lengths**2).sum() / lengths.sum())
    questions: dict[str, tuple[str, Way, Way, float]] = {
        "segment_reduce": ("torch index_add and scatter_reduce", _scattered, _reduced, 0.0),
        "dialogue_unit_sum": ("torch normalize and index_add", _summed, _unit, 3.0 * width),
        "delta_curve": ("torch padded bmm", _diagonals, _curve, pairs),
        "own_rank": ("torch padded bmm", _compared, _ranked, pairs),
    }
    for name, (baseline, plain, fused, flops) in questions.items():
        ways = {baseline: plain, f"imug_kernels {name}": fused}
        yield Case(
            name=name,
            sizes={"dialogues": dialogues, "turns": f"2-{longest}", "width": width, "dtype": "float32"},
            providers=tuple(Provider(n, partial(_answer, way, rows, offsets), len(rows)) for n, way in ways.items()),
            bytes_per_row=width * rows.element_size() * (2 if name == "own_rank" else 1),
            flops_per_row=flops,
            truth=plain(rows.double(), offsets),
            repeats=5,
        )


def _answer(way: Way, rows: Tensor, offsets: Tensor) -> Answer:
    return Answer(way(rows, offsets))


def _owner(offsets: Tensor) -> Tensor:
    return torch.arange(len(offsets) - 1, device=offsets.device).repeat_interleave(offsets.diff())


def _reduced(rows: Tensor, offsets: Tensor) -> Tensor:
    stats = segment_reduce(rows, offsets)
    return torch.stack([stats.sum, stats.min, stats.max])


def _scattered(rows: Tensor, offsets: Tensor) -> Tensor:
    owner = _owner(offsets)
    empty = rows.new_zeros(len(offsets) - 1, rows.shape[1])
    places = owner[:, None].expand_as(rows)
    ends = (empty.scatter_reduce(0, places, rows, how, include_self=False) for how in ("amin", "amax"))
    return torch.stack([empty.index_add(0, owner, rows), *ends])


def _unit(rows: Tensor, offsets: Tensor) -> Tensor:
    return dialogue_unit_sum(rows, offsets)[0]


def _summed(rows: Tensor, offsets: Tensor) -> Tensor:
    unit = F.normalize(rows)
    total = rows.new_zeros(len(offsets) - 1, rows.shape[1]).index_add(0, _owner(offsets), unit)
    return total.square().sum(1) - rows.new_zeros(len(offsets) - 1).index_add(0, _owner(offsets), unit.square().sum(1))


def _pad(rows: Tensor, offsets: Tensor) -> tuple[Tensor, Tensor]:
    lengths = offsets.diff()
    there = torch.arange(int(lengths.max()), device=rows.device) < lengths[:, None]
    cells = rows.new_zeros(*there.shape, rows.shape[1])
    cells[there] = F.normalize(rows)
    return cells, there


def _curve(rows: Tensor, offsets: Tensor) -> Tensor:
    total, count = (part.sum(0) for part in delta_curve(rows, offsets, _positions(rows), DISTANCES))
    return total / count.clamp_min(1)


def _positions(rows: Tensor) -> Tensor:
    return torch.arange(len(rows), device=rows.device)


def _diagonals(rows: Tensor, offsets: Tensor) -> Tensor:
    cells, there = _pad(rows, offsets)
    cosine = cells @ cells.mT
    pairs = there[:, :, None] & there[:, None, :]
    found = []
    for distance in range(1, DISTANCES + 1):
        kept = pairs.diagonal(distance, 1, 2)
        found.append(cosine.diagonal(distance, 1, 2)[kept].sum(dtype=torch.float64) / kept.sum().clamp_min(1))
    return torch.stack(found)


def _ranked(rows: Tensor, offsets: Tensor) -> Tensor:
    return own_rank(rows, _prompts(rows), offsets)[0]


def _compared(rows: Tensor, offsets: Tensor) -> Tensor:
    (images, there), (texts, _) = _pad(rows, offsets), _pad(_prompts(rows), offsets)
    cosine = images @ texts.mT
    own = cosine.diagonal(dim1=1, dim2=2)[:, :, None]
    return ((cosine > own + 1e-6) & there[:, None, :]).sum(2)[there].double()


def _prompts(rows: Tensor) -> Tensor:
    """Rows that lie near those of the same place: reversing a row's entries would lie far from all."""
    return rows.roll(1, 1) + rows
