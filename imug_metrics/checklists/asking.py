# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Judges that answer checklists of outputs, each with a journal of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from imug_metrics.checklists.items import ChecklistItem, Checklists, JudgedOutput, items_of
from imug_metrics.checklists.questions import Answered, checklist_question, shuffled
from imug_metrics.judges import Judge, Verdict, judge_all
from imug_metrics.juries.judgement import ORDERS, Judgement, Order


def ask_checklists(
    outputs: Sequence[JudgedOutput],
    checklists: Checklists,
    judge: Judge,
    *,
    name: str | None = None,
    journal: Path | None = None,
    repeats: int = 1,
    both_orders: bool = False,
    retry_errors: bool = False,
    progress: Callable[[Verdict[Any]], None] | None = None,
) -> list[Judgement]:
    """Ask one judge for all items of all outputs, one request an output.

    Args:
        outputs: what is judged; one without items is not asked about.
        checklists: the items.
        judge: whom to ask.
        name: of the judge in the result; None: its own.
        journal: file in which every reply is recorded as it arrives; what it holds is not asked again.
        repeats: how many times each request is made.
        both_orders: ask a second time with the output's images before those that the model was shown, where there are
            both.
        retry_errors: ask again also where an earlier call had a reply that could not be used.
        progress: called with each verdict.

    Returns:
        One entry an item, output, order and repeat; those of a request that failed hold why.
    """
    asked = [*_asked(outputs, checklists, both_orders)]
    questions = (checklist_question(output, items, order) for output, items, order in asked)
    verdicts = judge_all(
        questions, judge, journal=journal, repeats=repeats, retry_errors=retry_errors, progress=progress
    )
    return [
        judgement
        for place, verdict in enumerate(verdicts)
        for judgement in _judgements(*asked[place // repeats], verdict, name or judge.name, both_orders)
    ]


def _asked(
    outputs: Iterable[JudgedOutput], checklists: Checklists, both_orders: bool
) -> Iterator[tuple[JudgedOutput, list[ChecklistItem], Order]]:
    for output in outputs:
        items = items_of(output, checklists)
        items = [items[place] for place in shuffled(output, items)]
        if items:
            orders = ORDERS if both_orders and output.has_order else ("last",)
            yield from ((output, items, order) for order in orders)


def _judgements(
    output: JudgedOutput,
    items: Sequence[ChecklistItem],
    order: Order,
    verdict: Verdict[Answered],
    judge: str,
    both_orders: bool,
) -> Iterator[Judgement]:
    answers: Answered = (None,) * len(items) if verdict.value is None else verdict.value
    for place, (item, answer) in enumerate(zip(items, answers, strict=True)):
        yield Judgement(
            judge,
            output.model,
            output.dialogue,
            output.turn,
            item.id,
            value=float(answer) if isinstance(answer, bool) else None,
            expected=float(item.expected),
            applies=answer != "n/a",
            weight=item.weight,
            category=item.category,
            asked=output.turn if item.turn is None else item.turn,
            place=place,
            order=order if both_orders and output.has_order else None,
            length=output.length or None,
            repeat=verdict.repeat,
            error=verdict.error,
        )
