# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Understanding against generation: turns answered with text and turns answered with an image, compared."""

from __future__ import annotations

from typing import Any, Literal

import torch
from torch import Tensor

from imug_metrics.dialogues.arguments import Ids, Labels, Numbers, Turns
from imug_metrics.dialogues.inputs import Column, PackedInputs, flatten_lists, pack_inputs, score_column
from imug_metrics.functional.reduce import reduce_values
from imug_metrics.stats import within_sums

MODALITIES = ("text", "image")


def understanding_generation_gap(
    scores: Numbers,
    modality: Labels,
    dialogue: Ids | None = None,
    turn: Turns | None = None,
    *,
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
        ValueError: if shapes differ, turns or modalities are refused.

    Example:
        >>> understanding_generation_gap([[0.9, 0.7, 0.9, 0.5]], [["text", "image", "text", "image"]])
        tensor(0.3000, dtype=torch.float64)
    """
    columns = {"scores": score_column("scores", scores), "modality": modality_column(modality)}
    inputs = pack_inputs(dialogue, turn, None, valid, lengths, validate=True, **columns)
    scored = inputs.columns["scores"].masked_fill(~inputs.batch.valid, torch.nan)
    parts = gap_parts(inputs, scored)
    if reduction == "mean":
        parts = {name: (total.sum(), count.sum()) for name, (total, count) in parts.items()}
    text, image = (
        torch.where(count > 0, total / torch.where(count > 0, count, 1), torch.nan)
        for total, count in (parts[name] for name in MODALITIES)
    )
    return text - image if reduction == "mean" else reduce_values(text - image, reduction)


def modality_column(modality: Labels) -> Column:
    """Modalities `[N]` or `[B, T]` as rows: 1 for images, 0 for text, NaN where not said.

    Args:
        modality: strings, in one list or one list a dialogue, or bools (a tensor, an array or lists).

    Raises:
        ValueError: if a string is neither `"text"` nor `"image"`.

    Example:
        >>> modality_column(["text", "image"]).values
        tensor([0., 1.], dtype=torch.float64)
    """
    if isinstance(modality, Tensor):
        return score_column("modality", modality)
    cells, shape, _, turn = flatten_lists(modality.tolist() if hasattr(modality, "tolist") else modality)
    known: dict[Any, float] = {"text": 0.0, "image": 1.0, False: 0.0, True: 1.0, None: torch.nan}
    for row, cell in enumerate(cells):
        if cell not in known:
            raise ValueError(f"Expected argument `modality` to be 'text' or 'image', got {cell!r} at row {row}.")
    return Column(torch.tensor([known[cell] for cell in cells], dtype=torch.float64), shape, turn=turn)


def gap_parts(inputs: PackedInputs, scores: Tensor, *, validate: bool = True) -> dict[str, tuple[Tensor, Tensor]]:
    """Ratios by segment `[S]` of packed scores that are NaN where there is none.

    `text` and `image` are sums and numbers of scores, `text_slope` and `image_slope` sums of products and squares of
    turn and score about the segment's mean of that modality, `within` the same of being a text turn and score.

    Raises:
        ValueError: if a record with a score has no modality.
    """
    batch, modality = inputs.batch, inputs.columns["modality"]
    if validate:
        wrong = (~scores.isnan() & (modality != 0) & (modality != 1)).nonzero()
        if len(wrong):
            place = int(wrong[0])
            got, row = float(modality[place]), int(batch.order[place])
            raise ValueError(f"Expected argument `modality` to be 'text' or 'image', got {got:g} at row {row}.")
    segments, turn, y = len(batch.owner), batch.turn.double(), scores.nan_to_num(0)
    used = {name: ~scores.isnan() & (modality == code) for code, name in enumerate(MODALITIES)}
    found = {}
    for name, rows in used.items():
        found[name] = batch.sum_segments(y * rows), batch.sum_segments(rows.to(y))
        found[f"{name}_slope"] = within_sums(turn, y, rows, batch.segment, segments)
    found["within"] = within_sums(used["text"].double(), y, used["text"] | used["image"], batch.segment, segments)
    return found
