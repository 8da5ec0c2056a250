# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Replies of judges: read as the released tool recorded it, and strictly."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imug_metrics.judges import ReplyError
from imug_metrics.protocols.imug.replies import (
    official_letters,
    official_points,
    official_results,
    strict_letters,
    strict_points,
)

DATA = Path(__file__).parent / "data"


def rows_of(path: Path) -> list[dict]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").split("\n") if line]


def assert_read_as_recorded(row: dict) -> None:
    def read():
        dynamic = row["kind"] == "dynamic"
        return official_letters(row["text"], row["raw_answer"]) if dynamic else official_results(row["text"])

    if row["error"] is None:
        assert read() == row["result"], row["id"]
    else:
        with pytest.raises(ReplyError):
            read()


def test_replies_at_hand_are_read_as_recorded():
    for row in rows_of(DATA / "judge_replies.jsonl"):
        assert_read_as_recorded(row)


def test_all_recorded_replies_are_read_as_recorded(golden):
    rows = rows_of(golden / "judge_text.jsonl")
    assert (len(rows), sum(row["error"] is not None for row in rows)) == (223, 43)
    for row in rows:
        assert_read_as_recorded(row)


def test_officially_any_number_is_a_score_and_what_is_none_stops_the_turn():
    scores = ("9", -3, 2.5, True)
    assert official_points(results(*({"score": score} for score in scores))) == (9.0, -3.0, 2.5, 1.0)
    for score in ("null", "[4]", '"high"', "NaN", "1e999", "9" * 400):
        with pytest.raises(ReplyError) as caught:
            official_points('{"evaluation_results": [{"score": 1}, {"score": ' + score + "}]}")
        assert caught.value.kind == "score"


def results(*rows) -> str:
    return json.dumps({"evaluation_results": list(rows)})


def point(point_id, score, **more):
    return {"point_id": point_id, "score": score, **more}


GOOD = results(point(1, 0, reason="no {cup}"), point(2, 5))


@pytest.mark.parametrize(
    "text",
    [
        GOOD,
        f"```json\n{GOOD}\n```",
        f"Of course {{as you wish}}: {GOOD} and that is {{all}}",
        f"\ufeff{GOOD}",
        f"<pre>{GOOD}</pre>",
        f"<think>maybe {GOOD}? no, {results(point(1, 3))}</think>\n{GOOD}",
        results(point(2, 5), point(1, 0)),
        results(point("2", "5"), point(1.0, "0.0")),
        f"[{GOOD}]",
        f"{GOOD}\nThat is:\n{results(point(1, 0), point(2, 5.0, reason='sharp'))}",
        GOOD.replace('"', "'"),
        GOOD.replace("no {cup}", 'no\n"cup" \\alpha'),
        GOOD.replace("no {cup}", "it shows </think>"),
        GOOD.replace("}]", "},]"),
    ],
)
def test_one_whole_object_is_read_whatever_stands_around_it(text):
    assert strict_points(text, 2) == (0, 5)


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("", "no_object"),
        ("The image deserves 4 and 5.", "no_object"),
        (GOOD[:-30], "cut_off"),
        (GOOD[:-1], "cut_off"),
        (f"{GOOD}\nNo:\n{GOOD[:-30]}", "cut_off"),
        (f"<think>{GOOD}", "cut_off"),
        (GOOD.replace("5", "05"), "json"),
        (GOOD.replace("5", "NaN"), "json"),
        (GOOD + "\n" + results(point(1, 0), point(2, 4)), "several_objects"),
        (GOOD.replace("evaluation_results", "results"), "missing_field"),
        ('{"answer": ' + GOOD + "}", "missing_field"),
        ('{"evaluation_results": [], "evaluation_results": []}', "repeated_field"),
        ('{"evaluation_results": null}', "type"),
        ('{"evaluation_results": {"point_id": 1, "score": 4}}', "type"),
        (results(4, 5), "type"),
        (results({"point_id": 1}, point(2, 5)), "missing_field"),
        (results({"score": 1}, point(2, 5)), "missing_field"),
        (results(point("one", 3), point(2, 5)), "type"),
        (results(point(1, "8/10"), point(2, 5)), "type"),
        (results(point(1, True), point(2, 5)), "type"),
        (results(point(1, 3.5), point(2, 5)), "type"),
        (GOOD.replace("0, ", "0 of 5, "), "json"),
        (GOOD.replace("}, {", ", "), "repeated_field"),
        (results(point(1, None), point(2, 5)), "type"),
        (results(point(1, 6), point(2, 5)), "range"),
        (results(point(1, -1), point(2, 5)), "range"),
        (results(point(1, 85), point(2, 5)), "range"),
        (results(point(1, 4), point(2, 3), point(3, 5)), "unknown_point"),
        (results(point(1, 4), point(1, 4)), "repeated_point"),
        (results(point(1, 4), point(3, 4)), "unknown_point"),
        (results(point(0, 4), point(1, 4)), "unknown_point"),
        (results(point(1, 4)), "missing_point"),
        (results(), "missing_point"),
        ("x" * 300_000 + GOOD, "too_long"),
    ],
)
def test_each_malformed_reply_has_an_error_of_its_kind(text, kind):
    with pytest.raises(ReplyError) as caught:
        strict_points(text, 2)
    assert caught.value.kind == kind
    assert len(str(caught.value)) < 400


@pytest.mark.parametrize("row", rows_of(DATA / "strict_replies.jsonl"), ids=lambda row: row["kind"])
def test_replies_of_each_kind_are_read_or_refused(row):
    def read():
        return (
            list(strict_points(row["text"], row["points"])) if row["read"] == "points" else strict_letters(row["text"])
        )

    if row["want"] is None:
        with pytest.raises(ReplyError):
            read()
    else:
        assert read() == row["want"]


def answer(value) -> str:
    return json.dumps({"reasoning": "the {box} is red", "determined_answer": value})


@pytest.mark.parametrize(
    "value",
    ["BD", "D, B", "B and D", "B;D", " B/D\n", "B & D", ["D", "B"], "BDB", ["B) red", "option d"], "Ｂ和Ｄ", "b, d"],
)
def test_letters_are_read_however_they_are_listed(value):
    assert strict_letters(answer(value), "ABCD") == "BD"


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        ("", "no_letter"),
        ("  ", "no_letter"),
        ([], "no_letter"),
        (None, "type"),
        (True, "type"),
        (3, "type"),
        ({"A": 1}, "type"),
        ([1], "type"),
        ("none", "letters"),
        (["B", "none"], "letters"),
        ("B or D", "letters"),
        ("A," * 99 + "A, and much more that is no letter: D", "letters"),
        ("A and", "letters"),
        ("红色", "letters"),
        ("H", "unknown_option"),
        ("E", "unknown_option"),
        ("NONE", "unknown_option"),
        ("AB", "several_letters"),
    ],
)
def test_what_names_no_option_is_malformed(value, kind):
    with pytest.raises(ReplyError) as caught:
        strict_letters(answer(value), "ABCD", single=True)
    assert caught.value.kind == kind


@given(st.text(alphabet='{}[]",:0159abA evaluation_resultspoint_idscore\n\\u', max_size=200))
def test_no_text_raises_anything_else(text):
    for read in (official_points, lambda reply: strict_points(reply, 2), strict_letters):
        with suppress(ReplyError):
            read(text)


@pytest.mark.parametrize(
    "text", ["{" * 10**5, '{"a":' * 5 * 10**4, "[" * 10**5 + "{", '{"evaluation_results": ' * 9000]
)
def test_hostile_nesting_is_malformed_and_quickly_so(text):
    for read in (official_points, lambda reply: strict_points(reply, 2)):
        with pytest.raises(ReplyError):
            read(text)
