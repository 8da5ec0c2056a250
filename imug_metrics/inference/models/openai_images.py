# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Requests to the images endpoints of OpenAI's API: generations, and edits of the last image of a dialogue."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any, NamedTuple

from imug_metrics.inference.model import History, ImageFile, ModelError, Reply
from imug_metrics.inference.models.openai_messages import image_of_url, tokens_of


class ImageRequest(NamedTuple):
    """What is posted.

    Attributes:
        path: after the base URL.
        content: the body.
        content_type: of the body.
    """

    path: str
    content: bytes
    content_type: str


def image_request(history: History, model: str, seed: int) -> ImageRequest:
    """The request for an image: a prompt, which is the user's last message, and the last image of the dialogue.

    These endpoints know no dialogue: nothing else of it is sent.

    Example:
        >>> from imug_metrics.inference.model import Message
        >>> image_request([Message("user", ("a leaf",))], "mine", 7).content
        b'{"model": "mine", "prompt": "a leaf", "n": 1, "response_format": "b64_json", "seed": 7}'
    """
    fields = {"model": model, "prompt": history[-1].text, "n": 1, **_further(model, seed)}
    images = [part for message in history for part in message.parts if isinstance(part, ImageFile)]
    if not images:
        return ImageRequest("/images/generations", json.dumps(fields).encode(), "application/json")
    return ImageRequest("/images/edits", *_form(fields, images[-1]))


def drawn_reply(answer: Mapping[str, Any]) -> Reply:
    """The image of an answer.

    Raises:
        ModelError: if there is none.
    """
    found = answer.get("data")
    first = found[0] if isinstance(found, list) and found else None
    sent = first.get("b64_json") if isinstance(first, dict) else None
    if not isinstance(sent, str):
        raise ModelError("expected an image as b64_json; no address is followed", is_final=True)
    return Reply(image=image_of_url(f"data:image/png;base64,{sent}"), usage=tokens_of(answer.get("usage")))


def _further(model: str, seed: int) -> dict[str, Any]:
    """Fields that not all models take: OpenAI's own refuse what they do not know."""
    if "gpt-image" in model:
        return {}
    return {"response_format": "b64_json"} | ({} if model.startswith("dall-e") else {"seed": seed})


def _form(fields: Mapping[str, Any], image: ImageFile) -> tuple[bytes, str]:
    """The body of multipart/form-data, and its type."""
    boundary = hashlib.sha256(image.data).hexdigest()
    kind = image.media_type
    named = f'Content-Disposition: form-data; name="image"; filename="image.{kind[6:]}"\r\nContent-Type: {kind}'
    parts = [(f'Content-Disposition: form-data; name="{name}"', str(value).encode()) for name, value in fields.items()]
    body = b"".join(
        f"--{boundary}\r\n{head}\r\n\r\n".encode() + content + b"\r\n"
        for head, content in [*parts, (named, image.data)]
    )
    return body + f"--{boundary}--\r\n".encode(), f"multipart/form-data; boundary={boundary}"
