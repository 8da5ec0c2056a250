# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""What a judgement of one item looks like, and how sub-scores become one number."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Quality:
    """Quality of one item.

    Attributes:
        value: In [0, 1], higher is better. 0 for a file that is broken, NaN for one that could not be judged.
        reason: What is broken, or why nothing could be judged; ``None`` for an item that opens and was measured.
        parts: The measured quantities in their own units, and the sub-scores in [0, 1] whose names end in ``_score``.

    Example:
        >>> Quality(0.5, parts={"noise": 0.02, "noise_score": 0.5}).value
        0.5
    """

    value: float
    reason: str | None = None
    parts: dict[str, float] = field(default_factory=dict)


def broken(reason: str, parts: Mapping[str, float] | None = None) -> Quality:
    """Record of a file that is damaged beyond use.

    Args:
        reason: What is wrong with it.
        parts: What could be measured all the same.

    Returns:
        A quality of 0.

    Example:
        >>> broken("The file is empty.")
        Quality(value=0.0, reason='The file is empty.', parts={})
    """
    return Quality(0.0, reason, dict(parts or {}))


def unjudged(reason: str) -> Quality:
    """Record of an item whose quality could not be measured.

    Args:
        reason: Why it could not be judged.

    Returns:
        A quality of NaN.

    Example:
        >>> unjudged("No such file.")
        Quality(value=nan, reason='No such file.', parts={})
    """
    return Quality(math.nan, reason)


def ramp(value: float, bad: float, good: float) -> float:
    """Straight line from 0 at ``bad`` to 1 at ``good``, level beyond them.

    Args:
        value: What was measured.
        bad: Where the score is 0.
        good: Where it is 1; may lie below ``bad``.

    Returns:
        The score in [0, 1]; 0 for NaN.

    Example:
        >>> ramp(15.0, bad=0.0, good=20.0), ramp(0.3, bad=0.5, good=0.1)
        (0.75, 0.5)
    """
    if math.isnan(value):
        return 0.0
    return min(1.0, max(0.0, (value - bad) / (good - bad)))


def combined(measured: Mapping[str, float], scores: Mapping[str, float]) -> Quality:
    """Product of the sub-scores: each says what share of the quality its kind of damage leaves.

    Args:
        measured: Quantities in their own units.
        scores: Sub-scores in [0, 1] by name, without the ending ``_score``.

    Returns:
        The quality.

    Raises:
        ValueError: If there are no scores.

    Example:
        >>> combined({"noise": 0.02}, {"noise": 0.5, "contrast": 0.8})
        Quality(value=0.4, reason=None, parts={'noise': 0.02, 'noise_score': 0.5, 'contrast_score': 0.8})
    """
    if not scores:
        raise ValueError("Expected argument `scores` to hold at least one score, got none.")
    parts = {name: float(value) for name, value in measured.items()}
    parts.update({f"{name}_score": float(score) for name, score in scores.items()})
    return Quality(math.prod(scores.values()), None, parts)
