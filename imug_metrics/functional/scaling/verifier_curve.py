# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""What a verifier's scores are worth: its ROC curve, and the accuracy and cost of sampling with it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from imug_metrics._constants import constant
from imug_metrics.dialogues.arguments import Numbers, Valid
from imug_metrics.dialogues.columns import as_numbers
from imug_metrics.errors import InputError
from imug_metrics.functional.reduce import valid_mask
from imug_metrics.stats.running_sums import running_sums

_CELLS = 1 << 22  # cells of the table of bins that are held at a time
_ROUNDING = 1e-6  # in float32 the end of a range may end up this far beyond it, as a share

Share = Tensor | Sequence[float] | float


class VerifierRoc(NamedTuple):
    """A verifier's ROC curve over candidates that are right or wrong.

    Attributes:
        threshold: `[M]`, falling from +inf; candidates that score at least this much are accepted.
        false_accept: `[M]`, share of the wrong candidates that are accepted, from 0 to 1.
        true_accept: `[M]`, share of the right ones, from 0 to 1.
        base: share of right candidates among all.
        auroc: probability that a right candidate scores higher than a wrong one, ties counting half.
    """

    threshold: Tensor
    false_accept: Tensor
    true_accept: Tensor
    base: Tensor
    auroc: Tensor


def verifier_curve(scores: Numbers, target: Numbers, *, valid: Valid | None = None) -> VerifierRoc:
    """The exact ROC curve of a verifier, from all its scores.

    Args:
        scores: the verifier's scores, any shape, higher means "accept"; NaN ones are left out.
        target: of that shape, 1 (or True) where the candidate is right and 0 where it is wrong; NaN ones are left out.
        valid: bool of that shape, False where there is no candidate.

    Returns:
        The curve; shares of what is not there are NaN.

    Raises:
        InputError: if shapes differ or a target is neither 0 nor 1.

    Example:
        >>> roc = verifier_curve([0.9, 0.8, 0.8, 0.1], [1, 1, 0, 0])
        >>> roc.false_accept.tolist(), roc.true_accept.tolist()
        ([0.0, 0.0, 0.5, 1.0], [0.0, 0.5, 1.0, 1.0])
        >>> roc.auroc
        tensor(0.8750, dtype=torch.float64)
    """
    p = as_numbers("scores", scores).double()
    y = as_numbers("target", target).to(p.device).double()
    if p.shape != y.shape:
        raise InputError("target", f"to have the shape of `scores`, {[*p.shape]}", [*y.shape])
    there = ~p.isnan() & ~y.isnan()
    if valid is not None:
        there = there & valid_mask(valid, tuple(p.shape), p.device, of="`scores`")
    wrong = there & (y != 0) & (y != 1)
    if bool(wrong.any()):
        cell = wrong.nonzero()[0].tolist()
        raise InputError("target", "to hold 0 and 1", f"{float(y[tuple(cell)]):g}", cell[0] if len(cell) == 1 else cell)
    p, y = p[there], y[there]
    levels, row = torch.unique(p, return_inverse=True)
    right = torch.zeros_like(levels).index_add(0, row, y)
    wrong = torch.zeros_like(levels).index_add(0, row, 1 - y)
    threshold = torch.cat([levels.new_full((1,), torch.inf), levels.flip(0)])
    return VerifierRoc(threshold, _from_the_top(wrong), _from_the_top(right), y.mean(), counted_auroc(right, wrong))


def rejection_sampling(base: Share, true_accept: Share, false_accept: Share) -> tuple[Tensor, Tensor]:
    """Accuracy and expected number of tries of drawing candidates until the verifier accepts one.

    With base accuracy pi, the shares T of right and F of wrong candidates that are accepted, candidates independent:
    accuracy `T pi / (T pi + F (1 - pi))`, tries `1 / (T pi + F (1 - pi))`. The accuracy is also the ceiling of a
    verifier that says only yes or no: no number of candidates brings more.

    Args:
        base, true_accept, false_accept: in [0, 1], of shapes that broadcast.

    Returns:
        Accuracy, NaN where nothing is ever accepted, and tries, infinite there.

    Raises:
        ValueError: if a share lies outside [0, 1].

    Example:
        >>> rejection_sampling(0.25, 0.9, 0.1)
        (tensor(0.7500, dtype=torch.float64), tensor(3.3333, dtype=torch.float64))
    """
    pi, t, f = (torch.as_tensor(share, dtype=torch.float64) for share in (base, true_accept, false_accept))
    if any(bool(((share < 0) | (share > 1)).any()) for share in (pi, t, f)):
        raise ValueError("Expected arguments `base`, `true_accept`, `false_accept` to lie in [0, 1].")
    accepted = t * pi + f * (1 - pi)
    some = torch.where(accepted > 0, accepted, 1)
    return (t * pi / some).masked_fill(accepted <= 0, torch.nan), torch.where(accepted > 0, 1 / some, torch.inf)


def verified_accuracy(base: Tensor | float, true_accept: Tensor, false_accept: Tensor, n: Share) -> Tensor:
    """Accuracy of the highest scored of N independent candidates, from the verifier's ROC curve.

    `1 - N (1 - pi) integral_0^1 psi(F)^(N - 1) dF` with `psi(F) = (1 - pi)(1 - F) + pi (1 - T(F))`, the share of
    candidates that score lower than the threshold of F: a wrong candidate wins where all others score lower. The
    integral is exact on the curve's straight pieces, on which candidates score alike and chance decides.

    Args:
        base: share pi of right candidates.
        true_accept, false_accept: `[M]`, the curve from (0, 0) to (1, 1), rising.
        n: numbers N of candidates, any shape, at least 1; real ones interpolate, and infinity gives the ceiling, the
            share of right candidates among those with the highest score.

    Returns:
        float64 in the shape of `n`.

    Raises:
        ValueError: if the curve does not run from (0, 0) to (1, 1) or some N is below 1.

    Example:
        >>> roc = verifier_curve([0.9, 0.8, 0.8, 0.1], [1, 1, 0, 0])
        >>> verified_accuracy(roc.base, roc.true_accept, roc.false_accept, [1, 2, 4, float("inf")])
        tensor([0.5000, 0.6875, 0.8398, 1.0000], dtype=torch.float64)
    """
    t, f = true_accept.double(), false_accept.double()
    ends = torch.stack([t[0], f[0], 1 - t[-1], 1 - f[-1]]) if len(t) else t.new_ones(1)
    if t.shape != f.shape or bool((ends.abs() > 1e-9).any()):
        raise ValueError("Expected arguments `true_accept`, `false_accept` to run from (0, 0) to (1, 1) together.")
    size = torch.as_tensor(n, dtype=torch.float64, device=t.device)
    if not bool((size >= 1).all()):
        raise ValueError(f"Expected argument `n` to be >= 1, got {n}.")
    pi = torch.as_tensor(base, dtype=torch.float64, device=t.device)
    right, wrong = (pi * t.diff()).flip(0), ((1 - pi) * f.diff()).flip(0)  # by rising score, as counts are
    flat = torch.stack([counted_best_of_n(right, wrong, each) for each in size.flatten().tolist()])
    return flat.view(size.shape)


def score_bins(scores: Tensor, target: Tensor, low: float, high: float, bins: int) -> tuple[Tensor, Tensor]:
    """Counts `[N, bins]` of right and of wrong candidates `[N, n]` by the verifier's score.

    Args:
        scores: NaN where there is no candidate; a score beyond the range counts in the first or the last bin, so that
            a caller leaves out what is `out_of_range`.
        target: 1 where right, 0 where wrong.
        low, high: ends of the range.
        bins: number of bins of equal width.

    Example:
        >>> score_bins(torch.tensor([[0.1, 0.9, 0.6]]), torch.tensor([[0.0, 1.0, 0.0]]), 0, 1, 2)
        (tensor([[0., 1.]], dtype=torch.float64), tensor([[1., 1.]], dtype=torch.float64))
    """
    target = target.double().masked_fill(scores != scores, torch.nan)  # of which both comparisons are False
    kinds = torch.stack([target > 0, target <= 0], 1).double()
    place = bin_places(scores, low, high, bins)[:, None].expand_as(kinds)
    # Whole numbers: their sum is the same in any order.
    right, wrong = kinds.new_zeros(scores.shape[0], 2, bins).scatter_add_(2, place, kinds).unbind(1)
    return right, wrong


def binned(values: Tensor, place: Tensor, bins: int) -> Tensor:
    """Sums `[N, bins]` of values `[N, n]` by their bin, in an order that never changes.

    Example:
        >>> binned(torch.tensor([[1.0, 2.0, 4.0]]), torch.tensor([[0, 1, 0]]), 2)
        tensor([[5., 2.]], dtype=torch.float64)
    """
    step = max(1, _CELLS // max(values.shape[1] * bins, 1))
    bars = constant(torch.arange, bins, like=place)
    chunks = zip(torch.split(values.double(), step), torch.split(place, step))
    return torch.cat([(some[:, None] @ (where[:, :, None] == bars).double())[:, 0] for some, where in chunks])


def out_of_range(scores: Tensor, low: float, high: float) -> Tensor:
    """True where a score is finite and lies neither from `low` to `high` nor beside them by rounding.

    Scores beyond one end would share a bin and lose the order that they have. An infinite one, such as the logarithm
    of 0, has no other place than the end.

    Example:
        >>> out_of_range(torch.tensor([0.5, 1.2, -torch.inf, torch.nan]), 0, 1)
        tensor([False,  True, False, False])
    """
    away = (scores.double() - (low + high) / 2).abs()
    reach = (high - low) / 2 + _ROUNDING * max(abs(low), abs(high))
    return (away > reach) & (away < torch.inf)


def bin_places(scores: Tensor, low: float, high: float, bins: int) -> Tensor:
    """The bin of each score, from 0; NaN is put into the first."""
    share = (scores.double().nan_to_num(nan=low) - low) / (high - low)
    return (share * bins).clamp(0, bins - 1).long()


def counted_auroc(right: Tensor, wrong: Tensor) -> Tensor:
    """Area under the ROC curve from counts by rising score, `[..., B]`; NaN where either kind is not there.

    Example:
        >>> counted_auroc(torch.tensor([0.0, 1.0, 1.0]), torch.tensor([1.0, 1.0, 0.0]))
        tensor(0.8750)
    """
    below = running_sums(wrong) - wrong / 2
    pairs = right.sum(-1) * wrong.sum(-1)
    return torch.where(pairs > 0, (right * below).sum(-1) / torch.where(pairs > 0, pairs, 1), torch.nan)


def counted_best_of_n(right: Tensor, wrong: Tensor, n: float) -> Tensor:
    """Accuracy of the highest scored of N candidates from counts by rising score, `[..., B]`; NaN without any.

    `sum_b (S_b^N - S_{b-1}^N) r_b / (r_b + w_b)`, with S the share of candidates that score at most as high: the same
    as the integral over the ROC curve, see `verified_accuracy`. Does not change when all counts are scaled.

    Example:
        >>> counts = torch.tensor([0.0, 1.0, 1.0]), torch.tensor([1.0, 1.0, 0.0])
        >>> counted_best_of_n(*counts, 2), counted_best_of_n(*counts, float("inf"))
        (tensor(0.6875), tensor(1.))
    """
    every = right + wrong
    total = every.sum(-1, keepdim=True)
    if math.isinf(n):  # the highest level that holds any candidate takes it all
        wins = ((running_sums(every.flip(-1)).flip(-1) == every) & (every > 0)).to(every)
    else:
        share = running_sums(every) / torch.where(total > 0, total, 1)
        # At the last level the share is 1 by definition; a large N would show what rounding made of it.
        powers = torch.where(share > 1 - 1e-12, 1.0, share) ** n
        wins = torch.cat([powers[..., :1], powers.diff(dim=-1)], -1)
    precision = right / torch.where(every > 0, every, 1)
    return torch.where(total[..., 0] > 0, (wins * precision).sum(-1), torch.nan)


def _from_the_top(counts: Tensor) -> Tensor:
    """Shares of counts by rising score that lie at or above each score, from the highest, 0 first."""
    shares = running_sums(counts.flip(0)) / counts.sum()
    return torch.cat([shares.new_zeros(1), shares])
