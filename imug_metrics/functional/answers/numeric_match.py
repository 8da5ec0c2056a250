# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Numeric answers: is the number that a reply states close enough to its reference?"""

from __future__ import annotations

import math
from collections.abc import Sequence
from numbers import Real
from typing import Any

from torch import Tensor

from imug_metrics.dialogues.cells import read_entries
from imug_metrics.dialogues.holders import shown
from imug_metrics.errors import InputError
from imug_metrics.functional.answers.text_match import best_over_references
from imug_metrics.reading.figures import Decimal
from imug_metrics.reading.numbers import parse_number


def numeric_match(
    preds: Sequence[Any],
    target: Sequence[Any],
    *,
    rel_tol: float = 1e-6,
    abs_tol: float = 0.0,
    decimal: Decimal = ".",
) -> Tensor:
    r"""Whether the number that a reply states is close to its reference, or to one of its references.

    It is the one in `\boxed{}` or behind "the answer is", or else the last one (`imug_metrics.reading.numbers`).
    Close is `|p - t| <= max(abs_tol, rel_tol * |t|)`: relative to the reference alone.

    Args:
        preds: N replies, text or numbers; None, or a number that is not finite, is an absent one.
        target: N references, each text, a number, or several of them.
        rel_tol: relative tolerance.
        abs_tol: absolute tolerance.
        decimal: decimal separator of replies and references, see `parse_number`.

    Returns:
        float64 `[N]`, 0 or 1, NaN where the reply is absent; a reply without a number scores 0. Higher is better.

    Raises:
        ValueError: a negative tolerance.
        InputError: lengths that differ, a reference without a number that can be read, or a reply or a reference that
            is neither text nor a number.

    Example:
        >>> from imug_metrics.functional.answers.numeric_match import numeric_match
        >>> numeric_match(["There are 12 cups.", "0.33", "none"], [12, "1/3", 0], rel_tol=0.02)
        tensor([1., 1., 0.], dtype=torch.float64)
        >>> numeric_match(["The answer is –72. I checked it in 3 ways."], [-72])
        tensor([1.], dtype=torch.float64)
    """
    readings = numeric_readings(preds, decimal=decimal)
    return match_readings(readings, target, rel_tol=rel_tol, abs_tol=abs_tol, decimal=decimal)


def match_readings(
    readings: Sequence[float | None], target: Sequence[Any], *, rel_tol: float, abs_tol: float, decimal: Decimal
) -> Tensor:
    """What `numeric_match` gives of what `numeric_readings` has read.

    Example:
        >>> from imug_metrics.functional.answers.numeric_match import match_readings
        >>> match_readings([12.0, float("nan"), None], [12, 3, 4], rel_tol=0.0, abs_tol=0.0, decimal=".")
        tensor([1., 0., nan], dtype=torch.float64)
    """
    for name, tolerance in (("rel_tol", rel_tol), ("abs_tol", abs_tol)):
        if not tolerance >= 0:
            raise ValueError(f"Expected argument `{name}` to be >= 0, got {tolerance}.")

    def number(value: Any, name: str, row: int) -> float:
        if name == "preds":
            return float(value)
        parsed = _as_number(value, name, row, decimal)
        if parsed is None:
            raise InputError(name, "to hold a finite number", shown(value), row)
        return parsed

    def close(pred: float, target: float) -> float:
        return float(abs(pred - target) <= max(abs_tol, rel_tol * abs(target)))  # of no number 0

    return best_over_references(readings, target, number, close)


def numeric_readings(preds: Sequence[Any], *, decimal: Decimal = ".") -> list[float | None]:
    """The number that every reply states: NaN where there is none, None where the reply is absent.

    A number that is not finite is what tables hold where nothing is, and no reply.

    Raises:
        InputError: a reply that is neither text nor a number.

    Example:
        >>> from imug_metrics.functional.answers.numeric_match import numeric_readings
        >>> numeric_readings(["There are 12 cups.", "none", None])
        [12.0, nan, None]
    """
    replies = read_entries("preds", preds)
    numbers = [None if pred is None else _as_number(pred, "preds", row, decimal) for row, pred in enumerate(replies)]
    return [math.nan if number is None and isinstance(pred, str) else number for number, pred in zip(numbers, replies)]


def _as_number(value: Any, name: str, row: int, decimal: Decimal) -> float | None:
    if isinstance(value, str):
        return parse_number(value, decimal=decimal)
    if isinstance(value, bool) or not isinstance(value, Real):
        raise InputError(name, "to hold text or numbers", type(value).__name__, row)
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None
