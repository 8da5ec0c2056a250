# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Every operation beside what one would write in PyTorch without it, in the dtype of the rows: `FORMS`.

Of float64 rows the eager form is the truth; of others it is what an operation has to be as near to the truth as.
Segments are padded, a row without a partner has NaN, and sums are divided by how many terms they have.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import NamedTuple

import imug_kernels as ops
import torch
from imug_kernels.tolerances import TIE
from torch import Tensor
from torch.nn import functional as F

from tests.kernels.naive import noise, offsets_of, random_valid

LENGTHS = [3, 0, 1, 12, 20]  # one segment is longer than a block
LARGEST, DISTANCES, POINTS, BINS, SIGMA, SCALE = 5, 4, 5, 4, 2.0, 10.0
MEAN, STD = (0.48, 0.46, 0.41), (0.27, 0.26, 0.28)


@dataclass(frozen=True)
class Batch:
    """Packed rows `x` and `y` `[N, D]` of segments, columns `[N]` and images `[2, 3, H, W]`."""

    x: Tensor
    y: Tensor
    images: Tensor
    offsets: Tensor
    positions: Tensor
    index: Tensor  # rows of y, -1 among them if masked
    valid: Tensor | None

    def map(self, change: Callable[[Tensor], Tensor]) -> Batch:
        return replace(self, **{name: change(value) for name, value in vars(self).items() if value is not None})

    @property
    def counted(self) -> Tensor:
        return torch.ones_like(self.index, dtype=torch.bool) if self.valid is None else self.valid


Results = dict[str, Tensor]
Compute = Callable[[Batch], Results]


class Form(NamedTuple):
    ours: Compute
    eager: Compute
    slack: float = 1e-5  # beyond the error of the eager form


def make_batch(width: int, dtype: torch.dtype, masked: bool) -> Batch:
    """Rows of a length near 1, so that their distances are of the size of `SIGMA`."""
    count = sum(LENGTHS)
    x, y = ((noise(count, width, seed) / width**0.5).to(dtype) for seed in (0, 1))
    order = torch.randperm(count, generator=torch.Generator().manual_seed(2))
    levels = torch.randint(0, 256, (2, 3, 9, width + 1), generator=torch.Generator().manual_seed(3))
    valid = random_valid(count, 4) if masked else None
    return Batch(
        x=x,
        y=y,
        images=levels.to(torch.uint8),
        offsets=offsets_of(LENGTHS),
        positions=torch.arange(count) * 3 % 7 + 1,
        index=order if valid is None else order.where(valid, -1),
        valid=valid,
    )


def _mean(total: Tensor, count: Tensor) -> Tensor:
    return total / count.clamp_min(1).to(total.dtype)


def _or_nan(values: Tensor, known: Tensor) -> Tensor:
    return values.masked_fill(~known, torch.nan)


class Padded(NamedTuple):
    """Segments side by side: row numbers `[S, T]`, which of them there are, and which of these are valid."""

    row: Tensor
    exists: Tensor
    valid: Tensor


def _padded(b: Batch) -> Padded:
    lengths = b.offsets.diff()
    slot = torch.arange(int(lengths.max()), device=lengths.device)
    exists = slot < lengths[:, None]
    row = (b.offsets[:-1, None] + slot).where(exists, 0)
    return Padded(row, exists, exists & b.counted[row])


def _off_diagonal(size: int, like: Tensor) -> Tensor:
    return ~torch.eye(size, dtype=torch.bool, device=like.device)


def _partners(p: Padded) -> Tensor:
    """Which rows `[S, T, T]` are partners."""
    return p.valid[:, :, None] & p.valid[:, None, :] & _off_diagonal(p.valid.shape[1], p.valid)


def _paired(b: Batch) -> Results:
    return {
        "cosine": ops.paired_cosine(b.x, b.y, iy=b.index),
        "bounded": ops.paired_cosine(b.x, b.y, iy=b.index, scale=2.5, floor=0.05),
    }


def _eager_paired(b: Batch) -> Results:
    cosine = _or_nan(F.cosine_similarity(b.x, b.y[b.index], dim=1), b.index >= 0)
    return {"cosine": cosine, "bounded": 2.5 * cosine.clamp_min(0.05)}


def _gram(b: Batch) -> Results:
    found = ops.dialogue_gram(b.x, b.offsets, b.valid)
    extremes = {name: getattr(found, name) for name in ("min", "max", "max_before", "previous", "anchor")}
    return {"mean": _mean(found.sum, found.count), **extremes}


def _eager_gram(b: Batch) -> Results:
    p = _padded(b)
    unit = F.normalize(b.x, dim=1)[p.row]
    cosine, partner = torch.bmm(unit, unit.mT), _partners(p)
    earlier = partner.tril(-1)
    before, known_before = (F.pad(part.diagonal(-1, 1, 2), (1, 0)) for part in (cosine, earlier))
    found = {
        "mean": _mean(cosine.masked_fill(~partner, 0).sum(2), partner.sum(2)),
        "min": _or_nan(cosine.masked_fill(~partner, torch.inf).amin(2), partner.any(2)),
        "max": _or_nan(cosine.masked_fill(~partner, -torch.inf).amax(2), partner.any(2)),
        "max_before": _or_nan(cosine.masked_fill(~earlier, -torch.inf).amax(2), earlier.any(2)),
        "previous": _or_nan(before, known_before),
        "anchor": _or_nan(cosine[:, :, 0], earlier[:, :, 0]),
    }
    return {name: part[p.exists] for name, part in found.items()}


def _rank(b: Batch) -> Results:
    greater, equal, _ = ops.own_rank(b.x, b.y, b.offsets, b.valid, b.valid)
    return {"greater": greater, "equal": equal}


def _eager_rank(b: Batch) -> Results:
    p = _padded(b)
    cosine = torch.bmm(F.normalize(b.x, dim=1)[p.row], F.normalize(b.y, dim=1)[p.row].mT)
    ahead, rival = cosine - cosine.diagonal(0, 1, 2)[:, :, None], _partners(p)
    found = {"greater": (rival & (ahead > TIE)).sum(2), "equal": (rival & (ahead.abs() <= TIE)).sum(2)}
    return {name: _or_nan(part.to(b.x.dtype), p.valid)[p.exists] for name, part in found.items()}


def _curve(b: Batch) -> Results:
    return {"mean": _mean(*ops.delta_curve(b.x, b.offsets, b.positions, DISTANCES, b.valid))}


def _eager_curve(b: Batch) -> Results:
    p = _padded(b)
    unit, position = F.normalize(b.x, dim=1)[p.row], b.positions[p.row]
    cosine, pairs = torch.bmm(unit, unit.mT), _partners(p).tril(-1)
    delta = (position[:, :, None] - position[:, None, :]).abs()
    apart = [pairs & (delta == distance) for distance in range(1, DISTANCES + 1)]
    means = [_mean(cosine.masked_fill(~chosen, 0).sum((1, 2)), chosen.sum((1, 2))) for chosen in apart]
    return {"mean": torch.stack(means, 1)}


def _cosine_sum(b: Batch) -> Results:
    return {"mean": _mean(*ops.dialogue_cosine_sum(b.x, b.offsets, b.valid))}


def _eager_cosine_sum(b: Batch) -> Results:
    p = _padded(b)
    unit = F.normalize(b.x, dim=1)[p.row].masked_fill(~p.valid[:, :, None], 0)
    others = unit.sum(1, keepdim=True) - unit
    return {"mean": _mean((unit * others).sum(2), _partners(p).sum(2))[p.exists]}


def _reduce(b: Batch) -> Results:
    found = ops.segment_reduce(b.x, b.offsets, b.valid)
    return {"mean": _mean(found.sum, found.count), "min": found.min, "max": found.max}


def _eager_reduce(b: Batch) -> Results:
    p = _padded(b)
    values, excluded, known = b.x[p.row], ~p.valid[:, :, None], p.valid.any(1)[:, None]
    return {
        "mean": _mean(values.masked_fill(excluded, 0).sum(1), p.valid.sum(1)[:, None]),
        "min": _or_nan(values.masked_fill(excluded, torch.inf).amin(1), known),
        "max": _or_nan(values.masked_fill(excluded, -torch.inf).amax(1), known),
    }


def _sum(b: Batch) -> Results:
    return {"mean": _mean(ops.segment_sum(b.x, b.offsets), b.offsets.diff()[:, None])}


def _eager_sum(b: Batch) -> Results:
    p = _padded(b)
    return {"mean": _mean(b.x[p.row].masked_fill(~p.exists[:, :, None], 0).sum(1), b.offsets.diff()[:, None])}


def _moments(b: Batch) -> Results:
    values = b.x[:, :4]
    columns = (0, values.shape[1])
    found = ops.segment_moments(
        values, b.offsets, b.positions, valid=b.valid, slopes=columns[1], curves=columns, points=POINTS
    )
    return {"moments": found}


def _eager_moments(b: Batch) -> Results:
    p = _padded(b)
    position = b.positions[p.row]
    excluded, count = ~p.valid[:, :, None], p.valid.sum(1)[:, None]
    y = b.x[:, :4][p.row].masked_fill(excluded, 0)
    x = position[:, :, None].to(y.dtype).masked_fill(excluded, 0)
    from_mean_x, from_mean_y = ((v - _mean(v.sum(1), count)[:, None]).masked_fill(excluded, 0) for v in (x, y))
    squares = (from_mean_x * from_mean_x).sum(1)
    found = [y.sum(1), count.expand_as(y[:, 0]), (from_mean_x * from_mean_y).sum(1), squares.expand_as(y[:, 0])]
    found += [count, count]  # all rows have a value, and all of them should
    for point in range(1, POINTS + 1):
        there = (p.valid & (position == point))[:, :, None]
        found += [y.masked_fill(~there, 0).sum(1), there.sum(1).expand_as(y[:, 0])]
    return {"moments": torch.cat([part.to(y.dtype) for part in found], 1)}


def _cross(b: Batch) -> Results:
    groups = b.positions
    found = ops.cross_stats(
        b.x, b.y, k=LARGEST, positive=b.index, lse=True, scale=SCALE, groups_x=groups, groups_y=groups, bins=BINS,
        exclude_self=True, exclude_same_group=False,
    )  # fmt: skip
    results = {name: getattr(found, name) for name in ("values", "positive", "lse")}
    counts = {name: getattr(found, name).to(found.lse.dtype) for name in ("greater", "equal", "same", "different")}
    return results | {name: count / len(b.x) for name, count in counts.items()}


def _eager_cross(b: Batch) -> Results:
    cosine = F.normalize(b.x, dim=1) @ F.normalize(b.y, dim=1).T
    pairs, has_positive = _off_diagonal(len(cosine), cosine), b.index >= 0
    positive = _or_nan(cosine.gather(1, b.index.clamp_min(0)[:, None])[:, 0], has_positive)
    columns = torch.arange(len(cosine), device=cosine.device)
    ahead, rival = cosine - positive[:, None], pairs & (columns != b.index[:, None])
    kept = cosine.masked_fill(~pairs, -torch.inf)
    bin_of = ((cosine.clamp(-1, 1) + 1) * (BINS / 2)).long().clamp_max(BINS - 1)
    same = b.positions[:, None] == b.positions
    counts = {
        "greater": (rival & (ahead > TIE)).sum(1),
        "equal": (rival & (ahead.abs() <= TIE)).sum(1),
        "same": F.one_hot(bin_of[pairs & same], BINS).sum(0),
        "different": F.one_hot(bin_of[pairs & ~same], BINS).sum(0),
    }
    results = {"values": kept.topk(LARGEST, 1).values, "positive": positive, "lse": (SCALE * kept).logsumexp(1)}
    return results | {name: count.to(cosine.dtype) / len(cosine) for name, count in counts.items()}


def _rbf(b: Batch) -> Results:
    pairs = len(b.x) ** 2
    return {"mean": ops.rbf_sum(b.x, b.y, sigma=SIGMA) / pairs, "own": ops.rbf_sum(b.x, sigma=SIGMA) / pairs}


def _eager_rbf(b: Batch) -> Results:
    def mean(x: Tensor, y: Tensor) -> Tensor:
        squares = (x * x).sum(1)[:, None] + (y * y).sum(1) - 2 * (x @ y.T)
        return ((-squares.clamp_min(0) / (2 * SIGMA**2)).exp() - 1).mean()

    return {"mean": mean(b.x, b.y), "own": mean(b.x, b.x)}


def _preprocess(b: Batch) -> Results:
    return {"pixels": ops.preprocess(b.images, _size(b.images), MEAN, STD, resize=_size(b.images), dtype=b.x.dtype)}


def _eager_preprocess(b: Batch) -> Results:
    """Rows, then columns, each rounded to levels; the pixels in the dtype of the rows."""
    height, width = _size(b.images)
    levels = b.images.to(torch.promote_types(b.x.dtype, torch.float32))
    for size in ((levels.shape[2], width), (height, width)):
        levels = F.interpolate(levels, size=size, mode="bicubic", antialias=True).round().clamp(0, 255)
    mean, std = (torch.tensor(value, dtype=b.x.dtype, device=levels.device)[:, None, None] for value in (MEAN, STD))
    return {"pixels": (levels.to(b.x.dtype) / 255 - mean) / std}


def _size(images: Tensor) -> tuple[int, int]:
    return images.shape[2] // 2, images.shape[3] // 2 + 1


FORMS = {
    "paired_cosine": Form(_paired, _eager_paired),
    "dialogue_gram": Form(_gram, _eager_gram),
    "own_rank": Form(_rank, _eager_rank),
    "delta_curve": Form(_curve, _eager_curve),
    "dialogue_cosine_sum": Form(_cosine_sum, _eager_cosine_sum),
    "segment_reduce": Form(_reduce, _eager_reduce),
    "segment_sum": Form(_sum, _eager_sum),
    "segment_moments": Form(_moments, _eager_moments),
    "cross_stats": Form(_cross, _eager_cross),
    "rbf_sum": Form(_rbf, _eager_rbf),
    # Levels are rounded, on a CPU from integer weights as Pillow's: one of them may differ.
    "preprocess": Form(_preprocess, _eager_preprocess, slack=1.02 / 255 / min(STD)),
}
