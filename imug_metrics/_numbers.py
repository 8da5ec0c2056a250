# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Numbers as all tables, figures and sentences show them."""

from __future__ import annotations

import math


def number(value: float, digits: int = 2, *, signed: bool = False) -> str:
    """A number for reading: a dash where undefined, a true minus sign, and no negative zero.

    Example:
        >>> number(-0.126), number(float("nan")), number(-0.001), number(0.5, 1, signed=True)
        ('−0.13', '–', '0.00', '+0.5')
    """
    if math.isnan(value):
        return "–"
    if math.isinf(value):
        return "∞" if value > 0 else "−∞"
    text = f"{value:{'+' if signed else ''}.{digits}f}"
    if float(text) == 0:
        text = text.lstrip("+-")
    return text.replace("-", "−")
