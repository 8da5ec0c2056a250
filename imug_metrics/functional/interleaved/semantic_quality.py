# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Is an interleaved answer right, and are its items well made?"""

from __future__ import annotations

from typing import Literal

from torch import Tensor

from imug_metrics.dialogues.arguments import Numbers
from imug_metrics.functional.interleaved.coupling import Scale, check_eta, combine, graded
from imug_metrics.functional.reduce import reduce_values


def semantic_quality(
    correctness: Numbers,
    quality: Numbers,
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
        ValueError: if `eta` or `scale` is refused.
        InputError: if shapes differ or a number is outside its range.

    Example:
        >>> semantic_quality([1.0, 0.5], [0.8, 0.0], reduction="none")
        tensor([0.9400, 0.3500], dtype=torch.float64)
    """
    right, good = graded((scale, "share"), correctness=correctness, quality=quality)
    values = combine(right, good, check_eta(eta), product=True)
    return reduce_values(values, reduction)
