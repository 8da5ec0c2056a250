# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Understanding against generation: turns answered with text and turns answered with an image, compared."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor

from imug_metrics.dialogues.arguments import Ids, Labels, Numbers, Turns
from imug_metrics.dialogues.columns import Bounds, Column, score_column
from imug_metrics.dialogues.inputs import PackedInputs, pack_inputs
from imug_metrics.functional.decay.modality import MODALITIES, with_modality
from imug_metrics.functional.reduce import reduce_values


def understanding_generation_gap(
    scores: Numbers,
    modality: Labels,
    *,
    dialogue: Ids | None = None,
    turn: Turns | None = None,
    valid: Tensor | None = None,
    lengths: Tensor | None = None,
    reduction: Literal["mean", "none"] = "mean",
) -> Tensor:
    """Mean score of text turns minus mean score of image turns: how far understanding is ahead of generation.

    Args:
        scores: `[N]` or `[B, T]`; NaN where a turn could not be scored. Both modalities on one scale.
        modality: what each record must be answered with: `"text"` or `"image"`, or a bool tensor that is True for
            images; of the scores' shape.
        dialogue, turn, valid, lengths: as in `align_rows`.
        reduction: `"mean"` for the difference of the means over all records, `"none"` for the difference of each
            dialogue's own means (ordered by id; NaN where it lacks a scored turn of either modality).

    Returns:
        float64 scalar, or `[G]`; 0 is no gap, above 0 understanding is better, below 0 generation. NaN where undefined.
        Differentiable.

    Raises:
        InputError: if shapes differ, or turns or modalities are refused.

    Example:
        >>> understanding_generation_gap([[0.9, 0.7, 0.9, 0.5]], [["text", "image", "text", "image"]])
        tensor(0.3000, dtype=torch.float64)
    """
    inputs = pack_inputs(gap_columns(scores, modality), dialogue, turn, None, valid, lengths)
    batch = inputs.batch
    found = modality_scores(inputs, batch.present(inputs.columns["scores"]))
    if reduction == "mean":
        return found["text"].nanmean() - found["image"].nanmean()
    columns = torch.stack([*found.values()], 1)
    total, count = batch.sum_segments(columns.nan_to_num(0)), batch.sum_segments(~columns.isnan())
    text, image = torch.where(count > 0, total / count.clamp_min(1), torch.nan).unbind(1)
    return reduce_values(batch.by_id(text - image), reduction)


def modality_scores(inputs: PackedInputs, scores: Tensor) -> dict[str, Tensor]:
    """Packed scores `[N]` of text and of image turns, NaN at the others."""
    modality = inputs.columns["modality"]
    return {name: scores.where(modality == code, torch.nan) for code, name in enumerate(MODALITIES)}


def gap_columns(
    scores: Numbers, modality: Labels, *, zero: bool = False, bounds: Bounds | None = None
) -> dict[str, Column]:
    """Scores and modalities as rows, with the check that a record with a score has a modality.

    Args:
        scores, modality: as in `understanding_generation_gap`.
        zero: an absent score is 0, and so needs a modality too.
        bounds: where scores have to lie.
    """
    return with_modality("scores", score_column("scores", scores, bounds), modality, zero=zero)
