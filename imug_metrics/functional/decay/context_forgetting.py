# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""How much of what was asked k turns back is still seen in an image, compared with what was asked last."""

from __future__ import annotations

from typing import Literal, NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

from imug_metrics._constants import constant
from imug_metrics.dialogues.arguments import Ids, Images, Labels, Links, Texts, Turns
from imug_metrics.dialogues.batch import DialogueBatch
from imug_metrics.dialogues.columns import embedding_column
from imug_metrics.dialogues.inputs import pack_inputs
from imug_metrics.functional.decay.prompt_margins import (
    Distractors,
    NearPrompts,
    check_back,
    mean_distractor,
    mean_where,
    near_prompts,
    prompt_columns,
)
from imug_metrics.functional.reduce import reduce_values


def context_forgetting(
    images: Images,
    texts: Texts,
    *,
    links: Links | None = None,
    modality: Labels | None = None,
    dialogue: Ids | None = None,
    turn: Turns | None = None,
    valid: Tensor | None = None,
    lengths: Tensor | None = None,
    max_back: int = 16,
    reduction: Literal["mean", "none"] = "mean",
) -> Tensor:
    r"""How much less of what was asked earlier than of what was asked last does an image show? 0: nothing is lost.

    For the image x of turn t, with the prompts p of its dialogue, it is

    .. math:: \cos(x_t, p_t) - \mathrm{mean}_{j \in C_t} \cos(x_t, p_j)

    where the context `C_t` are the earlier prompts, or in a dialogue with links those that the image is linked to,
    directly or through a chain. Distractors, which margins are taken over, would be the same in both parts.

    Args:
        images: embeddings `[N, D]` or `[B, T, D]`; zero or not finite in records without an image.
        texts: embeddings of the prompts, of the same shape; those of records without an image are context as well.
        links: int64 `[E, 2]`: rows (in a padded batch b * T + t) of two records of a dialogue that should agree; the
            later one builds on the earlier one.
        modality: `"text"` or `"image"`, what each record had to be answered with, or bools that are True for images;
            None: images were asked of all.
        dialogue, turn, valid, lengths: as in `align_rows`.
        max_back: how many prompts before an image are looked at, 1 to 1000.
        reduction: `"none"` or `"mean"` (of the records that have a value).

    Returns:
        Scalar, or values in the shape of the records, in [-2, 2], lower is better; NaN for records without an image,
        own prompt or context. float64 on a CPU. Differentiable.

    Raises:
        ValueError: if `max_back` is outside its range.
        InputError: if shapes or widths differ, or turns, links or modalities are refused.

    Example:
        >>> prompts = torch.eye(3)
        >>> images = torch.stack([prompts[0], prompts[:2].sum(0), prompts[2]])  # the last shows its own prompt alone
        >>> context_forgetting(images, prompts, dialogue=[5, 5, 5], turn=[1, 2, 3], reduction="none")
        tensor([nan, 0., 1.], dtype=torch.float64)
    """
    check_back(max_back)
    given = prompt_columns(embedding_column("images", images), embedding_column("texts", texts), links, modality)
    columns, pairs, checks = given
    inputs = pack_inputs(columns, dialogue, turn, None, valid, lengths, checks=checks)
    return reduce_values(inputs.unpack(forgetting_values(near_prompts(inputs, max_back, pairs))), reduction)


def forgetting_values(near: NearPrompts) -> Tensor:
    """Cosine `[N]` with the own prompt less the mean of those with the context; NaN where undefined."""
    return near.own - mean_where(near.earlier, near.context)


class Margins(NamedTuple):
    """Margins of packed images: cosines with prompts, less the mean of those with distractors.

    Attributes:
        own: `[N]`, of the own prompt; NaN where it or a distractor is not known.
        linked: `[N]`, mean of the prompts that an image is linked to directly; NaN without any.
        back: `[N, K]`, those of the context 1, 2, ... turns back; NaN where there is none.
        lost: `[N, K]`, how far they are below that of the own prompt, which needs no distractors.
        slope: numerators and denominators `[N]` of the change per turn further back, within images.
    """

    own: Tensor
    linked: Tensor
    back: Tensor
    lost: Tensor
    slope: tuple[Tensor, Tensor]


def margins_by_distance(near: NearPrompts, batch: DialogueBatch, distractors: Distractors | None = None) -> Margins:
    """The margins of packed images, by how many turns back a prompt is; what is further back than K turns is left out.

    Gaps in the turns of a dialogue count: the prompt before may be several turns back.
    """
    cosines, rivals = _by_distance(near, batch), mean_distractor(near, distractors)
    own, back = cosines[:, :1], cosines[:, 1:]
    linked = torch.full_like(rivals, torch.nan)
    if near.unlinked is not None:
        linked = mean_where(near.earlier, near.held & ~near.unlinked) - rivals
    return Margins(own[:, 0] - rivals, linked, back - rivals[:, None], own - back, _slope(cosines))


def _by_distance(near: NearPrompts, batch: DialogueBatch) -> Tensor:
    """Cosines `[N, K + 1]` with the own prompt and with those of the context 1, 2, ... turns back, NaN for none."""
    places = constant(_places_before, near.back, like=batch.turn)
    apart = batch.turn[:, None] - batch.turn[(batch.rows[:, None] - places).clamp_min(0)]
    # A column behind all others takes what is not in the context.
    column = apart.masked_fill(~near.context, near.back + 1).clamp_max(near.back + 1)
    empty = constant(_unknown, near.back + 2, like=near.cosine).to(near.cosine).expand(len(apart), -1)
    columns = F.pad(column, (0, 1))  # the own prompt is no turn back
    return empty.scatter(1, columns, near.cosine[:, : near.back + 1])[:, :-1]


def _slope(cosines: Tensor) -> tuple[Tensor, Tensor]:
    """Numerators and denominators `[N]` of the change per column, about the means of each row, without what is NaN."""
    known = (cosines == cosines).to(cosines)
    distance = constant(_from_zero, cosines.shape[1], like=cosines).to(cosines)
    mean = (known @ distance) / known.sum(1).clamp_min(1)
    centred = known * (distance - mean[:, None])
    return (centred * cosines.nan_to_num(0)).sum(1), centred @ distance


def _places_before(back: int, device: torch.device) -> Tensor:
    return torch.arange(back, 0, -1, device=device)


def _from_zero(count: int, device: torch.device) -> Tensor:
    return torch.arange(count, dtype=torch.float64, device=device)


def _unknown(count: int, device: torch.device) -> Tensor:
    return torch.full((count,), torch.nan, dtype=torch.float64, device=device)
