# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""The arguments of `VerdictMonitor.update` as rows."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

from imug_metrics.errors import InputError


class VerdictRow(NamedTuple):
    """One verdict.

    Attributes:
        verdict: 0 rejects, 1 accepts; None: absent.
        truth: 0.0 wrong, 1.0 right; None: not known.
        dialogue: its id; None: there is none.
    """

    verdict: float | None
    truth: float | None
    dialogue: str | int | None


def verdict_rows(verdicts: Any, truth: Any, dialogue: Any, *, need_dialogue: bool) -> list[VerdictRow]:
    """One row a verdict, checked.

    Raises:
        InputError: if a value is not as expected; it names argument and row.

    Example:
        >>> verdict_rows([True, None], 0, "a", need_dialogue=True)[0]
        VerdictRow(verdict=1.0, truth=0.0, dialogue='a')
    """
    values = _plain(verdicts)
    given = values if isinstance(values, list) else [values]
    truths = _spread("truth", truth, len(given))
    dialogues = _spread("dialogue", dialogue, len(given))
    rows = []
    for row, (verdict, right, key) in enumerate(zip(given, truths, dialogues, strict=True)):
        checked = _number("verdicts", verdict, row)
        known = _number("truth", right, row)
        if known not in (None, 0.0, 1.0):
            raise InputError("truth", "to be 0 (wrong), 1 (right) or None", right, row)
        if key is not None or need_dialogue:
            check_id(key, row)
        rows.append(VerdictRow(checked, known, key))
    return rows


def check_id(key: Any, row: int | None = None) -> None:
    """Refuse what is no id of a dialogue: text or a whole number.

    Raises:
        InputError: if it is none.
    """
    if isinstance(key, bool) or not isinstance(key, (str, int)):
        raise InputError("dialogue", "to hold text or whole numbers", repr(key)[:60], row)


def _number(argument: str, value: Any, row: int) -> float | None:
    """A number from 0 to 1, or None."""
    expected = "to be from 0 (rejected, wrong) to 1 (accepted, right), or None"
    if value is None:
        return None
    if isinstance(value, (str, bytes)):
        raise InputError(argument, expected, repr(value)[:60], row)
    try:
        found = float(value)
    except (TypeError, ValueError, OverflowError) as error:
        raise InputError(argument, expected, repr(value)[:60], row) from error
    if math.isnan(found):
        return None
    if not 0 <= found <= 1:
        raise InputError(argument, expected, found, row)
    return found


def _plain(values: Any) -> Any:
    """Values of a tuple, array or tensor as a list, one of these that holds a single value as it is in Python."""
    if hasattr(values, "tolist"):
        return values.tolist()
    return list(values) if isinstance(values, tuple) else values


def _spread(argument: str, values: Any, rows: int) -> list[Any]:
    found = _plain(values)
    if not isinstance(found, list):
        return [found] * rows
    if len(found) != rows:
        raise InputError(argument, f"to have one value for all {rows} verdicts, or one a verdict", len(found))
    return [_plain(value) for value in found]
