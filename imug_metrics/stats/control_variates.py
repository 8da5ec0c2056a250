# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Control variates: a mean over some records, adjusted by something known of all of them."""

from __future__ import annotations

import torch
from torch import Tensor

from imug_metrics.stats.adjusted_mean import (
    AdjustedMean,
    adjusted_mean,
    check_known,
    check_level,
    check_rows,
    mean_parts,
)


def controlled_mean(
    scores: Tensor,
    covariate: Tensor,
    dialogue: Tensor,
    *,
    covariate_mean: Tensor | float | None = None,
    level: float = 0.95,
) -> AdjustedMean:
    """A mean of scores that were measured on some records, adjusted by covariates that are known of all.

    The regression estimator of survey sampling (Cochran, Sampling Techniques, 1977, chapter 7; in simulation a control
    variate)

        mean_scored(y) - beta' (mean_scored(x) - mean_all(x))

    corrects for the luck of which records were scored. `beta` are the slopes under which it varies least over
    dialogues. The interval is robust to the dependence within dialogues and takes in that of the mean over all. It
    gains nothing where the scored records are all records and no mean is known from elsewhere.

    Args:
        scores: `[N]`, NaN where a record was not scored.
        covariate: `[N]` or `[N, K]`, of every record, for instance the length of the prompt or the score of a weak
            model that has seen everything.
        dialogue: int64 `[N]`, ids.
        covariate_mean: its mean, or `K` of them, known from elsewhere and taken as exact, for instance over a whole
            benchmark of which only a part is here; None: over all records that are given. The interval is then about
            the mean score of that benchmark.
        level: probability that the interval covers.

    Returns:
        The mean with its interval, `slopes` (beta), and `variance_ratio` to the plain mean of what was scored. Where no
        covariate varies between dialogues, or with fewer than 10 effective dialogues a covariate, it is the plain
        mean and the ratio 1. Scored records must be a random part, or the covariate must say why they are not.

    Raises:
        ValueError: if lengths differ, a value is infinite or a covariate NaN, or `level` is no share.

    Example:
        >>> generator = torch.Generator().manual_seed(0)
        >>> weak = torch.rand(300, generator=generator)  # scores of a cheap model, on everything
        >>> strong = 0.3 + 0.6 * weak + 0.1 * torch.randn(300, generator=generator)
        >>> scored = strong.where(torch.arange(300) < 60, torch.nan)
        >>> found = controlled_mean(scored, weak, torch.arange(300))
        >>> found.lower < float(strong.mean()) < found.upper, round(found.variance_ratio, 2)
        (True, 0.42)
    """
    check_level(level)
    if scores.ndim != 1:
        raise ValueError(f"Expected argument `scores` to have shape [N], got {list(scores.shape)}.")
    columns = covariate[:, None] if covariate.ndim == 1 else covariate
    if columns.ndim != 2:
        raise ValueError(f"Expected argument `covariate` to have shape [N] or [N, K], got {list(covariate.shape)}.")
    check_rows(len(scores), scores=scores, covariate=columns, dialogue=dialogue)
    check_known("covariate", columns)
    known = None if covariate_mean is None else _known_mean(covariate_mean, columns)
    return adjusted_mean(mean_parts(scores, columns, dialogue, known), level=level)


def _known_mean(mean: Tensor | float, columns: Tensor) -> Tensor:
    known = torch.as_tensor(mean, dtype=torch.float64, device=columns.device).reshape(-1)
    if len(known) != columns.shape[1] or not bool(known.isfinite().all()):
        width = columns.shape[1]
        raise ValueError(f"Expected argument `covariate_mean` to hold {width} finite numbers, got {known.tolist()}.")
    return known
