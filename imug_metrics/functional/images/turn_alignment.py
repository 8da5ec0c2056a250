# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Does the image show what its turn's prompt asks for: text-image alignment by turn."""

from __future__ import annotations

from typing import Any, Literal

import torch
from einops import rearrange
from imug_kernels import paired_cosine
from torch import Tensor

from imug_metrics.dialogues.arguments import Images, Texts, Valid
from imug_metrics.dialogues.arrays import REALS, read_array
from imug_metrics.dialogues.columns import SHARE, Bounds, Column, check_shapes, check_widths, embedding_column
from imug_metrics.dialogues.holders import depth_of, opened
from imug_metrics.errors import InputError
from imug_metrics.functional.reduce import present_values, reduce_values

Variant = Literal["cosine", "clipscore", "torchmetrics", "siglip", "refclipscore"]
VARIANTS: tuple[Variant, ...] = ("cosine", "clipscore", "torchmetrics", "siglip", "refclipscore")
CLAMPED = {"clipscore": 2.5, "torchmetrics": 100.0}
"""Factor of the variants that take a negative cosine for 0."""
RANGES: dict[Variant, Bounds] = {
    "cosine": (-1.0, 1.0),
    "clipscore": (0.0, CLAMPED["clipscore"]),
    "torchmetrics": (0.0, CLAMPED["torchmetrics"]),
    "siglip": SHARE,
    "refclipscore": (0.0, CLAMPED["clipscore"]),
}
"""What each variant's values lie within."""


def turn_alignment(
    images: Images,
    texts: Texts,
    references: Images | None = None,
    *,
    valid: Valid | None = None,
    variant: Variant = "clipscore",
    scale: float | None = None,
    bias: float | None = None,
    reduction: Literal["mean", "none"] = "mean",
) -> Tensor:
    """How well each image agrees with its prompt, from their embeddings. Higher is better.

    | variant | value of a pair | range | source |
    |---|---|---|---|
    | `cosine` | cos | -1 to 1 | |
    | `clipscore` | 2.5 max(cos, 0) | 0 to 2.5 | Hessel et al., EMNLP 2021 |
    | `torchmetrics` | 100 max(cos, 0), clamped by pair, not on the mean | 0 to 100 | torchmetrics CLIPScore |
    | `siglip` | sigmoid(scale cos + bias) | 0 to 1 | Zhai et al., ICCV 2023 |
    | `refclipscore` | harmonic mean of `clipscore` and max(0, cos to the best reference) | 0 to 1.43 | Hessel et al. |

    Args:
        images: embeddings `[N, D]` or `[B, T, D]` of any floating dtype.
        texts: embeddings of the same shape.
        references: for `refclipscore`, embeddings of the references of each image: `[N, D]`, or `[N, R, D]` for
            several (`[B, T, R, D]` when padded), with NaN rows where one has fewer.
        valid: bool `[N]` or `[B, T]`; False gives NaN.
        variant: see the table.
        scale: of `siglip`, the exponential of the model's learned temperature.
        bias: of `siglip`, the model's learned bias.
        reduction: `"none"` for one value a pair, `"mean"` for the mean of those that are defined.

    Returns:
        Scalar, or values in the shape of the records; NaN where undefined. float64 on a CPU. Differentiable.

    Raises:
        ValueError: if the variant is unknown, or `siglip` lacks scale or bias.
        InputError: if shapes or widths differ, or `refclipscore` has no references.

    Example:
        >>> turn_alignment(torch.eye(2), torch.tensor([[1.0, 0.0], [1.0, 1.0]]), reduction="none")
        tensor([2.5000, 1.7678], dtype=torch.float64)
    """
    rows, prompts = embedding_column("images", images), embedding_column("texts", texts)
    columns = {"images": rows, "texts": prompts}
    if references is not None:
        columns["references"] = reference_column(references, rows.shape)
    check_shapes(**columns)
    check_widths(**columns)
    several = columns["references"].values if references is not None else None
    values = alignment_values(rows.values, prompts.values, several, variant, scale, bias).view(rows.shape)
    return reduce_values(present_values(values, valid), reduction)


def reference_column(references: Any, shape: tuple[int, ...]) -> Column:
    """References `[N, R, D]` of records of a shape, from `[*shape, D]` or `[*shape, R, D]`.

    Raises:
        InputError: if they are no embeddings, or the leading dimensions are not those of the records.

    Example:
        >>> reference_column(torch.ones(2, 8), (2,)).values.shape
        torch.Size([2, 1, 8])
    """
    given = opened("references", references)
    inner = 2 if depth_of(given) == len(shape) + 2 else 1
    rows, ends = read_array("references", given, REALS, inner=inner, filler=torch.nan)
    if inner == 1:
        rows = rows[..., None, :]
    if rows.ndim != len(shape) + 2 or tuple(rows.shape[:-2]) != shape:
        expected = f"to be embeddings of shape {[*shape]} + [D] or [R, D], for each of `images`"
        raise InputError(
            "references", expected, f"{[*rows.shape]}" if inner == 2 else f"{[*rows.shape[:-2], rows.shape[-1]]}"
        )
    rows = rows if rows.is_floating_point() else rows.float()
    return Column(rearrange(rows, "... r d -> (...) r d"), shape, None, ends, width=rows.shape[-1])


def alignment_values(
    images: Tensor,
    texts: Tensor,
    references: Tensor | None,
    variant: Variant,
    scale: float | None = None,
    bias: float | None = None,
) -> Tensor:
    """Values `[N]` of pairs of embeddings `[N, D]`, with references `[N, R, D]`; see `turn_alignment`."""
    if variant not in VARIANTS:
        raise ValueError(f"Expected argument `variant` to be one of {VARIANTS}, got {variant!r}.")
    if variant in CLAMPED:
        return paired_cosine(images, texts, scale=CLAMPED[variant], floor=0.0)
    if variant != "refclipscore":
        return alignment_of_cosine(paired_cosine(images, texts), variant, scale, bias)
    if references is None:
        raise InputError("references", "to be embeddings of reference images with `refclipscore`", "None")
    clip = paired_cosine(images, texts, scale=CLAMPED["clipscore"], floor=0.0)
    return _harmonic_mean(clip, _best_reference(images, references))


def alignment_of_cosine(
    cosine: Tensor, variant: Variant, scale: float | None = None, bias: float | None = None
) -> Tensor:
    """Values of pairs whose cosine is known; see `turn_alignment`.

    Raises:
        ValueError: if the variant needs more than the cosine.

    Example:
        >>> alignment_of_cosine(torch.tensor([0.5, -0.5]), "clipscore")
        tensor([1.2500, 0.0000])
    """
    if variant == "cosine":
        return cosine
    if variant in CLAMPED:
        return CLAMPED[variant] * cosine.clamp_min(0)
    if variant != "siglip":
        raise ValueError(f"Expected argument `variant` to be one that the cosine alone decides, got {variant!r}.")
    if scale is None or bias is None:
        raise ValueError("Expected arguments `scale` and `bias` (or an encoder that has them) with `siglip`.")
    return torch.sigmoid(scale * cosine + bias)


def _best_reference(images: Tensor, references: Tensor) -> Tensor:
    """Largest cosine `[N]` to the references `[N, R, D]` that are there, at least 0; NaN where none is."""
    count = references.shape[1]
    rows = torch.arange(len(images), device=images.device).repeat_interleave(count)
    cosine = paired_cosine(images, rearrange(references, "n r d -> (n r) d"), ix=rows)
    cosine = rearrange(cosine, "(n r) -> n r", r=count)
    none = cosine.isnan().all(1)
    return cosine.nan_to_num(nan=-1).amax(1).clamp_min(0).masked_fill(none, torch.nan)


def _harmonic_mean(a: Tensor, b: Tensor) -> Tensor:
    total = a + b
    return torch.where(total == 0, 0.0, 2 * a * b / torch.where(total == 0, 1.0, total))
