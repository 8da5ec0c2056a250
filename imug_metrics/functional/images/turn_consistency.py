# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Is it still the same subject: agreement between the images of one dialogue, and images that merely repeat."""

from __future__ import annotations

from typing import Literal

import torch
from imug_kernels import GramStats, dialogue_gram, paired_cosine
from torch import Tensor

from imug_metrics.dialogues.arguments import Ids, Turns
from imug_metrics.dialogues.batch import DialogueBatch
from imug_metrics.dialogues.inputs import embedding_column, pack_inputs
from imug_metrics.functional.reduce import reduce_values

Mode = Literal["pairwise", "anchor", "consecutive", "graph", "vbench"]
MODES: tuple[Mode, ...] = ("pairwise", "anchor", "consecutive", "graph", "vbench")


def turn_consistency(
    images: Tensor,
    dialogue: Ids | None = None,
    turn: Turns | None = None,
    *,
    subject: Ids | None = None,
    valid: Tensor | None = None,
    lengths: Tensor | None = None,
    references: Tensor | None = None,
    links: Tensor | None = None,
    mode: Mode = "pairwise",
    reduction: Literal["mean", "none"] = "mean",
) -> Tensor:
    """Cosine of each image to other images of its dialogue (and subject). Higher is more alike, at most 1.

    | mode | value of a record | undefined for |
    |---|---|---|
    | `pairwise` | mean cosine to all other images | dialogues of one image |
    | `anchor` | cosine to the first image, or to `references` | the first image, unless `references` are given |
    | `consecutive` | cosine to the image before | the first image, or where the one before is absent |
    | `graph` | mean cosine to the images its `links` name | records without a link |
    | `vbench` | mean of max(0, cos) to the first image and to the one before | the first image |

    `vbench` is VBench's subject consistency (Huang et al., CVPR 2024) for frames = turns; `graph` follows explicit
    reference links as IMUG-Bench lists them. A high mean rewards copying: read it with
    `turn_copies`.

    Args:
        images: embeddings `[N, D]` or `[B, T, D]` of any floating dtype.
        dialogue, turn, subject, valid, lengths: as in `align_rows`.
        references: with `anchor`, embeddings of a reference for each image, of the same shape; with `graph`, embeddings
            `[M, D]` that `links` point into instead of `images`.
        links: int64 `[E, 2]` with `graph`: row of an image (in a padded batch b * T + t), row of what it refers to.
        mode: see the table.
        reduction: `"none"` or `"mean"` (of the records that have a value).

    Returns:
        Scalar, or values in the shape of the records; NaN where undefined. float64 on a CPU. Differentiable.

    Raises:
        ValueError: if shapes differ, turns are refused, the mode is unknown or `graph` has no links.

    Example:
        >>> images = torch.tensor([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]])
        >>> turn_consistency(images, dialogue=[5, 5, 5], turn=[1, 2, 3], mode="consecutive", reduction="none")
        tensor([nan, 1., 0.], dtype=torch.float64)
    """
    columns = {"images": embedding_column("images", images)}
    if mode == "anchor" and references is not None:
        columns["references"] = embedding_column("references", references)
    inputs = pack_inputs(dialogue, turn, subject, valid, lengths, validate=True, **columns)
    bank = references if mode == "graph" else inputs.columns.get("references")
    pairs = packed_links(links, inputs.positions(), bank) if mode == "graph" else None
    gram = dialogue_gram(inputs.columns["images"], inputs.batch.offsets, inputs.batch.valid)
    values, _ = consistency_values(inputs.columns["images"], gram, inputs.batch, mode, bank, pairs)
    return reduce_values(inputs.unpack(values), reduction)


def turn_copies(
    images: Tensor,
    dialogue: Ids | None = None,
    turn: Turns | None = None,
    *,
    subject: Ids | None = None,
    valid: Tensor | None = None,
    lengths: Tensor | None = None,
    threshold: float = 0.99,
    reduction: Literal["mean", "none"] = "none",
) -> Tensor:
    """Which images nearly duplicate an earlier image of their dialogue (and subject). Lower is better.

    Args:
        images: embeddings `[N, D]` or `[B, T, D]`.
        dialogue, turn, subject, valid, lengths: as in `align_rows`.
        threshold: cosine from which an image counts as a copy; the right one depends on the encoder.
        reduction: `"none"`, or `"mean"` for the copy rate.

    Returns:
        float64 values in the shape of the records: 1 for a copy, 0 otherwise, NaN where no earlier image exists.

    Example:
        >>> turn_copies(torch.tensor([[1.0, 0.0], [2.0, 0.0], [0.0, 1.0]]), dialogue=[5, 5, 5], turn=[1, 2, 3])
        tensor([nan, 1., 0.], dtype=torch.float64)
    """
    inputs = pack_inputs(dialogue, turn, subject, valid, lengths, images=embedding_column("images", images))
    gram = dialogue_gram(inputs.columns["images"], inputs.batch.offsets, inputs.batch.valid)
    return reduce_values(inputs.unpack(copy_values(gram, threshold)), reduction)


def copy_values(gram: GramStats, threshold: float) -> Tensor:
    """1 where the largest cosine `[N]` to an earlier row reaches the threshold, else 0; NaN without an earlier row."""
    nearest = gram.max_before.detach().double()
    return (nearest >= threshold).double().masked_fill(nearest.isnan(), torch.nan)


def pixel_copies(batch: DialogueBatch, pixels: Tensor, threshold: float) -> Tensor:
    """1 where packed pixels `[N, K]` differ from the segment's first or previous row by at most `threshold` on average.

    0 otherwise; NaN where neither of the two is an earlier valid row.
    """
    rows = torch.arange(len(pixels), device=pixels.device)
    nearest = torch.full(rows.shape, torch.inf, dtype=torch.float64, device=pixels.device)
    for earlier in (rows - 1, batch.offsets[batch.segment]):
        there = ~batch.is_first() & batch.valid & batch.valid[earlier]
        difference = (pixels - pixels[earlier]).abs().mean(1, dtype=torch.float64)
        nearest = torch.where(there & difference.isfinite(), torch.minimum(nearest, difference), nearest)
    return (nearest <= threshold).double().masked_fill(nearest.isinf(), torch.nan)


def worst_pairs(batch: DialogueBatch, smallest: Tensor) -> tuple[Tensor, Tensor]:
    """Smallest cosine of each segment, from that of each row `[N]`, and 1, or 0 and 0 for a segment without a pair."""
    worst = smallest.new_full((len(batch.owner),), torch.inf)
    worst = worst.scatter_reduce(0, batch.segment, smallest.nan_to_num(nan=torch.inf), "amin")
    return worst.masked_fill(worst.isinf(), 0), worst.isfinite().to(worst)


def consistency_values(
    images: Tensor,
    gram: GramStats,
    batch: DialogueBatch,
    mode: Mode,
    references: Tensor | None = None,
    links: Tensor | None = None,
) -> tuple[Tensor, Tensor]:
    """Values `[N]` of packed rows, and bool `[N]`: the rows that would have a value were every image there."""
    if mode not in MODES:
        raise ValueError(f"Expected argument `mode` to be one of {MODES}, got {mode!r}.")
    later = ~batch.is_first() | (batch.lengths() == 1)[batch.segment]
    if mode == "pairwise":
        values = torch.where(gram.count > 0, gram.sum / gram.count.clamp_min(1), torch.nan)
        return values, torch.ones_like(batch.valid)
    if mode == "graph":
        return _linked_values(images, batch, images if references is None else references, links)
    if mode == "anchor" and references is not None:
        cosine = paired_cosine(images, references)
        return cosine.masked_fill(~batch.valid, torch.nan), torch.ones_like(batch.valid)
    if mode == "anchor":
        return gram.anchor, later
    if mode == "consecutive":
        return gram.previous, later
    return (gram.previous.clamp_min(0) + gram.anchor.clamp_min(0)) / 2, later


def packed_links(links: Tensor | None, positions: Tensor, bank: Tensor | None) -> Tensor:
    """Links in packed rows: both columns, or only the first when the second points into a bank of references."""
    if links is None:
        raise ValueError("Expected argument `links` [E, 2] with mode 'graph'.")
    links = torch.as_tensor(links, device=positions.device)
    if links.ndim != 2 or links.shape[1] != 2 or links.is_floating_point():
        raise ValueError(f"Expected argument `links` to hold integers [E, 2], got {list(links.shape)}, {links.dtype}.")
    limits = torch.tensor([len(positions), len(positions) if bank is None else len(bank)], device=links.device)
    outside = ((links < 0) | (links >= limits)).any(1)
    if bool(outside.any()):
        row = int(outside.nonzero()[0])
        raise ValueError(f"Expected argument `links` to name existing rows, got {links[row].tolist()} at row {row}.")
    source, goal = links.unbind(1)
    return torch.stack([positions[source], positions[goal] if bank is None else goal], 1)


def _linked_values(images: Tensor, batch: DialogueBatch, bank: Tensor, links: Tensor | None) -> tuple[Tensor, Tensor]:
    assert links is not None
    source, goal = links.unbind(1)
    cosine = paired_cosine(images, bank, source, goal)
    absent = ~batch.valid[source] | cosine.isnan()
    if bank is images:
        absent = absent | ~batch.valid[goal]
    weight = (~absent).to(cosine)
    total = cosine.new_zeros(len(images)).index_add(0, source, cosine.masked_fill(absent, 0))
    count = cosine.new_zeros(len(images)).index_add(0, source, weight)
    expected = torch.zeros_like(batch.valid).index_fill(0, source, True)
    return torch.where(count > 0, total / count.clamp_min(1), torch.nan), expected
