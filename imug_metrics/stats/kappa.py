# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Agreement of two raters beyond chance: Cohen's kappa, with an interval by dialogue."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from imug_metrics.stats.bootstrap import percentile_interval, poisson_weights
from imug_metrics.stats.intervals import Weights


class Kappa(NamedTuple):
    """Agreement of two raters.

    Attributes:
        value: Cohen's kappa, at most 1; 0 is chance. NaN where both always say the same one thing.
        lower, upper: bounds of its 95 % interval by dialogue; NaN where there is none.
        agreed: share of answers that are equal.
        answers: how many both have given.
    """

    value: float
    lower: float
    upper: float
    agreed: float
    answers: int


def cohen_kappa(first: Tensor, second: Tensor, dialogue: Tensor, *, replicates: int = 1000, seed: int = 0) -> Kappa:
    """Cohen's kappa of two raters' yes/no answers (Educational and Psychological Measurement 20, 1960).

        kappa = (p_o - p_e) / (1 - p_e)

    with `p_o` the share of equal answers, and `p_e` what it would be if both drew theirs by chance.

    Args:
        first, second: `[N]`, 1 yes, 0 no, NaN where there is no answer.
        dialogue: int64 `[N]`, ids, of what the bootstrap draws as a whole.
        replicates, seed: of the bootstrap.

    Example:
        >>> first, second = torch.tensor([1.0, 1, 0, 0, 1, 0]), torch.tensor([1.0, 1, 0, 1, 1, 0])
        >>> found = cohen_kappa(first, second, torch.arange(6))
        >>> round(found.value, 3), round(found.agreed, 3), found.answers
        (0.667, 0.833, 6)
    """
    both = ~(first.isnan() | second.isnan())
    x, y = first[both].double(), second[both].double()
    cells = torch.stack([x * y, x * (1 - y), (1 - x) * y, (1 - x) * (1 - y)], 1)
    ids, owner = torch.unique(dialogue[both], return_inverse=True)
    by_dialogue = cells.new_zeros(len(ids), 4).index_add_(0, owner, cells)
    value = _kappa(by_dialogue.sum(0))
    drawn = _kappa(poisson_weights(ids, replicates, seed).T @ by_dialogue)
    sizes = by_dialogue.sum(1)
    clusters = Weights(sizes.sum(), sizes.square().sum()).effective[None]
    lower, upper = percentile_interval(drawn[:, None], clusters=clusters, value=value[None])
    agreed = cells[:, [0, 3]].sum() / both.sum()
    return Kappa(float(value), float(lower), float(upper), float(agreed), int(both.sum()))


def _kappa(cells: Tensor) -> Tensor:
    """Kappa `[...]` of counts `[..., 4]`: both yes, first alone, second alone, both no."""
    share = cells / cells.sum(-1, keepdim=True)
    both, one, other, neither = share.unbind(-1)
    chance = (both + one) * (both + other) + (neither + one) * (neither + other)
    return ((both + neither - chance) / (1 - chance)).masked_fill(chance >= 1 - 1e-12, torch.nan)
