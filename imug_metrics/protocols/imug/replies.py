# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Reading the replies of a judge: as the released IMUG-Bench tools do, or strictly.

The released reading takes what stands from the first `{` to the last `}` as JSON, and its values as they come. The
strict reading finds the one object that holds the answer, whatever prose, fences or thinking stand around it and
whatever small breaks are in it (see `imug_metrics.reading.json_reply`), and takes no answer that is in doubt.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from imug_metrics.judges import ReplyError
from imug_metrics.protocols.imug.judged import as_score
from imug_metrics.protocols.imug.samples import DYNAMIC
from imug_metrics.reading.files import kind
from imug_metrics.reading.json_reply import read_reply, whole_number
from imug_metrics.reading.letters import named_letters

LETTERS = "ABCDEFG"
BEST = 5
POINTS, ANSWER = "evaluation_results", "determined_answer"


def official_points(text: str) -> tuple[float, ...]:
    """Point scores as the released tool takes them: as many as there are, in their order, in any range.

    Args:
        text: the judge's reply.

    Returns:
        The scores; empty where the reply holds no list of results.

    Raises:
        ReplyError: where the released tool stops: no braces, no JSON, results that are no list of objects; and for a
            score that is no number, on which its summary stops.

    Example:
        >>> official_points('Sure: {"evaluation_results": [{"point_id": 7, "score": 9}, {"score": "4"}]}')
        (9.0, 4.0)
    """
    scores = []
    for place, row in enumerate(official_results(text)):
        value = as_score(row["score"])
        if value is None:
            raise ReplyError("score", f"Expected a number as score of result {place}, got {str(row['score'])[:80]!r}.")
        scores.append(value)
    return tuple(scores)


def official_results(text: str) -> list[dict[str, Any]]:
    """Point ids and scores as the released tool stores them, untouched; raises as `official_points` does.

    Example:
        >>> official_results('{"evaluation_results": [{"point_id": 1, "score": "high", "reason": "sharp"}]}')
        [{'point_id': 1, 'score': 'high'}]
    """
    results = _outer_object(text).get(POINTS, [])
    if not isinstance(results, (list, dict, str)):
        raise ReplyError("type", f"Expected a list as {POINTS!r}, got {kind(results)}.")
    rows = []
    for result in results:
        if not isinstance(result, dict):
            raise ReplyError("type", f"Expected objects in {POINTS!r}, got {kind(result)}.")
        rows.append({"point_id": result.get("point_id"), "score": result.get("score")})
    return rows


def official_letters(text: str, raw_answer: str) -> str:
    """The key of a dynamic question as the released tool makes it.

    Letters A to G before the first marker of the benchmark's answer, together with every letter A to G of the judge's
    answer as text in upper case, words included: "none" is E.

    Args:
        text: the judge's reply.
        raw_answer: the benchmark's answer, such as "B+<DYNAMIC>".

    Returns:
        The letters, sorted, without repeats or separators; may be empty.

    Raises:
        ReplyError: a reply without braces, or whose braces hold no JSON.

    Example:
        >>> official_letters('{"determined_answer": "b"}', "A,C+<DYNAMIC>+D"), official_letters("{}", "<DYNAMIC>")
        ('ABC', '')
    """
    judged = str(_outer_object(text).get(ANSWER, "")).upper()
    return "".join(sorted({letter for letter in fixed_letters(raw_answer) + judged if letter in LETTERS}))


def fixed_letters(raw_answer: str) -> str:
    """The letters A to G of a dynamic answer that need no judge.

    Example:
        >>> fixed_letters("A,C+<DYNAMIC>+D"), fixed_letters("<DYNAMIC>")
        ('AC', '')
    """
    return "".join(letter for letter in raw_answer.partition(DYNAMIC)[0] if letter in LETTERS)


def strict_points(text: str, count: int) -> tuple[int, ...]:
    """Point scores of a reply that holds exactly what was asked for.

    Args:
        text: the judge's reply: one JSON object, see `read_reply` for what may stand around it.
        count: how many points were to be scored.

    Returns:
        `count` integers 0 to 5, in the order of their point ids 1 to `count`. `4.0` and `"4"` are 4.

    Raises:
        ReplyError: for anything else; `kind` and message say what.

    Example:
        >>> rows = '[{"point_id": 2, "score": 5}, {"point_id": 1, "score": 0, "reason": "no cup"}]'
        >>> strict_points('Here it is: {"evaluation_results": ' + rows + "}", 2)
        (0, 5)
    """
    return read_reply(text, POINTS, partial(_strict_points, count=count))


def strict_letters(text: str, options: str = LETTERS, *, single: bool = False) -> str:
    """The letters of a reply that names options and nothing else.

    Args:
        text: the judge's reply: one JSON object, see `read_reply` for what may stand around it. Its answer is text or
            a list of texts, see `named_letters`.
        options: the letters that are options.
        single: whether only one letter can be right.

    Returns:
        The letters, sorted, without repeats, at least one.

    Raises:
        ReplyError: for anything else; `kind` and message say what.

    Example:
        >>> strict_letters('{"determined_answer": "C, A"}', "ABCD"), strict_letters('{"determined_answer": ["B"]}')
        ('AC', 'B')
    """
    return read_reply(text, ANSWER, partial(_strict_letters, options=options, single=single))


def _strict_points(found: Mapping[str, Any], count: int) -> tuple[int, ...]:
    results = found[POINTS]
    if not isinstance(results, list):
        raise ReplyError("type", f"Expected a list as {POINTS!r}, got {kind(results)}.")
    scores: dict[int, int] = {}
    for place, row in enumerate(results):
        if not isinstance(row, dict):
            raise ReplyError("type", f"Expected an object as result {place}, got {kind(row)}.")
        point, score = _integer(row, "point_id", place), _integer(row, "score", place)
        if not 1 <= point <= count:
            raise ReplyError("unknown_point", f"Expected point_id from 1 to {count}, got {point}.")
        if point in scores:
            raise ReplyError("repeated_point", f"Expected each point once, got point {point} again.")
        if not 0 <= score <= BEST:
            raise ReplyError("range", f"Expected scores from 0 to {BEST}, got {score} for point {point}.")
        scores[point] = score
    absent = [point for point in range(1, count + 1) if point not in scores]
    if absent:
        raise ReplyError("missing_point", f"Expected all {count} points, got no score for {_listed(absent)}.")
    return tuple(scores[point] for point in range(1, count + 1))


def _strict_letters(found: Mapping[str, Any], options: str, single: bool) -> str:
    answer = found[ANSWER]
    entries = answer if isinstance(answer, list) else [answer]
    if not all(isinstance(entry, str) for entry in entries):
        raise ReplyError("type", f"Expected text as {ANSWER!r}, got {kind(answer)}.")
    if not any(entry.strip() for entry in entries):
        raise ReplyError("no_letter", f"Expected at least one option as {ANSWER!r}, got none.")
    named = [named_letters(entry) for entry in entries]
    if None in named:
        raise ReplyError("letters", f"Expected letters of options alone as {ANSWER!r}, got {str(answer)[:80]!r}.")
    letters = sorted({letter for entry in named for letter in entry or ""})
    unknown = [letter for letter in letters if letter not in options]
    if unknown:
        raise ReplyError("unknown_option", f"Expected options among {options}, got {_listed(unknown)}.")
    if single and len(letters) > 1:
        raise ReplyError("several_letters", f"Expected the one right option, got {_listed(letters)}.")
    return "".join(letters)


def _outer_object(text: str) -> dict[str, Any]:
    start, end = text.find("{"), text.rfind("}")
    if start < 0 or end < start:
        raise ReplyError("no_object", "Expected a JSON object, got no braces.")
    try:
        return dict(json.loads(text[start : end + 1]))
    except (ValueError, RecursionError) as error:
        raise ReplyError("json", f"Expected JSON from the first to the last brace: {error}.") from None


def _integer(row: Mapping[str, Any], field: str, place: int) -> int:
    if field not in row:
        raise ReplyError("missing_field", f"Expected the field {field!r} in result {place}.")
    value = whole_number(row[field])
    if value is None:
        raise ReplyError("type", f"Expected an integer as {field!r} of result {place}, got {str(row[field])[:80]!r}.")
    return value


def _listed(values: Sequence[Any]) -> str:
    return ", ".join(str(value) for value in values)
