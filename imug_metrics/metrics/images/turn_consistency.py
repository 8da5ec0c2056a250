# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Consistency of the images of a dialogue, with the drift and the copying that a mean hides."""

from typing import Any

import torch
from imug_kernels import GramStats, delta_curve, dialogue_gram
from torch import Tensor
from typing_extensions import Unpack

from imug_metrics.dialogues.inputs import Column, PackedInputs, embedding_column, is_embedding
from imug_metrics.functional.images.turn_consistency import (
    MODES,
    Mode,
    consistency_values,
    copy_values,
    packed_links,
    pixel_copies,
    worst_pairs,
)
from imug_metrics.metrics.dialogue_metric import Ratio, check_choice
from imug_metrics.metrics.embedding_metric import EmbeddingMetric
from imug_metrics.metrics.options import MetricOptions


class TurnConsistency(EmbeddingMetric):
    """How alike the images of a dialogue stay. Higher is more alike, at most 1; higher is not always better.

    The functional counterpart is `turn_consistency`, which lists the
    modes. A whole-image score is called consistency, never identity. A model that repeats its first image gets the
    highest consistency of all, and a slow drift hides in a mean over pairs, so the detail adds

    - `turn_consistency_last_vs_first`: cosine of the last image to the first
    - `turn_consistency_worst_pair`: smallest cosine within a dialogue, mean over dialogues
    - `turn_consistency_delta_k`: mean cosine of images k turns apart
    - `turn_consistency_slope`: change of the value per turn
    - `turn_consistency_copy_rate`: share of images whose cosine to an earlier image reaches `copy_threshold`
    - `turn_consistency_pixel_copy_rate`: share of images that equal the first or the previous one by pixels, when
      `pixels` are given

    As input to `forward` and `update` the metric accepts

    - `images`: embeddings `[N, D]` or `[B, T, D]`, or images when there is an `encoder`
    - `dialogue`, `turn`, `subject`, `valid`: see `align_rows`
    - `target`, `links`: for the modes `anchor` and `graph`, see the functional counterpart
    - `pixels`: `[N, K]` or `[B, T, K]`, pixel values in [0, 1] of every image at one small size; with an encoder they
      are made from the images when `detail=True`

    As output `compute` gives a float64 scalar, or the dict of `DialogueMetric`
    with `detail=True`. Dialogues of one image are undefined, not 1, and lower the coverage.

    Args:
        mode: `"pairwise"`, `"anchor"`, `"consecutive"`, `"graph"` or `"vbench"`.
        copy_threshold: cosine from which an image counts as a copy of an earlier one; it depends on the encoder.
        pixel_threshold: mean absolute difference of pixel values up to which an image counts as a copy by pixels.
        encoder: an encoder, its name for `imug_metrics.encoders.load_encoder`, or None to take embeddings only.
        kwargs: those of all metrics, see `MetricOptions`.

    Raises:
        ValueError: if the mode is unknown, or an update's shapes differ or its turns are refused.

    Example:
        >>> import torch
        >>> metric = TurnConsistency(mode="anchor")
        >>> metric.update(torch.tensor([[[1.0, 0.0], [1.0, 1.0], [0.0, 1.0]]]))
        >>> metric.compute()
        tensor(0.3536, dtype=torch.float64)
    """

    name = "turn_consistency"
    is_differentiable = True
    configuration = (*EmbeddingMetric.configuration, "mode", "copy_threshold", "pixel_threshold")
    curves = ("turn_", "delta_")
    plot_upper_bound = 1.0

    def __init__(
        self,
        mode: Mode = "pairwise",
        *,
        copy_threshold: float = 0.99,
        pixel_threshold: float = 2 / 255,
        encoder: Any = None,
        **kwargs: Unpack[MetricOptions],
    ) -> None:
        check_choice("mode", mode, MODES)
        self.mode, self.copy_threshold, self.pixel_threshold = mode, copy_threshold, pixel_threshold
        super().__init__(encoder=encoder, **kwargs)

    def update(
        self,
        images: Any,
        dialogue: Any = None,
        turn: Any = None,
        subject: Any = None,
        valid: Tensor | None = None,
        target: Tensor | None = None,
        links: Tensor | None = None,
        pixels: Tensor | None = None,
    ) -> None:
        """Add a batch of whole dialogues."""
        columns = {"images": self._images(images)}
        if self.mode == "anchor" and target is not None:
            columns["target"] = embedding_column("target", target)
        if self.detail:
            columns |= self._pixels(images, pixels)
        inputs = self._pack(dialogue, turn, subject, valid, **columns)
        bank = target if self.mode == "graph" else inputs.columns.get("target")
        pairs = packed_links(links, inputs.positions(), bank) if self.mode == "graph" else None
        rows, batch = inputs.columns["images"], inputs.batch
        gram = dialogue_gram(rows, batch.offsets, batch.valid)
        values, expected = consistency_values(rows, gram, batch, self.mode, bank, pairs)
        self._add(batch, values, expected, self._drift_and_copies(inputs, gram) if self.detail else None)

    def _ratios(self) -> list[str]:
        if not self.detail:
            return []
        distances = [f"delta_{k}" for k in range(1, self.max_turns)]
        return ["last_vs_first", "worst_pair", "copy_rate", "pixel_copy_rate", *distances]

    def _pixels(self, images: Any, pixels: Tensor | None) -> dict[str, Column]:
        """Small versions of the images for the copy test, where there are any."""
        if pixels is not None:
            return {"pixels": embedding_column("pixels", pixels)}
        if self.encoder is None or is_embedding(images):
            return {}
        from imug_metrics.media.thumbnails import thumbnails

        return {"pixels": embedding_column("images", images, thumbnails)}

    def _drift_and_copies(self, inputs: PackedInputs, gram: GramStats) -> dict[str, Ratio]:
        batch, rows = inputs.batch, inputs.columns["images"].detach()
        sums, counts = delta_curve(rows, batch.offsets, batch.turn, self.max_turns - 1, batch.valid)
        found = {f"delta_{k}": (sums[:, k - 1], counts[:, k - 1]) for k in range(1, self.max_turns)}
        found["last_vs_first"] = batch.mean_parts(gram.anchor.detach().masked_fill(~batch.is_last(), torch.nan))
        found["worst_pair"] = worst_pairs(batch, gram.min.detach())
        found["copy_rate"] = batch.mean_parts(copy_values(gram, self.copy_threshold))
        copies = torch.full_like(gram.anchor, torch.nan)
        if "pixels" in inputs.columns:
            copies = pixel_copies(batch, inputs.columns["pixels"], self.pixel_threshold)
        found["pixel_copy_rate"] = batch.mean_parts(copies)
        return found
