# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Near-duplicates of what should have changed: the number that consistency is read beside."""

from typing import TYPE_CHECKING

from torch import Tensor
from typing_extensions import Unpack

from imug_metrics.dialogues.arguments import Ids, Images, Pixels, Turns
from imug_metrics.dialogues.columns import SHARE
from imug_metrics.dialogues.inputs import PackedInputs
from imug_metrics.functional.images.copy_guard import comparable, copy_angle
from imug_metrics.functional.images.copy_pairs import (
    ALTERATIONS,
    SIGNALS,
    SOURCES,
    CopyPairs,
    CopyThresholds,
    any_pair,
    check_threshold,
    copy_pairs,
)
from imug_metrics.media.near_duplicates import PIXEL_THRESHOLD
from imug_metrics.metrics.description import MetricDescription
from imug_metrics.metrics.dialogue_sums import Terms
from imug_metrics.metrics.embedding_metric import EmbeddingMetric
from imug_metrics.metrics.options import MetricOptions, within

if TYPE_CHECKING:
    from imug_metrics.encoders import Encoder


class CopyGuard(EmbeddingMetric):
    """Share of images that are near-duplicates of what they should have changed. Range 0 to 1, lower is better.

    An image is held against the one before, the first one of its dialogue (and subject) and, where there is one, the
    image that the model was shown. A pair of images that have pixels is judged by these alone, also where one is
    shifted, mirrored, cropped or saved anew (`near_duplicates`); a pair without pixels by the cosine of its embeddings,
    to which a small honest edit looks like a copy. The functional counterpart is `copy_guard`. The detail adds

    - `copy_guard_by_pixels`, `_by_hash`, `_by_cosine`: the share by each signal alone; by hash where perceptual hashes
      differ in few bits
    - `copy_guard_of_previous`, `_of_first`, `_of_shown`: the share by what was copied
    - `copy_guard_shifted`, `_mirrored`, `_cropped`: the share of images that are copies by pixels altered so
    - `copy_guard_angle`: how much nearer the image is to the one that was shown than to its reference, by the angle of
      their embeddings: `(angle to reference - angle to shown) / angle between the two`, 1 for a copy of what was shown
      and -1 for one of the reference (the copy-paste score of WithAnyone, arXiv 2510.14975); undefined where the two
      are less than 5 degrees apart

    As output `compute` gives a float64 scalar, or the dict of `DialogueMetric` with `detail=True`. The first image of a
    dialogue that is there has nothing to be a copy of, unless one was shown, and is not expected to have a value. An
    image is not compared with all earlier ones.

    Args:
        cosine_threshold: cosine from which a pair without pixels is a near-duplicate; it depends on the encoder.
        pixel_threshold: difference of the part that differs most, up to which a pair with pixels is one.
        hash_threshold: bits of 64 in which the hashes of a near-duplicate may differ; on it `by_hash` rests alone.
        encoder: an encoder, its name for `imug_metrics.encoders.load_encoder`, or None to take embeddings and pixels.
        kwargs: those of all metrics, see `MetricOptions`; `missing="zero"` is refused: an absent image is no better
            than a copy.

    Raises:
        ValueError: if `missing` is `"zero"`, or a threshold is outside the range of what it is compared with.

    Example:
        >>> import torch
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
        meaning="Share of images that are near-duplicates of the image before, the first one or what was shown.",
        misleads="Where a turn asks for no change, the same image is right. Without pixels it rests on the cosine "
        "alone, and a small honest edit counts as a copy.",
    )
    higher_is_better = False
    configuration = (*EmbeddingMetric.configuration, "cosine_threshold", "pixel_threshold", "hash_threshold")
    plot_lower_bound = 0.0
    plot_upper_bound = 1.0
    ranges = within(SHARE, "mean", "turn_", "by_", "of_", *ALTERATIONS) | within((-1.0, 1.0), "angle")

    def __init__(
        self,
        *,
        cosine_threshold: float = 0.99,
        pixel_threshold: float = PIXEL_THRESHOLD,
        hash_threshold: int = 4,
        encoder: "Encoder | str | None" = None,
        **kwargs: Unpack[MetricOptions],
    ) -> None:
        if kwargs.get("missing") == "zero":
            raise ValueError("Expected argument `missing` to be 'skip': 0 would score absent images best.")
        check_threshold("cosine_threshold", cosine_threshold)
        check_threshold("pixel_threshold", pixel_threshold)
        check_threshold("hash_threshold", hash_threshold)
        self.cosine_threshold, self.pixel_threshold = cosine_threshold, pixel_threshold
        self.hash_threshold = hash_threshold
        super().__init__(encoder=encoder, **kwargs)

    def update(
        self,
        images: Images | None = None,
        *,
        pixels: Pixels | None = None,
        shown: Images | None = None,
        shown_pixels: Pixels | None = None,
        references: Images | None = None,
        dialogue: Ids | None = None,
        turn: Turns | None = None,
        subject: Ids | None = None,
        valid: Tensor | None = None,
        lengths: Tensor | None = None,
    ) -> None:
        """Add a batch of whole dialogues.

        Args:
            images: embeddings `[N, D]` or `[B, T, D]`, or images when there is an `encoder`, as for `TurnAlignment`;
                None: there are `pixels` alone.
            pixels: `[N, 3 * S * S]` or `[B, T, 3 * S * S]`, values in [0, 1] of every image in colour at one small
                size, 32 x 32 say; with an encoder they are made from the images.
            shown: in the form of `images`, the images that the model was shown and should not give back; NaN for none.
            shown_pixels: `shown` in the form of `pixels`; with an encoder they are made from `shown`.
            references: in the form of `images`, other images of the same subjects, which the model was not shown and
                its images should look like; for the angle alone.
            dialogue, turn, subject, valid, lengths: as in every metric, see `DialogueMetric`.

        Raises:
            InputError: if there are neither images nor pixels, shapes or widths differ, an encoder is missing, or
                pixels or turns are refused.
        """
        given = {"images": images, "shown": shown, "references": references}
        columns = {name: self._images(rows, name) for name, rows in given.items() if rows is not None}
        columns |= self._pixels(images, pixels) | self._pixels(shown, shown_pixels, "shown_pixels")
        inputs = self._pack(comparable(columns), dialogue, turn, subject, valid, lengths)
        thresholds = CopyThresholds(self.cosine_threshold, self.pixel_threshold, self.hash_threshold)
        found = copy_pairs(inputs, thresholds, hashes=bool(self.detail))
        judged = found.judged()
        values = any_pair(judged)
        details = self._details(inputs, found, judged) if self.detail else None
        self._add(inputs.batch, values, found.absent | (values == values), details)

    def _ratios(self) -> list[str]:
        if not self.detail:
            return []
        return [*(f"by_{signal}" for signal in SIGNALS), *(f"of_{source}" for source in SOURCES), *ALTERATIONS, "angle"]

    def _details(self, inputs: PackedInputs, found: CopyPairs, judged: Tensor) -> Terms:
        means = {f"by_{signal}": any_pair(getattr(found, signal)) for signal in SIGNALS}
        means |= {f"of_{source}": pair for source, pair in zip(SOURCES, judged, strict=False)}
        means |= {alteration: any_pair(getattr(found, alteration)) for alteration in ALTERATIONS}
        if {"images", "shown", "references"} <= inputs.columns.keys():
            rows = (inputs.columns[name].detach() for name in ("images", "shown", "references"))
            means["angle"] = inputs.batch.present(copy_angle(*rows))
        return Terms(means)
