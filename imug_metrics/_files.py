# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Files that are written whole or not at all."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable
from pathlib import Path


def write_bytes_whole(path: Path, content: bytes, scratch: Path | None = None) -> Path:
    """Write to a temporary name and rename it, so that no reader ever sees half a file.

    Args:
        path: the file.
        content: all of it.
        scratch: folder of the temporary name, on the same file system; None: that of the file.
    """
    return write_pieces_whole(path, (content,), scratch)


def write_pieces_whole(path: Path, pieces: Iterable[bytes], scratch: Path | None = None) -> Path:
    """The same of content that comes piece by piece; where the pieces end with an error nothing is written."""
    folder = path.parent if scratch is None else scratch
    handle, name = tempfile.mkstemp(dir=folder, prefix=f".{path.name[:100]}.", suffix=".tmp")
    try:
        with os.fdopen(handle, "wb") as file:
            file.writelines(pieces)
        os.chmod(name, 0o644)  # mkstemp opens to the owner alone; a report is meant to be read by others
        os.replace(name, path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    return path
