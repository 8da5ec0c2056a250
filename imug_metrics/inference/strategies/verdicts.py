# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Verdicts and grades as models write them, to values: strictly, or not at all."""

from __future__ import annotations

import re
from collections.abc import Collection

from imug_metrics.reading.reasoning import without_reasoning

_EMPHASIS = r"[\s*_`\"'#>]*"
_VERDICT = re.compile(rf"{_EMPHASIS}(?P<word>accept|reject)\b(?!\s*(?:/|\||,|or\b)\W*(?:accept|reject))", re.IGNORECASE)
_GRADE = re.compile(
    rf"{_EMPHASIS}(?:(?:grade|score|rating)\W{{1,5}})?(?P<grade>\d{{1,3}})(?:\s*(?:/|out of)\s*(?P<of>\d{{1,3}}))?\W*",
    re.IGNORECASE,
)
_MARKS = " \t*_`\"'#."
_SEEN = 2**14


def read_verdict(text: str) -> bool | None:
    """Whether the first word of a verdict accepts; None if it is neither ACCEPT nor REJECT.

    Example:
        >>> read_verdict("**REJECT**: the cup is blue"), read_verdict("accept."), read_verdict("It looks right.")
        (False, True, None)
        >>> read_verdict("ACCEPT or REJECT? I am not sure.") is None
        True
    """
    found = _VERDICT.match(without_reasoning(text)[:_SEEN])
    return None if found is None else found["word"].lower() == "accept"


def read_grade(text: str, low: int, high: int) -> int | None:
    r"""The whole number that stands alone in the first line of a reply; None if there is none from `low` to `high`.

    Example:
        >>> read_grade("7", 0, 10), read_grade("Grade: 7/10", 0, 10), read_grade("**4**\nA red cup.", 1, 5)
        (7, 7, 4)
        >>> [read_grade(text, 1, 5) for text in ("6", "4/10", "3 of the 4 cups", "4.5", "-2", "four")]
        [None, None, None, None, None, None]
    """
    lines = without_reasoning(text)[:_SEEN].strip().splitlines()
    found = _GRADE.fullmatch(lines[0]) if lines else None
    if found is None or found["of"] not in (None, str(high)):
        return None
    grade = int(found["grade"])
    return grade if low <= grade <= high else None


def read_step_names(text: str, known: Collection[str]) -> tuple[str, ...]:
    r"""The names of steps in the first line of a reply, the most suspect first; none if it has any other word.

    Args:
        text: names with commas between them, in any case, in bold or not, "step" before them or not.
        known: names that there are.

    Example:
        >>> steps = ("task", "observation", "inference")
        >>> read_step_names("**Inference**, step observation.\nIt is red.", steps)
        ('inference', 'observation')
        >>> [read_step_names(said, steps) for said in ("NONE", "observation or inference", "The inference is wrong.")]
        [(), (), ()]
    """
    lines = without_reasoning(text)[:_SEEN].strip().splitlines()
    parts = lines[0].casefold().split(",") if lines else []
    found = [part.strip(_MARKS).removeprefix("step ").strip(_MARKS) for part in parts]
    plain = {name.casefold(): name for name in known}
    return tuple(dict.fromkeys(plain[name] for name in found)) if all(name in plain for name in found) else ()
