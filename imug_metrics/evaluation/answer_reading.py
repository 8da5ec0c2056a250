# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""What is read in one answer, and why: by our rules and by the released scorer's."""

from __future__ import annotations

from typing import Any

from imug_metrics.errors import ArgumentError
from imug_metrics.functional.answers.answer_accuracy import Kind, answer_accuracy
from imug_metrics.functional.answers.choice_score import choice_mask, format_weight
from imug_metrics.reading.choice import REASONS, read_choice
from imug_metrics.reading.exact import normalize_answer
from imug_metrics.reading.figures import Decimal
from imug_metrics.reading.numbers import parse_number
from imug_metrics.reading.options import DEFAULT_OPTIONS, Options

Found = dict[str, Any]


def read_answer(
    text: str,
    kind: Kind = "choice",
    *,
    options: Options = DEFAULT_OPTIONS,
    key: str | None = None,
    decimal: Decimal = ".",
) -> Found:
    """Read one answer as `answer_accuracy` does, and say how.

    Args:
        text: the answer.
        kind: what it is.
        options: of the question, with kind "choice".
        key: what it is scored against; None: it is not.
        decimal: the decimal separator, with kind "numeric".

    Returns:
        `read`: letters, a number or None, or the text after normalisation. With kind "choice" also `reason` and its
        `meaning`, and as `official` what the released scorer reads and the weight it gives the answer's form. With a
        key, `key` as it is read, and `scores` by protocol.

    Raises:
        ArgumentError: if the key cannot be read.

    Example:
        >>> found = read_answer("The answer is B.", key="B")
        >>> found["read"], found["reason"], found["official"], found["scores"]
        ('B', 'answer', {'read': 'B', 'weight': 0.5}, {'strict': 1.0, 'imug': 0.5})
    """
    if kind == "choice":
        return _choice(text, options, key)
    if kind == "numeric":
        return _number(text, key, decimal)
    found: Found = {"read": normalize_answer(text)}
    if key is None:
        return found
    return found | {
        "key": normalize_answer(key),
        "scores": {"strict": answer_accuracy([text], [key], kind=kind).item()},
    }


def _choice(text: str, options: Options, key: str | None) -> Found:
    reading = read_choice(text, options)
    found: Found = {
        "read": reading.letters,
        "reason": reading.reason,
        "meaning": REASONS[reading.reason],
        "official": {"read": _official(text), "weight": format_weight([text]).item()},
    }
    if key is None:
        return found
    letters = read_choice(key, options).letters
    if not letters:
        raise ArgumentError("key", f"expected letters among {''.join(options)}, got {key!r}")
    scores = {
        "strict": answer_accuracy([text], [key], options=options).item(),
        "imug": answer_accuracy([text], [key], protocol="imug").item(),
    }
    return found | {"key": letters, "official_key": _official(key), "scores": scores}


def _official(text: str) -> str:
    """Letters that the released scorer reads."""
    mask = int(choice_mask([text], "imug"))
    return "".join(letter for place, letter in enumerate(DEFAULT_OPTIONS) if mask >> place & 1)


def _number(text: str, key: str | None, decimal: Decimal) -> Found:
    found: Found = {"read": parse_number(text, decimal=decimal)}
    if key is None:
        return found
    number = parse_number(key, decimal=decimal)
    if number is None:
        raise ArgumentError("key", f"expected a number, got {key!r}")
    score = answer_accuracy([text], [key], kind="numeric", decimal=decimal)
    return found | {"key": number, "scores": {"strict": score.item()}}
