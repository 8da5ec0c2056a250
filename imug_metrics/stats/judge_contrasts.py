# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""What moves one judge's scores more than the others': effects of features of the same outputs, set against each other.

A feature may move the scores of all judges because it moves the quality: long answers may be better. What it does to
one judge beyond what it does to the judge in the middle, or to people, is a bias.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor

from imug_metrics.stats.intervals import student_quantile

_ROUNDING = 1e-24  # of squared errors on scores of about 1: what is left of none
_COLLINEAR = 1e-9  # of a feature's variance that the others leave


class Contrast(NamedTuple):
    """How much more a feature moves one judge than the reference.

    Attributes:
        value: the difference of the two effects; NaN where the data do not tell the effects.
        lower, upper: its interval by dialogue; NaN where there is none.
        outputs: outputs that all judges scored.
        dialogues: how many dialogues they belong to.
    """

    value: float
    lower: float
    upper: float
    outputs: int
    dialogues: int


UNKNOWN = Contrast(math.nan, math.nan, math.nan, 0, 0)


class Effects(NamedTuple):
    """Effects of features on judges, and what each dialogue brings to them.

    Attributes:
        values: float64 `[K, J]`.
        parts: float64 `[G, K, J]`, the dialogues' parts in the errors; they sum to 0.
        outputs: how many outputs all judges scored.
    """

    values: Tensor
    parts: Tensor
    outputs: int


def feature_effects(scores: Tensor, features: Tensor, dialogue: Tensor) -> Effects:
    """Least squares of each judge's scores on features of the outputs, each adjusted for the others.

    Args:
        scores: `[N, J]`; NaN where a judge gave none. Only outputs that all judges scored count: judges that scored
            different ones do not compare.
        features: `[N, K]`, finite; the first may be a column of ones, whose effect is the mean where the others are 0.
        dialogue: int64 `[N]`, ids.

    Returns:
        The effects; NaN of a feature that does not vary, or that the others make up.

    Example:
        >>> scores = torch.tensor([[0.1, 0.4], [0.3, 0.5], [0.5, 0.6]])
        >>> ones_and_length = torch.tensor([[1.0, -1], [1, 0], [1, 1]])
        >>> feature_effects(scores, ones_and_length, torch.arange(3)).values
        tensor([[0.3000, 0.5000],
                [0.2000, 0.1000]], dtype=torch.float64)
    """
    whole = ~scores.isnan().any(1)
    y, x, ids = scores[whole].double(), features[whole].double(), dialogue[whole]
    owner = torch.unique(ids, return_inverse=True)[1]
    groups = int(owner.max()) + 1 if len(owner) else 0
    scale = x.square().sum(0).sqrt()
    kept = _independent(x / scale.clamp_min(1e-300))
    values = y.new_full((x.shape[1], y.shape[1]), torch.nan)
    parts = y.new_full((groups, *values.shape), torch.nan)
    if kept and len(y) > len(kept):
        x = x[:, kept]
        inverse = torch.linalg.inv(x.T @ x)
        found = inverse @ (x.T @ y)
        pulls = (x @ inverse)[:, :, None] * (y - x @ found)[:, None]
        values[kept] = found
        parts[:, kept] = pulls.new_zeros(groups, *found.shape).index_add_(0, owner, pulls)
    return Effects(values, parts, len(y))


def _independent(x: Tensor) -> list[int]:
    """Columns of length 1 that the ones before them do not make up, and that are not 0."""
    kept: list[int] = []
    for column in range(x.shape[1]):
        rest = x[:, column]
        if kept:
            rest = rest - x[:, kept] @ torch.linalg.lstsq(x[:, kept], rest[:, None]).solution[:, 0]
        if len(rest) and float(rest.square().sum()) > _COLLINEAR:
            kept.append(column)
    return kept


def contrast(effects: Effects, feature: int, judge: int, others: Tensor, level: float) -> Contrast:
    """One judge's effect less a mean of others', with an interval by dialogue.

    Args:
        effects: see `feature_effects`.
        feature: which one.
        judge: whose effect.
        others: `[J]`, weights of the judges that it is held against, with sum 1.
        level: probability that the interval covers.
    """
    against = -others.double()
    against[judge] += 1
    value = float(effects.values[feature] @ against)
    if math.isnan(value):
        return UNKNOWN._replace(outputs=effects.outputs)
    parts = effects.parts[:, feature] @ against
    squares, groups = float(parts.square().sum()), len(parts)
    freedom = groups - effects.values.shape[0]
    if freedom < 1 or squares <= _ROUNDING:
        return Contrast(value, math.nan, math.nan, effects.outputs, groups)
    error = math.sqrt(squares * groups / (groups - 1))
    reach = float(student_quantile(torch.tensor(freedom + 1.0, dtype=torch.float64), level)) * error
    return Contrast(value, value - reach, value + reach, effects.outputs, groups)


def middle_judges(effects: Tensor) -> Tensor:
    """Weights of the judge in the middle, or of the two of an even number, by their effects `[J]`; NaN are left out.

    Example:
        >>> middle_judges(torch.tensor([0.1, 0.5, 0.2])), middle_judges(torch.tensor([0.1, 0.5, 0.2, 0.3]))
        (tensor([0., 0., 1.]), tensor([0.0000, 0.0000, 0.5000, 0.5000]))
    """
    order = effects.argsort()[: int((~effects.isnan()).sum())]
    chosen = order[(len(order) - 1) // 2 : len(order) // 2 + 1]
    weights = torch.zeros_like(effects)
    weights[chosen] = 1 / max(len(chosen), 1)
    return weights
