# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Reading the replies of a judge: as the released IMUG-Bench tools do, or strictly.

The released reading takes what stands from the first `{` to the last `}` as JSON, and its values as they come. The
strict reading finds the one object that holds the answer, whatever prose or fences stand around it, and takes nothing
in it that was not asked for.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any, NoReturn

from imug_metrics.judges import ReplyError
from imug_metrics.protocols.imug.judged import as_score
from imug_metrics.protocols.imug.samples import DYNAMIC
from imug_metrics.reading.files import kind

LETTERS = "ABCDEFG"
BEST = 5
POINTS, ANSWER = "evaluation_results", "determined_answer"

_LETTER_LIST = re.compile(r"[A-Z](?:(?:\s*[,;/+&]\s*|\s+and\s+|\s*)[A-Z])*")
_MAX_CHARS = 2**18
_MAX_ANSWER = 200
_MAX_STARTS = 256  # places where an object may begin that are tried; bounds the time that hostile replies take


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
        text: the judge's reply: one JSON object, prose and fences around it aside.
        count: how many points were to be scored.

    Returns:
        `count` integers 0 to 5, in the order of their point ids 1 to `count`.

    Raises:
        ReplyError: for anything else; `kind` and message say what.

    Example:
        >>> rows = '[{"point_id": 2, "score": 5}, {"point_id": 1, "score": 0, "reason": "no cup"}]'
        >>> strict_points('Here it is: {"evaluation_results": ' + rows + "}", 2)
        (0, 5)
    """
    results = _the_object(text, POINTS)[POINTS]
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


def strict_letters(text: str, options: str = LETTERS, *, single: bool = False) -> str:
    """The letters of a reply that names options and nothing else.

    Args:
        text: the judge's reply: one JSON object, prose and fences around it aside.
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
    answer = _the_object(text, ANSWER)[ANSWER]
    if isinstance(answer, list) and all(isinstance(entry, str) for entry in answer):
        answer = ",".join(answer)
    if not isinstance(answer, str):
        raise ReplyError("type", f"Expected text as {ANSWER!r}, got {kind(answer)}.")
    if not answer.strip():
        raise ReplyError("no_letter", f"Expected at least one option as {ANSWER!r}, got none.")
    if len(answer) > _MAX_ANSWER or not _LETTER_LIST.fullmatch(answer.strip()):
        raise ReplyError("letters", f"Expected upper-case letters alone as {ANSWER!r}, got {answer[:80]!r}.")
    letters = sorted({letter for letter in answer if letter.isupper()})
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


def _the_object(text: str, field: str) -> dict[str, Any]:
    """The one JSON object of a text that holds a field."""
    text = text.rpartition("</think>")[2]
    if len(text) > _MAX_CHARS:
        raise ReplyError("too_long", f"Expected at most {_MAX_CHARS} characters, got {len(text)}.")
    found, broken = _objects(text)
    fitting = [value for value in found if field in value]
    if len(fitting) > 1:
        raise ReplyError("several_objects", f"Expected one object with {field!r}, got {len(fitting)}.")
    if fitting:
        return fitting[0]
    if broken is not None and (not found or f'"{field}"' in text):
        raise ReplyError("json", f"Expected JSON with {field!r}: {broken}.")
    if found:
        raise ReplyError("missing_field", f"Expected the field {field!r}, got {_listed(list(found[-1]))[:200]}.")
    raise ReplyError("no_object", f"Expected a JSON object with {field!r}, got no braces.")


def _objects(text: str) -> tuple[list[dict[str, Any]], str | None]:
    """Every outermost JSON object of a text, and why the first brace that begins none does not."""
    found: list[dict[str, Any]] = []
    broken = None
    start = text.find("{")
    for _ in range(_MAX_STARTS):
        if start < 0:
            break
        try:
            value, end = _DECODER.raw_decode(text, start)
            found.append(value)
        except (ValueError, RecursionError) as error:
            if isinstance(error, ReplyError):
                raise
            broken = broken or str(error)[:200]
            end = start + 1
        start = text.find("{", end)
    return found, broken


def _once(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    fields = dict(pairs)
    if len(fields) < len(pairs):
        raise ReplyError("repeated_field", "Expected each field of an object once, got one again.")
    return fields


def _no_number(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON number")


_DECODER = json.JSONDecoder(object_pairs_hook=_once, parse_constant=_no_number)


def _integer(row: dict[str, Any], field: str, place: int) -> int:
    if field not in row:
        raise ReplyError("missing_field", f"Expected the field {field!r} in result {place}.")
    value = row[field]
    if not isinstance(value, int) or isinstance(value, bool):
        raise ReplyError("type", f"Expected an integer as {field!r} of result {place}, got {str(value)[:80]!r}.")
    return value


def _listed(values: Sequence[Any]) -> str:
    return ", ".join(str(value) for value in values)
