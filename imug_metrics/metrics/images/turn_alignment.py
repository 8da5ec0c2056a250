# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Text-image alignment turn by turn."""

from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING

from torch import Tensor
from typing_extensions import Unpack

from imug_metrics.dialogues.arguments import Ids, Images, Texts, Turns
from imug_metrics.functional.images.turn_alignment import (
    RANGES,
    VARIANTS,
    Variant,
    alignment_values,
    reference_column,
)
from imug_metrics.metrics.description import MetricDescription
from imug_metrics.metrics.embedding_metric import EmbeddingMetric
from imug_metrics.metrics.options import MetricOptions, check_choice, within

if TYPE_CHECKING:
    from imug_metrics.encoders import Encoder


_VALUES = {
    "clipscore": "2.5 times their cosine, and 0 where that is negative (CLIPScore)",
    "cosine": "their cosine",
    "torchmetrics": "100 times their cosine, and 0 where that is negative",
    "siglip": "the probability that they belong together (SigLIP)",
    "refclipscore": "the harmonic mean of CLIPScore and of the cosine to the best reference image (RefCLIPScore)",
}


class TurnAlignment(EmbeddingMetric):
    """Does each turn's image show what its prompt asks for, and how does that change over turns? Higher is better.

    Mean over images of a value of the cosine of image and prompt, by variant:

    - `"clipscore"`: `2.5 max(cos, 0)`, 0 to 2.5 (Hessel et al., EMNLP 2021)
    - `"cosine"`: `cos`, -1 to 1
    - `"torchmetrics"`: `100 max(cos, 0)`, 0 to 100, clamped by pair and not on the mean
    - `"siglip"`: `sigmoid(scale cos + bias)`, 0 to 1 (Zhai et al., ICCV 2023)
    - `"refclipscore"`: harmonic mean of `clipscore` and of `max(0, cos to the best reference)` (Hessel et al.)

    The functional counterpart is `turn_alignment`. An alignment model sees what it was trained to see: counts,
    relations and negation are weak spots of most. As output `compute` gives a float64 scalar, or the dict of
    `DialogueMetric` with `detail=True`.

    Args:
        variant: `"clipscore"`, `"cosine"`, `"torchmetrics"`, `"siglip"` or `"refclipscore"`.
        scale, bias: of `siglip`; by default the encoder's.
        encoder: an encoder, its name for `imug_metrics.encoders.load_encoder`, or None to take embeddings only.
        kwargs: those of all metrics, see `MetricOptions`.

    Raises:
        ValueError: if the variant is unknown, or `siglip` lacks scale or bias.

    Example:
        >>> import torch
        >>> metric = TurnAlignment(variant="cosine", detail=True)
        >>> prompts = torch.eye(4)[None].expand(3, 4, 4)
        >>> images = prompts + torch.arange(4.0)[:, None] * 0.3
        >>> metric.update(images, prompts, dialogue=["a", "b", "c"])
        >>> scores = metric.compute()
        >>> round(float(scores["turn_alignment"]), 3), round(float(scores["turn_alignment_slope"]), 3)
        (0.885, -0.077)
    """

    name = "turn_alignment"
    description = MetricDescription(
        label="Alignment",
        noun="alignment",
        unit="score",
        measures="mean over the images that are there",
        span="depends on the variant",
        direction="higher is better",
        meaning="Similarity of each image and the prompt of its turn, by the encoder named below: 2.5 times their "
        "cosine, and 0 where that is negative (CLIPScore).",
        misleads="The scale belongs to the encoder: compare models under one encoder only. It is blind to what the "
        "encoder does not know.",
    )
    is_differentiable = True
    configuration = (*EmbeddingMetric.configuration, "variant", "scale", "bias")
    plot_legend_name = "turn"

    of_encoder = MappingProxyType({"logit_scale": "scale", "logit_bias": "bias"})

    def __init__(
        self,
        variant: Variant = "clipscore",
        *,
        scale: float | None = None,
        bias: float | None = None,
        encoder: "Encoder | str | None" = None,
        **kwargs: Unpack[MetricOptions],
    ) -> None:
        check_choice("variant", variant, VARIANTS)
        self.variant, self.scale, self.bias = variant, scale, bias
        self.ranges = within(RANGES[variant], "mean", "turn_")
        super().__init__(encoder=encoder, **kwargs)
        if variant == "siglip":
            self.scale = getattr(self.encoder, "logit_scale", None) if scale is None else scale
            self.bias = getattr(self.encoder, "logit_bias", None) if bias is None else bias
            if self.scale is None or self.bias is None:
                raise ValueError("Expected arguments `scale` and `bias` (or an encoder that has them) with `siglip`.")

    def describe(self) -> MetricDescription:
        """How to read it under this variant."""
        meaning = (
            f"Similarity of each image and the prompt of its turn, by the encoder named below: {_VALUES[self.variant]}."
        )
        return replace(super().describe(), span="", meaning=meaning)

    def update(
        self,
        images: Images,
        texts: Texts,
        references: Images | None = None,
        *,
        dialogue: Ids | None = None,
        turn: Turns | None = None,
        valid: Tensor | None = None,
        lengths: Tensor | None = None,
    ) -> None:
        """Add a batch of whole dialogues.

        Args:
            images: embeddings `[N, D]` or `[B, T, D]`; with an `encoder` also images `[N, 3, H, W]` or
                `[B, T, 3, H, W]`, or a list or one list a dialogue of PIL images, arrays or paths, None for an absent
                image.
            texts: the prompts: embeddings of the same shape, or with an `encoder` strings in a list or one list a
                dialogue.
            references: with `refclipscore`, embeddings of one reference for each image, in the shape of `images`, or of
                R, `[N, R, D]` or `[B, T, R, D]`, with NaN rows where an image has fewer.
            dialogue, turn, valid, lengths: as in every metric, see `DialogueMetric`.

        Raises:
            InputError: if shapes or widths differ, an encoder or references are missing, or turns are refused.
        """
        columns = {"images": self._images(images), "texts": self._texts(texts)}
        if references is not None:
            columns["references"] = reference_column(references, columns["images"].shape)
        inputs = self._pack(columns, dialogue, turn, None, valid, lengths)
        pairs, shown = (inputs.columns["images"], inputs.columns["texts"]), inputs.columns.get("references")
        values = alignment_values(*pairs, shown, self.variant, self.scale, self.bias)
        self._add(inputs.batch, inputs.batch.present(values))
