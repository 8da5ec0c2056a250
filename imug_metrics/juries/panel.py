# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Judgements of several judges side by side: one row an output, one row an item, one column a judge."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from imug_metrics.juries.judgement import Judgement, Order


class Output(NamedTuple):
    """One output, as it was shown: in one of both orders of images, where that is known."""

    model: str
    dialogue: str
    turn: int
    order: Order | None


class Item(NamedTuple):
    """One item of the checklist of an output.

    Attributes:
        output: its place among the outputs.
        name: the item's id.
        expected: 1 or 0.
        category: or None.
        is_first: whether judges read it before all others; None: not known.
    """

    output: int
    name: str
    expected: float
    category: str | None
    is_first: bool | None


@dataclass(frozen=True)
class Panel:
    """Judges and people side by side.

    Attributes:
        judges: names of the columns.
        outputs: of the rows of `scores`.
        dialogue: int64 `[N]`, numbers of the outputs' dialogues, the same for all models.
        lengths: characters `[N]` of the outputs' texts; NaN where not known, or without text.
        repeats: float64 `[N, J, R]`, each judge's scores of each output, of which 1 is the best; NaN where there is
            none. Of a checklist it is the share of items met, over the items that every judge of the output answered.
        people: float64 `[N]`, mean score by people in the same way; NaN where they gave none.
        items: of the rows of `answers`.
        answers: float64 `[I, J]`, 1 yes, 0 no, the majority of a judge's repeats; NaN where there is none, or no
            majority, or the item does not apply.
        people_answers: float64 `[I]`, of people likewise.
    """

    judges: tuple[str, ...]
    outputs: tuple[Output, ...]
    dialogue: Tensor
    lengths: Tensor
    repeats: Tensor
    people: Tensor
    items: tuple[Item, ...]
    answers: Tensor
    people_answers: Tensor

    @property
    def scores(self) -> Tensor:
        """float64 `[N, J]`, the mean over each judge's repeats."""
        return self.repeats.nanmean(2)

    @property
    def models(self) -> tuple[str, ...]:
        """The models, in the order in which they come."""
        return tuple(dict.fromkeys(output.model for output in self.outputs))

    @property
    def item_output(self) -> Tensor:
        """int64 `[I]`, the output of each item."""
        return torch.tensor([item.output for item in self.items], dtype=torch.int64)

    @property
    def expected(self) -> Tensor:
        """float64 `[I]`, the answer of each item that meets it."""
        return torch.tensor([item.expected for item in self.items], dtype=torch.float64)

    def rows_of(self, model: str) -> Tensor:
        """Bool `[N]`, the outputs of a model."""
        return torch.tensor([output.model == model for output in self.outputs], dtype=torch.bool)


def make_panel(judgements: Iterable[Judgement], *, people: Sequence[str] = (), best: float = 1.0) -> Panel:
    """Put judgements side by side.

    Args:
        judgements: of any judges, in any order. Of two of one judge, output, item and repeat the first counts.
        people: judges that are people.
        best: the highest score of outputs that are judged as a whole.

    Example:
        >>> said = [Judgement(judge, "m", "d", 1, item, value=value, expected=1.0)
        ...         for judge, values in {"a": (1.0, 0.0), "b": (1.0, 1.0)}.items()
        ...         for item, value in zip("12", values)]
        >>> make_panel(said).scores
        tensor([[0.5000, 1.0000]], dtype=torch.float64)
    """
    given = [*judgements]
    humans = set(people)
    judges = {name: place for place, name in enumerate(dict.fromkeys(one.judge for one in given))}
    outputs: dict[Output, int] = {}
    lengths: dict[int, float] = {}
    items: dict[tuple[int, str], Item] = {}
    wholes: dict[tuple[int, int, int], float] = {}
    marks: dict[tuple[int, int, int], float] = {}
    known: dict[tuple[int, str], int] = {}
    for one in given:
        output = outputs.setdefault(Output(one.model, one.dialogue, one.turn, one.order), len(outputs))
        if one.length:
            lengths.setdefault(output, float(one.length))
        judge = judges[one.judge]
        if one.item is None:
            if one.value is not None:
                wholes.setdefault((output, judge, one.repeat), one.value / best)
            continue
        if one.expected is None:
            continue
        row = known.setdefault((output, one.item), len(known))
        first = None if one.place is None else one.place == 0
        items.setdefault((output, one.item), Item(output, one.item, one.expected, one.category, first))
        if one.value is not None and one.applies:
            marks.setdefault((row, judge, one.repeat), one.value)
    repeats = 1 + max((one.repeat for one in given), default=0)
    shape = len(judges), repeats
    answers = _filled(marks, (len(known), *shape))
    whole = _filled(wholes, (len(outputs), *shape))
    rows = tuple(items.values())
    shares = _shares(rows, answers, len(outputs))
    scores = torch.where(whole.isnan(), shares, whole)
    columns = [place for name, place in judges.items() if name not in humans]
    persons = [place for name, place in judges.items() if name in humans]
    majority = _majority(answers)
    numbers = {name: place for place, name in enumerate(dict.fromkeys(output.dialogue for output in outputs))}
    return Panel(
        tuple(name for name in judges if name not in humans),
        tuple(outputs),
        torch.tensor([numbers[output.dialogue] for output in outputs], dtype=torch.int64),
        torch.tensor([lengths.get(place, math.nan) for place in range(len(outputs))], dtype=torch.float64),
        scores[:, columns],
        scores[:, persons].flatten(1).nanmean(1),
        rows,
        majority[:, columns],
        _majority(answers[:, persons].flatten(1)[:, None])[:, 0],
    )


def _filled(cells: Mapping[tuple[int, int, int], float], shape: tuple[int, int, int]) -> Tensor:
    """A table of cells, NaN where there is none."""
    table = torch.full(shape, math.nan, dtype=torch.float64)
    if cells:
        table[tuple(torch.tensor([*cells]).T)] = torch.tensor([*cells.values()], dtype=torch.float64)
    return table


def _majority(answers: Tensor) -> Tensor:
    """What most of the last dimension say, 1 or 0; NaN where none has said anything, or as many yes as no."""
    share = answers.nanmean(-1)
    return (share > 0.5).double().masked_fill(share.isnan() | (share == 0.5), math.nan)


def _shares(items: Sequence[Item], answers: Tensor, outputs: int) -> Tensor:
    """Shares of items met `[N, J, R]`, over the items that every answer to an output's list has."""
    owner = torch.tensor([item.output for item in items], dtype=torch.int64)
    expected = torch.tensor([item.expected for item in items], dtype=torch.float64)
    there = ~answers.isnan()
    lists = torch.zeros(outputs, *answers.shape[1:], dtype=torch.float64).index_add_(0, owner, there.double()) > 0
    whole = (there | ~lists[owner]).flatten(1).all(1)[:, None, None] & there
    met = (answers == expected[:, None, None]) & whole
    sums = torch.zeros(2, *lists.shape, dtype=torch.float64)
    for total, part in zip(sums, (met, whole), strict=True):
        total.index_add_(0, owner, part.double())
    return sums[0] / sums[1]
