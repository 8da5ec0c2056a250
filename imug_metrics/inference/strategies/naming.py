# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""How strategies within strategies are called."""

from __future__ import annotations

from typing import Any

from imug_metrics.inference.turn import Strategy


def outside(inner: Strategy, own: str) -> str:
    """The name of a strategy around another one; nothing is said of the direct one.

    Example:
        >>> from imug_metrics.inference.strategies.direct import Direct
        >>> outside(Direct(), "cot")
        'cot'
    """
    return own if inner.name == "direct" else f"{inner.name}+{own}"


def joined_settings(*parts: Any) -> str:
    """What the names of strategies and selectors do not tell and their choices hang on: a judge, an encoder, code."""
    return " ".join(filter(None, (getattr(part, "settings", "") for part in parts)))
