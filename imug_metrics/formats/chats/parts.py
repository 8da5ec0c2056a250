# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""What a message of a chat holds: its role, its texts and its images, in any of the usual forms."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, Literal, TypeAlias

from imug_metrics.formats.common.image_sources import has_image, image_of
from imug_metrics.formats.common.place import Place
from imug_metrics.reading.files import kind

Role: TypeAlias = Literal["system", "user", "assistant", "tool", "call"]

ROLES: Mapping[str, Role] = {
    **dict.fromkeys(("system", "developer"), "system"),
    **dict.fromkeys(("user", "human", "prompter"), "user"),
    **dict.fromkeys(("assistant", "gpt", "chatgpt", "model", "bot", "ai"), "assistant"),
    **dict.fromkeys(
        ("tool", "function", "observation", "environment", "ipython", "tool_response", "function_response"), "tool"
    ),
    **dict.fromkeys(("function_call", "tool_call"), "call"),
}
"""Names of roles: who asks, who answers, what a tool gave, and calls of tools, which are no answer."""

MARK = "<image>"
"""Stands in a text for the next image of the line."""

_URL = r"!\[[^\]\n]{0,200}\]\((?P<url>data:image/[^)\s]+)\)"
_EMBEDDED = re.compile(_URL)
_MARKED = re.compile(rf"{MARK}|{_URL}")
_CONTENTS = ("content", "value", "parts", "text")
_CALLS = frozenset(("tool_calls", "function_call", "refusal", "audio", "reasoning_content", "type"))
_RESULTS = ("tool_result", "function_call_output", "mcp_tool_result")
_TEXTS = ("text", "input_text", "output_text")
_IMAGES = ("image", "image_url", "input_image", "output_image", "image_file", "image_generation_call")
_NO_ANSWER = ("thinking", "redacted_thinking", "reasoning", "tool_use", "tool_call", "function_call", "function")


@dataclass(frozen=True)
class ImagePart:
    """An image of a message: what stands for it, None where it is the next of the line's images, and its field."""

    value: Any
    where: str


Part: TypeAlias = "str | ImagePart"


@dataclass(frozen=True)
class Message:
    """One message: who speaks, what is said and shown, and all else that it holds."""

    role: Role
    parts: tuple[Part, ...]
    fields: Mapping[str, Any]
    where: str


def read_messages(messages: Any, name: str, place: Place, *, marked: bool) -> list[Message] | None:
    """The messages of a conversation; None, with the reason told, where their order or their speakers are not certain.

    Args:
        messages: a list of objects with `role` or `from`, and `content` or `value`.
        name: the field that holds them.
        place: the line.
        marked: whether `<image>` in a text stands for an image.
    """
    if not isinstance(messages, Sequence) or isinstance(messages, (str, bytes)):
        place.error(name, f"expected a list of messages, got {kind(messages)}")
        return None
    if not messages:
        place.error(name, "expected messages, got an empty list")
        return None
    found = []
    for number, message in enumerate(messages):
        where = f"{name}[{number}]"
        if not isinstance(message, Mapping):
            place.error(where, f"expected a message, got {kind(message)}")
            return None
        key = "role" if "role" in message else "from"
        said = message.get(key)
        role = ROLES.get(said.strip().lower()) if isinstance(said, str) else None
        if role is None:
            got = repr(said[:40]) if isinstance(said, str) else kind(said)
            place.error(f"{where}.{key}", f"expected a role such as user or assistant, got {got}")
            return None
        if role == "user" and _is_result(message.get("content")):
            role = "tool"
        found.append(Message(role, tuple(_message_parts(message, where, place, marked)), message, where))
    return found


def text_of(parts: Sequence[Part]) -> str | None:
    """The texts of a message, a line each; None where it has none."""
    texts = [part for part in parts if isinstance(part, str)]
    return "\n".join(texts) if texts else None


def _message_parts(message: Mapping[str, Any], where: str, place: Place, marked: bool) -> Iterator[Part]:
    key = next((name for name in _CONTENTS if name in message), None)
    own = _own_images(message, where)
    if key is None:
        if not own and _CALLS.isdisjoint(message):
            names = ", ".join(str(name)[:40] for name in islice(message, 10))
            place.error(where, f"expected `content`, found the fields {names}")
        key = "content"
    parts = list(_parts(message.get(key), f"{where}.{key}", place, marked or bool(own)))
    gaps = sum(isinstance(part, ImagePart) and part.value is None for part in parts)
    if own and gaps == len(own):
        filling = iter(own)
        parts = [next(filling) if isinstance(part, ImagePart) and part.value is None else part for part in parts]
        own = []
    yield from parts
    yield from own


def _is_result(content: Any) -> bool:
    """Whether a message holds what tools gave, and nothing that a user said."""
    parts = content if isinstance(content, list) else [content]
    return bool(parts) and all(isinstance(part, Mapping) and part.get("type") in _RESULTS for part in parts)


def _own_images(message: Mapping[str, Any], where: str) -> list[ImagePart]:
    """Images beside the content of a message, as some servers and files have them."""
    name = next((name for name in ("images", "image") if has_image(message.get(name))), None)
    if name is None:
        return []
    value = message[name]
    many = isinstance(value, Sequence) and not isinstance(value, (str, bytes))
    places = (
        [(entry, f"{where}.{name}[{n}]") for n, entry in enumerate(value)] if many else [(value, f"{where}.{name}")]
    )
    return [ImagePart(entry, field) for entry, field in places if has_image(entry)]


def _parts(content: Any, where: str, place: Place, marked: bool) -> Iterator[Part]:
    if isinstance(content, str):
        yield from _pieces(content, where, marked)
    elif isinstance(content, Mapping):
        yield from _part(content, where, place, marked)
    elif isinstance(content, Sequence) and not isinstance(content, bytes):
        for number, part in enumerate(content):
            field = f"{where}[{number}]"
            if isinstance(part, (str, Mapping)):
                yield from _part({"text": part} if isinstance(part, str) else part, field, place, marked)
            else:
                place.error(field, f"expected a text or an image, got {kind(part)}: it is not read")
    elif content is not None:
        place.error(where, f"expected a text or a list of parts, got {kind(content)}: it is not read")


def _part(part: Mapping[str, Any], where: str, place: Place, marked: bool) -> Iterator[Part]:
    named = part.get("type")
    if named in _RESULTS:
        yield from _parts(part.get("content"), f"{where}.content", place, marked)
    elif named in _TEXTS or named == "refusal" or (named is None and has_image(part.get("text"))):
        key = "refusal" if named == "refusal" else "text"
        text = part.get(key)
        text = text.get("value") if isinstance(text, Mapping) else text
        if isinstance(text, str):
            yield from _pieces(text, where, marked)
        elif text is not None or named is not None:  # a column of structs has every key in every part
            place.error(f"{where}.{key}", f"expected a text, got {kind(text)}: it is not read")
    elif named in _IMAGES or (named is None and image_of(part) is not None):  # also of Gemini, without a type
        yield ImagePart(None if image_of(part) is None else part, where)
    elif not (isinstance(named, str) and named in _NO_ANSWER):
        got = repr(named[:40]) if isinstance(named, str) else kind(named)
        place.warn(f"{where}.type", f"expected a text or an image, got {got}: it is not read")


def _pieces(text: str, where: str, marked: bool) -> Iterator[Part]:
    """A text, where it holds images with what stands between them: marks, or data: URLs in Markdown."""
    pattern = _MARKED if marked else _EMBEDDED
    if pattern.search(text) is None:
        yield text
        return
    start = 0
    for match in pattern.finditer(text):
        if before := text[start : match.start()].strip():
            yield before
        yield ImagePart(match["url"], where)
        start = match.end()
    if after := text[start:].strip():
        yield after
