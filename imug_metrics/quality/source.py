# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Reading what a model wrote: sizes are checked before anything is opened, and no other file is opened."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

from imug_metrics.quality.result import Quality, broken, unjudged

File: TypeAlias = "str | os.PathLike[str] | bytes | bytearray"


class UnjudgedError(Exception):
    """Nothing can be said about the item; the message says why."""


class BrokenError(Exception):
    """The item is damaged beyond use; the message says how."""


def as_quality(measure: Callable[[], Quality]) -> Quality:
    """Result of a measurement; its errors as qualities of 0 and NaN.

    Args:
        measure: What may raise `BrokenError` or `UnjudgedError`.

    Returns:
        What ``measure`` returned, quality 0 for a broken item, NaN for one that cannot be judged.

    Example:
        >>> def measure():
        ...     raise BrokenError("No end.")
        >>> as_quality(measure)
        Quality(value=0.0, reason='No end.', parts={})
    """
    try:
        return measure()
    except BrokenError as error:
        return broken(str(error))
    except UnjudgedError as error:
        return unjudged(str(error))


def read_bytes(source: File, max_bytes: int) -> bytes:
    """Content of a file, unless it is too large to be looked at.

    Args:
        source: Path of a regular file, or the content itself.
        max_bytes: Largest size that is read.

    Returns:
        The content, at least one byte.

    Raises:
        UnjudgedError: If there is no such file, or it is too large or no regular file.
        BrokenError: If it is empty.
        TypeError: If ``source`` is neither a path nor bytes.

    Example:
        >>> read_bytes(b"abc", max_bytes=10)
        b'abc'
    """
    if isinstance(source, (bytes, bytearray, memoryview)):
        content = bytes(source)
        if len(content) > max_bytes:
            raise UnjudgedError(f"The file has {len(content)} bytes, more than {max_bytes}.")
    elif isinstance(source, (str, os.PathLike)):
        content = _read(Path(source), max_bytes)
    else:
        raise TypeError(f"Expected argument `source` to be a path or bytes, got {type(source).__name__}.")
    if not content:
        raise BrokenError("The file is empty.")
    return content


def suffix_of(source: object) -> str:
    """Ending of the file's name in lower case, with its dot; empty where there is no name.

    Args:
        source: A path, or content without a name.

    Returns:
        Such as ``".ply"``.

    Example:
        >>> suffix_of(Path("model.PLY")), suffix_of(b"ply")
        ('.ply', '')
    """
    return Path(source).suffix.lower() if isinstance(source, (str, os.PathLike)) else ""


def _read(path: Path, max_bytes: int) -> bytes:
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):  # a pipe or a device would never end
            raise UnjudgedError("Not a regular file.")
        if status.st_size > max_bytes:
            raise UnjudgedError(f"The file has {status.st_size} bytes, more than {max_bytes}.")
        with path.open("rb") as file:
            content = file.read(max_bytes + 1)
    except (OSError, ValueError) as error:  # ValueError: a null byte in the name
        raise UnjudgedError(f"The file cannot be read: {type(error).__name__}.") from error
    if len(content) > max_bytes:
        raise UnjudgedError(f"The file has more than {max_bytes} bytes.")
    return content
