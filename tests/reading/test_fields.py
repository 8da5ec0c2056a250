# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Names of fields: a misspelled one is told of, with the one that was meant."""

from __future__ import annotations

import pytest

from imug_metrics.reading.fields import UnknownFields, name_fault, nearest
from imug_metrics.reading.files import Problems

KNOWN = ("dialogue", "turn", "score", "rater", "model", "sample_id", "modality", "model_response", "evaluation_points")


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("Dialogue", "dialogue"),
        ("dialog", "dialogue"),
        (" score", "score"),
        ("score ", "score"),
        ("SCORE", "score"),
        ("scores", "score"),
        ("sampleid", "sample_id"),
        ("sampleId", "sample_id"),
        ("sample-id", "sample_id"),
        ("modalty", "modality"),
        ("model_respons", "model_response"),
        ("modelResponse", "model_response"),
        ("evaluation_point", "evaluation_points"),
        ("trun", "turn"),
        ("\ufeffmodel", "model"),
        ("system_prompt", None),
        ("", None),
        ("x", None),
        ("得点", None),
    ],
)
def test_the_nearest_name_is_the_one_that_was_meant(name, meant) -> None:
    assert nearest(name, KNOWN) == meant


@pytest.mark.parametrize(
    ("names", "fault"),
    [
        (["a", "b"], None),
        (["c", "b", "a"], None),
        (["a"], "`b` is missing"),
        ([], "`a` is missing"),
        (["a", "b", "b"], "`b` twice"),
        (["a", "b", "d"], "got 'd'"),
        (["a", "B"], "did you mean `b`"),
    ],
)
def test_what_is_wrong_with_names(names, fault) -> None:
    found = name_fault(names, ["a", "b"], ["c"])
    assert found is None if fault is None else fault in (found or "")


def test_each_unknown_field_is_told_of_once_with_its_count() -> None:
    fields, problems = UnknownFields({"tasks": {"turn": None, "output": {"answer": None}}, "free": None}), Problems()
    for line in range(1, 4):
        fields.look("f", line, {"tasks": [{"turn": 1, "outptu": {"x": 1}}, {"output": {"answr": 1}}], "free": {"x": 1}})
    fields.look("f", 4, {"tasks": "text", "new": 1})
    fields.look("f", 5, [1, None])
    fields.warn(problems)
    assert [(problem.line, problem.field, problem.level) for problem in problems] == [
        (1, "tasks[].outptu", "warning"),
        (1, "tasks[].output.answr", "warning"),
        (4, "new", "warning"),
    ]
    assert "3 times, the first here" in problems[0].message
    assert "did you mean `output`" in problems[0].message
    assert "time" not in problems[2].message


def test_rows_that_may_hold_more_are_told_of_near_names_only() -> None:
    fields, problems = UnknownFields({"content": None, "modal": None}, only_near=True), Problems()
    fields.look("f", 1, {"content": "a", "modall": {}, "time": 3})
    fields.look("f", 2, {"content": "a", "contents": "b", "modal": {}})  # both are there: neither is meant
    fields.warn(problems)
    assert [problem.field for problem in problems] == ["modall"]


def test_of_very_many_names_the_first_are_told_of() -> None:
    fields, problems = UnknownFields({}), Problems()
    fields.look("f", 1, dict.fromkeys(map(str, range(1000)), 1))
    fields.warn(problems)
    assert len(problems) == 21
    assert "980 more" in problems[-1].message
