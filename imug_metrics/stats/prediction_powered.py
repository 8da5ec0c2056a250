# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Prediction-powered inference: a judge scores everything, people a part, and the interval is about people's scores."""

from __future__ import annotations

import torch
from torch import Tensor

from imug_metrics.stats.adjusted_mean import (
    AdjustedMean,
    Parts,
    adjusted_mean,
    check_known,
    check_level,
    check_rows,
    mean_parts,
)

_BOUNDS = (0.0, 1.0)


def prediction_powered_mean(
    scores: Tensor, human: Tensor, dialogue: Tensor, *, level: float = 0.95, power: float | None = None
) -> AdjustedMean:
    """What people would say on average, from a judge's scores of all records and people's of some.

    With `f` the judge's and `y` people's scores (PPI++, Angelopoulos, Duchi and Zrnic, arXiv 2311.01453, section 6),

        lambda * mean_all(f) + mean_labelled(y - lambda * f)

    is free of the judge's bias whatever `lambda` is, provided that the labelled dialogues were drawn at random. With
    `lambda = 0` it is the mean of people alone. The better the judge follows people, the shorter the interval, which
    is robust to the dependence within dialogues: the delta method over the sums of each, labelled records being a part
    of all. The paper's unlabelled set is disjoint from the labelled one; its lambda is this one times the share of
    records without a label.

    Args:
        scores: `[N]`, the judge's, of every record.
        human: `[N]`, people's, NaN where there is none.
        dialogue: int64 `[N]`, ids.
        level: probability that the interval covers.
        power: lambda; None: the one under which the estimate varies least, kept within 0 and 1 as in the authors'
            package (beyond, it is mostly noise), and 0 with fewer than 10 effective dialogues that have labels.

    Returns:
        The mean with its interval, lambda as the only one of `slopes`, and `variance_ratio` to people alone. NaN
        without labels; bounds are NaN with fewer than two effective dialogues that have any.

    Raises:
        ValueError: if lengths differ, a score is infinite or a judge's NaN, or `level` or `power` is no share.

    Example:
        >>> generator = torch.Generator().manual_seed(0)
        >>> people = torch.randn(500, generator=generator)
        >>> judge = people + 1 + 0.5 * torch.randn(500, generator=generator)  # a mild judge
        >>> labelled = people.where(torch.arange(500) < 50, torch.nan)
        >>> found = prediction_powered_mean(judge, labelled, torch.arange(500))
        >>> found.lower < float(people.mean()) < found.upper, found.upper < float(judge.mean())
        (True, True)
        >>> round(found.slopes[0], 2), round(found.variance_ratio, 2)
        (0.8, 0.29)
    """
    check_level(level)
    slopes = None if power is None else _slopes(power)
    return adjusted_mean(_parts(scores, human, dialogue), level=level, bounds=_BOUNDS, slopes=slopes)


def prediction_powered_difference(
    scores: tuple[Tensor, Tensor],
    human: tuple[Tensor, Tensor],
    dialogue: Tensor,
    *,
    level: float = 0.95,
    power: float | None = None,
) -> AdjustedMean:
    """How much higher people would score the first of two models, record by record of the same dialogues.

    The difference of two `prediction_powered_mean`s. Both models' sums of a dialogue stand in one vector, so what they
    share (an easy dialogue, a mild rater) leaves the interval; each has a lambda of its own, and both are chosen
    together.

    Args:
        scores: `[N]` each, the judge's of every record.
        human: `[N]` each, people's; NaN where there is none. The two need not have the same records.
        dialogue: int64 `[N]`, ids.
        level: probability that the interval covers.
        power: both lambdas; None: those under which the difference varies least, as in `prediction_powered_mean`.

    Returns:
        First minus second, with `slopes` the two lambdas, `variance_ratio` to the difference of people alone, and
        `scored` records that either has a label of. `dialogues` is that of the model with fewer.

    Raises:
        ValueError: as `prediction_powered_mean`.

    Example:
        >>> generator = torch.Generator().manual_seed(0)
        >>> people = torch.randn(2, 400, generator=generator) + torch.tensor([[0.5], [0.0]])
        >>> judge = people + 0.5 * torch.randn(2, 400, generator=generator)
        >>> some = people.where(torch.arange(400) < 100, torch.nan)
        >>> found = prediction_powered_difference((judge[0], judge[1]), (some[0], some[1]), torch.arange(400))
        >>> found.lower < 0.5 < found.upper, found.variance_ratio < 0.6
        (True, True)
    """
    check_level(level)
    first, second = (_parts(*rows, dialogue) for rows in zip(scores, human, strict=True))
    parts = Parts(
        first.mean - second.mean,
        torch.cat([first.shifts, -second.shifts]),
        first.own - second.own,
        torch.cat([first.others, -second.others], 1),
        first.scored,
        first.records,
    )
    slopes = None if power is None else _slopes(power).expand(2)
    sides = [
        adjusted_mean(parts._replace(scored=side.scored), level=level, bounds=_BOUNDS, slopes=slopes)
        for side in (first, second)
    ]
    labelled = ~(human[0].isnan() & human[1].isnan())
    return min(sides, key=lambda side: side.dialogues)._replace(scored=int(labelled.sum()))


def _parts(scores: Tensor, human: Tensor, dialogue: Tensor) -> Parts:
    if scores.ndim != 1:
        raise ValueError(f"Expected argument `scores` to have shape [N], got {list(scores.shape)}.")
    check_rows(len(scores), scores=scores, human=human, dialogue=dialogue)
    check_known("scores", scores)
    return mean_parts(human, scores[:, None], dialogue)


def _slopes(power: float) -> Tensor:
    if not 0 <= power <= 1:
        raise ValueError(f"Expected argument `power` to be from 0 to 1, got {power}.")
    return torch.tensor([float(power)], dtype=torch.float64)
