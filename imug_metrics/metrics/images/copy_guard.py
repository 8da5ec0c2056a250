# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Near-duplicates of what should have changed: the number that consistency is read beside."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor
from typing_extensions import Unpack

from imug_metrics.dialogues.arguments import Ids, Images, Turns
from imug_metrics.dialogues.columns import SHARE, Column, embedding_column, is_embedding
from imug_metrics.dialogues.inputs import PackedInputs
from imug_metrics.functional.images.copy_guard import (
    SOURCES,
    Comparisons,
    CopyThresholds,
    any_pair,
    compare_images,
    copy_angle,
    pixel_column,
)
from imug_metrics.metrics.description import MetricDescription
from imug_metrics.metrics.dialogue_sums import Terms
from imug_metrics.metrics.embedding_metric import EmbeddingMetric
from imug_metrics.metrics.options import MetricOptions, within

if TYPE_CHECKING:
    from imug_metrics.encoders import Encoder


class CopyGuard(EmbeddingMetric):
    """Share of images that are near-duplicates of what they should have changed. Range 0 to 1, lower is better.

    An image is compared with the one before, with the first one of its dialogue (and subject) and, where there are
    references, with its own. A pair is judged by its pixels where it has some, else by its cosine. The functional
    counterpart is `copy_guard`. The detail adds

    - `copy_guard_by_pixels`, `_by_hash`, `_by_cosine`: the share by each signal alone
    - `copy_guard_of_previous`, `_of_first`, `_of_reference`: the share by what was copied
    - `copy_guard_angle`: how much nearer the image is to its reference than to a second one, by angle

    As output `compute` gives a float64 scalar, or the dict of `DialogueMetric` with `detail=True`. The first image of a
    dialogue has nothing to be a copy of unless it has a reference.

    Args:
        cosine_threshold: cosine from which a pair without pixels counts as a copy; it depends on the encoder.
        pixel_threshold: largest difference between parts of the images up to which a pair with pixels does.
        hash_threshold: bits of 64 in which the hashes of a near-duplicate may differ.
        encoder: an encoder, its name for `imug_metrics.encoders.load_encoder`, or None to take embeddings only.
        kwargs: those of all metrics, see `MetricOptions`.

    Example:
        >>> metric = CopyGuard()
        >>> metric.update(torch.tensor([[[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]]]))
        >>> metric.compute()
        tensor(0.5000, dtype=torch.float64)
    """

    name = "copy_guard"
    description = MetricDescription(
        label="Copies",
        noun="copy rate",
        unit="share",
        measures="share of images that are near-duplicates",
        span="0 to 1",
        direction="lower is better",
        meaning="Share of images that are near-duplicates of the image before, the first one or their reference.",
        misleads="Where a turn asks for no change, the same image is right. Without pixels it rests on the cosine "
        "alone, and a small honest edit counts as a copy.",
    )
    higher_is_better = False
    configuration = (*EmbeddingMetric.configuration, "thresholds")
    plot_lower_bound = 0.0
    plot_upper_bound = 1.0
    ranges = within(SHARE, "mean", "turn_", "by_", "of_") | within((-1.0, 1.0), "angle")

    def __init__(
        self,
        *,
        cosine_threshold: float = 0.99,
        pixel_threshold: float = 0.06,
        hash_threshold: int = 4,
        encoder: "Encoder | str | None" = None,
        **kwargs: Unpack[MetricOptions],
    ) -> None:
        self.thresholds = CopyThresholds(cosine_threshold, pixel_threshold, hash_threshold)
        super().__init__(encoder=encoder, **kwargs)

    def update(
        self,
        images: Images,
        *,
        pixels: Tensor | Sequence[Any] | None = None,
        references: Images | None = None,
        reference_pixels: Tensor | Sequence[Any] | None = None,
        second_references: Images | None = None,
        dialogue: Ids | None = None,
        turn: Turns | None = None,
        subject: Ids | None = None,
        valid: Tensor | None = None,
        lengths: Tensor | None = None,
    ) -> None:
        """Add a batch of whole dialogues.

        Args:
            images: embeddings `[N, D]` or `[B, T, D]`, or images when there is an `encoder`, as for `TurnAlignment`.
            pixels: `[N, 3 * S * S]` or `[B, T, 3 * S * S]`, values in [0, 1] of every image at one small size; with an
                encoder they are made from the images.
            references: embeddings, in the shape of `images`, of the images that the model was shown.
            reference_pixels: `references` in the form of `pixels`.
            second_references: embeddings of other images of the same subjects, which the model was not shown.
            dialogue, turn, subject, valid, lengths: as in every metric, see `DialogueMetric`.

        Raises:
            InputError: if shapes or widths differ, an encoder is missing, or pixels or turns are refused.
        """
        columns = {"images": self._images(images)} | self._pixels("pixels", images, pixels)
        given = {"references": references, "second_references": second_references}
        columns |= {name: embedding_column(name, rows) for name, rows in given.items() if rows is not None}
        if reference_pixels is not None:
            columns["reference_pixels"] = pixel_column("reference_pixels", reference_pixels)
        inputs = self._pack(columns, dialogue, turn, subject, valid, lengths)
        batch = inputs.batch
        found = compare_images(inputs, self.thresholds)
        alone = batch.spread(batch.lengths() == 1)
        expected = None if references is not None else ~batch.is_first() | alone
        self._add(batch, found.copies(), expected, self._details(inputs, found) if self.detail else None)

    def _pixels(self, argument: str, images: Any, pixels: Any) -> dict[str, Column]:
        """Small versions of images, where there are any."""
        if pixels is not None:
            return {argument: pixel_column(argument, pixels)}
        if self.encoder is None or is_embedding(images):
            return {}
        from imug_metrics.media.thumbnails import thumbnails

        return {argument: embedding_column(argument, images, thumbnails)._replace(width=None)}

    def _ratios(self) -> list[str]:
        return ["by_pixels", "by_hash", "by_cosine", *(f"of_{source}" for source in SOURCES), "angle"]

    def _details(self, inputs: PackedInputs, found: Comparisons) -> Terms:
        means = {f"by_{signal}": any_pair(getattr(found, f"by_{signal}")) for signal in ("pixels", "hash", "cosine")}
        means |= {f"of_{source}": pairs for source, pairs in zip(SOURCES, found.judged(), strict=False)}
        columns = inputs.columns
        if "references" in columns and "second_references" in columns:
            rows = (columns[name].detach() for name in ("images", "references", "second_references"))
            means["angle"] = inputs.batch.present(copy_angle(*rows))
        return Terms(means)
