# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Does an image match its own turn's prompt better than those of the other turns: retrieval among turns."""

from __future__ import annotations

from typing import Literal

import torch
from imug_kernels import own_rank
from torch import Tensor

from imug_metrics.dialogues.arguments import Ids, Images, Texts, Turns
from imug_metrics.dialogues.batch import DialogueBatch
from imug_metrics.dialogues.columns import embedding_column
from imug_metrics.dialogues.inputs import pack_inputs
from imug_metrics.functional.reduce import reduce_values


def turn_retrieval(
    images: Images,
    texts: Texts,
    *,
    dialogue: Ids | None = None,
    turn: Turns | None = None,
    valid: Tensor | None = None,
    lengths: Tensor | None = None,
    reduction: Literal["mean", "none"] = "mean",
) -> Tensor:
    """Does an image match its own turn's prompt better than the other turns' prompts of its dialogue? Higher is better.

    1 where its own prompt has the highest cosine, 0 where another has a higher one, 1/m where m prompts share the
    highest. The expected value of guessing is 1/T for T turns. An image that ignores the newest instruction and shows
    an earlier turn's content scores 0 here although its alignment may be high.

    Args:
        images: embeddings `[N, D]` or `[B, T, D]`.
        texts: embeddings of the same shape; the prompts of absent images stay candidates.
        dialogue, turn, valid, lengths: as in `align_rows`.
        reduction: `"none"` or `"mean"`.

    Returns:
        Scalar, or float64 values in the shape of the records, in [0, 1]; NaN for absent images and for dialogues of one
        turn, where there is nothing to confuse.

    Raises:
        InputError: if shapes or widths differ, or turns are refused.

    Example:
        >>> prompts = torch.eye(2)
        >>> turn_retrieval(prompts[[0, 0]], prompts, dialogue=[0, 0], turn=[1, 2], reduction="none")
        tensor([1., 0.], dtype=torch.float64)
    """
    rows, prompts = embedding_column("images", images), embedding_column("texts", texts)
    inputs = pack_inputs({"images": rows, "texts": prompts}, dialogue, turn, None, valid, lengths)
    first, _ = first_values(inputs.columns["images"], inputs.columns["texts"], inputs.batch)
    return reduce_values(inputs.unpack(first.double()), reduction)


def retrieval_values(images: Tensor, texts: Tensor, batch: DialogueBatch) -> dict[str, Tensor]:
    """First-rank share, reciprocal rank and chance level of packed images among their dialogue's prompts.

    Ties are shared: with g prompts above and m equal to the own one, the expected reciprocal rank over random orders of
    the ties is `(1/(g+1) + ... + 1/(g+m+1)) / (m+1)`.
    """
    first, (greater, shared, candidates) = first_values(images, texts, batch)
    above = greater + 1
    reciprocal = (torch.digamma(above + shared) - torch.digamma(above)) / shared
    return {"first": first, "mrr": reciprocal, "chance": shared / (shared * candidates)}


def first_values(images: Tensor, texts: Tensor, batch: DialogueBatch) -> tuple[Tensor, tuple[Tensor, Tensor, Tensor]]:
    """First-rank share `[N]` of packed images, NaN where undefined, and what it comes from.

    That is by image the number of prompts above its own, of those that share its rank (NaN where undefined), and of
    all.
    """
    greater, equal, candidates = own_rank(images, texts, batch.offsets, batch.there, batch.record)
    rivals = candidates - 1
    # The own prompt is 1; where it has no rival it is 0 / 0. Of an unknown rank the number of equal prompts is NaN.
    shared = torch.addcdiv(equal, rivals, rivals)
    return (greater == 0) / shared, (greater, shared, candidates)
