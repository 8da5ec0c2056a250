# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""The models of a run that was repeated: a repeat of a dialogue is no new dialogue."""

from __future__ import annotations

from typing import Any

_LONGEST = 40  # so that the number behind it is never cut off


def model_of_repeat(model: str | None, number: Any, *, default: str) -> str | None:
    """The model that a repeat counts for: the first for the model itself, others for one that ends in their number.

    Args:
        model: as the log names it; None: it does not.
        number: of the repeat, from 1; what is no such number is the first.
        default: what a nameless model is called where it is repeated.

    Example:
        >>> model_of_repeat("mine", 1, default="log"), model_of_repeat("mine", 2, default="log")
        ('mine', 'mine#2')
        >>> model_of_repeat(None, None, default="log"), model_of_repeat(None, 3, default="log")
        (None, 'log#3')
    """
    if not isinstance(number, int) or isinstance(number, bool) or number < 2:
        return model
    return f"{(model or default)[:_LONGEST]}#{number}"
