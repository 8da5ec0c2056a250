# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""From traces to what their metrics take."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any

from imug_metrics.errors import ArgumentError
from imug_metrics.traces.compliance import STEPS, unresolved_cites
from imug_metrics.traces.trace import Trace

Records = dict[str, list[Any]]
"""Arguments of an update by keyword, one entry a trace."""


def last_traces(traces: Iterable[Trace]) -> list[Trace]:
    """The last attempt of each turn, in the order in which turns come first.

    Example:
        >>> [trace.attempt for trace in last_traces([Trace("d", 1), Trace("d", 1, 2), Trace("d", 2)])]
        [2, 1]
    """
    return [attempts[-1] for attempts in _by_turn(traces)]


def compliance_records(traces: Sequence[Trace]) -> Records:
    """The form of traces: arguments of `TraceCompliance.update`.

    Args:
        traces: one a turn.

    Returns:
        `preds`, the names of the steps of each trace, and `items`, for each of its citations 1 where it leads to
        evidence or to an earlier step and 0 where it leads nowhere; `dialogue` and `turn`.

    Raises:
        ArgumentError: if a turn has two traces.

    Example:
        >>> from imug_metrics.traces import Claim, Step
        >>> said = (Claim("It is red.", ("image1", "image7")),)
        >>> steps = Step("task", ""), Step("conclusion", "", said)
        >>> trace = Trace("d", 1, evidence={"image1": "A red cup."}, steps=steps)
        >>> found = compliance_records([trace])
        >>> found["preds"], found["items"]
        ([['task', 'conclusion']], [[1, 0]])
    """
    check_turns(traces)
    items = []
    for trace in traces:
        cites = sum(len(claim.cites) for step in trace.steps for claim in step.claims)
        lost = len(unresolved_cites(trace))
        items.append([1] * (cites - lost) + [0] * lost)
    return {"preds": [[step.name for step in trace.steps] for trace in traces], "items": items, **places_of(traces)}


def fault_records(traces: Sequence[Trace], faulty: Sequence[str | None], steps: Sequence[str] = STEPS) -> Records:
    """What checks named, and what is faulty: arguments of `FaultLocalization.update`.

    Args:
        traces: one a turn. One without a review, or whose review has no verdict, was not checked.
        faulty: for each trace the name of its faulty step; None: the trace is sound.
        steps: the steps that are numbered from 1; a check that names another one names number `len(steps) + 1`, which
            is never the faulty one.

    Returns:
        `preds`, numbers of the steps that each check holds to be faulty, empty where it accepts or names none, and
        `target`, the number of the faulty step, 0 where there is none; `dialogue` and `turn`.

    Raises:
        ArgumentError: if a turn has two traces, there are other numbers of names, or one of them is none of `steps`.

    Example:
        >>> from imug_metrics.traces import Review
        >>> checked = [Trace("d", 1, review=Review(False, ("inference",))), Trace("d", 2, review=Review(True))]
        >>> found = fault_records(checked, ["inference", None])
        >>> found["preds"], found["target"]
        ([[3], []], [3, 0])
    """
    check_turns(traces)
    _check_count("faulty", faulty, traces)
    number = {name: place for place, name in enumerate(steps, 1)}
    for row, name in enumerate(faulty):
        if name is not None and name not in number:
            raise ArgumentError(
                "faulty", f"expected names of steps, {', '.join(steps)}, or None, got {name!r} at row {row}"
            )
    target = [0 if name is None else number[name] for name in faulty]
    return {"preds": [_named(trace, number) for trace in traces], "target": target, **places_of(traces)}


def repair_records(traces: Sequence[Trace], scores: Sequence[float], cost: str = "requests") -> Records:
    """What came of making chains again: arguments of `RepairGain.update`.

    Args:
        traces: all attempts.
        scores: of each trace, in their order, the score of what comes of it, higher is better; NaN where not known.
        cost: which of the costs of a trace counts.

    Returns:
        `scores` of the last attempt of each turn, `baseline`, those of the first, and `costs`, the sum over the
        attempts after the first: 0 where there is none, NaN where one of them does not say; `dialogue` and `turn`.

    Raises:
        ArgumentError: if there are other numbers of scores, an attempt is there twice, or a turn lacks its first one.

    Example:
        >>> again = Trace("d", 1, 2, restarted_from="inference", costs={"requests": 2})
        >>> found = repair_records([Trace("d", 1), again, Trace("d", 2)], [0, 1, 1])
        >>> found["baseline"], found["scores"], found["costs"]
        ([0.0, 1.0], [1.0, 1.0], [2.0, 0.0])
    """
    _check_count("scores", scores, traces)
    known = {(trace.dialogue, trace.turn, trace.attempt): float(score) for trace, score in zip(traces, scores)}
    if len(known) < len(traces):
        raise ArgumentError("traces", f"expected each attempt of a turn once, got {len(traces) - len(known)} again")
    turns = _by_turn(traces)
    for first, *_ in turns:
        if first.attempt != 1:
            got = f"got attempt {first.attempt} as the first of turn {first.turn} of {first.dialogue[:80]!r}"
            raise ArgumentError("traces", f"expected the first attempt of each turn, {got}")
    firsts, lasts = ([attempts[end] for attempts in turns] for end in (0, -1))
    before, after = ([known[trace.dialogue, trace.turn, trace.attempt] for trace in ends] for ends in (firsts, lasts))
    paid = [float(sum(trace.costs.get(cost, math.nan) for trace in attempts[1:])) for attempts in turns]
    return {"scores": after, "baseline": before, "costs": paid, **places_of(firsts)}


def check_turns(traces: Sequence[Trace]) -> None:
    """Raise ArgumentError if a turn has two traces.

    Example:
        >>> check_turns([Trace("d", 1), Trace("d", 1, 2)])
        Traceback (most recent call last):
        imug_metrics.errors.ArgumentError: Argument `traces`: expected one trace a turn, see `last_traces`, got
        turn 1 of 'd' again at row 1
    """
    seen: set[tuple[str, int]] = set()
    for row, trace in enumerate(traces):
        if (trace.dialogue, trace.turn) in seen:
            got = f"got turn {trace.turn} of {trace.dialogue[:80]!r} again at row {row}"
            raise ArgumentError("traces", f"expected one trace a turn, see `last_traces`, {got}")
        seen.add((trace.dialogue, trace.turn))


def _by_turn(traces: Iterable[Trace]) -> list[list[Trace]]:
    """The attempts of each turn in their order."""
    turns: dict[tuple[str, int], list[Trace]] = {}
    for trace in traces:
        turns.setdefault((trace.dialogue, trace.turn), []).append(trace)
    return [sorted(attempts, key=lambda trace: trace.attempt) for attempts in turns.values()]


def _named(trace: Trace, number: dict[str, int]) -> list[int] | None:
    """Numbers of the steps that a check names; None where there is no verdict."""
    if trace.review is None or trace.review.accepts is None:
        return None
    return [] if trace.review.accepts else [number.get(name, len(number) + 1) for name in trace.review.faulty]


def places_of(traces: Sequence[Trace]) -> Records:
    """Dialogue and turn of each trace."""
    return {"dialogue": [trace.dialogue for trace in traces], "turn": [trace.turn for trace in traces]}


def _check_count(argument: str, values: Sequence[Any], traces: Sequence[Trace]) -> None:
    if len(values) != len(traces):
        raise ArgumentError(argument, f"expected one for each of {len(traces)} traces, got {len(values)}")
