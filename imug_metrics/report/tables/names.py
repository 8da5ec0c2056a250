# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Names that differ: of columns and labels, and of files and anchors from texts that others wrote."""

from __future__ import annotations

import itertools
import re
from collections import Counter
from collections.abc import Iterable

_LONGEST = 40


class Labels:
    """Gives each label once: what is called like an earlier one is numbered.

    Example:
        >>> unique = Labels()
        >>> unique("Scores"), unique("Scores"), unique("Curves")
        ('Scores', 'Scores 2', 'Curves')
    """

    def __init__(self) -> None:
        self._given: set[str] = set()

    def __call__(self, label: str) -> str:
        """The label, with a number where it was given before."""
        numbered = (f"{label} {number}" for number in itertools.count(2))
        found = next(text for text in itertools.chain([label], numbered) if text not in self._given)
        self._given.add(found)
        return found


def file_names(texts: Iterable[str], start: str = "") -> list[str]:
    """One name a text, of the characters a-z, 0-9 and _ alone; where two would be alike they are numbered.

    Args:
        texts: such as names of metrics or of groups.
        start: what each name begins with.

    Example:
        >>> file_names(["turn_alignment", "My score", "my_score", "../<b>"], "curve_")
        ['curve_turn_alignment', 'curve_my_score', 'curve_my_score_2', 'curve_b']
    """
    return numbered(
        start + (re.sub("[^a-z0-9]+", "_", text.lower()).strip("_")[:_LONGEST] or "other") for text in texts
    )


def numbered(names: Iterable[str]) -> list[str]:
    """Names of files, each once.

    Example:
        >>> numbered(["by_a", "by_a", "by_a_2"])
        ['by_a', 'by_a_2', 'by_a_2_2']
    """
    seen: Counter[str] = Counter()
    found: dict[str, None] = {}
    for name in names:
        seen[name] += 1
        own = name if seen[name] == 1 else f"{name}_{seen[name]}"
        while own in found:
            own += "_2"
        found[own] = None
    return [*found]
