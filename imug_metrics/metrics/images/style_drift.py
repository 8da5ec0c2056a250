# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""How far the style of a dialogue's images moves away from that of its first one, and whether content explains it."""

from collections.abc import Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING

import torch
from torch import Tensor
from typing_extensions import Unpack

from imug_metrics.dialogues.arguments import Ids, Images, Turns
from imug_metrics.dialogues.columns import embedding_column
from imug_metrics.dialogues.inputs import PackedInputs
from imug_metrics.functional.images.perceptual_drift import Drift, drift_values
from imug_metrics.functional.images.style_drift import (
    StyleDistance,
    check_style_distance,
    content_drift,
    slope_beyond,
)
from imug_metrics.metrics.description import MetricDescription
from imug_metrics.metrics.dialogue_sums import Terms
from imug_metrics.metrics.images.drift_metric import DriftMetric
from imug_metrics.metrics.options import MetricOptions, within
from imug_metrics.stats import Moments, Weights, pooled_weights

if TYPE_CHECKING:
    from imug_metrics.encoders import Encoder

_UNITS = {"cosine": "1 - cosine", "squared": "squared distance"}


class StyleDrift(DriftMetric):
    r"""Does the style stay? How far is each image's style from that of the first one? From 0; lower is better.

    Mean over images of the distance of their style to that of the first image of the dialogue (and subject), or to
    their reference: `"cosine"`, 1 - cosine of descriptors of style, or `"squared"`, their squared distance, which is
    the style loss of Gatys et al. (CVPR 2016) for Gram matrices of that scale. The functional counterpart is
    `style_drift`. The detail adds

    - `style_drift_previous`: mean distance to the image before
    - `style_drift_delta_k`: mean distance of images k turns apart
    - `style_drift_last_vs_first`: mean distance of the last image to the first
    - `style_drift_slope`: change of the value per turn

    Descriptors of style are never free of content. With embeddings of content (`whole`) the detail adds

    - `style_drift_content`: mean of 1 - cosine of the content to that of the first image
    - `style_drift_content_slope`: its change per turn
    - `style_drift_per_content`: change of the style's distance per unit of the content's, within dialogues
    - `style_drift_matched_slope`: change per turn of the style's distance, over the records whose content is known
    - `style_drift_beyond_content`: that with the content's distance held fixed: `y ~ turn + content` with a level for
      each dialogue; above 0 the style drifts more than content explains

    As output `compute` gives a float64 scalar, or the dict of `DialogueMetric` with `detail=True`. Each image is
    encoded once. Dialogues of one image are undefined, as are those without their first image, and lower the coverage.

    Args:
        distance: `"cosine"` or `"squared"`.
        encoder: an encoder of style, its name for `imug_metrics.encoders.load_encoder` such as `"gram:filters"`, or
            None to take descriptors only.
        kwargs: those of all metrics, see `MetricOptions`; `missing="zero"` is refused: 0 is the best distance of all.

    Raises:
        ValueError: if the distance is unknown, or absent images should count as 0.

    Example:
        >>> import torch
        >>> metric = StyleDrift()
        >>> metric.update(torch.tensor([[[1.0, 0.0], [1.0, 1.0], [0.0, 2.0]]]))
        >>> metric.compute()
        tensor(0.6464, dtype=torch.float64)
    """

    name = "style_drift"
    description = MetricDescription(
        label="Style drift",
        noun="style drift",
        unit="distance",
        measures="mean over the images after the first",
        span="from 0; to 2 for cosine",
        direction="lower is better, and 0 is the first image's style",
        meaning="Distance of the style of each image to that of the first image of its dialogue, or to its reference.",
        misleads="Other content has another texture too: read it beside the slope beyond content, and compare models "
        "on the same prompts. A style that was asked to change counts like all others.",
    )
    ranges = within((0.0, 2.0), "content")
    limits = within((-2.0, 2.0), "content_slope")
    fitted = MappingProxyType({"beyond_content": 2})

    def __init__(
        self,
        distance: StyleDistance = "cosine",
        *,
        encoder: "Encoder | str | None" = None,
        **kwargs: Unpack[MetricOptions],
    ) -> None:
        check_style_distance(distance)
        super().__init__(distance, encoder=encoder, **kwargs)

    def describe(self) -> MetricDescription:
        """How to read it with this distance."""
        return replace(super().describe(), unit=_UNITS[self.distance], span="")

    def update(
        self,
        images: Images,
        *,
        whole: Images | None = None,
        dialogue: Ids | None = None,
        turn: Turns | None = None,
        subject: Ids | None = None,
        valid: Tensor | None = None,
        lengths: Tensor | None = None,
        references: Images | None = None,
    ) -> None:
        """Add a batch of whole dialogues.

        Args:
            images: descriptors of style, `[N, D]` or `[B, T, D]`, or images when there is an `encoder`, as for
                `TurnAlignment`.
            whole: embeddings of the content of each image, `[N, E]` or `[B, T, E]`; the detail alone uses them.
            dialogue, turn, subject, valid, lengths: as in every metric, see `DialogueMetric`.
            references: in the form of `images`, what each is compared with instead of the first one.

        Raises:
            InputError: if shapes or widths differ, an encoder is missing, or turns are refused.
        """
        given = {"images": images} | ({} if references is None else {"references": references})
        columns = {name: self._images(rows, name) for name, rows in given.items()}
        if whole is not None:
            columns["whole"] = embedding_column("whole", whole)._replace(width=None)
        inputs = self._pack(columns, dialogue, turn, subject, valid, lengths)
        drift = drift_values(inputs, self.distance)
        self._add(inputs.batch, drift.values, drift.expected, self._terms(inputs, drift) if self.detail else None)

    def _terms(self, inputs: PackedInputs, drift: Drift) -> Terms:
        """What stands beside the drift, with that of the content where it is given."""
        found = self._details(inputs.batch, drift, "references" not in inputs.columns)
        if "whole" not in inputs.columns:
            return found
        styles = drift.values.detach()
        content = content_drift(inputs, drift)
        matched = styles.where(content == content, torch.nan)
        slopes = {
            "content_slope": (None, content),
            "per_content": (content, matched),
            "matched_slope": (None, matched),
        }
        return replace(found, means={**found.means, "content": content}, slopes=slopes)

    def _ratios(self) -> list[str]:
        content = ["content", "content_slope", "per_content", "matched_slope"] if self.detail else []
        return [*super()._ratios(), *content]

    def _derived(self, sums: dict[str, Tensor]) -> dict[str, Tensor]:
        if not self.detail:
            return {}
        return {"beyond_content": slope_beyond(*(sums[name] for name in (*_SPREADS, *_PRODUCTS)))}

    def _weights(self, names: Sequence[str], moments: Moments) -> Weights:
        """Of the slope beyond content, turns weigh by what content leaves of them."""
        found = super()._weights([*names], moments)
        if not self.detail:
            return found
        tt, tc, cc = (self._components.index(name) for name in _SPREADS)
        beyond = pooled_weights(moments, cc, tc, tt)
        row = torch.tensor([name == "beyond_content" for name in names], device=self.device)
        return Weights(*(torch.where(row, part, own) for part, own in zip(beyond, found)))


_SPREADS = ("content_slope.den", "content_slope.num", "per_content.den")
_PRODUCTS = ("matched_slope.num", "per_content.num")
"""Sums of products about the means of segments: turns, turns and content, content; and style with either."""
