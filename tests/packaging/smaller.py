# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""A wheel with the same members in fewer bytes: `python -m tests.packaging.smaller WHEEL`.

Zopfli looks longer for the shortest deflate stream than zlib does; whatever unpacks the one unpacks the other.
"""

from __future__ import annotations

import argparse
import os
import zipfile
from pathlib import Path
from unittest.mock import patch

from zopfli.zlib import compress

ITERATIONS = 5  # more of them find little
_HEADER, _CHECKSUM = 2, 4  # bytes of a zlib stream before and behind the deflate stream in it


class _Zopfli:
    """What `zipfile` compresses a member with."""

    def __init__(self) -> None:
        self._content = bytearray()

    def compress(self, data: bytes) -> bytes:
        self._content += data
        return b""

    def flush(self) -> bytes:
        return compress(bytes(self._content), numiterations=ITERATIONS)[_HEADER:-_CHECKSUM]


def pack(wheel: Path) -> None:
    """Write a wheel anew, in its place."""
    smaller = wheel.with_suffix(".smaller")
    # The library has no other way in: its own levels end at those of zlib.
    zopfli = patch.object(zipfile, "_get_compressor", lambda kind, level=None: _Zopfli())
    with zopfli, zipfile.ZipFile(wheel) as old, zipfile.ZipFile(smaller, "w") as new:
        for member in old.infolist():
            new.writestr(member, old.read(member), zipfile.ZIP_DEFLATED)
    os.replace(smaller, wheel)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("wheel", type=Path)
    pack(parser.parse_args().wheel)
