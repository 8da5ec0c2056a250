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
from imug_metrics.functional.decay.prompt_margins import NearPrompts, mean_where, near_prompts, prompt_columns
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
        links: int64 `[E, 2]`: row of an image (in a padded batch b * T + t), row of an earlier one that it should agree
            with.
        modality: `"text"` or `"image"`, what each record had to be answered with, or bools that are True for images;
            None: images were asked of all.
        dialogue, turn, valid, lengths: as in `align_rows`.
        max_back: how many prompts before an image are looked at.
        reduction: `"none"` or `"mean"` (of the records that have a value).

    Returns:
        Scalar, or values in the shape of the records, in [-2, 2], lower is better; NaN for records without an image,
        own prompt or context. float64 on a CPU. Differentiable.

    Raises:
        InputError: if shapes or widths differ, or turns, links or modalities are refused.

    Example:
        >>> prompts = torch.eye(3)
        >>> images = torch.stack([prompts[0], prompts[:2].sum(0), prompts[2]])  # the last shows its own prompt alone
        >>> context_forgetting(images, prompts, dialogue=[5, 5, 5], turn=[1, 2, 3], reduction="none")
        tensor([nan, 0., 1.], dtype=torch.float64)
    """
    given = prompt_columns(embedding_column("images", images), embedding_column("texts", texts), links, modality)
    columns, pairs, checks = given
    inputs = pack_inputs(columns, dialogue, turn, None, valid, lengths, checks=checks)
    return reduce_values(inputs.unpack(forgetting_values(near_prompts(inputs, max_back, pairs))), reduction)


def forgetting_values(near: NearPrompts) -> Tensor:
    """Cosine `[N]` with the own prompt less the mean of those with the context; NaN where undefined."""
    values = near.own - mean_where(near.earlier, near.context)
    return values if near.asked is None else values.where(near.asked, torch.nan)


class Margins(NamedTuple):
    """Margins of packed images: cosines with prompts, less the mean of those with distractors.

    Attributes:
        own: `[N]`, of the own prompt; NaN where it or a distractor is not known.
        linked: `[N]`, mean of the prompts that an image is linked to directly; NaN without any.
        back: sums and numbers `[N, K]` of the margins of the context 1, 2, ... turns back.
        lost: the same of how far they are below that of the own prompt, which needs no distractors.
        slope: numerators and denominators `[N]` of the change per turn further back, within images.
    """

    own: Tensor
    linked: Tensor
    back: tuple[Tensor, Tensor]
    lost: tuple[Tensor, Tensor]
    slope: tuple[Tensor, Tensor]


def margins_by_distance(near: NearPrompts, batch: DialogueBatch) -> Margins:
    """The margins of packed images, by how many turns back a prompt is; what is further back than K turns is left out.

    Gaps in the turns of a dialogue count: the prompt before may be several turns back.
    """
    cosines, known = _by_distance(near, batch)
    distance = constant(_from_zero, cosines.shape[1], like=cosines)
    centred = known * (distance - (known * distance).sum(1, keepdim=True) / known.sum(1, keepdim=True).clamp_min(1))
    rivals, own = mean_where(near.rivals)[:, None], near.own[:, None]
    own = own if near.asked is None else own.where(near.asked[:, None], torch.nan)
    linked = mean_where(near.earlier, near.linked) if near.linked is not None else torch.full_like(near.own, torch.nan)
    linked = linked if near.asked is None else linked.where(near.asked, torch.nan)
    return Margins(
        (own - rivals)[:, 0],
        linked - rivals[:, 0],
        _counted(cosines - rivals, known),
        _counted(own - cosines, known),
        ((centred * cosines).sum(1), (centred * distance).sum(1)),
    )


def _by_distance(near: NearPrompts, batch: DialogueBatch) -> tuple[Tensor, Tensor]:
    """Cosines `[N, K + 1]` with the prompts 0, 1, ... turns back, 0 where there is none, and 1 where there is one."""
    back = near.earlier.shape[1]
    places = constant(_places_before, back, like=batch.turn)
    apart = batch.turn[:, None] - batch.turn[(batch.rows[:, None] - places).clamp_min(0)]
    there = torch.cat(
        [near.context & (near.earlier == near.earlier) & (apart <= back), (near.own == near.own)[:, None]], 1
    )
    there = there if near.asked is None else there & near.asked[:, None]
    # A column behind all others takes what is not there.
    column = F.pad(apart, (0, 1)).where(there, back + 1)
    cosines = torch.cat([near.earlier, near.own[:, None]], 1).where(there, 0)
    empty = cosines.new_zeros(len(cosines), back + 2)
    found, known = (empty.scatter(1, column, values)[:, :-1] for values in (cosines, there.to(cosines)))
    return found, known


def _counted(values: Tensor, known: Tensor) -> tuple[Tensor, Tensor]:
    """Values `[N, K]` of 1 to K turns back with 0 where they are not known, and 1 where they are."""
    counted = (known[:, 1:] > 0) & (values[:, 1:] == values[:, 1:])
    return values[:, 1:].where(counted, 0), counted.to(values)


def _places_before(back: int, device: torch.device) -> Tensor:
    return torch.arange(back, 0, -1, device=device)


def _from_zero(count: int, device: torch.device) -> Tensor:
    return torch.arange(count, dtype=torch.float64, device=device)
