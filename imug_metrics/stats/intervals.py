# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""The one place that decides how an estimate gets its interval, by the values it can take and by what carries it.

Of an estimate from sums over dialogues three things are known: its spread (`stats.cluster_robust`), the weights of the
dialogues it rests on, and the range that it cannot leave. From the range follows the method:

- **a share or another score within `[low, high]`, `low >= 0`**: Wilson's interval on an effective number of records,
  joined with Clopper and Pearson's bound on the side of the nearer end;
- **at least `low`, without an upper end** (ratios, tries): Student's on the logarithm of `value - low`;
- **anything else** (slopes, differences, cosines): Student's, within the range where there is one.

Degrees of freedom are the effective number of dialogues, `G_eff = (sum w)^2 / sum w^2`, less the parameters that are
fitted: 1, but 2 for a line through all records and 3 for a correlation. 24 dialogues of 2 turns and one of 30 are one
dialogue to a slope. Without a degree of freedom there is no interval, and a reason instead of it. How often each
method covers is simulated in `tests/coverage`, and shown in docs/quality/coverage.md.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from scipy import special
from torch import Tensor

UNDEFINED = "it is undefined"
NO_FORMULA = "it has no formula for one, and there is no bootstrap"
FEW_GROUPS = "fewer than 5 groups carry it"
FITTED = "it fits more than so few effective dialogues can tell"
FEW_PAIRS = "there are too few pairs of two subjects to show so small a rate of false accepts"
COLLINEAR = "the data cannot tell it from the other effects of its model"
NO_SWITCH = "no scored turn follows one of another modality"
EQUAL = "it is the same in all dialogues, or differs from 0 in fewer than 2 effective ones"
REASONS = (
    "",
    UNDEFINED,
    "fewer than 2 effective dialogues carry it",
    EQUAL,
    "it lies at the end of its range",
    NO_FORMULA,
    FEW_GROUPS,
    FITTED,
    FEW_PAIRS,
    COLLINEAR,
    NO_SWITCH,
)
"""Why there are no bounds, by the code in `Interval.reason`; nothing where there are."""
_FINE, _UNDEFINED, _FEW, _CONSTANT, _END = range(5)
_FITTED = REASONS.index(FITTED)

LEAST_DIALOGUES = 2.0
"""Effective dialogues that an interval asks for."""

# What is assumed of the correlation within dialogues while fewer events than these have been seen; chosen on simulated
# shares of 0.02 to 0.99 in 6 to 120 dialogues, where no cell then covers less than 93 %.
_PRIOR_CORRELATION = 0.7
_PRIOR_EVENTS = 3.0
_ROUNDING = 1e-9
_BEYOND = 1e-6
"""How far rounding takes means of float32 scores beyond the end of their range."""


class Interval(NamedTuple):
    """Estimates `[..., E]` with their standard errors and bounds, NaN where there are none, and the reason's code."""

    value: Tensor
    error: Tensor
    lower: Tensor
    upper: Tensor
    reason: Tensor


class Weights(NamedTuple):
    """Sums over the dialogues that an estimate rests on, `[..., E]`: of their weights, and of the weights' squares."""

    total: Tensor
    squares: Tensor

    @property
    def effective(self) -> Tensor:
        """The effective number of dialogues: as many as equal ones would be as uneven; 0 without any.

        Example:
            >>> Weights(torch.tensor(78.0), torch.tensor(24 * 4.0 + 900)).effective
            tensor(6.1084)
        """
        return torch.where(self.squares > 0, self.total**2 / self.squares.clamp_min(1e-300), 0)


def interval(
    value: Tensor,
    spread: Tensor,
    weights: Weights,
    *,
    varying: Weights | None = None,
    fitted: Tensor | float = 1,
    low: Tensor | float = -torch.inf,
    high: Tensor | float = torch.inf,
    level: float = 0.95,
) -> Interval:
    """Intervals of estimates, each by the method that its range asks for.

    Args:
        value, spread: `[..., E]`, of `ratio_spread` or `delta_spread`: the estimates, and the sums of squares of what
            the dialogues contribute to them, without a factor for small samples.
        weights: of the dialogues that they rest on: numbers of records, or sums of squares of turns for slopes.
        varying: the same of those dialogues alone whose contribution is not 0; None: of all. Where few dialogues
            differ from 0 at all, they decide how well the spread is known.
        fitted: how many parameters each estimate fits, `[E]`: a mean or a slope within dialogues 1, a line through all
            records 2, a correlation 3. They take degrees of freedom from all methods but that of shares.
        low, high: ends of the range, `[E]`; infinite where there is none. A value that has left the range has none.
        level: probability that the interval covers.

    Returns:
        Bounds within the range. NaN, with a reason, where the value is, where fewer than two effective dialogues
        carry or vary it, or no more than it fits, or where it does not vary.

    Example:
        >>> share, spread = torch.tensor(1.0), torch.tensor(0.0)
        >>> found = interval(share, spread, Weights(torch.tensor(120.0), torch.tensor(480.0)), low=0.0, high=1.0)
        >>> round(found.lower.item(), 3), round(found.upper.item(), 3)
        (0.902, 1.0)
    """
    ends = (torch.as_tensor(part, dtype=value.dtype, device=value.device) for part in (fitted, low, high))
    known = (value, spread, *weights, *(weights if varying is None else varying), *ends)
    # Quantiles are found on the host: one way there and one back. Bounds carry no derivative, since at the end of a
    # range, or of what does not vary, there is none that could be followed.
    with torch.no_grad():
        shape = torch.broadcast_shapes(*(part.shape for part in known))  # type: ignore[no-untyped-call]
        rows = torch.stack([part.expand(shape) for part in known])
        found = _host_interval(rows.cpu(), level).to(value.device)
    error, lower, upper, reason = found.unbind()
    return Interval(value, error, lower, upper, reason.to(torch.int8))


def _host_interval(known: Tensor, level: float) -> Tensor:
    """Errors, bounds and codes `[4, ..., E]` of what is known of the estimates `[9, ..., E]`, on the host."""
    value, spread, total, squares, varying_total, varying_squares, fitted, low, high = known.unbind()
    low, high = kept_range(value, low, high)
    weights = Weights(total, squares)
    effective, beyond = weights.effective, fitted - 1
    varied = torch.minimum(effective, Weights(varying_total, varying_squares).effective)
    error = (spread * effective / (effective - fitted).clamp_min(1e-300)).sqrt()
    is_share, at_least = (low >= 0) & (high < torch.inf), (low > -torch.inf) & (high == torch.inf)
    half = error * student_quantile(torch.where(is_share, effective, varied) - beyond, level)
    bounds = []
    for side, of_share in zip((-1, 1), _share_bounds(value, spread, weights, low, high, level)):
        plain = (value + side * half).clamp(low, high)
        above = (value - low).clamp_min(1e-300)
        bound = torch.where(at_least, low + above * (side * half / above).exp(), plain)
        bounds.append(torch.where(is_share, of_share, bound))
    causes = {  # the last counts
        _FITTED: (beyond > 0) & (varied - beyond < LEAST_DIALOGUES),
        _END: at_least & (value <= low),
        _CONSTANT: ~is_share & ((varied < LEAST_DIALOGUES) | (spread <= 0)),
        _FEW: effective < LEAST_DIALOGUES,
        _UNDEFINED: value.isnan(),
    }
    reason = torch.zeros_like(value)
    for code, holds in causes.items():
        reason = reason.masked_fill(holds, code)
    unknown = causes[_FEW] | causes[_UNDEFINED] | causes[_FITTED]
    bounds = [torch.minimum(bounds[0], value), torch.maximum(bounds[1], value)]  # past which rounding may have gone
    bounds = [bound.masked_fill(reason != _FINE, torch.nan) for bound in bounds]
    return torch.stack([error.masked_fill(unknown, torch.nan), *bounds, reason])


def kept_range(value: Tensor, low: Tensor, high: Tensor) -> tuple[Tensor, Tensor]:
    """The range, without ends where the value itself has left it: bounds within it would not hold the value.

    Example:
        >>> kept_range(torch.tensor([0.9, 1.2]), torch.zeros(2), torch.ones(2))
        (tensor([0., -inf]), tensor([1., inf]))
    """
    left = (value < low - _BEYOND) | (value > high + _BEYOND)
    return low.masked_fill(left, -torch.inf), high.masked_fill(left, torch.inf)


def _share_bounds(
    value: Tensor, spread: Tensor, weights: Weights, low: Tensor, high: Tensor, level: float
) -> tuple[Tensor, Tensor]:
    """Bounds of shares: Wilson's on an effective number of records (see `effective_records`).

    Wilson's bound on the side of the nearer end is too tight while a handful of events has been seen (Brown, Cai and
    DasGupta, Statistical Science 16, 2001, section 4.1.1): there it is joined with the exact one.
    """
    width = torch.where(high < torch.inf, high - low, 1)
    share, spread = ((value - low) / width).clamp(0, 1), spread / width**2
    records = effective_records(share, spread, weights)
    t = student_quantile(weights.effective, level)
    lower, upper = wilson_bounds(share, records, t)
    tail = (1 - level) / 2
    p, n = (part.double().numpy() for part in (share, records))
    exact = (special.betaincinv(p * n, n - p * n + 1, tail), special.betaincinv(p * n + 1, n - p * n, 1 - tail))
    below, above = (torch.as_tensor(bound, dtype=value.dtype) for bound in exact)
    # A half has no nearer end, whichever way the sums of its records were rounded.
    lower = torch.where(share < 0.5 - _ROUNDING, torch.minimum(lower, below.nan_to_num(0)), lower)
    upper = torch.where(share > 0.5 + _ROUNDING, torch.maximum(upper, above.nan_to_num(1)), upper)
    return low + width * lower.clamp(0, 1), low + width * upper.clamp(0, 1)


def effective_records(share: Tensor, spread: Tensor, weights: Weights) -> Tensor:
    """How many independent right-or-wrong records would leave as much doubt about a share.

    `n / deff`, where the design effect is that of the spread, `deff = Var / (p (1 - p) / n)`, drawn towards that of a
    correlation of 0.7 within dialogues, `1 + (m - 1) 0.7` with `m = sum n_d^2 / n`, as long as few events have been
    seen: with `k` of them (`min(p, 1 - p) n / deff`) its own counts `k / (k + 3)`. A spread of graded scores is
    smaller than that of right-or-wrong ones, and `n / deff` above n then.

    Args:
        share: p in [0, 1].
        spread: see `interval`.
        weights: numbers of records by dialogue.

    Example:
        >>> n = Weights(torch.tensor(120.0), torch.tensor(480.0))  # 30 dialogues of 4
        >>> effective_records(torch.tensor(1.0), torch.tensor(0.0), n)  # no event was seen
        tensor(38.7097)
    """
    n, size = weights.total, weights.squares / weights.total.clamp_min(1e-300)
    effective = weights.effective
    variance = spread * effective / (effective - 1).clamp_min(1e-300)
    binary = share * (1 - share) / n.clamp_min(1e-300)
    seen = (binary > 0) & (variance > 0)
    own = torch.where(seen, variance / torch.where(seen, binary, 1), 1)
    own = torch.minimum(own, size.clamp_min(1))
    events = torch.where(seen, torch.minimum(share, 1 - share) * n / own, 0)
    weight = events / (events + _PRIOR_EVENTS)
    prior = 1 + (size - 1).clamp_min(0) * _PRIOR_CORRELATION
    return n / (weight * own + (1 - weight) * prior)


def wilson_bounds(share: Tensor, records: Tensor, quantile: Tensor) -> tuple[Tensor, Tensor]:
    """Wilson's bounds (JASA 22, 1927) of a share of so many records, at a quantile of the normal or of Student's t.

    Example:
        >>> [round(bound.item(), 4) for bound in wilson_bounds(torch.tensor(0.9), torch.tensor(50), torch.tensor(1.96))]
        [0.7864, 0.9565]
    """
    squared = quantile**2
    centre = share + squared / (2 * records)
    half = quantile * (share * (1 - share) / records + squared / (4 * records**2)).sqrt()
    scale = 1 + squared / records
    return (centre - half) / scale, (centre + half) / scale


def student_quantile(clusters: Tensor, level: float) -> Tensor:
    """Two-sided quantile of Student's t with `clusters - 1` degrees of freedom; NaN below two clusters.

    Args:
        clusters: `[E]`, not necessarily whole.
        level: covered probability, e.g. 0.95.

    Example:
        >>> student_quantile(torch.tensor([2.0, 1e6]), 0.95)
        tensor([12.7062,  1.9600])
    """
    freedom = (clusters - 1).detach().cpu().double()
    freedom = freedom.masked_fill(clusters.detach().cpu() < LEAST_DIALOGUES, torch.nan)
    return torch.as_tensor(special.stdtrit(freedom.numpy(), (1 + level) / 2)).to(clusters)
