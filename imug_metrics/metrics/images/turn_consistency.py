# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Consistency of the images of a dialogue, with the drift and the copying that a mean hides."""

from dataclasses import replace
from typing import TYPE_CHECKING

import torch
from imug_kernels import GramStats, delta_curve, dialogue_gram
from torch import Tensor
from typing_extensions import Unpack

from imug_metrics.dialogues.arguments import Ids, Images, Links, Pixels, Turns
from imug_metrics.dialogues.columns import SHARE, embedding_column
from imug_metrics.dialogues.inputs import PackedInputs
from imug_metrics.dialogues.padding import has_direction
from imug_metrics.functional.images.copy_pairs import check_threshold, pixel_copies
from imug_metrics.functional.images.turn_consistency import (
    MODES,
    Mode,
    consistency_values,
    copy_values,
    read_graph,
    worst_pairs,
)
from imug_metrics.media.near_duplicates import PIXEL_THRESHOLD
from imug_metrics.metrics.description import MetricDescription
from imug_metrics.metrics.dialogue_sums import Terms
from imug_metrics.metrics.embedding_metric import EmbeddingMetric
from imug_metrics.metrics.options import MetricOptions, check_choice, within

if TYPE_CHECKING:
    from imug_metrics.encoders import Encoder


_PARTNERS = {
    "pairwise": "the other images of its dialogue",
    "anchor": "the first image of its dialogue, or with its reference",
    "consecutive": "the image before",
    "graph": "the images that its turn refers to",
    "vbench": "the first image of its dialogue and with the one before, negative cosines as 0",
}


class TurnConsistency(EmbeddingMetric):
    """Is it still the same: how alike do the images of a dialogue stay? At most 1; higher is not always better.

    Mean over images of their cosine to other images of the dialogue (and subject): to all others (`"pairwise"`), to the
    first or a reference (`"anchor"`), to the one before (`"consecutive"`), to those that `links` name (`"graph"`), or
    `(max(0, cos first) + max(0, cos previous)) / 2` (`"vbench"`, Huang et al., CVPR 2024). The functional counterpart
    is `turn_consistency`. A whole-image score is called consistency, never identity. A model that repeats its first
    image gets the highest consistency of all, and a slow drift hides in a mean over pairs, so the detail adds

    - `turn_consistency_last_vs_first`: cosine of the last image to the first
    - `turn_consistency_worst_pair`: smallest cosine within a dialogue, mean over dialogues
    - `turn_consistency_delta_k`: mean cosine of images k turns apart
    - `turn_consistency_slope`: change of the value per turn
    - `turn_consistency_copy_rate`: share of images whose cosine to an earlier image reaches `copy_threshold`
    - `turn_consistency_pixel_copy_rate`: share of images that nearly duplicate the first or the previous one by pixels,
      as `CopyGuard` finds them, when `pixels` are given

    As output `compute` gives a float64 scalar, or the dict of `DialogueMetric` with `detail=True`. Dialogues of one
    image are undefined, not 1, and lower the coverage.

    Args:
        mode: `"pairwise"`, `"anchor"`, `"consecutive"`, `"graph"` or `"vbench"`.
        copy_threshold: cosine from which an image counts as a copy of an earlier one; it depends on the encoder.
        pixel_threshold: difference of the part that differs most, up to which an image counts as a copy by pixels.
        encoder: an encoder, its name for `imug_metrics.encoders.load_encoder`, or None to take embeddings only.
        kwargs: those of all metrics, see `MetricOptions`.

    Raises:
        ValueError: if the mode is unknown, or a threshold is outside the range of what it is compared with.

    Example:
        >>> import torch
        >>> metric = TurnConsistency(mode="anchor")
        >>> metric.update(torch.tensor([[[1.0, 0.0], [1.0, 1.0], [0.0, 1.0]]]))
        >>> metric.compute()
        tensor(0.3536, dtype=torch.float64)
    """

    name = "turn_consistency"
    description = MetricDescription(
        label="Consistency",
        noun="consistency",
        unit="cosine",
        measures="mean over the images that have a partner",
        span="-1 to 1",
        direction="higher is more alike, which is not always better",
        meaning="Similarity of each image with the other images of its dialogue.",
        misleads="Repeating one image gives the highest score of all: read it beside the copy rate. It is taken over "
        "whole images, so a new background lowers it although the subject is kept.",
    )
    is_differentiable = True
    configuration = (*EmbeddingMetric.configuration, "mode", "copy_threshold", "pixel_threshold")
    plot_upper_bound = 1.0
    ranges = within((-1.0, 1.0), "mean", "turn_", "last_vs_first", "worst_pair", "delta_") | within(
        SHARE, "copy_rate", "pixel_copy_rate"
    )

    def __init__(
        self,
        mode: Mode = "pairwise",
        *,
        copy_threshold: float = 0.99,
        pixel_threshold: float = PIXEL_THRESHOLD,
        encoder: "Encoder | str | None" = None,
        **kwargs: Unpack[MetricOptions],
    ) -> None:
        check_choice("mode", mode, MODES)
        check_threshold("copy_threshold", copy_threshold)
        check_threshold("pixel_threshold", pixel_threshold)
        self.mode, self.copy_threshold, self.pixel_threshold = mode, copy_threshold, pixel_threshold
        if mode == "vbench":  # which counts opposites as unlike
            self.ranges = self.ranges | within(SHARE, "mean", "turn_")
        super().__init__(encoder=encoder, **kwargs)

    def describe(self) -> MetricDescription:
        """How to read it in this mode."""
        low = 0.0 if self.mode == "vbench" else -1.0
        meaning = f"Similarity of each image with {_PARTNERS[self.mode]}."
        return replace(super().describe(), span="", low=low, meaning=meaning)

    def update(
        self,
        images: Images,
        *,
        dialogue: Ids | None = None,
        turn: Turns | None = None,
        subject: Ids | None = None,
        valid: Tensor | None = None,
        lengths: Tensor | None = None,
        references: Images | None = None,
        links: Links | None = None,
        pixels: Pixels | None = None,
    ) -> None:
        """Add a batch of whole dialogues.

        Args:
            images: embeddings `[N, D]` or `[B, T, D]`, or images when there is an `encoder`, as for `TurnAlignment`.
            dialogue, turn, subject, valid, lengths: as in every metric, see `DialogueMetric`.
            references: with `"anchor"`, embeddings of a reference for each image, in the shape of `images`; with
                `"graph"`, embeddings `[M, D]` that `links` point into instead of `images`.
            links: with `"graph"`, int64 `[E, 2]`: the row of an image (in padded records b * T + t), and the row of
                what it should agree with.
            pixels: `[N, 3 * S * S]` or `[B, T, 3 * S * S]`, values in [0, 1] of every image in colour at one small
                size, for the copies by pixels of the detail; with an encoder they are made from the images.

        Raises:
            InputError: if shapes or widths differ, an encoder or links are missing, or links, pixels or turns are
                refused.
        """
        columns = {"images": self._images(images)}
        if self.mode == "anchor" and references is not None:
            columns["references"] = embedding_column("references", references)
        if self.detail:
            columns |= self._pixels(images, pixels)
        graph = read_graph(links, references, columns["images"]) if self.mode == "graph" else None
        checks = [] if graph is None else [graph.check()]
        inputs = self._pack(columns, dialogue, turn, subject, valid, lengths, checks=checks)
        batch = inputs.batch
        gram = dialogue_gram(inputs.columns["images"], batch.offsets, batch.there) if self.detail else None
        values, expected = consistency_values(inputs, self.mode, graph, gram)
        self._add(batch, values, expected, None if gram is None else self._drift_and_copies(inputs, gram))

    def _ratios(self) -> list[str]:
        if not self.detail:
            return []
        distances = [f"delta_{k}" for k in range(1, self.max_turns)]
        return ["last_vs_first", "worst_pair", "copy_rate", "pixel_copy_rate", *distances]

    def _drift_and_copies(self, inputs: PackedInputs, gram: GramStats) -> Terms:
        batch, rows = inputs.batch, inputs.columns["images"].detach()
        sums, counts = delta_curve(rows, batch.offsets, batch.turn, self.max_turns - 1, batch.there)
        means = {
            "last_vs_first": gram.anchor.detach().where(batch.is_last(), torch.nan),
            "copy_rate": copy_values(gram, self.copy_threshold),
        }
        if "pixels" in inputs.columns:
            valid = batch.valid & has_direction(inputs.columns["images"])
            means["pixel_copy_rate"] = pixel_copies(batch, valid, inputs.columns["pixels"], self.pixel_threshold)
        worst = worst_pairs(batch, gram.min.detach())
        return Terms(means, by_segment={"delta": (sums, counts), "worst_pair": worst})
