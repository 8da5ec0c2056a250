# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Lists of objects, as files hold them."""

from __future__ import annotations

from typing import Any

from imug_metrics.dialogues.record_fields import as_objects
from imug_metrics.errors import InputError
from imug_metrics.formats.common.place import Place


def read_objects(value: Any, where: str, place: Place) -> tuple[str, ...] | None:
    """Names of objects, or None, with the reason told where what is there is no list of names.

    Args:
        value: what was found; None: nothing.
        where: the field that holds it.
        place: what is wrong is told there.

    Example:
        >>> from pathlib import Path
        >>> from imug_metrics.reading.files import Problems
        >>> place = Place(Path("mine.csv"), 3, Problems())
        >>> read_objects(["dog", "ball"], "objects", place), read_objects([{"box": 1}], "objects", place)
        (('dog', 'ball'), None)
        >>> print(*place.problems)
        mine.csv:3: objects: expected a list of names, got {'box': 1}: the objects count as not known
    """
    if value is None:
        return None
    try:
        return as_objects(where, value)
    except InputError as error:
        place.error(where, f"expected a list of names, got {error.got}: the objects count as not known")
        return None
