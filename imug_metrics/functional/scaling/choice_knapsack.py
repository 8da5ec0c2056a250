# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""The multiple-choice knapsack solved exactly, by the few choices that may differ from those of its relaxation."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from imug_metrics.functional.scaling.hull_climb import climb

Numbers = NDArray[np.float64]
Places = NDArray[np.int64]

_WIDTHS = (2**8, 2**13, 2**17)  # states kept in a try: a narrow one finds a good policy fast, a wide one proves it
_STEPS = 2**25  # states looked at in a try, a few seconds
_ROUNDING = 1e-12  # of the size of all scores: sums that differ by less are equal


def solve(y: Tensor, c: Tensor, allowed: float) -> tuple[Tensor, Tensor]:
    """Policy of the highest score for a cost of at most `allowed`, and a bound that no policy exceeds.

    At the price of the linear relaxation every choice loses something against the best one of its record, and unspent
    budget loses its price; the optimum loses least in all (Pisinger, European Journal of Operational Research 83,
    1995). Choices that lose more by themselves than the best policy known are out, and the others are tried record by
    record, those first that lose least for the cost they move. Of partial policies that cost the same or more and
    score the same or less only one goes on, and only while the relaxation of what is left may still beat the best.

    Args:
        y: scores, float64 `[N, S]` on the CPU, NaN where a strategy lacks the record; each record has one.
        c: costs, likewise; the cheapest policy costs at most `allowed`.

    Returns:
        Strategies, int64 `[N]`, and the bound of the total score: that of the policy where it is proven to be the best.

    Example:
        >>> import torch
        >>> scores, costs = torch.tensor([[[0.0, 3, 5], [0, 4, 6]], [[0, 2, 4], [0, 3, 4]]]).double()
        >>> solve(scores, costs, 6.0)
        (tensor([1, 2]), tensor(9., dtype=torch.float64))
    """
    picked, _, price = climb(y, c, allowed)
    if not price:  # each record has its best
        return picked, y.gather(1, picked[:, None]).sum()
    moves = _moves(y, c, picked, allowed, price)
    best, floor = Found(moves.price * moves.room, []), 0.0
    for width in _WIDTHS:
        best, reached = _search(moves, best, width)
        floor = max(floor, reached)
        if floor >= best.lost:
            break
    for row, column in best.changes:
        picked[row] = column
    score = y.gather(1, picked[:, None]).sum()
    return picked, score + max(best.lost - floor, 0)


class Moves(NamedTuple):
    """Other choices than those of the relaxation.

    Attributes:
        lost: float64 `[N, S]`, what each loses at the price; infinite where there is none.
        extra: float64 `[N, S]`, what it costs more.
        room: what may be spent yet.
        price: score that a unit of cost is worth.
        margin: a policy that is better than another is so by this at least.
        equal: losses that differ by less are equal.
    """

    lost: Numbers
    extra: Numbers
    room: float
    price: float
    margin: float
    equal: float


class Found(NamedTuple):
    """The best policy so far: what it loses, and (record, strategy) where it differs from the relaxation."""

    lost: float
    changes: list[tuple[int, int]]


class Partial(NamedTuple):
    """Policies whose choices are made for some records, each of arrays `[M]`.

    Attributes:
        room: what each may spend yet, below 0 what it has to save yet.
        lost: what its choices lose.
        parent: its place among those of one record less.
        column: its strategy for the last record; -1 for that of the relaxation.
    """

    room: Numbers
    lost: Numbers
    parent: Places
    column: Places

    def take(self, places: Places) -> Partial:
        """Those at the places."""
        return Partial(self.room[places], self.lost[places], self.parent[places], self.column[places])


def _moves(y: Tensor, c: Tensor, picked: Tensor, allowed: float, price: float) -> Moves:
    gain, extra = ((side - side.gather(1, picked[:, None])).numpy() for side in (y, c))
    there = ~np.isnan(gain)
    gain, extra = (np.where(there, side, 0) for side in (gain, extra))
    room = allowed * (1 + 1e-12) - float(c.gather(1, picked[:, None]).sum())
    step, grain = _grain(extra), _grain(gain)
    if step:  # what is less than a step can not be spent
        room = float(np.floor(room / step + 1e-9)) * step + 1e-12 * allowed
    # Costs on a grid on which every sum is exact, so that policies of the same cost are seen to be.
    unit = 2.0 ** (np.ceil(np.log2(np.abs(extra).max(1).sum() + room)) - 52)
    moved = np.round(extra / unit) * unit
    lost = np.where(there & (moved != 0), price * extra - gain, np.inf).clip(0)
    equal = _ROUNDING * (float(y.nan_to_num(0).abs().amax(1).sum()) + 2 * price * allowed)
    return Moves(lost, moved, float(np.floor(room / unit)) * unit, price, max(grain - equal, equal), equal)


def _grain(values: Numbers) -> float:
    """The largest number of which all values are whole multiples, by Euclid; 0 if it is below a millionth of them."""
    left = np.unique(np.abs(values))
    size, grain = left[-1], 0.0
    left = left[left > 1e-11 * size]
    while len(left):
        grain = float(left[0])
        if grain < 1e-6 * size:
            return 0.0
        rest = np.unique(np.abs(left - np.round(left / grain) * grain))
        rest = rest[rest > 1e-11 * size]
        left = np.append(rest, grain) if len(rest) else rest
    return grain


def _search(moves: Moves, best: Found, width: int) -> tuple[Found, float]:
    """The best policy with `width` partial ones kept at a time, and what every policy loses at least."""
    partial = Partial(np.array([moves.room]), np.zeros(1), *np.zeros((2, 1), dtype=np.int64))
    history: list[tuple[int, Partial]] = []
    floor, looked = np.inf, 0
    for row, rates in _in_order(moves, best.lost):
        columns = np.flatnonzero(moves.lost[row] < best.lost - moves.margin)
        if not len(columns):
            continue
        partial = _branch(partial, moves.extra[row, columns], moves.lost[row, columns], columns)
        looked += len(partial.room)
        whole = np.where(partial.room >= 0, partial.lost + moves.price * partial.room, np.inf)
        if whole.min() < best.lost - moves.equal:
            best = Found(float(whole.min()), _changes([*history, (row, partial)], int(whole.argmin())))
        least = _least(partial, rates)
        kept = _undominated(partial, np.flatnonzero(least < best.lost - moves.margin), moves)
        if len(kept) > width:
            by_loss = np.argpartition(least[kept], width)
            floor = min(floor, float(least[kept[by_loss[width:]]].min()))
            kept = kept[np.sort(by_loss[:width])]
        if not len(kept):
            break
        if looked > _STEPS:
            floor = min(floor, float(least[kept].min()))
            break
        partial = partial.take(kept)
        history.append((row, partial))
    return best, floor if floor < best.lost - moves.margin else best.lost


def _in_order(moves: Moves, most: float) -> Iterator[tuple[int, tuple[float, float]]]:
    """Records that have a move, those first that lose least for the cost they move, each with rates of those after it.

    The rates: what a unit of cost loses at least that is spent, or saved, by moves of records that come later. What is
    not spent loses its price.
    """
    rates = np.full(moves.lost.shape, np.inf)
    open_moves = moves.lost < most - moves.margin
    np.divide(moves.lost, np.abs(moves.extra), out=rates, where=open_moves)
    rows = np.flatnonzero(open_moves.any(1))
    rows = rows[np.argsort(rates[rows].min(1), kind="stable")]
    sides = []
    for side, none in ((moves.extra > 0, moves.price), (moves.extra < 0, np.inf)):
        later = np.where(side, rates, np.inf).min(1)[rows][::-1]
        sides.append(np.minimum.accumulate(np.append(none, later))[::-1][1:].tolist())
    return zip(rows.tolist(), zip(*sides, strict=True), strict=True)


def _branch(partial: Partial, extra: Numbers, lost: Numbers, columns: Places) -> Partial:
    """Every partial policy with each move of one more record, and without."""
    count = len(partial.room)
    room = np.concatenate([partial.room[None], partial.room - extra[:, None]]).ravel()
    losses = np.concatenate([partial.lost[None], partial.lost + lost[:, None]]).ravel()
    parent = np.tile(np.arange(count), len(columns) + 1)
    return Partial(room, losses, parent, np.repeat(np.append(-1, columns), count))


def _least(partial: Partial, rates: tuple[float, float]) -> Numbers:
    """What each loses at least, whatever is chosen for the records that are left."""
    to_spend, to_save = rates
    short = partial.room < 0
    least = partial.lost + np.where(short, 0, partial.room) * to_spend
    least[short] -= partial.room[short] * to_save
    return least


def _undominated(partial: Partial, places: Places, moves: Moves) -> Places:
    """Those of the places at which no other policy has as much room and scores as much."""
    room, lost = partial.room[places], partial.lost[places]
    order = np.argsort(-room, kind="stable")
    room, value = room[order], -(lost + moves.price * room)[order]
    higher = np.maximum.accumulate(np.append(-np.inf, value))[:-1]
    kept = np.flatnonzero(value > higher + moves.equal / 1000)
    last = np.append(room[kept][1:] != room[kept][:-1], True)[: len(kept)]  # of those of the same room the best
    return np.asarray(places[order[kept[last]]], dtype=np.int64)


def _changes(history: Sequence[tuple[int, Partial]], place: int) -> list[tuple[int, int]]:
    found = []
    for row, partial in reversed(history):
        if partial.column[place] >= 0:
            found.append((row, int(partial.column[place])))
        place = int(partial.parent[place])
    return found
