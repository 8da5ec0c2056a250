# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Does a metric agree with people: Pearson's r, Spearman's rho, Kendall's tau-b."""

from __future__ import annotations

from typing import Literal, get_args

import torch
from torch import Tensor

from imug_metrics.dialogues.arguments import Numbers
from imug_metrics.dialogues.inputs import check_shapes, score_column
from imug_metrics.stats.running_sums import running_sums

Kind = Literal["pearson", "spearman", "kendall"]
KINDS: tuple[Kind, ...] = get_args(Kind)
_BLOCK = 2**20  # pairs looked at together by Kendall's tau, few enough for a cache


def metric_agreement(
    scores: Numbers, references: Numbers, kind: Kind = "pearson", *, weights: Tensor | None = None
) -> Tensor:
    """Correlation of a metric's scores with those of people for the same records. Range -1 to 1, higher is better.

    - `"pearson"`: r, how close they lie to one rising line
    - `"spearman"`: rho, r of their midranks: how close to one rising curve
    - `"kendall"`: tau-b, pairs in the same order minus pairs in opposite order, over the pairs that are not tied,
      `sqrt((P - ties in scores) * (P - ties in references))` of all P pairs; it looks at every pair, so its time grows
      with the square of the records

    Args:
        scores: the metric's scores, `[N]` or `[B, T]`; NaN where unknown.
        references: scores by people in the same shape; NaN where unknown. Only records with both count.
        kind: which of the three.
        weights: how often each record counts, `[N, R]` whole numbers, for R results at once; None: each once.

    Returns:
        float64 scalar, or `[R]`; NaN with fewer than two records or where one of the two does not vary.

    Raises:
        ValueError: if shapes differ or `kind` is unknown.

    Example:
        >>> [round(metric_agreement([1, 2, 3, 5], [1, 3, 2, 9], kind).item(), 3) for kind in KINDS]
        [0.91, 0.8, 0.667]
    """
    if kind not in KINDS:
        raise ValueError(f"Expected argument `kind` to be one of {KINDS}, got {kind!r}.")
    columns = {"scores": score_column("scores", scores), "references": score_column("references", references)}
    check_shapes(**columns)
    x = columns["scores"].values
    y = columns["references"].values.to(x.device)
    both = x.isfinite() & y.isfinite()
    w = both.double()[:, None] if weights is None else weights.double() * both[:, None]
    x, y = (part.masked_fill(~both, 0) for part in (x, y))
    found = {"pearson": _pearson, "spearman": _spearman, "kendall": _kendall}[kind](x, y, w)
    return found[0] if weights is None else found


def midranks(values: Tensor, weights: Tensor) -> Tensor:
    """Ranks from 1 of records that count several times; equal values share the mean of their ranks.

    Args:
        values: `[N]`, finite.
        weights: whole numbers `[N, R]`, how often each record counts.

    Returns:
        float64 `[N, R]`.

    Example:
        >>> midranks(torch.tensor([0.2, 0.1, 0.2]), torch.ones(3, 1))[:, 0]
        tensor([2.5000, 1.0000, 2.5000], dtype=torch.float64)
    """
    place = _places(values)
    counts = _counts(place, weights.double())
    return (running_sums(counts, 0) - counts / 2 + 0.5)[place]


def _pearson(x: Tensor, y: Tensor, w: Tensor) -> Tensor:
    """Weighted r `[R]` of x and y, each `[N]` or `[N, R]`, under weights `[N, R]`."""
    x, y = (part if part.ndim == 2 else part[:, None].expand_as(w) for part in (x, y))
    varies = _varies(x, w) & _varies(y, w)
    x, y = (part - (w * part).sum(0) / w.sum(0).clamp_min(1) for part in (x, y))
    across, along = ((w * part * part).sum(0) for part in (x, y))
    r = (w * x * y).sum(0) / (across * along).sqrt()
    return r.clamp(-1, 1).masked_fill(~varies, torch.nan)


def _spearman(x: Tensor, y: Tensor, w: Tensor) -> Tensor:
    return _pearson(midranks(x, w), midranks(y, w), w)


def _kendall(x: Tensor, y: Tensor, w: Tensor) -> Tensor:
    # Signs of differences of places, and sums of fewer than 2**24 of them, are exact in float32.
    places = [_places(values) for values in (x, y)]
    counts, order = w.float(), w.new_zeros(w.shape[1])
    for rows in _blocks(len(x), x.device):
        above, beside = ((place[rows, None] - place).float().sign_() for place in places)
        order += (w[rows] * (above.mul_(beside) @ counts)).sum(0) / 2
    free = [_pairs(w.sum(0)) - _pairs(_counts(place, w)).sum(0) for place in places]
    return (order / (free[0] * free[1]).sqrt()).masked_fill((free[0] <= 0) | (free[1] <= 0), torch.nan)


def _blocks(count: int, device: torch.device) -> tuple[Tensor, ...]:
    size = max(_BLOCK // max(count, 1), 1)
    return torch.arange(count, device=device).split(size)  # type: ignore[no-untyped-call, no-any-return]


def _places(values: Tensor) -> Tensor:
    """The place of each value among the different ones, from 0."""
    found = torch.unique(values)
    return torch.searchsorted(found, values)


def _counts(place: Tensor, w: Tensor) -> Tensor:
    """How often each value comes, `[values, R]`."""
    size = int(place.max()) + 1 if len(place) else 0
    return w.new_zeros(size, w.shape[1]).index_add(0, place, w)


def _pairs(count: Tensor) -> Tensor:
    return count * (count - 1) / 2


def _varies(values: Tensor, w: Tensor) -> Tensor:
    """True `[R]` where records that count have two different values."""
    if not len(values):
        return torch.zeros(w.shape[1], dtype=torch.bool, device=w.device)
    low, high = values.masked_fill(w <= 0, torch.inf).amin(0), values.masked_fill(w <= 0, -torch.inf).amax(0)
    return high > low
