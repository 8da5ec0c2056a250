# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""How well a selector orders the candidates of a turn."""

from __future__ import annotations

from typing import Literal, get_args

import torch
from einops import rearrange
from torch import Tensor

from imug_metrics.dialogues.arguments import Candidates
from imug_metrics.functional.reduce import reduce_values, valid_mask
from imug_metrics.functional.scaling.candidates import absent_candidates, as_candidates
from imug_metrics.stats.order_statistics import average_ranks

Measure = Literal["kendall", "spearman", "top", "auroc"]
MEASURES: tuple[Measure, ...] = get_args(Measure)
_CHUNK = 2**20  # elements of temporaries


def selection(
    scores: Candidates,
    selector: Candidates,
    *,
    measure: Measure = "kendall",
    threshold: float = 0.5,
    valid: Tensor | None = None,
    reduction: Literal["mean", "none"] = "mean",
) -> Tensor:
    """Agreement of a selector with the true scores among the candidates of one record. Higher is better.

    - `kendall`: tau-b (Kendall, Biometrika 33, 1945), in [-1, 1], `(C - D) / sqrt((P - T_1) (P - T_2))` with C pairs of
      candidates in the same order, D in opposite order, and T_1 and T_2 tied on either side of all P; `n^2` steps a
      record.
    - `spearman`: correlation of average ranks, in [-1, 1]; `n log n` steps.
    - `top`: probability that the selector's favourite is one of the truly best; where it has several favourites each is
      as likely. Chance is the share of the candidates that are best.
    - `auroc`: probability that a right candidate scores higher than a wrong one of the same record, ties counting half;
      right are those with a true score of at least `threshold`. 0.5 is chance.

    Args:
        scores: true scores `[..., n]`; NaN where a candidate is not there.
        selector: the selector's scores of the same shape.
        measure: see above.
        threshold: of `auroc`.
        valid: bool of the same shape, False where a candidate is not there.
        reduction: `"none"` or `"mean"` over records.

    Returns:
        float64 scalar, or values `[...]`. NaN with fewer than two candidates; the correlations also where all scores on
        one side are equal, `auroc` where no candidate is right or none is wrong.

    Raises:
        ValueError: if shapes differ or the measure is unknown.

    Example:
        >>> selection([[0.2, 0.8, 0.5]], [[0.1, 0.4, 0.6]], reduction="none")
        tensor([0.3333], dtype=torch.float64)
    """
    if measure not in MEASURES:
        raise ValueError(f"Expected argument `measure` to be one of {MEASURES}, got {measure!r}.")
    y = as_candidates("scores", scores)
    p = as_candidates("selector", selector, like=y)
    absent = absent_candidates(
        y, p, None if valid is None else valid_mask(valid, tuple(y.shape), y.device, of="`scores`")
    )
    flat_y, flat_p = (rearrange(side.masked_fill(absent, torch.nan), "... n -> (...) n") for side in (y, p))
    return reduce_values(selection_values(flat_y, flat_p, measure, threshold).view(y.shape[:-1]), reduction)


def selection_values(y: Tensor, p: Tensor, measure: Measure, threshold: float = 0.5) -> Tensor:
    """Values `[R]` of candidates `[R, n]`, NaN in both where one is absent; see `selection`."""
    y, p = y.double(), p.double()
    n = max(y.shape[1], 1)
    step = max(1, _CHUNK // (n * n if measure == "kendall" else n))
    if y.shape[0] <= step:
        return _values(y, p, measure, threshold)
    chunks = zip(torch.split(y, step), torch.split(p, step), strict=True)
    return torch.cat([_values(*chunk, measure, threshold) for chunk in chunks])


def chance_of_best(y: Tensor) -> Tensor:
    """Probability `[R]` that a random candidate of `[R, n]` is one of the best; NaN without candidates.

    Example:
        >>> chance_of_best(torch.tensor([[0.2, 0.8, 0.8, torch.nan]]))
        tensor([0.6667], dtype=torch.float64)
    """
    if not y.shape[1]:
        return y.new_full((len(y),), torch.nan, dtype=torch.float64)
    best = y == y.nan_to_num(nan=-torch.inf).amax(1, keepdim=True)
    return best.double().sum(1) / (~y.isnan()).sum(1)


def _values(y: Tensor, p: Tensor, measure: Measure, threshold: float) -> Tensor:
    if not y.shape[1]:
        return y.new_full((len(y),), torch.nan)
    if measure == "top":
        return _top(y, p).masked_fill((y == y).sum(1) < 2, torch.nan)
    if measure == "auroc":
        return _auroc((y >= threshold).double().masked_fill(y.isnan(), torch.nan), p)
    return _kendall(y, p) if measure == "kendall" else _spearman(y, p)


def _kendall(y: Tensor, p: Tensor) -> Tensor:
    """From signs of all ordered pairs; those with a candidate that is not there are 0 throughout."""
    signs = [(side[:, :, None] - side[:, None, :]).sign().nan_to_num(0).flatten(1) for side in (y, p)]
    both, across, along = ((a * b).sum(1) for a, b in ((signs[0], signs[1]), (signs[0],) * 2, (signs[1],) * 2))
    return both / (across * along).sqrt()  # 0 / 0 where a side has no order


def _spearman(y: Tensor, p: Tensor) -> Tensor:
    ranks = [average_ranks(side) for side in (y, p)]
    a, b = ((side - side.nanmean(1, keepdim=True)).nan_to_num(0) for side in ranks)
    # Ranks are multiples of 1/2, so that equal ones leave no remainder that would pass for variation.
    return (a * b).sum(1) / ((a * a).sum(1) * (b * b).sum(1)).sqrt()


def _top(y: Tensor, p: Tensor) -> Tensor:
    best, favourite = (side.nan_to_num(nan=-torch.inf) for side in (y, p))
    best, favourite = (side == side.amax(1, keepdim=True) for side in (best, favourite))
    return (best & favourite).double().sum(1) / favourite.double().sum(1)


def _auroc(right: Tensor, p: Tensor) -> Tensor:
    """From rank sums (Mann and Whitney, 1947)."""
    ranks = average_ranks(p).nan_to_num(0)
    positive, negative = (right == 1).double().sum(1), (right == 0).double().sum(1)
    above = (ranks * (right == 1)).sum(1) - positive * (positive + 1) / 2
    return above / (positive * negative)  # 0 / 0 where one kind is not there
