# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Images that fit the latest prompt and break an earlier one that should still hold."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor

from imug_metrics.dialogues.arguments import Ids, Images, Labels, Links, Texts, Turns
from imug_metrics.dialogues.columns import embedding_column
from imug_metrics.dialogues.inputs import pack_inputs
from imug_metrics.functional.decay.prompt_margins import (
    TIE,
    Distractors,
    NearPrompts,
    check_back,
    mean_where,
    near_prompts,
    nearest_distractor,
    prompt_columns,
    read_distractors,
)
from imug_metrics.functional.reduce import reduce_values


def recency_reliance(
    images: Images,
    texts: Texts,
    *,
    links: Links | None = None,
    modality: Labels | None = None,
    dialogue: Ids | None = None,
    turn: Turns | None = None,
    valid: Tensor | None = None,
    lengths: Tensor | None = None,
    distractors: Texts | None = None,
    threshold: float | None = None,
    max_back: int = 16,
    reduction: Literal["mean", "none"] = "mean",
) -> Tensor:
    """How much more often do images fit the prompt of their turn than an earlier one that should still hold?

    The value of an image is 1 if it fits its own prompt and else 0, less the share that it fits of its earlier prompts:
    1 where it fits the latest prompt and breaks the earlier one, -1 the other way round. What fits by chance fits both
    as often, and is 0 in the mean. An image fits a prompt if it is closer to it than to every distractor, or with a
    threshold if their cosine reaches it. The earlier prompts are those that the image is linked to; in a dialogue
    without links, the one before.

    Args:
        images: embeddings `[N, D]` or `[B, T, D]`; zero or not finite in records without an image.
        texts: embeddings of the prompts, of the same shape.
        links: int64 `[E, 2]`: rows (in a padded batch b * T + t) of two records of a dialogue that should agree; the
            later one builds on the earlier one.
        modality: as in `context_forgetting`.
        dialogue, turn, valid, lengths: as in `align_rows`.
        distractors: embeddings `[M, D]` of prompts that no image was asked for; None: the later prompts of the
            dialogue, and where it has links also the earlier ones that the image is not linked to.
        threshold: cosine from which an image fits a prompt, in place of distractors.
        max_back: how many prompts before and after an image are looked at, 1 to 1000.
        reduction: `"none"` or `"mean"` (of the records that have a value).

    Returns:
        Scalar, or values in the shape of the records, in [-1, 1], lower is better and 0 is balance; NaN for records
        without image, own prompt, earlier prompt or distractor.

    Raises:
        ValueError: if there are both distractors and a threshold, or `max_back` is outside its range.
        InputError: if shapes or widths differ, or turns, links or modalities are refused.

    Example:
        >>> prompts = torch.eye(3)
        >>> images = torch.stack([prompts[0], prompts[1], prompts.sum(0)])
        >>> where = {"dialogue": [5, 5, 5], "turn": [1, 2, 3], "threshold": 0.5}
        >>> recency_reliance(images, prompts, **where, reduction="none")
        tensor([nan, 1., 0.], dtype=torch.float64)
    """
    check_back(max_back)
    check_fit(distractors, threshold)
    bank = None if distractors is None else read_distractors(distractors)
    rows = embedding_column("images", images), embedding_column("texts", texts)
    columns, pairs, checks = prompt_columns(*rows, links, modality, bank)
    inputs = pack_inputs(columns, dialogue, turn, None, valid, lengths, checks=checks)
    fits, held = fitting_shares(near_prompts(inputs, max_back, pairs), bank, threshold)
    return reduce_values(inputs.unpack(fits - held), reduction)


def check_fit(distractors: object, threshold: float | None) -> None:
    """Raise ValueError where two rules say whether an image fits a prompt, or a threshold is no cosine."""
    if threshold is not None and distractors is not None:
        raise ValueError("Expected one of the arguments `distractors` and `threshold`, got both.")
    if threshold is None:
        return
    if isinstance(threshold, bool) or not isinstance(threshold, (int, float)) or not -1 <= threshold <= 1:
        raise ValueError(f"Expected argument `threshold` to be a cosine, -1 to 1, got {threshold!r}.")


def fitting_shares(
    near: NearPrompts, distractors: Distractors | None = None, threshold: float | None = None
) -> tuple[Tensor, Tensor]:
    """1 `[N]` where a packed image fits its own prompt, else 0, and the share that it fits of its earlier ones.

    NaN where not known: both, without a distractor.
    """
    bar, least = (nearest_distractor(near, distractors)[:, None], TIE) if threshold is None else (threshold, 0)
    distance = near.cosine.detach()[:, : near.back + 1] - bar
    fits = (distance >= least) + 0 * distance  # NaN stays
    return fits[:, near.back], mean_where(fits[:, : near.back], near.held)


def nearest_previous(near: NearPrompts) -> tuple[Tensor, Tensor]:
    """Whether the nearest prompt up to its own is that of the record before, `[N]`, and the share by chance.

    1 where it is, by more than `TIE`; 0 where it is not; NaN where either prompt, or the image, is absent.
    """
    cosine = near.cosine.detach()[:, : near.back + 1]
    previous, own = cosine[:, near.back - 1], cosine[:, near.back]
    unknown = (previous + own).isnan()
    rest = torch.maximum(cosine[:, : near.back - 1].nan_to_num(-torch.inf).amax(1), own) if near.back > 1 else own
    chance = 1 / (cosine == cosine).sum(1, dtype=torch.float64)
    return (previous > rest + TIE).double().masked_fill(unknown, torch.nan), chance.masked_fill(unknown, torch.nan)
