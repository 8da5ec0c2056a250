# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Dialogues and replies as JSON: the messages of the released inference loop."""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from typing import Any

from imug_metrics.inference.model import MAX_IMAGE_BYTES, History, ImageFile, ModelError, Part, Reply

MAX_REPLY_BYTES = MAX_IMAGE_BYTES * 3 // 2
"""What is read of a reply at most: the largest image as base64, and what stands around it."""

IMAGE_MARK = "[image]"
"""Stands in words where an image was."""


def wire_messages(history: History) -> list[dict[str, Any]]:
    """Messages as they are sent: images as base64, or as the text under which they came.

    Example:
        >>> from imug_metrics.inference.model import Message
        >>> wire_messages([Message("user", ("draw it", ImageFile(b"png")))])
        [{'role': 'user', 'content': [{'type': 'text', 'text': 'draw it'}, {'type': 'image', 'image': 'cG5n'}]}]
    """
    return [{"role": message.role, "content": [_content(part) for part in message.parts]} for message in history]


def image_from(sent: str) -> ImageFile:
    """The image that was sent as base64, where what stands before the first comma is no part of it.

    Raises:
        ValueError: if it is no base64.

    Example:
        >>> image_from("data:image/png;base64,cG5n")
        ImageFile(3 bytes)
    """
    data = b64decode(sent.split(",", 1)[-1])
    return ImageFile(data, None if b64encode(data).decode() == sent else sent)


def json_object(text: str) -> dict[str, Any] | None:
    """The object that a text is in JSON; None where it is none.

    Example:
        >>> json_object('{"text": "B"}'), json_object("[]"), json_object("{")
        ({'text': 'B'}, None, None)
    """
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def usage_from(told: Any) -> dict[str, float]:
    """What can be counted of the usage that a model tells; the rest is left out.

    Example:
        >>> usage_from({"tokens": 12, "unit": "tokens", "details": {"cached": 3}})
        {'tokens': 12.0}
    """
    found: dict[str, float] = {}
    for name, amount in told.items() if isinstance(told, dict) else ():
        try:
            found |= Reply(usage={name: amount}).usage
        except ModelError:
            continue
    return found


def _content(part: Part) -> dict[str, str]:
    if isinstance(part, str):
        return {"type": "text", "text": part}
    return {"type": "image", "image": b64encode(part.data).decode() if part.as_sent is None else part.as_sent}
