# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Reductions over dialogues beside the gram: segments, sums of cosines, cosine by turn distance, rank of the own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

import torch
from imug_kernels import delta_curve, dialogue_cosine_sum, own_rank, segment_moments, segment_reduce, segment_sum
from torch import Tensor
from torch.nn import functional as F

from ..machine import ON_GPU
from ..registry import Case, Job, Setup, Size, name_of
from ..runner import race
from .gram import packed, pad_unit_rows
from .providers import Function, ours, providers

DISTANCES = 8
KERNELS = {"own_rank": "rank", "delta_curve": "curve"}  # in the table of settings


def ragged(setup: Setup) -> Iterator[Job]:
    full = Size(980_000 if ON_GPU else 49_000, 768, torch.float32)
    for size in setup.sizes(Size(10, 16, torch.float32, (2, 3)), full):
        for name in QUESTIONS:
            yield race(setup, f"{name} {size}", partial(ragged_case, setup, name, size))


def ragged_case(setup: Setup, name: str, size: Size) -> Case:
    rows, offsets = packed(size)
    lengths = offsets.diff().double()
    pairs = 2.0 * size.width * float((lengths**2).sum() / lengths.sum())
    baseline, plain, fused, flops = QUESTIONS[name]
    kernel = KERNELS.get(name, "")
    tried = ours(setup, f"imug_kernels {name}", fused, rows, kernel, float(lengths.mean()))
    functions = {baseline: plain, **tried}
    return Case(
        name=name,
        sizes={
            "dialogues": len(lengths),
            "turns": "-".join(map(str, size.turns)),
            "width": size.width,
            "dtype": name_of(size.dtype),
        },
        providers=providers(functions, rows, offsets, rows=len(rows)),
        bytes_per_row=size.width * rows.element_size() * (2 if name == "own_rank" else 1),
        flops_per_row=flops(pairs, size.width),
        truth=plain(rows.double(), offsets),
        repeats=5,
    )


def _owner(offsets: Tensor) -> Tensor:
    return torch.arange(len(offsets) - 1, device=offsets.device).repeat_interleave(offsets.diff())


def _reduced(rows: Tensor, offsets: Tensor) -> Tensor:
    stats = segment_reduce(rows, offsets, dtype=torch.float32)
    return torch.stack([stats.sum, stats.min, stats.max])


def _scattered(rows: Tensor, offsets: Tensor) -> Tensor:
    owner = _owner(offsets)
    empty = rows.new_zeros(len(offsets) - 1, rows.shape[1])
    places = owner[:, None].expand_as(rows)
    ends = (empty.scatter_reduce(0, places, rows, how, include_self=False) for how in ("amin", "amax"))
    return torch.stack([empty.index_add(0, owner, rows), *ends])


def _added(rows: Tensor, offsets: Tensor) -> Tensor:
    return rows.new_zeros(len(offsets) - 1, rows.shape[1]).index_add(0, _owner(offsets), rows)


def _moments(rows: Tensor, offsets: Tensor) -> Tensor:
    """Slopes of four columns over their place, and sums at the first places."""
    found = segment_moments(rows[:, :4], offsets, _places(offsets, rows), slopes=4, curves=(0, 4), points=DISTANCES)
    return torch.cat([found[:, 8:16], found[:, 18:].unflatten(1, (DISTANCES, 2, 4))[:, :, 0].flatten(1)], 1)


def _one_by_one(rows: Tensor, offsets: Tensor) -> Tensor:
    """The same in a form for every sum."""
    values, owner, place = rows[:, :4].double(), _owner(offsets), _places(offsets, rows)
    turn = place.double()[:, None].expand_as(values)
    lengths = offsets.diff().clamp_min(1)[:, None]
    x, y = (part - (_added(part, offsets) / lengths)[owner] for part in (turn, values))
    curve = values.new_zeros(len(offsets) - 1, DISTANCES + 1, 4)
    curve.index_put_((owner, place.clamp(max=DISTANCES + 1) - 1), values, accumulate=True)
    return torch.cat([_added(x * y, offsets), _added(x * x, offsets), curve[:, :DISTANCES].flatten(1)], 1)


def _places(offsets: Tensor, rows: Tensor) -> Tensor:
    return _positions(rows) - offsets[:-1][_owner(offsets)] + 1


def _fused_sums(rows: Tensor, offsets: Tensor) -> Tensor:
    return dialogue_cosine_sum(rows, offsets)[0]


def _summed(rows: Tensor, offsets: Tensor) -> Tensor:
    """Of each row: its product with the sum of the dialogue's unit rows, less itself."""
    unit, owner = F.normalize(rows), _owner(offsets)
    total = rows.new_zeros(len(offsets) - 1, rows.shape[1]).index_add(0, owner, unit)
    return (unit * (total[owner] - unit)).sum(1)


def _curve(rows: Tensor, offsets: Tensor) -> Tensor:
    total, count = (part.sum(0) for part in delta_curve(rows, offsets, _positions(rows), DISTANCES))
    return total / count.clamp_min(1)


def _positions(rows: Tensor) -> Tensor:
    return torch.arange(len(rows), device=rows.device)


def _diagonals(rows: Tensor, offsets: Tensor) -> Tensor:
    padded, mask = pad_unit_rows(rows, offsets)
    cosine = padded @ padded.mT
    pairs = mask[:, :, None] & mask[:, None, :]
    means = []
    for distance in range(1, DISTANCES + 1):
        counted = pairs.diagonal(distance, 1, 2)
        means.append(cosine.diagonal(distance, 1, 2)[counted].sum(dtype=torch.float64) / counted.sum().clamp_min(1))
    return torch.stack(means)


def _ranked(rows: Tensor, offsets: Tensor) -> Tensor:
    return own_rank(rows, _prompts(rows), offsets)[0]


def _compared(rows: Tensor, offsets: Tensor) -> Tensor:
    (images, mask), (texts, _) = pad_unit_rows(rows, offsets), pad_unit_rows(_prompts(rows), offsets)
    cosine = images @ texts.mT
    own = cosine.diagonal(dim1=1, dim2=2)[:, :, None]
    return ((cosine > own + 1e-6) & mask[:, None, :]).sum(2)[mask].double()


def _prompts(rows: Tensor) -> Tensor:
    """Rows that lie near those of the same place: reversing a row's entries would lie far from all."""
    return rows.roll(1, 1) + rows


# The baseline, its function, ours, and the operations of a row, from those of its products with its dialogue and width.
QUESTIONS: dict[str, tuple[str, Function, Function, Callable[[float, int], float]]] = {
    "segment_reduce": ("torch index_add and scatter_reduce", _scattered, _reduced, lambda pairs, width: 0.0),
    "segment_sum": ("torch index_add", _added, partial(segment_sum, dtype=torch.float32), lambda pairs, width: 0.0),
    "segment_moments": ("torch index_add and index_put", _one_by_one, _moments, lambda pairs, width: 0.0),
    "dialogue_cosine_sum": ("torch normalize and index_add", _summed, _fused_sums, lambda pairs, width: 5.0 * width),
    "delta_curve": ("torch padded bmm", _diagonals, _curve, lambda pairs, width: pairs),
    "own_rank": ("torch padded bmm", _compared, _ranked, lambda pairs, width: pairs),
}
