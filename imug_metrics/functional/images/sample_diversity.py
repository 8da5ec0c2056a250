# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""How diverse several samples of one turn are."""

from __future__ import annotations

from functools import partial
from typing import Literal

import torch
from torch import Tensor

from imug_metrics.dialogues.arguments import Ids, Images, Masks, Turns
from imug_metrics.dialogues.arrays import BOOLEANS, REALS, read_array
from imug_metrics.dialogues.columns import Column
from imug_metrics.dialogues.holders import place_of
from imug_metrics.dialogues.inputs import pack_inputs
from imug_metrics.dialogues.padding import are_zero_or_nan, has_direction, open_end
from imug_metrics.dialogues.unit_rows import unit_rows
from imug_metrics.errors import InputError
from imug_metrics.functional.images.turn_diversity import DiversityKind, diversity_measure
from imug_metrics.functional.reduce import reduce_values

_SHAPE = "to be embeddings of samples [N, S, D] or [B, T, S, D]"


def sample_diversity(
    images: Images,
    masks: Masks | None = None,
    *,
    dialogue: Ids | None = None,
    turn: Turns | None = None,
    valid: Tensor | None = None,
    lengths: Tensor | None = None,
    kind: DiversityKind = "vendi",
    order: float = 1,
    reduction: Literal["mean", "none"] = "mean",
) -> Tensor:
    """Diversity of the samples of each turn: an effective number of different images, 1 to S. Higher is more diverse.

    Args:
        images: embeddings `[N, S, D]` or `[B, T, S, D]` of S samples of each turn; zero rows, and rows with a number
            that is not finite, are of samples that are not there.
        masks: bool `[N, S]` or `[B, T, S]`, True where the sample is there; None: all are.
        dialogue, turn, valid, lengths: as in `align_rows`.
        kind: `"vendi"`, or `"distance"`, the mean of 1 - cosine over pairs, 0 to 2.
        order: of the Vendi score, see `imug_metrics.stats.vendi.vendi_score`.
        reduction: `"none"` or `"mean"`.

    Returns:
        Scalar, or float64 values in the shape of the records; NaN with fewer than two samples. Differentiable.

    Raises:
        ValueError: if kind or order are unknown.
        InputError: if shapes differ or turns are refused.

    Example:
        >>> shown = torch.tensor([[[0, 0, 1, 1], [0, 0, 0, 0]]])
        >>> sample_diversity(torch.eye(2)[shown], reduction="none").round(decimals=9)
        tensor([[2., 1.]], dtype=torch.float64)
    """
    column = diversity_column(images, masks, kind, order)
    inputs = pack_inputs({"images": column}, dialogue, turn, None, valid, lengths)
    return reduce_values(inputs.unpack(inputs.batch.present(inputs.columns["images"])), reduction)


def diversity_column(images: Images, masks: Masks | None, kind: DiversityKind, order: float) -> Column:
    """The diversity of each record's samples, NaN where it is undefined.

    Raises:
        ValueError: if kind or order are unknown.
        InputError: if the images are no embeddings of samples, or the masks have another shape.
    """
    measure = diversity_measure(kind, order)
    rows, ends = read_array("images", images, REALS, inner=2, filler=torch.nan, even=True)
    if not rows.numel() and rows.ndim == 1:  # an empty list
        rows = rows.new_zeros(0, 1, 1)
    if rows.ndim not in (3, 4):
        raise InputError("images", _SHAPE, [*rows.shape])
    if 0 in rows.shape[-2:]:
        raise InputError("images", "to hold at least one sample a turn, of at least one number", [*rows.shape])
    rows = rows if rows.is_floating_point() else rows.double()
    shape, samples = tuple(rows.shape[:-2]), rows.flatten(0, -2)
    there = has_direction(samples)
    if masks is not None:
        there = _chosen(masks, there, (*shape, rows.shape[-2]))
    units = unit_rows(samples, there).view(-1, *rows.shape[-2:])
    check = partial(open_end, "images", rows, _are_empty) if rows.ndim == 4 and ends is None else None
    return Column(measure(units @ units.mT), shape, None, ends, open_end=check)


def _chosen(masks: Masks, there: Tensor, shape: tuple[int, ...]) -> Tensor:
    """The samples `[N * S]` that are there and that masks choose.

    Args:
        masks: as they were given.
        there: bool `[N * S]`, the samples with an embedding.
        shape: of the masks, `[N, S]` or `[B, T, S]`.
    """
    chosen = read_array("masks", masks, BOOLEANS, inner=1, filler=torch.nan).values
    if tuple(chosen.shape) != shape and (chosen.numel() or 0 not in shape):
        raise InputError("masks", f"to have one entry for each sample of `images`, {[*shape]}", [*chosen.shape])
    chosen = chosen.flatten().to(there.device)
    if chosen.is_floating_point():  # booleans, and NaN where a list has none
        unsaid = chosen.isnan() & there
        if bool(unsaid.any()):
            row = place_of(int(unsaid.nonzero()[0]) // shape[-1], shape[:-1])
            raise InputError("masks", "to say of every sample of `images` whether it is there", "fewer", row)
    return there & (chosen == 1)


def _are_empty(cells: Tensor) -> Tensor:
    """Whether the samples of cells `[B, S, D]` are what padding is made of."""
    return are_zero_or_nan(cells).all(1)
