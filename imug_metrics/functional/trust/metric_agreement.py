# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Does a metric agree with people: Pearson's r, Spearman's rho, Kendall's tau-b."""

from __future__ import annotations

import math
from typing import Any, Literal, get_args

import torch
from torch import Tensor
from torch.nn import functional as F

from imug_metrics.dialogues.arguments import Numbers
from imug_metrics.dialogues.arrays import REALS, read_array
from imug_metrics.dialogues.columns import check_shapes, score_column
from imug_metrics.errors import InputError
from imug_metrics.stats.running_sums import running_sums

Kind = Literal["pearson", "spearman", "kendall"]
KINDS: tuple[Kind, ...] = get_args(Kind)
_BLOCK = 2**18  # weights that Kendall's tau looks at together, few enough for a cache
_LEAF = 32  # neighbours that it compares one by one


def metric_agreement(
    scores: Numbers, references: Numbers, kind: Kind = "pearson", *, weights: Tensor | None = None
) -> Tensor:
    """Correlation of a metric's scores with those of people for the same records. Range -1 to 1, higher is better.

    - `"pearson"`: r, how close they lie to one rising line
    - `"spearman"`: rho, r of their midranks: how close to one rising curve
    - `"kendall"`: tau-b, pairs in the same order minus pairs in opposite order, over the pairs that are not tied,
      `sqrt((P - ties in scores) * (P - ties in references))` of all P pairs; in N log N steps, by sorting

    Args:
        scores: the metric's scores, `[N]` or `[B, T]`; NaN where unknown.
        references: scores by people in the same shape; NaN where unknown. Only records with both count.
        kind: which of the three.
        weights: how often each record counts, `[N, R]` whole numbers, for R results at once; None: each once.

    Returns:
        float64 scalar, or `[R]`; NaN with fewer than two records or where one of the two does not vary.

    Raises:
        ValueError: if `kind` is unknown.
        InputError: if shapes differ, or an argument holds no real numbers.

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
    w = both.double()[:, None] if weights is None else _weights(weights, len(x)).to(x.device) * both[:, None]
    x, y = (part.masked_fill(~both, 0) for part in (x, y))
    found = {"pearson": _pearson, "spearman": _spearman, "kendall": _kendall}[kind](x, y, w)
    return found[0] if weights is None else found


def _weights(weights: Any, count: int) -> Tensor:
    """Weights `[N, R]` as float64."""
    found = read_array("weights", weights, REALS, inner=1).values
    if found.ndim != 2 or len(found) != count:
        raise InputError("weights", f"to have shape [{count}, R]", [*found.shape])
    return found.double()


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
    """Weighted tau-b `[R]` by sorting (Knight, JASA 61, 1966). Counts are whole numbers, exact in float64."""
    if not len(x):
        return w.new_full(w.shape[1:], torch.nan)
    x, y = _places(x), _places(y)
    both = x * (y.amax() + 1) + y
    pairs = _tied(torch.zeros_like(x), w)
    free = [pairs - _tied(place, w) for place in (x, y)]
    untied = free[0] + free[1] - pairs + _tied(_places(both), w)
    order = both.argsort()
    opposed = _inversions(y[order], w[order])
    return ((untied - 2 * opposed) / (free[0] * free[1]).sqrt()).masked_fill((free[0] <= 0) | (free[1] <= 0), torch.nan)


def _inversions(place: Tensor, w: Tensor) -> Tensor:
    """Pairs `[R]` of records of which the earlier has the higher place `[N]`, under weights `[N, R]`.

    Those among few neighbours are compared one by one, then halves are merged until one is left.
    """
    count = len(place)
    leaves = 2 ** max(math.ceil(math.log2(count / _LEAF)), 0)
    width = math.ceil(count / leaves)
    size = width * leaves
    w = F.pad(w, (0, 0, 0, size - count))  # what is padded weighs nothing
    # Of equal places the later is the higher: no keys are equal, and equal places are no pair.
    key = F.pad(place, (0, size - count)) * size + torch.arange(size, device=place.device)
    found = _among_neighbours(key.view(-1, width), w)
    while width < size:
        width *= 2
        found += _between_halves(key.view(-1, width), w)
    return found


def _among_neighbours(key: Tensor, w: Tensor) -> Tensor:
    """Pairs within the rows of the keys."""
    higher = (key[:, None] > key[:, :, None]).tril().to(w.dtype)  # of a record's row, those before it
    parts = (part.reshape(*key.shape, part.shape[1]) for part in _blocks(w))
    return torch.cat([(higher @ part).mul_(part).sum((0, 1)) for part in parts])


def _between_halves(key: Tensor, w: Tensor) -> Tensor:
    """Pairs with the higher key in the left half of a row: what comes before, in falling order, is higher."""
    falling = key.argsort(1, descending=True)
    right = (falling >= key.shape[1] // 2)[..., None]
    order = falling + torch.arange(len(key), device=key.device)[:, None] * key.shape[1]
    parts = (part[order] for part in _blocks(w))
    return torch.cat([running_sums(part.masked_fill(right, 0), 1).mul_(part * right).sum((0, 1)) for part in parts])


def _blocks(w: Tensor) -> tuple[Tensor, ...]:
    return w.split(max(_BLOCK // len(w), 1), 1)  # type: ignore[no-untyped-call, no-any-return]


def _places(values: Tensor) -> Tensor:
    """The place of each value among the different ones, from 0."""
    found = torch.unique(values)
    return torch.searchsorted(found, values)


def _counts(place: Tensor, w: Tensor) -> Tensor:
    """How often each value comes, `[values, R]`."""
    size = int(place.max()) + 1 if len(place) else 0
    return w.new_zeros(size, w.shape[1]).index_add(0, place, w)


def _tied(place: Tensor, w: Tensor) -> Tensor:
    """Pairs `[R]` of records of the same place."""
    return (_counts(place, w).square_().sum(0) - w.sum(0)) / 2


def _varies(values: Tensor, w: Tensor) -> Tensor:
    """True `[R]` where records that count have two different values."""
    if not len(values):
        return torch.zeros(w.shape[1], dtype=torch.bool, device=w.device)
    low, high = values.masked_fill(w <= 0, torch.inf).amin(0), values.masked_fill(w <= 0, -torch.inf).amax(0)
    return high > low
