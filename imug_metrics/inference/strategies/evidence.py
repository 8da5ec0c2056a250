# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""The evidence of a turn as texts by name: what was said, and descriptions of images for the task."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from imug_metrics.inference.model import ImageFile, Message, ModelError
from imug_metrics.inference.strategies.asking import LONGEST_LOG
from imug_metrics.inference.strategies.evidence_wording import describe_request
from imug_metrics.inference.turn import Turn, all_of
from imug_metrics.reading.reasoning import without_reasoning

MAX_IMAGES = 8
"""Images of a turn that are described."""


class Evidence(NamedTuple):
    """What a report may cite.

    Attributes:
        texts: by name: "prompt", the texts of the turn; "dialogue", those of earlier turns, the last 4000 characters;
            "image3", a description of the third image of the history.
        errors: by name of an image, why it has no description.
    """

    texts: dict[str, str]
    errors: dict[str, str]


async def gather_evidence(turn: Turn) -> Evidence:
    """What was said, and descriptions of images by the role `captioner`, all asked for at the same time.

    Images are numbered in the order of the history, so that one keeps its name from turn to turn. Those of the turn
    itself are described first, then the latest of earlier turns, the model's own among them, `MAX_IMAGES` in all. A
    description that fails is absent.
    """
    texts = {"prompt": turn.prompt, "dialogue": _said_before(turn.history)[-LONGEST_LOG:]}
    found = {name: text[:LONGEST_LOG] for name, text in texts.items() if text.strip()}
    images = _chosen(turn.history)
    described = await all_of(_described(turn, number, image) for number, image in images)
    errors = {}
    for (number, _), text in zip(images, described, strict=True):
        if isinstance(text, ModelError):
            errors[f"image{number}"] = text.reason
        else:
            found[f"image{number}"] = text
    return Evidence(found, errors)


def _said_before(history: Sequence[Message]) -> str:
    said = (f"{message.role}: {message.text}" for message in history[:-1] if message.text)
    return "\n".join(said)


def _chosen(history: Sequence[Message]) -> list[tuple[int, ImageFile]]:
    """Images that are described, with their numbers from 1, in the order of the history."""
    images = [part for message in history for part in message.parts if isinstance(part, ImageFile)]
    numbered = list(enumerate(images, 1))
    own = sum(isinstance(part, ImageFile) for part in history[-1].parts)
    earlier, current = numbered[: len(images) - own], numbered[len(images) - own :]
    return sorted([*current, *reversed(earlier)][:MAX_IMAGES], key=lambda one: one[0])


async def _described(turn: Turn, number: int, image: ImageFile) -> str | ModelError:
    asked = (Message("user", (describe_request(turn.prompt), image)),)
    captioner = turn.asking("captioner").within("image", number)
    try:
        reply = await captioner.ask(asked, "text", captioner.step)
    except ModelError as error:
        return error
    text = without_reasoning(reply.text or "").strip()[:LONGEST_LOG]
    return text or ModelError("The description holds no text")
