# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Judgements of several judges side by side: one row an output, one row an item, one column a judge."""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, TypeVar

import torch
from torch import Tensor

from imug_metrics.errors import ArgumentError
from imug_metrics.juries.judgement import Judgement, Order

T = TypeVar("T", bound=Hashable)
MOST_CELLS = 2**26


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
        people: float64 `[N]`, mean score by people over the same items; NaN where they gave none, or left one out.
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

    Raises:
        ArgumentError: if outputs or items, judges and repeats make a table of more than `MOST_CELLS` cells.

    Example:
        >>> said = [Judgement(judge, "m", "d", 1, item, value=value, expected=1.0)
        ...         for judge, values in {"a": (1.0, 0.0), "b": (1.0, 1.0)}.items()
        ...         for item, value in zip("12", values)]
        >>> make_panel(said).scores
        tensor([[0.5000, 1.0000]], dtype=torch.float64)
    """
    given = [*judgements]
    judges = _places(one.judge for one in given)
    outputs = _places(map(_output, given))
    listed = [one for one in given if one.item is not None and one.expected is not None]
    places = _places((outputs[_output(one)], one.item or "") for one in listed)
    repeats = _places(sorted({one.repeat for one in given})) or {0: 0}
    shape = len(judges), len(repeats)
    if max(len(outputs), len(places)) * math.prod(shape) > MOST_CELLS:
        size = f"{len(outputs):,} outputs, {len(places):,} items, {shape[0]:,} judges and {shape[1]:,} repeats"
        raise ArgumentError("judgements", f"expected fewer: {size} make a table that is too large")

    def cells(of: Iterable[Judgement], row: Callable[[Judgement], int]) -> _Cells:
        return (((row(one), judges[one.judge], repeats[one.repeat]), one.value) for one in of if one.value is not None)

    said = (one for one in listed if one.applies)
    answers = _filled(cells(said, lambda one: places[outputs[_output(one)], one.item or ""]), (len(places), *shape))
    graded = (one for one in given if one.item is None)
    grades = _filled(cells(graded, lambda one: outputs[_output(one)]), (len(outputs), *shape)) / best
    items = _items(listed, outputs)
    people_, others = ([place for name, place in judges.items() if (name in people) is side] for side in (True, False))
    scores = grades.where(~grades.isnan(), _shares(items, answers, others, len(outputs)))
    numbers = _places(output.dialogue for output in outputs)
    return Panel(
        tuple(name for name in judges if name not in people),
        tuple(outputs),
        torch.tensor([numbers[output.dialogue] for output in outputs], dtype=torch.int64),
        _lengths(given, outputs),
        scores[:, others],
        scores[:, people_].flatten(1).nanmean(1),
        items,
        _majority(answers)[:, others],
        _majority(answers[:, people_].flatten(1)),
    )


_Cells = Iterable[tuple[tuple[int, int, int], "float | None"]]


def _places(names: Iterable[T]) -> dict[T, int]:
    """The different names, each with its place."""
    return {name: place for place, name in enumerate(dict.fromkeys(names))}


def _output(one: Judgement) -> Output:
    return Output(one.model, one.dialogue, one.turn, one.order)


def _items(listed: Iterable[Judgement], outputs: Mapping[Output, int]) -> tuple[Item, ...]:
    """The items, each as it was said of first."""
    found: dict[tuple[int, str], Item] = {}
    for one in listed:
        key = outputs[_output(one)], one.item or ""
        first = None if one.place is None else one.place == 0
        found.setdefault(key, Item(*key, 1.0 if one.expected is None else one.expected, one.category, first))
    return tuple(found.values())


def _lengths(given: Iterable[Judgement], outputs: Mapping[Output, int]) -> Tensor:
    """Characters `[N]` of the outputs' texts, as the first judgement that knows them says; else NaN."""
    found: dict[int, float] = {}
    for one in given:
        if one.length:
            found.setdefault(outputs[_output(one)], float(one.length))
    return torch.tensor([found.get(row, math.nan) for row in range(len(outputs))], dtype=torch.float64)


def _filled(cells: _Cells, shape: tuple[int, int, int]) -> Tensor:
    """A table of cells, of two of one place the first; NaN where there is none."""
    found: dict[tuple[int, int, int], float] = {}
    for place, value in cells:
        if value is not None:
            found.setdefault(place, value)
    table = torch.full(shape, math.nan, dtype=torch.float64)
    if found:
        table[tuple(torch.tensor([*found]).T)] = torch.tensor([*found.values()], dtype=torch.float64)
    return table


def _majority(answers: Tensor) -> Tensor:
    """What most of the last dimension say, 1 or 0; NaN where none has said anything, or as many yes as no."""
    share = answers.nanmean(-1)
    return (share > 0.5).double().masked_fill(share.isnan() | (share == 0.5), math.nan)


def _shares(items: Sequence[Item], answers: Tensor, judges: Sequence[int], outputs: int) -> Tensor:
    """Shares of items met `[N, J, R]`, over the items that every one of the judges' answers to an output's list has.

    Of people, who may have answered some items alone, NaN where one of these is missing.
    """
    owner = torch.tensor([item.output for item in items], dtype=torch.int64)
    expected = torch.tensor([item.expected for item in items], dtype=torch.float64)
    there = ~answers.isnan()
    lists = torch.zeros(outputs, *answers.shape[1:], dtype=torch.float64).index_add_(0, owner, there.double()) > 0
    counted = (there | ~lists[owner])[:, judges].flatten(1).all(1)[:, None, None].expand_as(there)
    met = (answers == expected[:, None, None]) & counted
    sums = torch.zeros(3, *lists.shape, dtype=torch.float64)
    for total, part in zip(sums, (met, counted, counted & there), strict=True):
        total.index_add_(0, owner, part.double())
    return (sums[0] / sums[1]).masked_fill(sums[2] < sums[1], math.nan)
