# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""The protocol of selectors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from imug_metrics.inference.model import Part, Want
from imug_metrics.inference.turn import Turn


class Selector(Protocol):
    """What scores candidates.

    Attributes:
        name: how it is written on the command line.
        wants: the kinds of outputs that it can score, "text" or "image" or both.
    """

    name: str
    wants: Sequence[Want]

    async def scores(self, turn: Turn, outputs: Sequence[Part]) -> list[float | None]:
        """A score for each output, higher is better; None: it has none.

        Args:
            turn: the turn that they are answers to.
            outputs: texts, or images.
        """
        ...
