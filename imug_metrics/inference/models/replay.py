# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Outputs that were written before, as a model: it says again what it said."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from imug_metrics.inference.model import MAX_IMAGE_BYTES, History, ImageFile, ModelError, Reply, Want
from imug_metrics.protocols.imug.outputs import Replies, find_image, question_folder, read_replies
from imug_metrics.reading.files import Problems, as_name
from imug_metrics.suite import FAILED


class RecordedOutputs:
    """One model's outputs in the official layout; they are found by dialogue and turn, whatever was said before.

    A turn that is recorded as failed fails again, for the same reason. No file outside of the folder is read.

    Args:
        folder: of the model, holding `<domain>/<subdomain>/question_<sample_id>/`.
    """

    knows_turns = True
    concurrency = 4

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.name = folder.resolve().name
        self.settings = _state(folder)

    def __call__(self, history: History, *, want: Want, seed: int, dialogue: str = "", turn: int = 0) -> Reply:
        """What is recorded for a turn.

        Args:
            history: is not looked at.
            want: what the reply has to be.
            seed: is not looked at.
            dialogue: `domain/subdomain/sample_id`.
            turn: from 1.

        Raises:
            ModelError: if there is nothing, or the turn has failed.
        """
        names = dialogue.split("/")
        if len(names) != 3 or None in map(as_name, names):
            raise ModelError(f"expected domain/subdomain/sample_id as the dialogue, got {dialogue!r}", is_final=True)
        question = question_folder(self.folder, (names[0], names[1], names[2]))
        problems = Problems()
        replies = read_replies(question, self.folder, problems) or {}
        said = replies.get(turn, [None])[-1]
        if isinstance(said, str) and said.startswith(FAILED):
            raise ModelError(said.removeprefix(FAILED).removeprefix(":").strip(), is_final=True)
        if want == "text" and isinstance(said, str):
            return Reply(text=said)
        if want == "image" and (data := self._image(turn, replies, question, problems)) is not None:
            return Reply(image=ImageFile(data))
        raise ModelError(f"no {want} is recorded for turn {turn}{problems.first_error(self.folder)}", is_final=True)

    def _image(self, turn: int, replies: Replies, question: Path, problems: Problems) -> bytes | None:
        path = find_image(turn, replies, question, self.folder, problems)
        if path is None:
            return None
        with path.open("rb") as file:
            return file.read(MAX_IMAGE_BYTES + 1)


def _state(folder: Path) -> str:
    """Changes when a file comes, goes or is written."""
    digest = hashlib.sha256()
    for place, folders, names in os.walk(folder):
        folders.sort()
        for name in sorted(names):
            found = os.lstat(os.path.join(place, name))
            digest.update(f"{os.path.relpath(place, folder)}/{name} {found.st_size} {found.st_mtime_ns}\n".encode())
    return digest.hexdigest()
