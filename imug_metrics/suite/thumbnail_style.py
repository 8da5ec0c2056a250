# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""How far the style of records' images drifts, told from the small images that copies are found by."""

# No `from __future__ import annotations`: a metric class is in this file.

import math
from collections.abc import Mapping
from functools import cache
from typing import Any

import torch
from torch import Tensor
from typing_extensions import Unpack

from imug_metrics.dialogues.arguments import Ids, Turns
from imug_metrics.encoders.style import FilterBank, gram_descriptors
from imug_metrics.metrics.images.style_drift import StyleDrift
from imug_metrics.metrics.options import MetricOptions

_SHARED = ("subject", "dialogue", "turn", "valid")  # with what other metrics of images are fed with
_AT_A_TIME = 256  # images, whose maps take 30 MB


class ThumbnailStyle(StyleDrift):
    """`StyleDrift` of records, which need no second encoder: colours and coarse texture by a fixed filter bank.

    Args:
        kwargs: those of all metrics, see `MetricOptions`.

    Example:
        >>> metric = ThumbnailStyle()
        >>> metric.update(torch.tensor([[1.0, 0.0], [1.0, 1.0]]), dialogue=[1, 1], turn=[1, 2])
        >>> round(float(metric.compute()), 4)
        0.2929
    """

    def __init__(self, **kwargs: Unpack[MetricOptions]) -> None:
        super().__init__(**kwargs)

    def update(  # type: ignore[override]  # descriptors in place of images
        self,
        styles: Tensor,
        *,
        whole: Tensor | None = None,
        dialogue: Ids | None = None,
        turn: Turns | None = None,
        subject: Ids | None = None,
        valid: Tensor | None = None,
    ) -> None:
        """Add a batch of whole dialogues.

        Args:
            styles: descriptors of style `[N, D]`; `images` of a suite are embeddings of their content.
            whole, dialogue, turn, subject, valid: as in `StyleDrift`.
        """
        super().update(styles, whole=whole, dialogue=dialogue, turn=turn, subject=subject, valid=valid)


def style_columns(of_images: Mapping[str, Any]) -> dict[str, Any]:
    """Arguments of `ThumbnailStyle`.

    Args:
        of_images: the arguments of other metrics of the same images, with their `pixels`.

    Returns:
        `styles` of the pixels, the embeddings as `whole`, and what they have in common.

    Example:
        >>> images = {"images": torch.eye(2), "pixels": torch.rand(2, 3 * 8 * 8), "valid": torch.tensor([True, False])}
        >>> {name: list(column.shape) for name, column in style_columns(images).items()}
        {'valid': [2], 'styles': [2, 480], 'whole': [2, 2]}
    """
    shared = {name: column for name, column in of_images.items() if name in _SHARED}
    parts = of_images["pixels"].split(_AT_A_TIME)
    return {**shared, "styles": torch.cat([*map(_descriptors, parts)]), "whole": of_images["images"]}


def _descriptors(pixels: Tensor) -> Tensor:
    side = math.isqrt(pixels.shape[1] // 3)
    return gram_descriptors(_filters(pixels.device)(pixels.view(-1, 3, side, side).float()))


@cache
def _filters(device: torch.device) -> FilterBank:
    return FilterBank().to(device)
