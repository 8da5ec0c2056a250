# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Two judged scores of an interleaved answer coupled into one: is it right and well made, is it of one piece."""

from __future__ import annotations

from typing import Any, Literal

import torch
from torch import Tensor

from imug_metrics.dialogues.inputs import score_rows
from imug_metrics.functional.reduce import reduce_values

Scale = Literal["share", "grade", "grade/5"]
SCALES = ("share", "grade", "grade/5")


def semantic_quality(
    correctness: Any,
    quality: Any,
    *,
    eta: float = 0.7,
    scale: Scale = "share",
    reduction: Literal["mean", "none"] = "mean",
) -> Tensor:
    """Semantic-quality coupled score of UniM (arXiv 2603.05075). Range 0 to 1, higher is better.

    `SQCS = SC * (eta + (1 - eta) * GQ)`: quality counts only as far as the answer is right. It is taken by instance and
    then averaged, so the mean SQCS is not the SQCS of the mean SC and GQ: it differs by `(1 - eta) * cov(SC, GQ)`.

    Args:
        correctness: SC, semantic correctness of each answer against its reference, `[N]` or `[B, T]`; NaN where not
            known.
        quality: GQ in [0, 1], quality of the answer's items without a reference, in the same shape.
        eta: share of the score that correctness alone earns.
        scale: of `correctness`: `"share"` in [0, 1], or a judge's grades 1 to 5, mapped by (s - 1) / 4 (`"grade"`) or
            s / 5 (`"grade/5"`).
        reduction: `"none"`, or `"mean"` of the answers that have both.

    Returns:
        float64 scalar, or values in the shape of the answers, NaN where one of the two is unknown. Differentiable.

    Raises:
        ValueError: if shapes differ or a number is outside its range.

    Example:
        >>> semantic_quality([1.0, 0.5], [0.8, 0.0], reduction="none")
        tensor([0.9400, 0.3500], dtype=torch.float64)
    """
    values = couple(
        graded("correctness", correctness, scale), graded("quality", quality, "share"), check_eta(eta), product=True
    )
    return reduce_values(values, reduction)


def interleaved_coherence(
    holistic: Any,
    style: Any,
    *,
    eta: float = 0.8,
    scale: Scale = "share",
    reduction: Literal["mean", "none"] = "mean",
) -> Tensor:
    """Interleaved coherence score of UniM (arXiv 2603.05075). Range 0 to 1, higher is better.

    `ICS = eta * HC + (1 - eta) * SH`. It is linear, so the mean ICS is the ICS of the means and lies between them.

    Args:
        holistic: HC, holistic coherence, `[N]` or `[B, T]`; NaN where unknown.
        style: SH, stylistic harmony, in the same shape.
        eta: weight of `holistic`.
        scale: of both: `"share"` in [0, 1], or grades 1 to 5, mapped by (s - 1) / 4 (`"grade"`) or s / 5 (`"grade/5"`).
        reduction: `"none"`, or `"mean"` of the answers that have both.

    Returns:
        float64 scalar, or values in the shape of the answers, NaN where one of the two is unknown. Differentiable.

    Raises:
        ValueError: if shapes differ or a number is outside its range.

    Example:
        >>> interleaved_coherence([5, 3], [3, 3], scale="grade", reduction="none")
        tensor([0.9000, 0.5000], dtype=torch.float64)
    """
    values = couple(graded("holistic", holistic, scale), graded("style", style, scale), check_eta(eta), product=False)
    return reduce_values(values, reduction)


def couple(first: Tensor, second: Tensor, eta: float, *, product: bool) -> Tensor:
    """`first * (eta + (1 - eta) * second)`, or without `product` `eta * first + (1 - eta) * second`.

    Args:
        first, second: of one shape.
        eta: in [0, 1].
        product: which of the two.

    Raises:
        ValueError: if the shapes differ.

    Example:
        >>> couple(torch.tensor([0.5]), torch.tensor([1.0]), 0.8, product=False)
        tensor([0.6000])
    """
    if first.shape != second.shape:
        raise ValueError(f"Expected two scores of one shape, got {list(first.shape)} and {list(second.shape)}.")
    return first * (eta + (1 - eta) * second) if product else eta * first + (1 - eta) * second


def graded(argument: str, values: Any, scale: Scale, validate: bool = True) -> Tensor:
    """Scores of a scale as shares in [0, 1].

    Args:
        argument: its name, for errors.
        values: `[N]` or `[B, T]`.
        scale: see `semantic_quality`.
        validate: check the range; on a CUDA device that is one synchronisation.

    Returns:
        float64 in the shape of `values`.

    Raises:
        ValueError: if the scale is unknown or a value is outside of it.

    Example:
        >>> graded("style", [1, 3, 5], "grade"), graded("style", [1, 3, 5], "grade/5")
        (tensor([0.0000, 0.5000, 1.0000], dtype=torch.float64), tensor([0.2000, 0.6000, 1.0000], dtype=torch.float64))
    """
    if scale not in SCALES:
        raise ValueError(f"Expected argument `scale` to be one of {SCALES}, got {scale!r}.")
    # A list of numbers would become float32.
    values = values if isinstance(values, Tensor) else torch.as_tensor(values, dtype=torch.float64)
    rows = score_rows(argument, values)
    low, high = (0, 1) if scale == "share" else (1, 5)
    if validate:
        outside = (rows.values < low) | (rows.values > high)
        if bool(outside.any()):
            row = int(outside.nonzero()[0])
            raise ValueError(
                f"Expected argument `{argument}` to lie between {low} and {high}, got {float(rows.values[row])} at row "
                f"{row}."
            )
    shares = {"share": rows.values, "grade": (rows.values - 1) / 4, "grade/5": rows.values / 5}[scale]
    return shares.view(rows.shape)


def check_eta(eta: float) -> float:
    """The weight itself.

    Raises:
        ValueError: if it is not in [0, 1].

    Example:
        >>> check_eta(1.2)
        Traceback (most recent call last):
        ValueError: Expected argument `eta` to lie between 0 and 1, got 1.2.
    """
    if not 0 <= eta <= 1:
        raise ValueError(f"Expected argument `eta` to lie between 0 and 1, got {eta}.")
    return eta
