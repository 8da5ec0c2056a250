# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Did an edit change what it should not, anything that it should, and what damage adds up over turns?"""

import math
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor
from typing_extensions import Unpack

from imug_metrics._callers import warn_caller
from imug_metrics.dialogues.arguments import Ids, Images, Labels, Masks, Turns
from imug_metrics.dialogues.columns import SHARE
from imug_metrics.functional.images.edit_locality import (
    LEAST_REGION,
    PSNR_LIMIT,
    RESIZED,
    EditValues,
    Wanted,
    edit_values,
    psnr,
    read_edits,
)
from imug_metrics.metrics.description import MetricDescription
from imug_metrics.metrics.dialogue_sums import Terms
from imug_metrics.metrics.embedding_metric import EmbeddingMetric
from imug_metrics.metrics.options import MetricOptions, check_count, within

if TYPE_CHECKING:
    from imug_metrics.encoders.lpips import LpipsEncoder

_L1, _MSE, _SSIM, _LPIPS = (("l1", "outside"), ("mse", "outside"), ("ssim", "outside"), ("lpips", "outside"))
_INSIDE: Wanted = ("l1", "inside")


class EditLocality(EmbeddingMetric):
    """Did an edit change what it should not? Mean absolute difference outside the edit, 0 to 1, lower is better.

    The value of a record is sum(m * |x - y|) / sum(m) over pixels, channels averaged, with x the image, y the one
    before it in its dialogue (and subject), and m = 1 - `editable`: the region is never filled with zeros, so its size
    changes nothing. The functional counterpart is `edit_locality`. A model that returns its input is perfectly local,
    so read it beside `_inside`; and small damage at each turn adds up, which `_accumulated` shows. The detail adds

    - `edit_locality_psnr`: PSNR in decibels of the mean squared error outside (`_mse`), at most 100
    - `edit_locality_ssim`: SSIM over the pixels whose whole window lies outside
    - `edit_locality_lpips`: LPIPS outside, when there is an `encoder`; NaN without
    - `edit_locality_inside`: mean absolute difference inside `editable`, which should not be 0
    - `edit_locality_accumulated`, `_accumulated_mse`, `_accumulated_psnr`, `_accumulated_ssim`, `_accumulated_lpips`:
      the same against the first image, outside of all that the turns since then might change; with the curve
      `_accumulated_turn_k` and the change per turn `_accumulated_slope`
    - `edit_locality_noop`, `_noop_mse`, `_noop_psnr`: the difference that turns make which ask for no change, and
      `_noop_slope`, its change per turn: what a model does to an image though it is told to leave it
    - `edit_locality_resized`: share of the images that had another size than the one before and were resized to it

    As output `compute` gives a float64 scalar, or the dict of `DialogueMetric` with `detail=True`. Undefined, and
    lowering the coverage: an image that is absent, one whose previous image is absent (it is not compared with the one
    before that), and regions of fewer than `min_region` pixels. First images, and turns of which neither `editable` nor
    `noop` says anything, are not expected to have a value.

    Args:
        min_region: pixels that a region has at least.
        encoder: an `LpipsEncoder`, or None for no LPIPS.
        kwargs: those of all metrics, see `MetricOptions`. Its `missing="zero"` would score absent images best, and is
            refused.

    Raises:
        ValueError: if an argument is outside its range, or the encoder has no maps of distances.

    Example:
        >>> import torch
        >>> images = torch.full((1, 2, 3, 16, 16), 0.5)
        >>> images[0, 1, :, :4] = 1.0  # asked for
        >>> images[0, 1, :, 4:] += 0.1  # not asked for
        >>> editable = torch.zeros(1, 2, 16, 16, dtype=torch.bool)
        >>> editable[0, 1, :4] = True
        >>> metric = EditLocality()
        >>> metric.update(images, editable)
        >>> metric.compute()
        tensor(0.1000, dtype=torch.float64)
    """

    name = "edit_locality"
    description = MetricDescription(
        label="Change outside",
        noun="change outside the edit",
        unit="L1",
        measures="mean over the edits of the mean absolute difference to the image before, outside of the edit",
        span="0 to 1",
        direction="lower is better",
        meaning="How much an edit changed where nothing was asked for.",
        misleads="Returning the input unchanged is best: read the change inside beside it. Pixels are compared place "
        "by place, so an image that is drawn anew or shifted scores as badly as one that is damaged.",
    )
    higher_is_better = False
    is_differentiable = True
    configuration = (*EmbeddingMetric.configuration, "min_region")
    plot_lower_bound = 0.0
    ranges = within(SHARE, "mean", "turn_", "mse", "inside", "resized", "noop", "noop_mse")
    ranges |= within(SHARE, "accumulated", "accumulated_mse", "accumulated_turn_")
    ranges |= within((-1.0, 1.0), "ssim", "accumulated_ssim")
    ranges |= within((0.0, math.inf), "lpips", "accumulated_lpips")
    limits = within((0.0, PSNR_LIMIT), "psnr", "accumulated_psnr", "noop_psnr")
    limits |= within((-1.0, 1.0), "noop_slope", "accumulated_slope")

    def __init__(
        self,
        *,
        min_region: int = LEAST_REGION,
        encoder: "LpipsEncoder | str | None" = None,
        **kwargs: Unpack[MetricOptions],
    ) -> None:
        check_count("min_region", min_region, 1)
        if kwargs.get("missing", "skip") != "skip":
            raise ValueError(
                "Expected argument `missing` to be 'skip': a difference of 0 would score absent images best."
            )
        self.min_region, self._warned_of_jpeg = min_region, False
        super().__init__(encoder=encoder, **kwargs)
        if self.encoder is not None and not _has_maps(self.encoder):
            raise ValueError(f"Expected argument `encoder` to be an LpipsEncoder, got {self.encoder_name!r}.")

    def update(
        self,
        images: Images,
        editable: Masks | None = None,
        *,
        noop: Labels | None = None,
        dialogue: Ids | None = None,
        turn: Turns | None = None,
        subject: Ids | None = None,
        valid: Tensor | None = None,
        lengths: Tensor | None = None,
    ) -> None:
        """Add a batch of whole dialogues.

        Args:
            images: `[N, 3, H, W]` or `[B, T, 3, H, W]`, uint8 or floating in [0, 1], where an image with a pixel that
                is NaN is absent; or lists of PIL images, arrays, tensors or paths of any sizes, None for absent ones.
                An image of another size than what it is compared with is resized to that (bilinear, antialiased).
            editable: where the turn may change the image relative to the one before: masks `[N, H, W]` or `[B, T, H,
                W]`, or lists of masks, bool, integers (above 0) or shares in [0, 1]; None or NaN where nothing is
                known. Those of another size are resized by area.
            noop: bool `[N]` or `[B, T]`, True where the turn asks for no change, so that all of it is outside.
            dialogue, turn, subject, valid, lengths: as in every metric, see `DialogueMetric`.

        Raises:
            InputError: if neither `editable` nor `noop` is given, shapes differ, values are out of range, images or
                masks cannot be read, or turns are refused.
        """
        given = read_edits(images, editable, noop)
        inputs = self._pack(given.columns(), dialogue, turn, subject, valid, lengths)
        if given.images.jpegs() and not self._warned_of_jpeg:
            self._warn_of_jpeg()
        found = edit_values(inputs, given, self._wanted(), self.min_region, self.encoder, self.device)
        terms = self._terms(found) if self.detail is True else None
        self._add(inputs.batch, found.values["previous", _L1], found.expected, terms)

    def _wanted(self) -> dict[str, list[Wanted]]:
        if self.detail is not True:
            return {"previous": [_L1]}
        outside = [_L1, _MSE, _SSIM, *([] if self.encoder is None else [_LPIPS])]
        return {"previous": [*outside, _INSIDE, RESIZED], "first": outside}

    def _terms(self, found: EditValues) -> Terms:
        previous = {one: values for (partner, one), values in found.values.items() if partner == "previous"}
        first = {one[0]: values for (partner, one), values in found.values.items() if partner == "first"}
        nowhere = first["l1"].new_full(first["l1"].shape, torch.nan)
        noop = previous[_L1].where(found.noop, torch.nan)
        means = {name: previous.get((name, "outside"), nowhere) for name in ("mse", "ssim", "lpips", "resized")}
        means |= {f"accumulated_{name}": first.get(name, nowhere) for name in ("mse", "ssim", "lpips")}
        means |= {"accumulated": first["l1"], "inside": previous[_INSIDE], "noop": noop}
        means["noop_mse"] = previous[_MSE].where(found.noop, torch.nan)
        slopes = {"accumulated_slope": (None, first["l1"]), "noop_slope": (None, noop)}
        return Terms(means, slopes=slopes, curves={"accumulated": first["l1"]})

    def _ratios(self) -> list[str]:
        if not self.detail:
            return []
        outside = ["mse", "ssim", "lpips", "inside", "resized"]
        first = ["accumulated", *(f"accumulated_{name}" for name in ("mse", "ssim", "lpips", "slope"))]
        return [*outside, *first, "noop", "noop_mse", "noop_slope", *(f"accumulated_turn_{k}" for k in self._turns())]

    def _derived(self, sums: dict[str, Tensor]) -> dict[str, Tensor]:
        return {
            name.replace("mse", "psnr"): psnr(sums[f"{name}.num"] / sums[f"{name}.den"])
            for name in _SQUARED
            if f"{name}.num" in sums
        }

    def _supports(self) -> dict[str, str]:
        return {name.replace("mse", "psnr"): f"{name}.den" for name in _SQUARED}

    def _warn_of_jpeg(self) -> None:
        self._warned_of_jpeg = True
        warn_caller(
            "EditLocality was given JPEG files: each was stored with loss, which counts as change everywhere. Give it "
            "the images as the model made them, as tensors or in files without loss (PNG)."
        )


_SQUARED = ("mse", "accumulated_mse", "noop_mse")


def _has_maps(encoder: Any) -> bool:
    """Whether it gives LPIPS by place, or stands for one that is not here."""
    from imug_metrics.encoders.absent import AbsentEncoder

    return hasattr(encoder, "distance_map") or isinstance(encoder, AbsentEncoder)
