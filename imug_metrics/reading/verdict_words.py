# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Verdicts as logs write them: accepted, rejected, or none."""

from __future__ import annotations

import math
from typing import Any

ACCEPTS = frozenset(
    (
        *("accept", "accepted", "accepts", "pass", "passed", "passes", "true", "yes", "ok", "okay", "approve"),
        *("approved", "correct", "right", "good", "success", "1", "y", "t"),
    )
)
REJECTS = frozenset(
    (
        *("reject", "rejected", "rejects", "fail", "failed", "fails", "false", "no", "deny", "denied", "refuse"),
        *("refused", "incorrect", "wrong", "bad", "failure", "0", "n", "f"),
    )
)
_ABSENT = frozenset(("", "nan", "none", "null", "<na>", "#n/a", "n/a", "-"))
EXPECTED = "accept or reject, pass or fail, true or false, yes or no, 1 or 0"


def logged_verdict(value: Any, threshold: float | None = None) -> float | None:
    """1.0 where a cell accepts, 0.0 where it rejects, None where it is absent.

    Args:
        value: words, a boolean, or a number.
        threshold: a number from it on accepts; None: only 1 and 0 are verdicts.

    Raises:
        ValueError: if it is none of these: it is never taken for either.

    Example:
        >>> logged_verdict("PASS"), logged_verdict(False), logged_verdict("4", threshold=3), logged_verdict(None)
        (1.0, 0.0, 1.0, None)
        >>> logged_verdict(4)
        Traceback (most recent call last):
        ValueError: expected accept or reject, pass or fail, true or false, yes or no, 1 or 0, or numbers and a
        threshold, got 4
    """
    if value is None:
        return None
    text = str(value).strip().lower() if isinstance(value, (str, bool, int)) else ""
    number = _number(value)
    if isinstance(value, str) and text in _ABSENT:
        return None
    if threshold is not None and number is not None and not isinstance(value, bool):
        return None if math.isnan(number) else float(number >= threshold)
    if text in ACCEPTS or text in REJECTS:
        return float(text in ACCEPTS)
    if number is not None and (math.isnan(number) or number in (0, 1)):
        return None if math.isnan(number) else number
    shown = repr(value)[:40] if isinstance(value, (str, int, float)) else type(value).__name__
    raise ValueError(f"expected {EXPECTED}, or numbers and a threshold, got {shown}")


def _number(value: Any) -> float | None:
    if not isinstance(value, (str, int, float)) or (isinstance(value, str) and len(value) > 40):
        return None
    try:
        return float(value)
    except (ValueError, OverflowError):
        return None
