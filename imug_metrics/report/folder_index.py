# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Which files of a folder a report wrote, so that a later one takes away those that it does not replace."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from pathlib import Path

from imug_metrics.reading.text_files import read_text
from imug_metrics.report.files import json_text, write_whole

INDEX = "index.json"
"""Names the files; nothing else is ever taken away."""


def indexed_files(folder: Path, fitting: re.Pattern[str]) -> list[str]:
    """The files that the index of a folder names, in its order; none where there is no index that can be read.

    Args:
        folder: of the files.
        fitting: what their names are like; others are left out.
    """
    try:
        listed = json.loads(read_text(folder / INDEX))["files"]
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return []
    names = listed if isinstance(listed, list) else []
    return [name for name in names if isinstance(name, str) and fitting.fullmatch(name)]


def write_index(folder: Path, kind: str, files: Iterable[str], gone: Iterable[str]) -> None:
    """Take away files of an earlier report, and name those that are there.

    Args:
        folder: of the files.
        kind: of the index, see `imug_metrics.report.files.schema`.
        files: that are there now.
        gone: of the earlier index, that nothing has replaced.
    """
    for name in gone:
        (folder / name).unlink(missing_ok=True)
    write_whole(folder / INDEX, json_text(kind, {"files": [*files]}))
