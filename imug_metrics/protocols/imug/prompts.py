# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Instructions for the judge: our own, or those of the user's checkout of IMUG-Bench."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property
from importlib.resources import files
from pathlib import Path

from imug_metrics.reading.text_files import decode, read_text

MAX_PROMPT_BYTES = 2**20
OFFICIAL_FOLDER = Path("scripts/auxiliary")
OFFICIAL_FILES = {"dynamic": "dynamic_prompt.txt", "image": "eval_prompt.txt"}
OFFICIAL_SHA256 = {
    "dynamic": "efef2cb842f08756da4c652975f7a9dd8031b0dc5ddac5502b397cd60d23d45e",
    "image": "0615da8d5ae669a8b375c192f580233b4fabf6003474c8fc3f8786c265c53e35",
}
"""Of the instructions in the recorded runs that this package is compared with."""


@dataclass(frozen=True)
class Prompts:
    """The system texts of the two questions a judge is asked.

    Attributes:
        dynamic: for the key of a dynamic question.
        image: for the points of an image.
        source: where they come from, for the report.
    """

    dynamic: str
    image: str
    source: str

    @cached_property
    def version(self) -> str:
        """The first 12 digits of the SHA-256 of both texts: numbers of different versions are not comparable."""
        return _digest(_digest(self.dynamic) + _digest(self.image))[:12]


class OwnPrompts(Prompts):
    """The instructions that come with this package.

    Example:
        >>> OwnPrompts().source
        'imug_metrics'
    """

    def __init__(self) -> None:
        folder = files("imug_metrics.protocols.imug") / "judge_prompts"
        dynamic, image = (decode((folder / name).read_bytes()).strip() for name in ("dynamic.txt", "image.txt"))
        super().__init__(dynamic, image, "imug_metrics")


class OfficialPrompts(Prompts):
    """The instructions of a checkout of IMUG-Bench. Its files are read as text; nothing in them is run.

    Args:
        folder: the checkout, which holds scripts/auxiliary/dynamic_prompt.txt and scripts/auxiliary/eval_prompt.txt,
            or the folder that holds these two files.

    Attributes:
        known: whether both are, to the byte, the instructions of the recorded runs that this package is compared with.

    Raises:
        FileNotFoundError: if a file is not where it should be.
        ValueError: if one is empty, is not UTF-8, or has more than 1 MiB.
    """

    known: bool

    def __init__(self, folder: Path) -> None:
        folder = Path(folder)
        texts = {name: _official(name, folder) for name in OFFICIAL_FILES}
        super().__init__(texts["dynamic"], texts["image"], source=f"IMUG-Bench checkout {folder.resolve().name}")
        known = all(_digest(text) == OFFICIAL_SHA256[name] for name, text in texts.items())
        object.__setattr__(self, "known", known)


def _official(name: str, folder: Path) -> str:
    """The text of a file as it stands, or without outer white space if that is what the recorded runs sent."""
    places = [folder / OFFICIAL_FOLDER / OFFICIAL_FILES[name], folder / OFFICIAL_FILES[name]]
    path = next((place for place in places if place.is_file()), None)
    if path is None:
        raise FileNotFoundError(
            f"Expected a checkout of IMUG-Bench that holds {OFFICIAL_FOLDER / OFFICIAL_FILES[name]}, got {folder}."
        )
    text = read_text(path, max_bytes=MAX_PROMPT_BYTES)
    if not text.strip():
        raise ValueError(f"{path}: expected instructions, got an empty file.")
    return text if _digest(text) == OFFICIAL_SHA256[name] else text.strip()


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8")).hexdigest()
