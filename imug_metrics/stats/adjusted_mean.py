# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Means that borrow from covariates known on more records than the score: one estimator, by dialogue.

The score is known on some records, `K` covariates on all. With any slopes `b`

    mean_scored(y) - b' (mean_scored(x) - mean_all(x))

estimates the mean of all, and varies least where `b` is the slope of one on the other. `prediction_powered` (the
covariate is a judge's score of the same thing, slope from 0 to 1) and `control_variates` (any covariate, any slope) are
this estimator.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from scipy import optimize
from torch import Tensor

from imug_metrics.stats.intervals import LEAST_DIALOGUES, Weights, student_quantile

MIN_DIALOGUES = 10
"""Below this many effective dialogues a slope that was found in the data is mostly noise, and none is looked for."""

_ROUNDING = 1e-10


class AdjustedMean(NamedTuple):
    """A mean adjusted by covariates.

    Attributes:
        value: the estimate.
        error: its standard error by dialogue.
        lower, upper: its interval; NaN below two effective dialogues, and where nothing varies.
        slopes: one a covariate; 0 where a covariate was not used.
        variance_ratio: squared standard error over that of the plain mean of the scored records, lower is better: 0.25
            is what four times as many scored dialogues would give. 1: nothing was gained.
        scored: number of records with a score.
        records: number of all records.
        dialogues: effective number of dialogues with a score, `(sum w)^2 / sum w^2`, `w` the scored records of each.
    """

    value: float
    error: float
    lower: float
    upper: float
    slopes: tuple[float, ...]
    variance_ratio: float
    scored: int
    records: int
    dialogues: float


class Parts(NamedTuple):
    """What dialogues bring to a mean and to the covariates' shifts, linearised: sums over dialogues are 0.

    Attributes:
        mean: float64 `[]`, plain mean of the scored records.
        shifts: float64 `[K]`, each covariate's mean over scored records less that over all.
        own: float64 `[G]`, the dialogues' part in the error of `mean`; `sum own^2` is its variance.
        others: float64 `[G, K]`, the same of `shifts`.
        scored: int64 `[G]`, scored records of each dialogue.
        records: int64 `[G]`, all of them.
    """

    mean: Tensor
    shifts: Tensor
    own: Tensor
    others: Tensor
    scored: Tensor
    records: Tensor


def mean_parts(scores: Tensor, covariates: Tensor, dialogue: Tensor, covariate_mean: Tensor | None = None) -> Parts:
    """The parts of each dialogue by the delta method.

    Args:
        scores: `[N]`, NaN where a record has none.
        covariates: finite `[N, K]`.
        dialogue: int64 `[N]`.
        covariate_mean: `[K]`, means known from elsewhere in place of those over all records.

    Example:
        >>> scores, dialogue = torch.tensor([1.0, 3.0, torch.nan]), torch.tensor([7, 8, 8])
        >>> parts = mean_parts(scores, torch.tensor([[0.0], [2.0], [4.0]]), dialogue)
        >>> parts.mean.item(), parts.shifts.tolist(), parts.own.tolist()
        (2.0, [-1.0], [-0.5, 0.5])
    """
    places, scored = torch.unique(dialogue, return_inverse=True)[1], ~scores.isnan()
    count = int(places.max()) + 1 if len(places) else 0
    mean, own, counts = _linearised(scores.double()[:, None], scored, places, count)
    near, others, _ = _linearised(covariates.double(), scored, places, count)
    far, elsewhere, records = _linearised(covariates.double(), torch.ones_like(scored), places, count)
    if covariate_mean is not None:
        far, elsewhere = covariate_mean.double(), torch.zeros_like(elsewhere)
    others = others - elsewhere
    # Where each dialogue is scored as a whole and has the same covariates, what is left is rounding.
    size = covariates.double().abs().amax(0) / math.sqrt(max(count, 1)) if len(covariates) else far
    others = others.where(others.norm(dim=0) > _ROUNDING * size, 0)
    return Parts(mean[0], near - far, own[:, 0], others, counts, records)


def adjusted_mean(
    parts: Parts, *, level: float, bounds: tuple[float, float] = (-math.inf, math.inf), slopes: Tensor | None = None
) -> AdjustedMean:
    """The mean with its interval.

    Args:
        parts: of the dialogues, see `mean_parts`.
        level: probability that the interval covers.
        bounds: of the slopes.
        slopes: float64 `[K]`; None: those within the bounds under which the estimate varies least, or 0 with fewer
            than `MIN_DIALOGUES` effective dialogues a covariate. Each that is found costs a degree of freedom.

    Degrees of freedom, and with them the factor for small samples, are those of the effective dialogues with a score,
    or of those that carry the spread where these are fewer: a handful of dialogues that are unlike all others says
    little about how far such a mean strays.

    Example:
        >>> torch.manual_seed(0).initial_seed()
        0
        >>> x = torch.randn(400)
        >>> scores = (x + 0.1 * torch.randn(400)).where(torch.arange(400) < 100, torch.nan)
        >>> found = adjusted_mean(mean_parts(scores, x[:, None], torch.arange(400)), level=0.95)
        >>> round(found.slopes[0], 1), found.variance_ratio < 0.5, found.lower < 0 < found.upper
        (1.0, True, True)
    """
    clusters = effective_dialogues(parts.scored)
    found = 0
    if slopes is None:
        slopes = _best_slopes(parts, clusters, bounds)
        found = int(slopes.count_nonzero())
    slopes = slopes.to(parts.others)
    value = float(parts.mean - (slopes * parts.shifts).where(slopes != 0, 0).sum())
    squares = (parts.own - parts.others @ slopes).square()
    error, carried = _error(float(squares.sum()), clusters - found), min(clusters - found, _carrying(squares))
    half = _half_width(_error(float(squares.sum()), carried), value, carried, level)
    plain = _error(float(parts.own.square().sum()), clusters)
    return AdjustedMean(
        value,
        error,
        value - half,
        value + half,
        tuple(slopes.tolist()),
        1.0 if error == plain else (error / plain) ** 2 if plain else math.inf,
        int(parts.scored.sum()),
        int(parts.records.sum()),
        clusters,
    )


def effective_dialogues(counts: Tensor) -> float:
    """How many dialogues of equal size would weigh as evenly: `(sum w)^2 / sum w^2`; 0 without any.

    Args:
        counts: int64 `[G]`, records of each.

    Example:
        >>> effective_dialogues(torch.tensor([2, 2, 2])), effective_dialogues(torch.tensor([9, 1, 0]))
        (3.0, 1.2195121951219512)
    """
    weights = counts.double()
    return float(Weights(weights.sum(), weights.square().sum()).effective)


def check_rows(rows: int, **arguments: Tensor | None) -> None:
    """Raise unless each argument has one entry a record, and no infinity.

    Raises:
        ValueError: it names the argument and, of an infinity, the row.
    """
    for name, values in arguments.items():
        if values is None:
            continue
        if values.ndim == 0 or len(values) != rows:
            raise ValueError(f"Expected argument `{name}` to hold {rows} records, got shape {list(values.shape)}.")
        infinite = values.isinf().reshape(rows, -1).any(1).nonzero()
        if len(infinite):
            raise ValueError(f"Expected argument `{name}` to be finite, got an infinity at row {int(infinite[0])}.")


def check_known(name: str, values: Tensor) -> None:
    """Raise where a value is NaN: what is left out of some records only would shift the mean over all.

    Raises:
        ValueError: it names the argument and the row.
    """
    absent = values.isnan().reshape(len(values), -1).any(1).nonzero()
    if len(absent):
        raise ValueError(f"Expected argument `{name}` to be known of every record, got NaN at row {int(absent[0])}.")


def check_level(level: float) -> None:
    """Raise unless the level is a probability strictly between 0 and 1.

    Raises:
        ValueError: it names the value.
    """
    if not 0 < level < 1:
        raise ValueError(f"Expected argument `level` to be between 0 and 1, got {level}.")


def _linearised(values: Tensor, used: Tensor, places: Tensor, count: int) -> tuple[Tensor, Tensor, Tensor]:
    """Means `[K]` of the used rows, the dialogues' parts in them `[G, K]`, and how many rows each has `[G]`."""
    rows, places = values[used], places[used]
    first = rows[:1].sum(0)  # about a value of the data: what is equal throughout is exactly 0 then
    counts = torch.bincount(places, minlength=count)
    sums = rows.new_zeros(count, values.shape[1]).index_add_(0, places, rows - first)
    mean = sums.sum(0) / len(rows) if len(rows) else first + math.nan
    parts = (sums - counts[:, None] * mean) / max(len(rows), 1)
    return first + mean, parts.where(counts[:, None] > 0, 0), counts


def _best_slopes(parts: Parts, clusters: float, bounds: tuple[float, float]) -> Tensor:
    """Slopes `[K]` of least variance: least squares of the mean's parts on the covariates'."""
    size, scale = parts.others.norm(dim=0), parts.own.norm()
    varies = size > 0
    slopes = torch.zeros_like(size)
    if bool(scale) and bool(varies.any()) and clusters >= MIN_DIALOGUES * int(varies.sum()):
        units = size[varies] / scale  # columns of length 1: which of them are alike does not hang on their scales
        columns, target = parts.others[:, varies] / size[varies], parts.own / scale
        limits = tuple((bound * units).cpu().numpy() for bound in bounds)
        best = optimize.lsq_linear(columns.cpu().numpy(), target.cpu().numpy(), limits, method="bvls")
        slopes[varies] = torch.as_tensor(best.x).to(units) / units
    return slopes


def _error(spread: float, clusters: float) -> float:
    """Standard error from a sum of squares over dialogues."""
    return math.sqrt(spread * clusters / (clusters - 1)) if clusters >= LEAST_DIALOGUES else math.nan


def _carrying(squares: Tensor) -> float:
    """How many dialogues carry the spread: as many as equal parts of it would be as uneven; infinite without any.

    Of 60 dialogues in which people saw one failure, all others alike, it is 1: nothing says how often failures come.
    """
    total = float(squares.sum())
    return total**2 / float(squares.square().sum()) if total else math.inf


def _half_width(error: float, value: float, clusters: float, level: float) -> float:
    """Half of Student's interval with `clusters - 1` degrees of freedom; NaN where nothing varies but by rounding."""
    if not error > _ROUNDING * abs(value):
        return math.nan
    return error * float(student_quantile(torch.tensor(clusters, dtype=torch.float64), level))
