# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""How far the images of a dialogue move away from its first one, perceptually."""

from dataclasses import replace
from typing import TYPE_CHECKING

from torch import Tensor
from typing_extensions import Unpack

from imug_metrics.dialogues.arguments import Ids, Images, Turns
from imug_metrics.functional.images.perceptual_drift import (
    Distance,
    check_distance,
    drift_column,
    drift_values,
)
from imug_metrics.metrics.description import MetricDescription
from imug_metrics.metrics.images.drift_metric import DriftMetric
from imug_metrics.metrics.options import MetricOptions

if TYPE_CHECKING:
    from imug_metrics.encoders import Encoder

_UNITS = {"squared": "squared distance", "cosine": "1 - cosine", "ssim": "1 - SSIM"}


class PerceptualDrift(DriftMetric):
    r"""How far do the images of a dialogue move from its first one? From 0; lower is better, and 0 is a copy.

    Mean over images of their distance to the first image of the dialogue (and subject), or to their reference:
    `"squared"`, the squared Euclidean distance of embeddings, which is LPIPS of those by `LpipsEncoder`; `"cosine"`,
    1 - cosine of embeddings, which is DreamSim of its own; or `"ssim"`, 1 - SSIM of pixels. The functional counterpart
    is `perceptual_drift`. The detail adds

    - `perceptual_drift_previous`: mean distance to the image before
    - `perceptual_drift_delta_k`: mean distance of images k turns apart
    - `perceptual_drift_last_vs_first`: mean distance of the last image to the first
    - `perceptual_drift_slope`: change of the value per turn

    As output `compute` gives a float64 scalar, or the dict of `DialogueMetric` with `detail=True`. Each image is
    encoded once. Dialogues of one image are undefined, as are those without their first image, and lower the coverage.

    Args:
        distance: `"squared"`, `"cosine"` or `"ssim"`.
        size: with `"ssim"`, height and width that images are squashed to.
        encoder: an encoder, its name for `imug_metrics.encoders.load_encoder` such as `"lpips:alex"`, or None to take
            embeddings only; pixels need none.
        kwargs: those of all metrics, see `MetricOptions`; `missing="zero"` is refused: 0 is the best distance of all.

    Raises:
        ValueError: if the distance is unknown, pixels are given an encoder, or absent images should count as 0.

    Example:
        >>> import torch
        >>> metric = PerceptualDrift()
        >>> metric.update(torch.tensor([[[0.0, 1.0], [0.5, 1.0], [1.0, 1.0]]]))
        >>> metric.compute()
        tensor(0.6250, dtype=torch.float64)
    """

    name = "perceptual_drift"
    description = MetricDescription(
        label="Drift",
        noun="perceptual drift",
        unit="distance",
        measures="mean over the images after the first",
        span="from 0; to 2 for cosine and ssim",
        direction="lower is better, and 0 is a copy",
        meaning="Distance of each image to the first image of its dialogue, or to its reference.",
        misleads="Repeating one image gives 0, the best of all: read it beside the copy rate. Changes that were asked "
        "for count like all others, and so does an image that is merely shifted.",
    )
    configuration = (*DriftMetric.configuration, "size")

    def __init__(
        self,
        distance: Distance = "squared",
        *,
        size: int = 256,
        encoder: "Encoder | str | None" = None,
        **kwargs: Unpack[MetricOptions],
    ) -> None:
        check_distance(distance, size)
        if distance == "ssim" and encoder is not None:
            raise ValueError("Expected no argument `encoder` with distance 'ssim', which compares pixels.")
        self.size = size
        super().__init__(distance, encoder=encoder, **kwargs)

    def describe(self) -> MetricDescription:
        """How to read it with this distance."""
        return replace(super().describe(), unit=_UNITS[self.distance], span="")

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
    ) -> None:
        """Add a batch of whole dialogues.

        Args:
            images: embeddings `[N, D]` or `[B, T, D]`, or images when there is an `encoder`, as for `TurnAlignment`.
                With `"ssim"` images, or their pixels as rows `[N, 3 * S * S]` or `[B, T, 3 * S * S]` in [0, 1].
            dialogue, turn, subject, valid, lengths: as in every metric, see `DialogueMetric`.
            references: in the form of `images`, what each is compared with instead of the first one.

        Raises:
            InputError: if shapes or widths differ, an encoder is missing, pixels do not lie in [0, 1], or turns are
                refused.
        """
        encode = self.encoder and self.encoder.encode_images
        given = {"images": images} | ({} if references is None else {"references": references})
        columns = {name: drift_column(name, rows, self.distance, self.size, encode) for name, rows in given.items()}
        inputs = self._pack(columns, dialogue, turn, subject, valid, lengths)
        drift = drift_values(inputs, self.distance)
        terms = self._details(inputs.batch, drift, references is None) if self.detail else None
        self._add(inputs.batch, drift.values, drift.expected, terms)
