# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Traces as objects of JSON, and back: within limits, and strictly by type."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

from imug_metrics.reading.fields import Fields
from imug_metrics.reading.files import as_turn, kind
from imug_metrics.traces.trace import Claim, Review, Step, Trace

MAX_ENTRIES = 1024
"""Entries of a list or an object of a trace: steps, claims, cites, evidence, costs."""
MAX_NAME = 1000
"""Characters of a name: of a dialogue, a step, evidence, a kind of cost."""
MAX_TEXT = 2**18
"""Characters of a text."""

TRACE_FIELDS: Fields = {
    "dialogue": None,
    "turn": None,
    "attempt": None,
    "evidence": None,
    "steps": {"name": None, "text": None, "claims": {"text": None, "cites": None}},
    "review": {"accepts": None, "faulty": None, "reason": None},
    "output": None,
    "restarted_from": None,
    "costs": None,
}
"""Fields of a row; only dialogue and turn have to be there."""


class TraceFieldError(ValueError):
    """An object is no trace.

    Attributes:
        field: where, such as "steps[2].name".
        message: what was expected and what was found.
    """

    def __init__(self, field: str, message: str) -> None:
        super().__init__(f"{field}: {message}")
        self.field, self.message = field, message


def trace_row(trace: Trace) -> dict[str, Any]:
    """A trace as an object that JSON can hold; `read_trace_row` gives the same trace back.

    Example:
        >>> from imug_metrics.traces import Trace
        >>> trace_row(Trace("d", 2, output="B"))
        {'dialogue': 'd', 'turn': 2, 'attempt': 1, 'evidence': {}, 'steps': [], 'review': None, 'output': 'B',
        'restarted_from': None, 'costs': {}}
    """
    return {
        **vars(trace),
        "evidence": dict(trace.evidence),
        "steps": [{**vars(step), "claims": [_claim_row(claim) for claim in step.claims]} for step in trace.steps],
        "review": None if trace.review is None else {**vars(trace.review), "faulty": list(trace.review.faulty)},
        "costs": dict(trace.costs),
    }


def read_trace_row(row: Mapping[str, Any]) -> Trace:
    """The trace that an object of JSON holds.

    Args:
        row: an object with `dialogue` and `turn`, and what else a trace has; other fields are passed over.

    Raises:
        TraceFieldError: if a field is missing, of another type, or beyond the limits.

    Example:
        >>> read_trace_row({"dialogue": "d", "turn": 2, "steps": [{"name": "task", "text": "Which?"}]}).steps
        (Step(name='task', text='Which?', claims=()),)
        >>> read_trace_row({"dialogue": "d", "turn": 2, "steps": [{"name": 3}]})
        Traceback (most recent call last):
        imug_metrics.traces.trace_rows.TraceFieldError: steps[0].name: expected text, got a number
    """
    output, restarted = row.get("output"), row.get("restarted_from")
    return Trace(
        _name(row.get("dialogue"), "dialogue"),
        _number(row.get("turn"), "turn"),
        _number(row.get("attempt", 1), "attempt"),
        {name: _text(text, f"evidence.{name}") for name, text in _named(row.get("evidence", {}), "evidence")},
        tuple(_step(*entry) for entry in _listed(row.get("steps", []), "steps")),
        None if row.get("review") is None else _review(row["review"]),
        None if output is None else _text(output, "output"),
        None if restarted is None else _name(restarted, "restarted_from"),
        {name: _cost(amount, f"costs.{name}") for name, amount in _named(row.get("costs", {}), "costs")},
    )


def _claim_row(claim: Claim) -> dict[str, Any]:
    return {**vars(claim), "cites": list(claim.cites)}


def _step(value: Any, field: str) -> Step:
    row = _object(value, field)
    claims = tuple(_claim(*entry) for entry in _listed(row.get("claims", []), f"{field}.claims"))
    return Step(_name(row.get("name"), f"{field}.name"), _text(row.get("text", ""), f"{field}.text"), claims)


def _claim(value: Any, field: str) -> Claim:
    row = _object(value, field)
    cites = tuple(_name(*entry) for entry in _listed(row.get("cites", []), f"{field}.cites"))
    return Claim(_text(row.get("text"), f"{field}.text"), cites)


def _review(value: Any) -> Review:
    row = _object(value, "review")
    accepts = row.get("accepts")
    if not isinstance(accepts, bool) and accepts is not None:
        raise TraceFieldError("review.accepts", f"expected true, false or null, got {kind(accepts)}")
    faulty = tuple(_name(*entry) for entry in _listed(row.get("faulty", []), "review.faulty"))
    return Review(accepts, faulty, _text(row.get("reason", ""), "review.reason"))


def _text(value: Any, field: str, longest: int = MAX_TEXT) -> str:
    if not isinstance(value, str):
        raise TraceFieldError(field, f"expected text, got {kind(value)}")
    if len(value) > longest:
        raise TraceFieldError(field, f"expected up to {longest} characters, got {len(value)}")
    return value


def _name(value: Any, field: str) -> str:
    name = _text(value, field, MAX_NAME)
    if not name:
        raise TraceFieldError(field, "expected a name, got an empty text")
    return name


def _number(value: Any, field: str) -> int:
    number = None if isinstance(value, str) else as_turn(value)
    if number is None:
        raise TraceFieldError(field, "expected a whole number from 1 to 1024")
    return number


def _cost(value: Any, field: str) -> float:
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    try:
        amount = float(value) if is_number else math.nan
    except OverflowError:
        amount = math.inf
    if not 0 <= amount < math.inf:
        raise TraceFieldError(field, "expected a number from 0")
    return amount


def _object(value: Any, field: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise TraceFieldError(field, f"expected an object, got {kind(value)}")
    return value


def _named(value: Any, field: str) -> Iterator[tuple[str, Any]]:
    row = _object(value, field)
    _check_count(len(row), field)
    for name, entry in row.items():
        yield _name(name, field), entry


def _listed(value: Any, field: str) -> Iterator[tuple[Any, str]]:
    if not isinstance(value, list):
        raise TraceFieldError(field, f"expected a list, got {kind(value)}")
    _check_count(len(value), field)
    for place, entry in enumerate(value):
        yield entry, f"{field}[{place}]"


def _check_count(count: int, field: str) -> None:
    if count > MAX_ENTRIES:
        raise TraceFieldError(field, f"expected up to {MAX_ENTRIES} entries, got {count}")
