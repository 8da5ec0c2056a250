# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Packed images beside those they are compared with, at one size, with what the turns between them might change."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

from imug_metrics.dialogues.batch import DialogueBatch
from imug_metrics.dialogues.holders import place_of
from imug_metrics.dialogues.image_rows import ImageRows, as_levels
from imug_metrics.errors import InputError
from imug_metrics.media.masks import as_shares

_AT_ONCE = 1 << 21  # pixels of images in one chunk
_LISTED_AT_ONCE = 8  # images of a list in one chunk


class Partner(NamedTuple):
    """What images are compared with.

    Attributes:
        name: `"previous"` or `"first"`.
        rows: int64 `[N]`, the packed row of each image's partner.
        usable: bool `[N]`, the packed rows that are compared; of others no result is read.
        united: what might change is all that the turns since the first might, and not one turn's.
    """

    name: str
    rows: Tensor
    usable: Tensor
    united: bool


class Pairs(NamedTuple):
    """Pairs of images of one size.

    Attributes:
        rows: int64 `[K]`, their packed rows; None: all of the chunk.
        x: `[K, 3, H, W]`, float32 in [0, 1], resized to `y` where they had another size.
        y: `[K, 3, H, W]`, what they are compared with.
        editable: `[K, H, W]`, float32 in [0, 1], the share of each pixel that might change.
        resized: whether `x` had another size.
    """

    rows: Tensor | None
    x: Tensor
    y: Tensor
    editable: Tensor
    resized: bool = False


class Chunk(NamedTuple):
    """Packed rows that are compared in one go.

    Attributes:
        rows: the first, and the first behind them.
        images: `[n, 3, H, W]`, or a list of n of any sizes, None where absent.
        pairs: by partner.
    """

    rows: slice
    images: Tensor | list[Tensor | None]
    pairs: dict[str, list[Pairs]]


def chunks(
    batch: DialogueBatch,
    images: ImageRows,
    editable: ImageRows | None,
    changes: Tensor,
    partners: list[Partner],
    device: torch.device | None = None,
) -> Iterator[Chunk]:
    """Packed images in order, chunk by chunk, so that no more than a few are held as floats.

    Args:
        batch: the packed dialogues.
        images: the images, as they were given.
        editable: the masks, as they were given; None: nothing may change.
        changes: bool `[N]`, the packed rows whose mask counts; the others might change nothing.
        partners: what images are compared with.
        device: where pairs of images that come in lists are put; None: where the records are.
    """
    masks = None if editable is None else editable.rows
    if isinstance(images.rows, Tensor) and not isinstance(masks, list):
        packed = None if masks is None else batch.pack(masks)
        if masks is not None and editable is not None and len(masks):
            check_turned(editable, 0, masks.shape[1:], [images.rows.shape[2:]])
        return _of_tensors(batch, batch.pack(images.rows), packed, changes, partners)
    return _of_lists(batch, images, editable, changes, partners, device or batch.turn.device)


def check_turned(editable: ImageRows, row: int, size: Sequence[int], images: Sequence[Sequence[int]]) -> None:
    """Raise InputError for a mask of columns and rows: it would fit once it is resized, and tell of other places."""
    height, width = size
    if height != width and (height, width) not in map(tuple, images) and (width, height) in map(tuple, images):
        cure = f"[{height}, {width}] (write `mask.T` for a mask of columns and rows)"
        expected = "to be [H, W] as its image is"
        raise InputError("editable", expected, cure, place_of(row, editable.column.shape))


def _of_tensors(
    batch: DialogueBatch, images: Tensor, masks: Tensor | None, changes: Tensor, partners: list[Partner]
) -> Iterator[Chunk]:
    step, united = max(1, _AT_ONCE // images[:1, 0].numel()) if len(images) else 1, None
    for start in range(0, len(images), step):
        rows = slice(start, start + step)
        x = as_levels(images[rows])
        own = x.new_zeros(len(x), 1, 1)
        if masks is not None:
            own = as_shares(masks[rows]).nan_to_num(0) * changes[rows, None, None]
        if any(partner.united for partner in partners):
            united = _united(batch, rows, own, None if united is None else united[-1:])
        pairs = {}
        for partner in partners:
            mask = united if partner.united and united is not None else own
            y = as_levels(images[partner.rows[rows]])
            pairs[partner.name] = [Pairs(None, x, y, sized(mask, y.shape[-2:]))]
        yield Chunk(rows, x, pairs)


def _united(batch: DialogueBatch, rows: slice, own: Tensor, before: Tensor | None) -> Tensor:
    """The largest value of each pixel in the segment up to each row; `before` is that of the row before the chunk."""
    number = batch.segment[rows.start - (before is not None) : rows.stop].double()
    number = 2 * (number - number[0])[:, None, None]  # a later segment is above all of an earlier one
    own = own if before is None else torch.cat([before, own])
    found = ((own + number).cummax(0).values - number).float()
    return found if before is None else found[1:]


def _of_lists(
    batch: DialogueBatch,
    images: ImageRows,
    editable: ImageRows | None,
    changes: Tensor,
    partners: list[Partner],
    device: torch.device,
) -> Iterator[Chunk]:
    order, there, is_first = batch.order.tolist(), batch.valid.tolist(), batch.is_first().tolist()
    others = {partner.name: (partner.rows.tolist(), partner.usable.tolist()) for partner in partners}
    counts = changes.tolist()

    @lru_cache(2 * _LISTED_AT_ONCE + 2)  # those of a chunk, the one before it, and the first
    def load(row: int) -> Tensor:
        return images.load(order[row])

    united = torch.zeros(1, 1)
    for start in range(0, len(order), _LISTED_AT_ONCE):
        rows = range(start, min(start + _LISTED_AT_ONCE, len(order)))
        masks: dict[bool, dict[int, Tensor]] = {False: {}, True: {}}
        for row in rows:
            own = torch.zeros(1, 1)
            if counts[row] and editable is not None:
                own = editable.load(order[row])
                sizes = [load(other).shape[1:] for other in (row, row - 1) if there[other]]
                check_turned(editable, order[row], own.shape, sizes)
            united = own if is_first[row] else _both(united, own)
            masks[False][row], masks[True][row] = own, united
        pairs = {}
        for partner in partners:
            other, usable = others[partner.name]
            triples = {row: (load(row), load(other[row]), masks[partner.united][row]) for row in rows if usable[row]}
            pairs[partner.name] = list(_by_size(batch, triples, device))
        yield Chunk(slice(rows.start, rows.stop), [load(row) if there[row] else None for row in rows], pairs)


def _both(first: Tensor, second: Tensor) -> Tensor:
    """What is in one of two masks or in both, at the size of the first that is one."""
    first, second = (second, first) if first.numel() == 1 else (first, second)
    return torch.maximum(first, sized(second.to(first.device)[None], first.shape)[0])


def _by_size(
    batch: DialogueBatch, triples: dict[int, tuple[Tensor, Tensor, Tensor]], device: torch.device
) -> Iterator[Pairs]:
    """Pairs of images of equal sizes put together; images that differ are resized to what they are compared with."""
    groups: dict[tuple[torch.Size, ...], list[int]] = {}
    for row, triple in triples.items():
        groups.setdefault(tuple(part.shape for part in triple), []).append(row)
    for members in groups.values():
        x, y, mask = (list(parts) for parts in zip(*(triples[row] for row in members)))
        images, others = (torch.stack([as_levels(part.to(device)) for part in parts]) for parts in (x, y))
        size = others.shape[-2:]
        resized = images.shape[-2:] != size
        if resized:
            images = F.interpolate(images, size, mode="bilinear", antialias=True).clamp(0, 1)
        masks = sized(torch.stack([part.to(device) for part in mask]), size)
        yield Pairs(torch.tensor(members, device=batch.turn.device), images, others, masks, resized)


def sized(masks: Tensor, size: Sequence[int]) -> Tensor:
    """Masks `[K, h, w]` at another size: the share of each pixel's area that is in them.

    Example:
        >>> sized(torch.tensor([[[1.0, 0.0, 0.0, 0.0]]]), (1, 2))
        tensor([[[0.5000, 0.0000]]])
    """
    if masks.shape[-2:] == tuple(size):
        return masks
    return F.interpolate(masks[:, None], tuple(size), mode="area")[:, 0]
