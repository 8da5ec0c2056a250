# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Text-image alignment turn by turn."""

from typing import Any

from torch import Tensor
from typing_extensions import Unpack

from imug_metrics.functional.images.turn_alignment import VARIANTS, Variant, alignment_values, reference_column
from imug_metrics.metrics.dialogue_metric import check_choice
from imug_metrics.metrics.embedding_metric import EmbeddingMetric
from imug_metrics.metrics.options import MetricOptions


class TurnAlignment(EmbeddingMetric):
    """How well each turn's image agrees with its prompt, and how that changes over turns. Higher is better.

    The functional counterpart is `turn_alignment`, which lists the
    variants with their formulas, ranges and sources. An alignment model sees what it was trained to see: counts,
    relations and negation are weak spots of most.

    As input to `forward` and `update` the metric accepts

    - `images`: embeddings `[N, D]` or `[B, T, D]`, or with an `encoder` images (a tensor `[N, 3, H, W]`, or a list of
      PIL images, arrays or paths, None for an absent one)
    - `texts`: embeddings of the same shape, or with an `encoder` a list of strings
    - `target`: with `refclipscore`, embeddings of references `[N, D]` or `[N, R, D]`
    - `dialogue`, `turn`, `valid`: see `align_rows`

    As output `compute` gives the mean over turns as a float64 scalar, or the dict of
    `DialogueMetric` with `detail=True`.

    Args:
        variant: `"clipscore"`, `"cosine"`, `"torchmetrics"`, `"siglip"` or `"refclipscore"`.
        scale: of `siglip`; by default the encoder's.
        bias: of `siglip`; by default the encoder's.
        encoder: an encoder, its name for `imug_metrics.encoders.load_encoder`, or None to take embeddings only.
        kwargs: those of all metrics, see `MetricOptions`.

    Raises:
        ValueError: if the variant is unknown, `siglip` lacks scale or bias, or an update's shapes differ.

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
    is_differentiable = True
    configuration = (*EmbeddingMetric.configuration, "variant", "scale", "bias")
    plot_legend_name = "turn"

    def __init__(
        self,
        variant: Variant = "clipscore",
        *,
        scale: float | None = None,
        bias: float | None = None,
        encoder: Any = None,
        **kwargs: Unpack[MetricOptions],
    ) -> None:
        check_choice("variant", variant, VARIANTS)
        self.variant, self.scale, self.bias = variant, scale, bias
        super().__init__(encoder=encoder, **kwargs)
        if variant == "siglip":
            self.scale = getattr(self.encoder, "logit_scale", None) if scale is None else scale
            self.bias = getattr(self.encoder, "logit_bias", None) if bias is None else bias
            if self.scale is None or self.bias is None:
                raise ValueError("Expected arguments `scale` and `bias` (or an encoder that has them) with `siglip`.")

    def update(
        self,
        images: Any,
        texts: Any,
        target: Tensor | None = None,
        dialogue: Any = None,
        turn: Any = None,
        valid: Tensor | None = None,
    ) -> None:
        """Add a batch of whole dialogues."""
        columns = {"images": self._images(images), "texts": self._texts(texts)}
        if target is not None:
            columns["target"] = reference_column(target, columns["images"].shape)
        inputs = self._pack(dialogue, turn, None, valid, **columns)
        images, texts, target = (inputs.columns.get(name) for name in ("images", "texts", "target"))
        values = alignment_values(images, texts, target, self.variant, self.scale, self.bias)
        self._add(inputs.batch, values.masked_fill(~inputs.batch.valid, float("nan")))
