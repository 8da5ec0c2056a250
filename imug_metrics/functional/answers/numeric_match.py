# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Numeric answers: is the number that a reply states close enough to its reference?"""

from __future__ import annotations

import math
from collections.abc import Sequence
from numbers import Real
from typing import Any

from torch import Tensor

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
        preds: N replies, text or numbers; `None` is an absent one.
        target: N references, each text, a number, or several of them.
        rel_tol: relative tolerance.
        abs_tol: absolute tolerance.
        decimal: decimal separator of replies and references, see `parse_number`.

    Returns:
        float64 `[N]`, 0 or 1, NaN where the reply is absent; a reply without a number scores 0. Higher is better.

    Raises:
        ValueError: lengths that differ, a negative tolerance, or a reference without a number that can be read.
        TypeError: a reply or a reference that is neither text nor a number.

    Example:
        >>> from imug_metrics.functional.answers.numeric_match import numeric_match
        >>> numeric_match(["There are 12 cups.", "0.33", "none"], [12, "1/3", 0], rel_tol=0.02)
        tensor([1., 1., 0.], dtype=torch.float64)
        >>> numeric_match(["The answer is –72. I checked it in 3 ways."], [-72])
        tensor([1.], dtype=torch.float64)
    """
    for name, tolerance in (("rel_tol", rel_tol), ("abs_tol", abs_tol)):
        if not tolerance >= 0:
            raise ValueError(f"Expected argument `{name}` to be >= 0, got {tolerance}.")

    def number(value: Any, name: str, row: int) -> float | None:
        parsed = _as_number(value, name, row, decimal)
        if parsed is None and name == "target":
            raise ValueError(f"Expected argument `target` to hold a finite number, got {value!r} at row {row}.")
        return parsed

    def close(pred: float | None, target: float | None) -> float:
        if pred is None or target is None:
            return 0.0
        return float(abs(pred - target) <= max(abs_tol, rel_tol * abs(target)))

    return best_over_references(preds, target, number, close)


def numeric_readings(preds: Sequence[Any], *, decimal: Decimal = ".") -> list[float | None]:
    """The number that every reply states: NaN where there is none, None where the reply is absent.

    Raises:
        TypeError: a reply that is neither text nor a number.

    Example:
        >>> from imug_metrics.functional.answers.numeric_match import numeric_readings
        >>> numeric_readings(["There are 12 cups.", "none", None])
        [12.0, nan, None]
    """
    numbers = [None if pred is None else _as_number(pred, "preds", row, decimal) for row, pred in enumerate(preds)]
    return [
        math.nan if number is None and pred is not None else number for number, pred in zip(numbers, preds, strict=True)
    ]


def _as_number(value: Any, name: str, row: int, decimal: Decimal) -> float | None:
    if isinstance(value, str):
        return parse_number(value, decimal=decimal)
    if isinstance(value, bool) or not isinstance(value, Real):
        raise TypeError(f"Expected argument `{name}` to hold text or numbers, got {type(value).__name__} at row {row}.")
    return float(value) if math.isfinite(value) else None
