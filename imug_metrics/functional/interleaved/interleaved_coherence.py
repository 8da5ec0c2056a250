# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Is an interleaved answer of one piece?"""

from __future__ import annotations

from typing import Literal

from torch import Tensor

from imug_metrics.dialogues.arguments import Numbers
from imug_metrics.functional.interleaved.coupling import Scale, check_eta, combine, graded
from imug_metrics.functional.reduce import reduce_values


def interleaved_coherence(
    holistic: Numbers,
    style: Numbers,
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
        ValueError: if `eta` or `scale` is refused.
        InputError: if shapes differ or a number is outside its range.

    Example:
        >>> interleaved_coherence([5, 3], [3, 3], scale="grade", reduction="none")
        tensor([0.9000, 0.5000], dtype=torch.float64)
    """
    whole, harmony = graded((scale, scale), holistic=holistic, style=style)
    values = combine(whole, harmony, check_eta(eta), product=False)
    return reduce_values(values, reduction)
