# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""What was asked for and what came, as metrics of modalities take it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from imug_metrics.dialogues.record import Record, places
from imug_metrics.suite.answers import answered


def modality_columns(records: Sequence[Record], unreadable: Collection[int] = ()) -> dict[str, Any]:
    """Arguments `preds`, `modality`, `dialogue` and `turn` of `ModalityCompliance`.

    Args:
        records: of whole dialogues. An answer that is blank and has no image with it is an output that is empty
            ("none"). A record with neither, or whose answer reports a failed turn, has none that is known (None), as it
            has none to score.
        unreadable: places of records whose image cannot be read, so that what came is not known.

    Example:
        >>> given = [{"text": "Here it is."}, {"text": " "}, {}, {"text": "A dog", "image": b"..."}]
        >>> modality_columns([Record("a", t, "image", "Draw a dog", **g) for t, g in enumerate(given, 1)])["preds"]
        ['text', 'none', None, 'both']
    """
    asked = [record.modality for record in records]
    came = [None if place in unreadable else _came(record) for place, record in enumerate(records)]
    return {"preds": came, "modality": asked, **places(records)}


def _came(record: Record) -> str | None:
    words = answered(record) and bool((record.text or "").strip())
    if record.image is not None:
        return "both" if words else "image"
    return "text" if words else "none" if answered(record) else None
