# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Where the images of a turn lie, by the rule of the released tools, and their content as a judge is sent it.

Outputs are not trusted. An output is opened only if it lies in the model's folder once all links are followed, and one
that result.json names only if it lies in the folder of its own question. The released tool follows any name.
"""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

from imug_metrics.judges import ImagePart
from imug_metrics.judges.images import MAX_SENT_BYTES, check_size, content_type
from imug_metrics.protocols.imug.outputs import Replies, asks_for_text, find_image, question_folder, read_replies
from imug_metrics.protocols.imug.samples import Sample
from imug_metrics.reading.files import Problems, as_turn, inside, kind, read_json

IMAGES = Path("data/images")
Protocol = Literal["imug", "strict"]


class LookUpError(ValueError):
    """The released tool stops while it looks for an image, so that it has no record of the turn."""


@dataclass(frozen=True)
class ImageFile:
    """An image that was found, and the folder that it must not lead out of."""

    path: Path
    root: Path

    def read(self, protocol: Protocol, media_type: str | None = None) -> ImagePart:
        """The file as it is sent to a judge.

        Args:
            protocol: `"imug"` names it PNG or JPEG by its suffix and sends whatever it holds; `"strict"` names it by
                its content, and sends only what begins like a PNG, JPEG, WEBP or GIF of at most 8192 x 8192 pixels.
            media_type: what it is called under `"imug"`, whatever its suffix.

        Raises:
            OSError, ValueError: if it cannot be read, is too large, leads out of its folder, or is no such image.
        """
        real = inside(self.path, self.root)
        if real is None:
            raise ValueError(f"{self.path} leads out of its folder or is no file")
        with real.open("rb") as file:
            check_size(os.fstat(file.fileno()).st_size, str(self.path))
            if protocol == "strict":
                media_type = content_type(file, str(self.path))
                file.seek(0)
            named = "image/png" if self.path.suffix.lower() == ".png" else "image/jpeg"
            return ImagePart(file.read(MAX_SENT_BYTES), media_type or named)

    def can_be_shown(self, problems: Problems) -> bool:
        """Whether it begins like an image that `"strict"` sends; the reason why not is collected."""
        try:
            with self.path.open("rb") as file:
                check_size(
                    os.fstat(file.fileno()).st_size, str(self.path)
                )  # a decoder reads a chunk before the pixels whole, however long
                content_type(file, str(self.path))
        except (OSError, ValueError) as error:
            problems.error(self.path, None, "", str(error).partition(": ")[2] or str(error))
            return False
        return True


class SampleImages:
    """The images of one sample: the benchmark's inputs and one model's outputs.

    Args:
        benchmark: the benchmark folder.
        sample: whose images.
        model: the model's folder.
        protocol: `"imug"` looks for outputs as the released tool does, and stops where it stops.
        problems: collects what is wrong.
    """

    def __init__(self, benchmark: Path, sample: Sample, model: Path, protocol: Protocol, problems: Problems) -> None:
        self.benchmark, self.model, self.protocol, self.problems = benchmark, model, protocol, problems
        self.folder = question_folder(model, sample.key)
        self.tasks = {task.turn: task for task in sample.tasks}

    def input(self, turn: int) -> ImageFile | None:
        """The first input image of a turn that exists."""
        folder = self.benchmark / IMAGES
        files = (ImageFile(folder / name, folder) for name in self.tasks[turn].images)
        return next((file for file in files if inside(file.path, folder) and self._shows(file)), None)

    def default_output(self, turn: int) -> ImageFile | None:
        """The output under its usual name, turn_<t>_output.png."""
        path = self.folder / f"turn_{turn}_output.png"
        return ImageFile(path, self.model) if inside(path, self.model) else None

    def output(self, turn: int) -> ImageFile | None:
        """The output under its usual name, else the first file that result.json names for the turn.

        A text turn has none. Under `"strict"` another suffix of the usual name will do as well, and a file that does
        not begin like an image is none.

        Raises:
            LookUpError: under `"imug"`, where the released tool stops.
        """
        if self.tasks[turn].modality != "image":
            return None
        found = self.default_output(turn)
        if found is None:
            if self.protocol == "imug":
                _check_look_up(self._entries, turn, self.folder)
            released = self.protocol == "imug"
            path = find_image(turn, self._replies, self.folder, self.model, self.problems, released=released)
            found = None if path is None else ImageFile(path, self.model)
        return found if found is not None and self._shows(found) else None

    def reply(self, turn: int) -> str | None:
        """The model's text at a turn; of several the last."""
        reply = self._replies.get(turn, [None])[-1]
        return reply if isinstance(reply, str) else None

    def _shows(self, file: ImageFile) -> bool:
        return self.protocol == "imug" or file.can_be_shown(self.problems)

    @cached_property
    def _replies(self) -> Replies:
        texts = asks_for_text(self.tasks.values())
        return read_replies(self.folder, self.model, self.problems, texts=texts) or {}

    @cached_property
    def _entries(self) -> Any:
        """The entries of result.json as they stand; none where there is no such file."""
        path = self.folder / "result.json"
        if inside(path, self.model) is None:
            return []
        content = read_json(path, Problems())  # what is wrong with it is collected by `_replies`
        return content.get("tasks", []) if isinstance(content, dict) else None


def _check_look_up(entries: Any, turn: int, folder: Path) -> None:
    """Raise where the released look-up fails instead of finding nothing."""
    if not isinstance(entries, list):
        raise LookUpError("result.json cannot be read")
    for entry in entries:
        number = as_turn(entry.get("turn")) if isinstance(entry, dict) else None
        if number is None:
            raise LookUpError("an entry of result.json has no turn")
        if number != turn:
            continue
        name = entry.get("model_response")
        if not isinstance(name, str):
            raise LookUpError(f"model_response of turn {turn} is {kind(name)}")
        try:
            mode = os.stat(folder / name).st_mode
        except (FileNotFoundError, NotADirectoryError, ValueError):  # ValueError: a name that no file can have
            continue
        except OSError as error:
            raise LookUpError(f"model_response of turn {turn} is no file name: {error.strerror}") from None
        if stat.S_ISDIR(mode):
            raise LookUpError(f"model_response of turn {turn} is a folder")
        if inside(folder / name, folder):
            return
