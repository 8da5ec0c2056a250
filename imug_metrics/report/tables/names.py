# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Names of files and anchors from texts that others wrote."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable

_LONGEST = 40


def file_names(texts: Iterable[str], start: str = "") -> list[str]:
    """One name a text, of the characters a-z, 0-9 and _ alone; where two would be alike they are numbered.

    Args:
        texts: such as names of metrics or of groups.
        start: what each name begins with.

    Example:
        >>> file_names(["turn_alignment", "My score", "my_score", "../<b>"], "curve_")
        ['curve_turn_alignment', 'curve_my_score', 'curve_my_score_2', 'curve_b']
    """
    seen: Counter[str] = Counter()
    names = []
    for text in texts:
        name = start + (re.sub("[^a-z0-9]+", "_", text.lower()).strip("_")[:_LONGEST] or "other")
        seen[name] += 1
        numbered = name if seen[name] == 1 else f"{name}_{seen[name]}"
        while numbered in names:
            numbered += "_2"
        names.append(numbered)
    return names
