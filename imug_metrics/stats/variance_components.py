# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Where scores vary: between dialogues, between their records, between repeats; and what repeats are worth.

Scores are nested: `dialogue > record > repeat`, or, where a model answered each record several times and a judge scored
each output several times, `dialogue > record > output > repeat`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple, TypeAlias

import torch
from torch import Tensor

Level: TypeAlias = Literal["dialogue", "record", "output", "repeat"]

COUNTS = (1, 2, 3, 5, math.inf)
"""Numbers of repeats that `repeats_worth` compares."""


class Component(NamedTuple):
    """The variance that one level adds.

    Attributes:
        variance: estimate, 0 where the raw one is negative; NaN where nothing tells it from the level below.
        raw: unbiased estimate, which may be negative.
        freedom: degrees of freedom that it rests on.
        units: how many dialogues, records, outputs or answers there are.
    """

    variance: float
    raw: float
    freedom: int
    units: int


Components: TypeAlias = Mapping[Level, Component]


class RepeatsWorth(NamedTuple):
    """What asking a judge again brings.

    Attributes:
        widths: by number of repeats (`COUNTS`), the width of the interval as a share of that with one; at infinity what
            a judge without noise would leave.
        share: of the mean's variance with one repeat, how much the judge's noise is.
        best: number of repeats that makes the shortest interval for a given cost. Below 1: ask once, of more dialogues.
    """

    widths: dict[float, float]
    share: float
    best: float


def variance_components(scores: Tensor, dialogue: Tensor) -> dict[Level, Component]:
    """Variance between dialogues, records of a dialogue, and repeats of a record, by the method of moments.

    The nested analysis of variance: with the mean squares of all levels, the sums of squares between the units of a
    level are set equal to their expectations, which for uneven numbers are (Searle, Casella and McCulloch, Variance
    Components, 1992, chapter 5)

        E SS_l = sum_{k >= l} variance_k * sum_{units u of k} n_u^2 (1 / n_{l of u} - 1 / n_{l-1 of u})

    where `n` counts the answers in a unit, in the unit of level `l` that holds it and in that of the level above.

    Args:
        scores: `[N, R]`, R repeats of each record (a judge asked R times); or `[N, M, J]`, M outputs of a model for
            each record, each scored J times. NaN where an answer is absent; numbers need not be even.
        dialogue: int64 `[N]`, ids.

    Returns:
        By level, outermost first: "dialogue", "record", with `[N, M, J]` "output", and "repeat".

    Raises:
        ValueError: if shapes do not match or a score is infinite.

    Example:
        >>> scores = torch.tensor([[1.0, 3.0], [2.0, 4.0], [5.0, 7.0], [8.0, 8.0]])
        >>> found = variance_components(scores, torch.tensor([0, 0, 1, 1]))
        >>> {level: round(component.variance, 2) for level, component in found.items()}
        {'dialogue': 9.5, 'record': 0.5, 'repeat': 1.5}
    """
    _check(scores, dialogue)
    names: tuple[Level, ...] = ("dialogue", "record", "repeat")
    if scores.ndim == 3:
        names = ("dialogue", "record", "output", "repeat")
    present = (~scores.isnan()).flatten()
    rows = torch.arange(scores.numel(), device=scores.device)
    units = [dialogue.repeat_interleave(scores[0].numel() if len(scores) else 0)]
    units += [rows.div(math.prod(scores.shape[depth:]), rounding_mode="floor") for depth in range(1, scores.ndim)]
    values = scores.double().flatten()[present]
    levels = [torch.unique(level[present], return_inverse=True)[1] for level in [*units, rows]]
    return dict(zip(names, _nested(values, levels), strict=True))


def mean_variance(
    components: Components, *, dialogues: float, records: float, outputs: float = 1, repeats: float = 1
) -> float:
    """Variance of the mean over all, were there so many of each.

        variance_dialogue / D + variance_record / (D m) + variance_output / (D m M) + variance_repeat / (D m M J)

    Args:
        components: see `variance_components`; `outputs` counts only where they have that level.
        dialogues: D.
        records: m, of each dialogue.
        outputs: M, of each record.
        repeats: J, of each output; `math.inf` for a judge without noise.

    Example:
        >>> parts = {"dialogue": 4.0, "record": 2.0, "repeat": 2.0}
        >>> parts = {level: Component(variance, variance, 9, 10) for level, variance in parts.items()}
        >>> mean_variance(parts, dialogues=10, records=2), mean_variance(parts, dialogues=10, records=2, repeats=2)
        (0.6, 0.55)
    """
    counts: dict[Level, float] = {"dialogue": dialogues, "record": records, "output": outputs, "repeat": repeats}
    total, size = 0.0, 1.0
    for level, component in components.items():
        size *= counts[level]
        total += component.variance / size
    return total


def repeats_worth(
    components: Components, records: float, *, outputs: float = 1, costs: tuple[float, float] = (1.0, 1.0)
) -> RepeatsWorth:
    """What asking the judge again is worth beside asking about more dialogues.

    Args:
        components: see `variance_components`.
        records: of each dialogue, on average.
        outputs: of each record.
        costs: of an output that could be judged besides, and of one answer of the judge.

    Returns:
        Widths, share and `best = sqrt(variance_repeat / variance_rest * cost_output / cost_answer)`, where with m
        records a dialogue `variance_rest = variance_record + m * variance_dialogue` (and M times that, plus
        `variance_output`, with M outputs a record): the rule of two-stage sampling (Cochran, Sampling Techniques, 1977,
        section 10.6). All are NaN where a component is, or nothing varies.

    Raises:
        ValueError: if a cost is negative, that of an answer 0, or `records` or `outputs` below 1.

    Example:
        >>> parts = {"dialogue": 1.0, "record": 2.0, "repeat": 4.0}
        >>> parts = {level: Component(variance, variance, 9, 10) for level, variance in parts.items()}
        >>> found = repeats_worth(parts, records=2, costs=(9.0, 1.0))
        >>> {count: round(width, 2) for count, width in found.widths.items()}
        {1: 1.0, 2: 0.87, 3: 0.82, 5: 0.77, inf: 0.71}
        >>> found.share, found.best
        (0.5, 3.0)
    """
    per_record, per_answer = costs
    if not (0 <= per_record < math.inf and 0 < per_answer < math.inf):
        raise ValueError(f"Expected argument `costs` to be a cost from 0 and one above 0, got {costs}.")
    for name, count in (("records", records), ("outputs", outputs)):
        if not count >= 1:
            raise ValueError(f"Expected argument `{name}` to be at least 1, got {count}.")

    def variance(repeats: float) -> float:
        return mean_variance(components, dialogues=1, records=records, outputs=outputs, repeats=repeats)

    once, rest = variance(1), variance(math.inf)
    if not once > 0:
        return RepeatsWorth(dict.fromkeys(COUNTS, math.nan), math.nan, math.nan)
    noise = once - rest
    best = math.sqrt(noise / rest * per_record / per_answer) if rest > 0 else math.inf
    return RepeatsWorth({count: math.sqrt(variance(count) / once) for count in COUNTS}, noise / once, best)


def _nested(values: Tensor, levels: Sequence[Tensor]) -> list[Component]:
    """Components of values whose units at each level, outermost first, are numbered from 0; the last are the values."""
    sizes = [torch.bincount(level).double() for level in levels]
    found: list[Component] = []  # innermost first
    for place in reversed(range(len(levels))):
        level, size = levels[place], sizes[place]
        outer = levels[place - 1] if place else torch.zeros_like(level)
        freedom = max(len(size) - len(torch.unique(outer)), 0)
        squares = float((_unit_means(values, level) - _unit_means(values, outer)).square().sum())
        # n_u^2 for a unit u is n_u for each of its n_u answers, by which the sums go here.
        rate = 1 / size[level] - 1 / torch.bincount(outer).double()[outer]
        own, *below = (float((sizes[k][levels[k]] * rate).sum()) for k in range(place, len(levels)))
        known = sum(share * part.raw for share, part in zip(reversed(below), found, strict=True))
        raw = (squares - known) / own if freedom else math.nan
        found.append(Component(raw if math.isnan(raw) else max(raw, 0.0), raw, freedom, len(size)))
    return found[::-1]


def _unit_means(values: Tensor, level: Tensor) -> Tensor:
    """Of each value, the mean of its unit; exactly the value itself where all of the unit are equal."""
    size = torch.bincount(level)
    first = values.new_zeros(len(size)).scatter_reduce(0, level, values, "amax", include_self=False)
    return first[level] + (values.new_zeros(len(size)).index_add_(0, level, values - first[level]) / size)[level]


def _check(scores: Tensor, dialogue: Tensor) -> None:
    if scores.ndim not in (2, 3):
        raise ValueError(f"Expected argument `scores` to have shape [N, R] or [N, M, J], got {list(scores.shape)}.")
    if dialogue.shape != scores.shape[:1]:
        got = f"{len(scores)} records as `scores` does, got shape {list(dialogue.shape)}"
        raise ValueError(f"Expected argument `dialogue` to hold {got}.")
    infinite = scores.isinf().flatten(1).any(1).nonzero()
    if len(infinite):
        raise ValueError(f"Expected argument `scores` to be finite or NaN, got an infinity at row {int(infinite[0])}.")
