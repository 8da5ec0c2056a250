# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""From traces to what the metrics of their form, faults and repairs take."""

from __future__ import annotations

import math
from typing import Any

import pytest

from imug_metrics import FaultLocalization, RepairGain, TraceCompliance
from imug_metrics.errors import ArgumentError
from imug_metrics.traces import (
    STEPS,
    Claim,
    Review,
    Step,
    Trace,
    compliance_records,
    fault_records,
    last_traces,
    repair_records,
)


def _of(*names: str, turn: int = 1, cites: tuple[str, ...] = ()) -> Trace:
    claims = (Claim("It is so.", cites),)
    return Trace("d", turn, evidence={"image1": "A cup."}, steps=tuple(Step(name, "", claims) for name in names))


def _checked(review: Review | None, turn: int = 1) -> Trace:
    return Trace("d", turn, review=review)


def _attempt(number: int, turn: int = 1, **costs: float) -> Trace:
    return Trace("d", turn, number, costs=costs)


def _result(metric: Any, records: dict[str, list[Any]]) -> dict[str, float]:
    metric.update(**records)
    return {key: float(value) for key, value in metric.compute().items()}


def test_the_last_attempt_of_each_turn_is_taken_whatever_order_they_come_in() -> None:
    traces = [_attempt(2, turn=2), _attempt(3), _attempt(1), _attempt(2), _attempt(1, turn=2)]
    assert [(trace.turn, trace.attempt) for trace in last_traces(traces)] == [(2, 2), (1, 3)]
    assert last_traces([]) == []


def test_form_is_measured_as_it_was_written() -> None:
    traces = [
        _of(*STEPS, turn=1, cites=("image1",)),
        _of("task", "inference", "observation", "conclusion", turn=2),
        _of("task", "conclusion", turn=3, cites=("image1", "image9")),
        _of(turn=4),
    ]
    found = _result(TraceCompliance(STEPS, detail=True), compliance_records(traces))
    assert found["trace_compliance"] == 1 / 4
    assert found["trace_compliance_present"] == (1 + 1 + 1 / 2 + 0) / 4
    assert found["trace_compliance_ordered"] == pytest.approx((1 + 5 / 6 + 1) / 3)
    assert found["trace_compliance_resolved"] == (4 + 2) / (4 + 4)


def test_a_citation_of_a_later_step_leads_nowhere() -> None:
    trace = Trace("d", 1, steps=(Step("task", "", (Claim("So.", ("conclusion",)),)), Step("conclusion", "")))
    assert compliance_records([trace])["items"] == [[0]]


def test_verdicts_are_read_as_named_steps() -> None:
    reviews = [
        Review(False, ("inference", "task")),
        Review(True),
        Review(True, ("task",)),
        Review(False),
        Review(None, ("task",)),
        None,
        Review(False, ("aside", "conclusion")),
    ]
    traces = [_checked(review, turn) for turn, review in enumerate(reviews, 1)]
    found = fault_records(traces, [None] * len(traces))
    assert found["preds"] == [[3, 1], [], [], [], None, None, [5, 4]]
    assert found["target"] == [0] * len(traces)


def test_steps_of_other_names_are_numbered_in_their_order() -> None:
    found = fault_records([_checked(Review(False, ("plan",)))], ["draw"], steps=("plan", "draw"))
    assert (found["preds"], found["target"]) == ([[1]], [2])


def test_a_check_that_accepts_everything_and_one_that_rejects_everything_are_exposed() -> None:
    faulty = ["inference", None, "task", None]
    for review, missed, alarm in ((Review(True), 1, 0), (Review(False, ("observation",)), 0, 1)):
        records = fault_records([_checked(review, turn) for turn in (1, 2, 3, 4)], faulty)
        found = _result(FaultLocalization(detail=True), records)
        assert found["fault_localization"] == 0
        assert (found["fault_localization_missed"], found["fault_localization_false_alarm"]) == (missed, alarm)


def test_repairs_are_paid_for_from_the_second_attempt_on() -> None:
    traces = [
        _attempt(1, requests=9),
        _attempt(2, requests=2),
        _attempt(3, requests=4),
        _attempt(1, turn=2, requests=9),
        _attempt(1, turn=3, requests=9),
        _attempt(2, turn=3),
    ]
    found = repair_records(traces, [0, 0.5, 1, 1, 1, 0])
    assert (found["baseline"], found["scores"]) == ([0, 1, 1], [1, 1, 0])
    assert found["costs"][:2] == [6, 0]
    assert math.isnan(found["costs"][2])
    result = _result(RepairGain(detail=True), found)
    assert (result["repair_gain"], result["repair_gain_gain_per_cost"]) == (0, 1 / 6)


@pytest.mark.parametrize(
    ("call", "argument", "message"),
    [
        (lambda: compliance_records([_of(), _of()]), "traces", "one trace a turn, .* got turn 1 of 'd' again at row 1"),
        (lambda: fault_records([_checked(None)] * 2, [None] * 2), "traces", "one trace a turn"),
        (lambda: fault_records([_checked(None)], []), "faulty", "one for each of 1 traces, got 0"),
        (lambda: fault_records([_checked(None)], ["aside"]), "faulty", "names of steps, .* got 'aside' at row 0"),
        (lambda: repair_records([_attempt(1)], [1, 0]), "scores", "one for each of 1 traces, got 2"),
        (lambda: repair_records([_attempt(1)] * 2, [1, 0]), "traces", "each attempt of a turn once, got 1 again"),
        (lambda: repair_records([_attempt(2)], [1]), "traces", "first attempt of each turn, got attempt 2"),
    ],
)
def test_what_is_no_set_of_traces_is_refused(call: Any, argument: str, message: str) -> None:
    with pytest.raises(ArgumentError, match=f"`{argument}`.*{message}"):
        call()
