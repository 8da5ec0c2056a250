# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Is it still the same subject: agreement between the images of one dialogue, and images that merely repeat."""

from __future__ import annotations

from typing import Literal, NamedTuple

import torch
from imug_kernels import GramStats, dialogue_cosine_sum, dialogue_gram, paired_cosine, segment_sum
from torch import Tensor

from imug_metrics._constants import constant
from imug_metrics.dialogues.arguments import Ids, Images, Links, Turns
from imug_metrics.dialogues.batch import DialogueBatch
from imug_metrics.dialogues.checks import Check
from imug_metrics.dialogues.columns import Column, check_widths, embedding_column
from imug_metrics.dialogues.inputs import PackedInputs, pack_inputs
from imug_metrics.dialogues.links import read_links
from imug_metrics.errors import InputError
from imug_metrics.functional.reduce import reduce_values

Mode = Literal["pairwise", "anchor", "consecutive", "graph", "vbench"]
MODES: tuple[Mode, ...] = ("pairwise", "anchor", "consecutive", "graph", "vbench")


def turn_consistency(
    images: Images,
    *,
    dialogue: Ids | None = None,
    turn: Turns | None = None,
    subject: Ids | None = None,
    valid: Tensor | None = None,
    lengths: Tensor | None = None,
    references: Images | None = None,
    links: Links | None = None,
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
        ValueError: if the mode is unknown.
        InputError: if shapes or widths differ, turns or links are refused, or `graph` has no links.

    Example:
        >>> images = torch.tensor([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]])
        >>> turn_consistency(images, dialogue=[5, 5, 5], turn=[1, 2, 3], mode="consecutive", reduction="none")
        tensor([nan, 1., 0.], dtype=torch.float64)
    """
    columns = {"images": embedding_column("images", images)}
    if mode == "anchor" and references is not None:
        columns["references"] = embedding_column("references", references)
    check_mode(mode)
    graph = read_graph(links, references, columns["images"]) if mode == "graph" else None
    checks = [] if graph is None else [graph.check()]
    inputs = pack_inputs(columns, dialogue, turn, subject, valid, lengths, checks=checks)
    return reduce_values(inputs.unpack(consistency_values(inputs, mode, graph)[0]), reduction)


def turn_copies(
    images: Images,
    *,
    dialogue: Ids | None = None,
    turn: Turns | None = None,
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
    inputs = pack_inputs({"images": embedding_column("images", images)}, dialogue, turn, subject, valid, lengths)
    gram = dialogue_gram(inputs.columns["images"], inputs.batch.offsets, inputs.batch.there)
    return reduce_values(inputs.unpack(copy_values(gram, threshold)), reduction)


def copy_values(gram: GramStats, threshold: float) -> Tensor:
    """1 where the largest cosine `[N]` to an earlier row reaches the threshold, else 0; NaN without an earlier row."""
    nearest = gram.max_before.detach().double()
    return (nearest >= threshold).double().masked_fill(nearest != nearest, torch.nan)


def worst_pairs(batch: DialogueBatch, smallest: Tensor) -> tuple[Tensor, Tensor]:
    """Smallest cosine of each segment, from that of each row `[N]`, and 1, or 0 and 0 for a segment without a pair."""
    worst = batch.largest((-smallest.double()).nan_to_num(-torch.inf))
    return -worst.nan_to_num(0.0, neginf=0.0), worst > -torch.inf


def check_mode(mode: Mode) -> None:
    """Raise ValueError unless the mode is known."""
    if mode not in MODES:
        raise ValueError(f"Expected argument `mode` to be one of {MODES}, got {mode!r}.")


def consistency_values(
    inputs: PackedInputs, mode: Mode, graph: Graph | None = None, gram: GramStats | None = None
) -> tuple[Tensor, Tensor | None]:
    """Values `[N]` of packed rows, and bool `[N]`: the rows that would have a value were every image there; None: all.

    Args:
        inputs: with the column `images`, and with mode `"anchor"` perhaps `references`.
        mode: see `turn_consistency`.
        graph: with `"graph"`.
        gram: of the images, where it is known already.
    """
    batch, images, references = inputs.batch, inputs.columns["images"], inputs.columns.get("references")
    if graph is not None:
        return _linked_values(inputs, graph)
    if mode == "anchor" and references is not None:
        return batch.present(paired_cosine(images, references)), None
    if mode == "pairwise":
        total, count = row_sums(images, batch, gram)
        return (total / count.clamp_min(1)).masked_fill(count == 0, torch.nan), None
    gram = dialogue_gram(images, batch.offsets, batch.there) if gram is None else gram
    later = ~batch.is_first() | batch.spread(batch.lengths() == 1)
    if mode == "anchor":
        return gram.anchor, later
    if mode == "consecutive":
        return gram.previous, later
    return (gram.previous.clamp_min(0) + gram.anchor.clamp_min(0)) / 2, later


def row_sums(images: Tensor, batch: DialogueBatch, gram: GramStats | None) -> tuple[Tensor, Tensor]:
    """Sum and number of the cosines of each row to the others; without a product of all pairs where none is known."""
    if gram is not None:
        return gram.sum, gram.count
    return dialogue_cosine_sum(images, batch.offsets, batch.there)


class Graph(NamedTuple):
    """Links between images.

    Attributes:
        links: int64 `[E, 2]`, the row of an image, and the row of what it should agree with.
        bank: embeddings `[M, D]` that links point into; None: the images.
        images: how many there are.
    """

    links: Tensor
    bank: Tensor | None
    images: int

    def check(self) -> Check:
        """The check that links name existing rows."""
        links, goals = self.links, self.images if self.bank is None else len(self.bank)
        outside = ((links < 0) | (links >= constant(_pair, self.images, goals, like=links))).any(1)

        def error(row: int) -> InputError:
            expected = f"to name existing rows, below {self.images} and {goals}"
            return InputError("links", expected, links[row].tolist(), row)

        return Check(outside, error)


def read_graph(links: Links | None, references: Images | None, images: Column) -> Graph:
    """Links of any form, and what they point into, on the device of the images.

    Raises:
        InputError: if there are no links or they are not integers `[E, 2]`, or if `references` are no embeddings
            `[M, D]` as wide as the images.

    Example:
        >>> read_graph([[1, 0]], None, embedding_column("images", torch.ones(2, 8))).links
        tensor([[1, 0]])
    """
    pairs = read_links(links, images.values.device, " with mode 'graph'")
    bank = None
    if references is not None:
        column = embedding_column("references", references)
        if len(column.shape) != 1:
            raise InputError("references", "to be embeddings [M, D] with mode 'graph'", [*column.shape, column.width])
        check_widths(images=images, references=column)
        bank = column.values.to(images.values.device)
    return Graph(pairs, bank, len(images.values))


def _linked_values(inputs: PackedInputs, graph: Graph) -> tuple[Tensor, Tensor]:
    batch, images, positions = inputs.batch, inputs.columns["images"], inputs.positions()
    links, bank = graph.links, graph.bank
    # By the row that refers, so that each row's links lie together and are summed in one order.
    source, goal = (positions[links[:, 0]], links[:, 1])
    order = source.argsort(stable=True)
    source, goal = source[order], goal[order]
    goal = positions[goal] if bank is None else goal
    cosine = paired_cosine(images, images if bank is None else bank, source, goal)
    there = batch.valid[source] & ~cosine.isnan()
    if bank is None:
        there = there & batch.valid[goal]
    # Links of padding, whose row is -1, come first.
    offsets = torch.searchsorted(source, constant(torch.arange, -1, len(images) + 1, like=source))
    sums = segment_sum(torch.stack([cosine.where(there, 0), there.to(cosine)], 1), offsets)
    total, count = sums[1:].unbind(1)
    return torch.where(count > 0, total / count.clamp_min(1), torch.nan), offsets.diff()[1:] > 0


def _pair(first: int, second: int, device: torch.device) -> Tensor:
    return torch.tensor([first, second], device=device)
