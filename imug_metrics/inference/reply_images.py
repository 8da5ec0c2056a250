# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Images of recorded replies: files under the digests of their content."""

from __future__ import annotations

import hashlib
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from imug_metrics._files import write_bytes_whole
from imug_metrics.inference.model import ImageFile
from imug_metrics.reading.files import inside


@dataclass(frozen=True)
class ReplyImages:
    """Keeps images, and finds them again by what the record of a reply says of them.

    Attributes:
        folder: holds the files.
        scratch: folder for files that are not whole yet.
    """

    folder: Path
    scratch: Path

    def keep(self, image: ImageFile) -> dict[str, str]:
        """Write an image; returns what the record says of it."""
        name = hashlib.sha256(image.data).hexdigest()
        if not (self.folder / name).is_file():
            write_bytes_whole(self.folder / name, image.data, self.scratch)
        return {"image": name, **_as_sent(image)}

    def has(self, record: Mapping[str, Any]) -> bool:
        """Whether the image of a record is still there; True where it has none."""
        return "image" not in record or inside(self.folder / str(record["image"]), self.folder) is not None

    def read(self, record: Mapping[str, Any]) -> ImageFile:
        """The image of a record that has one."""
        data = (self.folder / record["image"]).read_bytes()
        if "prefix" in record:
            return ImageFile(data, record["prefix"] + b64encode(data).decode())
        return ImageFile(data, record.get("as_sent"))


def _as_sent(image: ImageFile) -> dict[str, str]:
    """How the text that an image was sent as is found again: mostly it is a prefix before the usual base64."""
    if image.as_sent is None:
        return {}
    usual = b64encode(image.data).decode()
    if image.as_sent.endswith(usual):
        return {"prefix": image.as_sent.removesuffix(usual)}
    return {"as_sent": image.as_sent}
