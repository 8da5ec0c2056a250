# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""How far the images of a dialogue are from its first one, as a perceptual distance."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import Literal, NamedTuple

import torch
from torch import Tensor

from imug_metrics._constants import constant
from imug_metrics.dialogues.arguments import Ids, Images, Turns
from imug_metrics.dialogues.batch import DialogueBatch
from imug_metrics.dialogues.columns import Column, embedding_column, is_embedding
from imug_metrics.dialogues.holders import opened
from imug_metrics.dialogues.inputs import PackedInputs, pack_inputs
from imug_metrics.dialogues.padding import are_zero_or_nan, has_direction, open_end
from imug_metrics.dialogues.unit_rows import unit_rows
from imug_metrics.errors import InputError
from imug_metrics.functional.images.difference_maps import SSIM_REACH, ssim_map
from imug_metrics.functional.images.pixel_columns import pixel_column
from imug_metrics.functional.reduce import reduce_values
from imug_metrics.media.thumbnails import thumbnails

Distance = Literal["squared", "cosine", "ssim"]
DISTANCES: tuple[Distance, ...] = ("squared", "cosine", "ssim")

_ELEMENTS = 1 << 22  # numbers of one side of the pairs that are compared at a time: 32 MiB in float64
_LEAST_SIZE = 2 * SSIM_REACH + 1  # pixels of a window of SSIM


def perceptual_drift(
    images: Images,
    *,
    dialogue: Ids | None = None,
    turn: Turns | None = None,
    subject: Ids | None = None,
    valid: Tensor | None = None,
    lengths: Tensor | None = None,
    references: Images | None = None,
    distance: Distance = "squared",
    size: int = 256,
    reduction: Literal["mean", "none"] = "mean",
) -> Tensor:
    r"""Distance of each image to the first one of its dialogue (and subject), or to its reference. Lower is steadier.

    | distance | of images x and y | range |
    |---|---|---|
    | `squared` | $|x - y|^2$: LPIPS, of embeddings by `LpipsEncoder` | from 0 |
    | `cosine` | $1 - \cos(x, y)$: DreamSim, of its embeddings | 0 to 2 |
    | `ssim` | $1 - \mathrm{SSIM}(x, y)$ of pixels at one size | 0 to 2 |

    All are made of differences, in float64: a repeated image is at a distance of exactly 0.

    Args:
        images: embeddings `[N, D]` or `[B, T, D]`; with `"ssim"` images `[N, 3, H, W]`, `[B, T, 3, H, W]` or in lists,
            or their pixels as rows `[N, 3 * S * S]` or `[B, T, 3 * S * S]` in [0, 1].
        dialogue, turn, subject, valid, lengths: as in `align_rows`.
        references: in the form of `images`, what each is compared with instead of the first one.
        distance: see the table.
        size: with `"ssim"`, height and width that images are squashed to.
        reduction: `"none"` or `"mean"` (of the records that have a value).

    Returns:
        Scalar, or float64 values in the shape of the records; NaN for the first image unless there are references, for
        an absent one, and where the first one is absent. Differentiable.

    Raises:
        ValueError: if the distance is unknown.
        InputError: if shapes or widths differ, pixels do not lie in [0, 1], or turns are refused.

    Example:
        >>> images = torch.tensor([[0.0, 1.0], [0.5, 1.0], [1.0, 1.0]])
        >>> perceptual_drift(images, dialogue=[5, 5, 5], turn=[1, 2, 3], reduction="none")
        tensor([   nan, 0.2500, 1.0000], dtype=torch.float64)
    """
    check_distance(distance, size)
    given = {"images": images} | ({} if references is None else {"references": references})
    columns = {name: drift_column(name, rows, distance, size) for name, rows in given.items()}
    inputs = pack_inputs(columns, dialogue, turn, subject, valid, lengths)
    return reduce_values(inputs.unpack(drift_values(inputs, distance).values), reduction)


def check_distance(distance: Distance, size: int) -> None:
    """Raise ValueError unless the distance is known and, if it needs one, the size is that of a window or more."""
    if distance not in DISTANCES:
        raise ValueError(f"Expected argument `distance` to be one of {DISTANCES}, got {distance!r}.")
    if type(size) is not int or size < _LEAST_SIZE:
        told = f"an integer of at least {_LEAST_SIZE}, a window of SSIM"
        raise ValueError(f"Expected argument `size` to be {told}, got {size}.")


def drift_column(
    argument: str,
    images: Images,
    distance: Distance,
    size: int = 256,
    encode: Callable[[Images], Tensor] | None = None,
) -> Column:
    """What a distance compares, as rows: embeddings, or pixels in [0, 1].

    Raises:
        InputError: if they are neither, or pixels that are no square image in colour.
    """
    if distance != "ssim":
        return embedding_column(argument, images, encode)
    given = opened(argument, images)
    if given.ndim in (4, 5) if isinstance(given, Tensor) else not is_embedding(given):
        return embedding_column(argument, given, partial(_pixels, argument, size))
    column = pixel_column(argument, given)
    width = column.values.shape[1]  # 1 where there is no image
    if 1 < width < 3 * _LEAST_SIZE**2:
        raise InputError(argument, f"to be images of at least {_LEAST_SIZE} x {_LEAST_SIZE} pixels", f"{width} numbers")
    if len(column.shape) == 2 and column.ends is None:
        lines = column.values.view(*column.shape, width)
        column = column._replace(open_end=partial(open_end, argument, lines, are_zero_or_nan))
    return column._replace(width=width if width > 1 else 0)


def _pixels(argument: str, size: int, images: Images) -> Tensor:
    try:
        return thumbnails(images, size)
    except (TypeError, ValueError) as error:
        raise InputError(argument, "to be images that can be read", f"others ({error})") from error


class Drift(NamedTuple):
    """Packed images with their distance to the first one, or to their reference.

    Attributes:
        rows: `[N, ...]`, as `row_distances` compares them.
        there: bool `[N]`, the images that can be compared.
        values: float64 `[N]`, NaN where undefined.
        expected: bool `[N]`, those that would have a value were every image there; None: all.
    """

    rows: Tensor
    there: Tensor
    values: Tensor
    expected: Tensor | None


def drift_values(inputs: PackedInputs, distance: Distance) -> Drift:
    """The drift of packed images, from the columns `images` and, where there are any, `references`."""
    batch, references = inputs.batch, inputs.columns.get("references")
    rows, usable = comparable(inputs.columns["images"], distance)
    there = batch.valid & usable
    if references is not None:
        others, known = comparable(references, distance)
        values = row_distances(rows, others, batch.rows, batch.rows, distance)
        return Drift(rows, there, values.masked_fill(~(there & known), torch.nan), None)
    opening = batch.is_first()
    values = first_distances(batch, rows, there, distance)
    return Drift(rows, there, values, ~opening | batch.spread(batch.lengths() == 1))


def first_distances(batch: DialogueBatch, rows: Tensor, there: Tensor, distance: Distance) -> Tensor:
    """Distance `[N]` of each row to the first one of its segment; NaN for that one and where either is absent."""
    first = batch.spread(batch.first)
    values = row_distances(rows, rows, batch.rows, first, distance)
    return values.masked_fill(~(there & there[first] & (first != batch.rows)), torch.nan)


def row_distances(x: Tensor, y: Tensor, ix: Tensor, iy: Tensor, distance: Distance) -> Tensor:
    """Distance `[P]`, float64, of rows `ix` of `x` and `iy` of `y`, so many pairs at a time as fit in memory."""
    if not len(ix):  # for the convolutions of SSIM, which refuse an empty batch
        return x.new_zeros(0, dtype=torch.float64)
    step = max(1, _ELEMENTS // x[0].numel())
    measure = _ssim_distance if distance == "ssim" else _squared_distance
    parts = [measure(x[a].double(), y[b].double()) for a, b in zip(torch.split(ix, step), torch.split(iy, step))]
    found = parts[0] if len(parts) == 1 else torch.cat(parts)
    return found / 2 if distance == "cosine" else found  # of unit rows


class EarlierDistances(NamedTuple):
    """Distances of rows to the rows before them in their segment.

    Attributes:
        values: float64 `[N, K]`, to the row `k + 1` places before; 0 where there is none.
        apart: int64 `[N, K]`, by how many turns; 0 where there is none.
    """

    values: Tensor
    apart: Tensor

    def previous(self) -> Tensor:
        """Distance `[N]` to the row before, NaN where there is none."""
        return self.values[:, 0].where(self.apart[:, 0] > 0, torch.nan)

    def by_turns(self, most: int) -> tuple[Tensor, Tensor]:
        """Sums and numbers `[N, most]` of the distances to rows 1, 2, ... turns before."""
        # Rows before are different numbers of turns before, but for those of no column: none at all, and further apart.
        column = self.apart.clamp(0, most + 1)
        empty = self.values.new_zeros(len(column), most + 2)
        sums = empty.scatter(1, column, self.values)
        counts = empty.scatter(1, column, (self.apart > 0).to(self.values))
        return sums[:, 1:-1], counts[:, 1:-1]


def earlier_distances(drift: Drift, batch: DialogueBatch, most: int, distance: Distance) -> EarlierDistances:
    """Distances to the rows up to `most` places before, or as many as there are in every line, without gradient."""
    most = most if batch.width is None else max(1, min(most, batch.width - 1))
    rows, places = drift.rows.detach(), constant(_from_one, most, like=batch.turn)
    earlier = (batch.rows[:, None] - places).clamp_min(0)
    pairs = (batch.place[:, None] > places) & drift.there[:, None] & drift.there[earlier]
    apart = (batch.turn[:, None] - batch.turn[earlier]) * pairs
    if batch.is_on_cpu or distance == "ssim":  # where pairs that are none cost more than to look which ones are
        row, place = pairs.nonzero().unbind(1)
        found = row_distances(rows, rows, row, earlier[row, place], distance)
        return EarlierDistances(found.new_zeros(pairs.shape).index_put((row, place), found), apart)
    row = batch.rows[:, None].expand_as(earlier)
    found = row_distances(rows, rows, row.flatten(), earlier.flatten(), distance)
    return EarlierDistances(found.view(pairs.shape), apart)


def comparable(rows: Tensor, distance: Distance) -> tuple[Tensor, Tensor]:
    """Rows as `row_distances` compares them, and bool `[N]`, those that can be compared; the others are zeros."""
    if distance == "ssim":
        usable = rows.detach().isfinite().all(1)
        side = math.isqrt(rows.shape[1] // 3)  # 0 where no image is there to tell it
        pixels = rows.where(usable[:, None], 0) if side else rows.new_zeros(len(rows), 3 * _LEAST_SIZE**2)
        return pixels.reshape(len(rows), 3, side or _LEAST_SIZE, side or _LEAST_SIZE), usable
    usable = has_direction(rows)
    return unit_rows(rows, usable) if distance == "cosine" else rows.where(usable[:, None], 0), usable


def _squared_distance(x: Tensor, y: Tensor) -> Tensor:
    return (x - y).square().sum(1)


def _ssim_distance(x: Tensor, y: Tensor) -> Tensor:
    return 1 - ssim_map(x, y).mean((1, 2))


def _from_one(count: int, device: torch.device) -> Tensor:
    return torch.arange(1, count + 1, device=device)
