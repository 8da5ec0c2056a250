# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Slope of the log-odds over turns from counts by turn."""

from __future__ import annotations

import torch
from torch import Tensor


def logistic_slope(successes: Tensor, trials: Tensor) -> Tensor:
    """Maximum-likelihood slope `b` of `logit P(success) = a + b * turn`, from counts by turn.

    The counts by turn are sufficient, so this equals logistic regression on the records. Rates of 0 or 1 at single
    turns enter as they are: the likelihood needs no continuity correction. Where one turn parts all successes from all
    failures (or one of them is missing) the likelihood has no maximum and the slope is NaN.

    Args:
        successes: `[..., T]`, number of successes by turn.
        trials: `[..., T]`, number of trials by turn; turns without any say nothing.

    Returns:
        `[...]`. Differentiable in both arguments, and unchanged when both are scaled. With the delta method over
        dialogues its error is the sandwich error of logistic regression clustered by dialogue.

    Example:
        >>> import math
        >>> slope = logistic_slope(torch.tensor([1.0, 2.0, 4.0]).double(), torch.tensor([3.0, 4.0, 6.0]).double())
        >>> round(slope.item() / math.log(2), 6)  # odds of 1:2, 2:2 and 4:2
        1.0
    """
    there = _overlap(successes, trials - successes)[..., None]
    weight = trials.sum(-1, keepdim=True)
    total = torch.where(weight > 0, weight, 1)
    n = torch.where(there, trials / total, 1 / trials.shape[-1])
    s = torch.where(there, successes / total, n / 2)
    turns = torch.arange(trials.shape[-1], dtype=n.dtype, device=n.device)
    turns = turns - (n * turns).sum(-1, keepdim=True).detach()
    start = torch.zeros_like(s[..., 0])
    fit = start, start
    with torch.no_grad():
        for _ in range(100):
            fit, step = _newton(s, n, turns, *fit)
            if not bool((step > 1e-10).any()):
                break
    (_, slope), _ = _newton(s, n, turns, *fit)  # at the maximum one more step carries the exact derivative
    return slope.masked_fill(~there[..., 0], torch.nan)


def _overlap(successes: Tensor, failures: Tensor) -> Tensor:
    """Whether successes and failures overlap in turns `[...]`, which is when the likelihood has a maximum."""
    turns = torch.arange(successes.shape[-1], device=successes.device)

    def first(seen: Tensor) -> Tensor:
        return turns.where(seen, len(turns)).amin(-1)

    def last(seen: Tensor) -> Tensor:
        return turns.where(seen, -1).amax(-1)

    success, failure = successes > 0, failures > 0
    return (first(success) < last(failure)) & (first(failure) < last(success))


def _newton(s: Tensor, n: Tensor, turns: Tensor, a: Tensor, b: Tensor) -> tuple[tuple[Tensor, Tensor], Tensor]:
    """Intercept and slope after one step of Newton's method, and the step's length in log-odds."""
    p = torch.sigmoid(a[..., None] + b[..., None] * turns)
    residual, w = s - n * p, n * p * (1 - p)
    g0, g1 = residual.sum(-1), (residual * turns).sum(-1)
    h00, h01, h11 = w.sum(-1), (w * turns).sum(-1), (w * turns * turns).sum(-1)
    determinant = h00 * h11 - h01 * h01
    step = torch.stack([h11 * g0 - h01 * g1, h00 * g1 - h01 * g0], -1) / determinant[..., None]
    # Far from the maximum a full step may overshoot; two units of log-odds at any turn are plenty.
    reach = (step[..., :1] + step[..., 1:] * turns).abs().amax(-1)
    step = step * (2 / reach.clamp_min(2))[..., None]
    return (a + step[..., 0], b + step[..., 1]), reach
