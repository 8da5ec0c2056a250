# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Who hears of images that cannot be read."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager

from imug_metrics.dialogues.record import Record, image_name
from imug_metrics.suite.turns import Unreadable

_SHOWN = 3


@contextmanager
def told_or_warned(unreadable: Unreadable | None = None) -> Iterator[Unreadable]:
    """What hears of images that cannot be read; without anybody who listens a warning says how many there were."""
    if unreadable is not None:
        yield unreadable
        return
    found: list[str] = []

    def note(record: Record, reason: str) -> None:
        place = f"{image_name(record.image)} (dialogue {record.dialogue}, turn {record.turn})"
        found.append(f"{place}: {reason}" if len(found) < _SHOWN else "")

    try:
        yield note
    finally:
        if found:
            shown = "; ".join(filter(None, found)) + ("; ..." if len(found) > _SHOWN else "")
            warnings.warn(f"{len(found)} images could not be read and count as absent: {shown}", stacklevel=4)
