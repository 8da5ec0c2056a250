# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Dialogues as the messages of a chat completion, and what its answer holds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from imug_metrics.errors import ReplyError
from imug_metrics.inference.model import History, ImageFile, ModelError, Part, Reply
from imug_metrics.inference.models.wire import IMAGE_MARK, image_from, usage_from
from imug_metrics.judges.chat_client import Choice, content_part
from imug_metrics.judges.content import message_text

_USAGE = {
    "total_tokens": "tokens",
    "prompt_tokens": "prompt_tokens",
    "completion_tokens": "completion_tokens",
    "input_tokens": "prompt_tokens",  # of the images endpoints
    "output_tokens": "completion_tokens",
}


def chat_messages(history: History) -> list[dict[str, Any]]:
    """Messages of a chat completion.

    The API takes images from the user alone: one of the assistant stands at the beginning of the user's next message,
    and as "[image]" where it was.

    Example:
        >>> from imug_metrics.inference.model import Message
        >>> drawn = [Message("user", ("draw",)), Message("assistant", (ImageFile(b"png"),)), Message("user", ("why?",))]
        >>> [message["content"] for message in chat_messages(drawn)][1:]
        ['[image]', [{'type': 'image_url', 'image_url': {'url': 'data:image/png;base64,cG5n'}},
         {'type': 'text', 'text': 'why?'}]]
    """
    messages: list[dict[str, Any]] = []
    waiting: list[Part] = []
    for message in history:
        if message.role == "user":
            messages.append({"role": "user", "content": list(map(content_part, (*waiting, *message.parts)))})
            waiting = []
            continue
        text = "\n".join(part if isinstance(part, str) else IMAGE_MARK for part in message.parts)
        messages.append({"role": message.role, "content": text})
        waiting += [part for part in message.parts if isinstance(part, ImageFile)]
    return messages


def text_reply(choice: Choice) -> Reply:
    """The text of a chat completion, without thinking; one that a length limit cut off is what was said.

    Raises:
        ModelError: if there is none.
    """
    try:
        text = message_text(choice.message.get("content"))
    except ReplyError as error:
        raise ModelError(str(error), is_final=True) from error
    if not text or choice.finish_reason == "content_filter":
        raise _nothing(choice, "text")
    return Reply(text=text, usage=tokens_of(choice.usage))


def image_reply(choice: Choice) -> Reply:
    """The first image of a chat completion: one of `images`, or a part of its content.

    Raises:
        ModelError: if there is none, or it is somewhere else: no address is followed.
    """
    for url in _image_urls(choice.message):
        return Reply(image=image_of_url(url), usage=tokens_of(choice.usage))
    raise _nothing(choice, "image")


def image_of_url(url: str) -> ImageFile:
    """The image of a data URL.

    Raises:
        ModelError: if it is another URL, or no base64.
    """
    head, comma, _ = url.partition(",")
    if not comma or not head.startswith("data:image/") or not head.endswith(";base64"):
        raise ModelError(f"expected the image itself, not where it is: {url[:100]!r}", is_final=True)
    try:
        return ImageFile(image_from(url).data)
    except ValueError as error:
        raise ModelError(f"expected base64 as the image: {error}", is_final=True) from error


def tokens_of(usage: Any) -> dict[str, float]:
    """Numbers of tokens under our names.

    Example:
        >>> tokens_of({"total_tokens": 12, "prompt_tokens": 10, "completion_tokens": 2, "prompt_tokens_details": {}})
        {'tokens': 12.0, 'prompt_tokens': 10.0, 'completion_tokens': 2.0}
    """
    told = usage.items() if isinstance(usage, dict) else ()
    return usage_from({_USAGE[name]: amount for name, amount in told if name in _USAGE})


def _image_urls(message: Mapping[str, Any]) -> Iterator[str]:
    for parts in (message.get("images"), message.get("content")):
        for part in parts if isinstance(parts, list) else ():
            found = part.get("image_url") if isinstance(part, dict) else None
            url = found.get("url") if isinstance(found, dict) else found
            if isinstance(url, str):
                yield url


def _nothing(choice: Choice, want: str) -> ModelError:
    said = choice.refusal or choice.message.get("content")
    if choice.finish_reason == "content_filter":
        why = ": it was withheld by a content filter"
    else:
        why = f", but says: {said[:200]}" if isinstance(said, str) and said else ""
    return ModelError(f"The reply holds no {want}{why}", is_final=True)
