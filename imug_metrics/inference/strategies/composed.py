# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Strategies that are made of others, and of selectors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from imug_metrics.inference.turn import Strategy


class Composed:
    """What strategies made of parts have in common.

    Attributes:
        name: as it is written on the command line.
        settings: what the name does not tell and the outputs hang on: a judge, an encoder, the code of a function.
        roles: in which other models are asked, its own and those of its parts.

    Args:
        name: see above.
        parts: strategies and selectors, which may have `settings`, `roles` and a coroutine `aclose()`.
        roles: its own.
    """

    def __init__(self, name: str, *parts: Any, roles: Sequence[str] = ()) -> None:
        self.name, self._parts = name, parts
        own_and_inner = (roles, *(getattr(part, "roles", ()) for part in parts))
        self.roles = tuple(dict.fromkeys(role for found in own_and_inner for role in found))
        self.settings = " ".join(filter(None, (getattr(part, "settings", "") for part in parts)))

    async def aclose(self) -> None:
        """Close connections of parts, those of the running event loop."""
        for part in self._parts:
            if hasattr(part, "aclose"):
                await part.aclose()


def name_around(inner: Strategy, own: str) -> str:
    """The name of a strategy around another one; nothing is said of the direct one.

    Example:
        >>> from imug_metrics.inference.strategies.direct import Direct
        >>> name_around(Direct(), "cot")
        'cot'
    """
    return own if inner.name == "direct" else f"{inner.name}+{own}"
