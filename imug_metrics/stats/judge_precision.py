# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""How precise each of several judges is, and their mean that listens to the precise ones more."""

from __future__ import annotations

import torch
from torch import Tensor

LEAST_JUDGES = 3
"""What two judges differ by does not tell whose noise it is."""

_LEAST_SHARE = 0.1  # of the mean noise: an estimate below is mostly luck, and would silence all others


def noise_variances(scores: Tensor) -> Tensor:
    """The variance of each judge's noise, with nobody knowing the true scores (Grubbs, JASA 43, 1948).

    With `V_jk` the variance of the difference of two judges' scores, and noises that are independent,
    `V_jk = v_j + v_k`. Over all pairs, least squares give

        v_j = (sum_k V_jk - sum_{pairs} V / (J - 1)) / (J - 2)

    Args:
        scores: `[N, J]`, on one scale; NaN where a judge gave none. Rows that a judge lacks do not count.

    Returns:
        float64 `[J]`, unbiased, so that it may be negative. NaN with fewer than three judges, or fewer than two rows.

    Example:
        >>> generator = torch.Generator().manual_seed(0)
        >>> noise = torch.randn(4000, 3, generator=generator) * torch.tensor([0.1, 0.2, 0.4])
        >>> noise_variances(torch.rand(4000, 1, generator=generator) + noise).sqrt()
        tensor([0.1072, 0.1975, 0.3998], dtype=torch.float64)
    """
    whole = scores[~scores.isnan().any(1)].double()
    judges = scores.shape[1]
    if judges < LEAST_JUDGES or len(whole) < 2:
        return torch.full((judges,), torch.nan, dtype=torch.float64)
    spread = (whole[:, :, None] - whole[:, None]).var(0)
    total = spread.sum() / 2
    return (spread.sum(1) - total / (judges - 1)) / (judges - 2)


def judge_weights(scores: Tensor) -> Tensor:
    """Weights of judges by their precision, `1 / v_j` of `noise_variances`, with sum 1.

    Noise below a tenth of the mean counts as that, so that nobody's luck silences the others. Where nobody can tell,
    all weigh the same.

    Args:
        scores: see `noise_variances`.

    Returns:
        float64 `[J]`.

    Example:
        >>> judge_weights(torch.tensor([[0.2, 0.4], [0.6, 0.5]]))
        tensor([0.5000, 0.5000], dtype=torch.float64)
    """
    variances = noise_variances(scores)
    mean = variances.mean()
    if not bool(mean > 0):
        return torch.full_like(variances, 1 / max(len(variances), 1))
    precision = 1 / variances.clamp_min(_LEAST_SHARE * mean)
    return precision / precision.sum()


def weighted_scores(scores: Tensor, weights: Tensor) -> Tensor:
    """The judges' weighted mean of each row, over the judges that gave a score.

    A judge that is milder or stricter than the others is first moved to their common mean, over the rows that all have,
    so that a score that is missing makes no row look better or worse.

    Args:
        scores: `[N, J]`; NaN where a judge gave none.
        weights: `[J]`, as of `judge_weights`.

    Returns:
        float64 `[N]`, NaN where no judge gave a score.

    Example:
        >>> scores = torch.tensor([[0.2, 0.4], [0.6, 0.8], [0.5, torch.nan]])
        >>> weighted_scores(scores, torch.tensor([0.5, 0.5]))
        tensor([0.3000, 0.7000, 0.6000], dtype=torch.float64)
    """
    scores, weights = scores.double(), weights.double()
    there = ~scores.isnan()
    whole = scores[there.all(1)]
    shift = whole.mean(0) - whole.mean() if len(whole) else torch.zeros_like(weights)
    # With the weights of all judges the shifts together move nobody.
    shift = shift - (shift * weights).sum()
    share = weights * there
    total = (share * (scores - shift).masked_fill(~there, 0)).sum(1)
    return (total / share.sum(1)).masked_fill(~there.any(1), torch.nan)
