# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Files of traces: what is written is read, and lines that are none cost themselves alone."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from imug_metrics.reading.files import Problems
from imug_metrics.traces import Claim, Review, Step, Trace, read_traces, write_traces
from imug_metrics.traces.trace_rows import MAX_ENTRIES, MAX_NAME, MAX_TEXT, read_trace_row, trace_row

_NAMES = st.text(min_size=1, max_size=20)
_TEXTS = st.text(st.characters(), max_size=40)
_CLAIMS = st.builds(Claim, _TEXTS, st.lists(_NAMES, max_size=3).map(tuple))
_STEPS = st.builds(Step, _NAMES, _TEXTS, st.lists(_CLAIMS, max_size=3).map(tuple))
_REVIEWS = st.builds(Review, st.sampled_from([True, False, None]), st.lists(_NAMES, max_size=2).map(tuple), _TEXTS)
_TRACES = st.builds(
    Trace,
    dialogue=_NAMES,
    turn=st.integers(1, 1024),
    attempt=st.integers(1, 1024),
    evidence=st.dictionaries(_NAMES, _TEXTS, max_size=3),
    steps=st.lists(_STEPS, max_size=4).map(tuple),
    review=st.none() | _REVIEWS,
    output=st.none() | _TEXTS,
    restarted_from=st.none() | _NAMES,
    costs=st.dictionaries(_NAMES, st.floats(0, 1e12), max_size=3),
)


def _place(trace: Trace) -> tuple[str, int, int]:
    return trace.dialogue, trace.turn, trace.attempt


@settings(max_examples=60, deadline=None)
@given(st.lists(_TRACES, max_size=5, unique_by=_place))
def test_what_is_written_is_read(tmp_path_factory: pytest.TempPathFactory, traces: list[Trace]) -> None:
    path = tmp_path_factory.mktemp("traces") / "traces.jsonl"
    problems = Problems()
    assert read_traces(write_traces(path, traces), problems) == traces
    assert problems == []


@given(_TRACES)
def test_a_row_gives_the_same_trace_back_also_by_way_of_json(trace: Trace) -> None:
    assert read_trace_row(trace_row(trace)) == trace
    assert read_trace_row(json.loads(json.dumps(trace_row(trace)))) == trace


def test_half_a_surrogate_pair_comes_back(tmp_path: Path) -> None:
    trace = Trace("d", 1, output="\ud83d")
    assert read_traces(write_traces(tmp_path / "traces.jsonl", [trace]), Problems()) == [trace]


def test_a_file_that_cannot_be_written_whole_leaves_the_old_one(tmp_path: Path) -> None:
    path = write_traces(tmp_path / "traces.jsonl", [Trace("d", 1)])
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_traces(path, [Trace("d", 1), Trace("d", 2, costs={"tokens": math.nan})])
    assert read_traces(path, Problems()) == [Trace("d", 1)]
    assert list(tmp_path.iterdir()) == [path]


_GOOD: dict[str, Any] = {"dialogue": "d", "turn": 1}


@pytest.mark.parametrize(
    ("changed", "field", "message"),
    [
        ({"dialogue": None}, "dialogue", "expected text, got null"),
        ({"dialogue": ""}, "dialogue", "expected a name, got an empty text"),
        ({"dialogue": "x" * (MAX_NAME + 1)}, "dialogue", "expected up to 1000 characters, got 1001"),
        ({"turn": 0}, "turn", "expected a whole number from 1"),
        ({"turn": "1"}, "turn", "expected a whole number from 1"),
        ({"turn": True}, "turn", "expected a whole number from 1"),
        ({"attempt": 1.5}, "attempt", "expected a whole number from 1"),
        ({"evidence": ["image1"]}, "evidence", "expected an object, got a list"),
        ({"evidence": {"image1": 3}}, "evidence.image1", "expected text, got a number"),
        ({"evidence": {str(i): "" for i in range(MAX_ENTRIES + 1)}}, "evidence", "expected up to 1024 entries"),
        ({"steps": {}}, "steps", "expected a list, got an object"),
        ({"steps": ["task"]}, "steps[0]", "expected an object, got text"),
        ({"steps": [{"name": "a"}, {"text": "b"}]}, "steps[1].name", "expected text, got null"),
        ({"steps": [{"name": "a", "text": "x" * (MAX_TEXT + 1)}]}, "steps[0].text", "expected up to"),
        ({"steps": [{"name": "a", "claims": [{"cites": []}]}]}, "steps[0].claims[0].text", "got null"),
        ({"steps": [{"name": "a", "claims": [{"text": "b", "cites": "image1"}]}]}, "steps[0].claims[0].cites", "list"),
        ({"steps": [{"name": "a", "claims": [{"text": "b", "cites": [1]}]}]}, "steps[0].claims[0].cites[0]", "text"),
        ({"review": "ACCEPT"}, "review", "expected an object, got text"),
        ({"review": {"accepts": 1}}, "review.accepts", "expected true, false or null, got a number"),
        ({"review": {"faulty": [None]}}, "review.faulty[0]", "expected text, got null"),
        ({"output": 5}, "output", "expected text, got a number"),
        ({"restarted_from": ""}, "restarted_from", "expected a name"),
        ({"costs": {"requests": -1}}, "costs.requests", "expected a number from 0"),
        ({"costs": {"requests": 10**400}}, "costs.requests", "expected a number from 0"),
        ({"costs": {"requests": True}}, "costs.requests", "expected a number from 0"),
    ],
)
def test_a_line_that_is_no_trace_costs_itself_alone_and_is_told_with_its_field(
    tmp_path: Path, changed: dict[str, Any], field: str, message: str
) -> None:
    path = tmp_path / "traces.jsonl"
    rows = [_GOOD, {**_GOOD, "turn": 2, **changed}, {**_GOOD, "turn": 3}]
    path.write_text("\n".join(map(json.dumps, rows)))
    problems = Problems()
    assert [trace.turn for trace in read_traces(path, problems)] == [1, 3]
    [problem] = problems
    assert (problem.line, problem.field, problem.level) == (2, field, "error")
    assert message in problem.message


def test_lines_that_are_no_json_are_told(tmp_path: Path) -> None:
    path = tmp_path / "traces.jsonl"
    lines = [b"{", b"[1]", b'{"dialogue": "d", "turn": NaN}', b"\xff", b"[" * 100_000, json.dumps(_GOOD).encode()]
    path.write_bytes(b"\n".join(lines))
    problems = Problems()
    assert read_traces(path, problems) == [Trace("d", 1)]
    assert [problem.line for problem in problems] == [1, 2, 3, 4, 5]


def test_no_file_is_one_problem(tmp_path: Path) -> None:
    problems = Problems()
    assert read_traces(tmp_path / "none.jsonl", problems) == []
    assert problems.errors == 1


def test_of_an_attempt_that_is_there_twice_the_first_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "traces.jsonl"
    rows = [{**_GOOD, "output": "A"}, {**_GOOD, "output": "B"}, {**_GOOD, "attempt": 2, "output": "C"}]
    path.write_text("\n".join(map(json.dumps, rows)))
    problems = Problems()
    assert [trace.output for trace in read_traces(path, problems)] == ["A", "C"]
    [problem] = problems
    assert (problem.line, problem.field) == (2, "attempt")


def test_a_field_that_is_not_known_is_told_once(tmp_path: Path) -> None:
    path = tmp_path / "traces.jsonl"
    rows = [{**_GOOD, "turn": turn, "outptu": "B", "steps": [{"name": "a", "clams": []}]} for turn in (1, 2)]
    path.write_text("\n".join(map(json.dumps, rows)))
    problems = Problems()
    assert len(read_traces(path, problems)) == 2
    assert [problem.field for problem in problems] == ["outptu", "steps[].clams"]
    assert "did you mean `output`?" in problems[0].message
    assert "did you mean `claims`?" in problems[1].message
