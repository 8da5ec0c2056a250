# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Ranges that people declare of the scores that records carry."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from numbers import Real
from typing import Any

import torch

from imug_metrics.dialogues.columns import Bounds, bounds_check
from imug_metrics.dialogues.record import Record
from imug_metrics.errors import InputError


def check_score_ranges(ranges: Mapping[str, Bounds] | None, metrics: Collection[str] = ()) -> dict[str, Bounds]:
    """The ranges as pairs of floats, by the names of the scores.

    Args:
        ranges: what was given; None: nothing.
        metrics: names of metrics that are given, which have ranges of their own.

    Raises:
        InputError: unless they are two finite numbers a name, the first below the second, and no metric has the name.

    Example:
        >>> check_score_ranges({"judge": (1, 5)})
        {'judge': (1.0, 5.0)}
        >>> check_score_ranges({"judge": (5, 1)})
        Traceback (most recent call last):
        imug_metrics.errors.InputError: Expected argument `score_ranges` to hold two finite numbers for 'judge', the
        first below the second, got (5, 1).
    """
    if ranges is None:
        return {}
    if not isinstance(ranges, Mapping):
        raise InputError("score_ranges", "to be ranges by the names of scores, such as {'judge': (1, 5)}", repr(ranges))
    for name, ends in ranges.items():
        if not isinstance(name, str) or not name:
            raise InputError("score_ranges", "to have names of scores", repr(name))
        if name in metrics:
            raise InputError("score_ranges", "to name no metric, which has a range of its own", repr(name))
        if not _are_ends(ends):
            expected = f"to hold two finite numbers for {name!r}, the first below the second"
            raise InputError("score_ranges", expected, repr(ends))
    return {name: (float(low), float(high)) for name, (low, high) in ranges.items()}


def check_in_range(records: Iterable[Record], ranges: Mapping[str, Bounds]) -> None:
    """Raise InputError for the first score outside of its range; NaN, that of a record that was not scored, is in it.

    Args:
        records: any.
        ranges: by the names of the scores.

    Example:
        >>> check_in_range([Record("a", 1, "text", "Which?", scores={"judge": 7.0})], {"judge": (1.0, 5.0)})
        Traceback (most recent call last):
        imug_metrics.errors.InputError: Expected argument `scores` to have 'judge' in [1, 5], got 7 of dialogue 'a',
        turn 1.
    """
    records = list(records) if ranges else ()
    for name, (low, high) in ranges.items():
        having = [record for record in records if name in record.scores]
        values = torch.tensor([record.scores[name] for record in having], dtype=torch.float64)
        outside = bounds_check("scores", values, tuple(values.shape), (low, high)).wrong
        if outside.any():
            first = having[int(outside.nonzero()[0])]
            got = f"{first.scores[name]:g} of dialogue {first.dialogue!r:.80}, turn {first.turn}"
            raise InputError("scores", f"to have {name!r} in [{low:g}, {high:g}]", got)


def _are_ends(ends: Any) -> bool:
    if not isinstance(ends, Sequence) or len(ends) != 2:
        return False
    return all(isinstance(end, Real) and math.isfinite(end) for end in ends) and ends[0] < ends[1]
