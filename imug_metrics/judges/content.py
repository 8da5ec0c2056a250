# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""The content of a message as servers send it: text, or a list of chunks with thinking among them."""

from __future__ import annotations

from typing import Any

from imug_metrics.judges.protocol import ReplyError
from imug_metrics.reading.files import kind

_TEXT = ("text", "output_text")
_THINKING = ("thinking", "redacted_thinking", "reasoning", "reasoning_content", "reasoning_text", "summary_text")


def message_text(content: Any) -> str | None:
    """The text of a message, without chunks of thinking; None where there is none.

    Args:
        content: text, null, or a list of texts and of objects as `{"type": "text", "text": "B"}`.

    Raises:
        ReplyError: (`"content"`) for anything else, with its type.

    Example:
        >>> message_text([{"type": "thinking", "thinking": "A?"}, {"type": "text", "text": "B"}])
        'B'
        >>> message_text("B"), message_text([]), message_text(None)
        ('B', None, None)
        >>> message_text([{"type": "image_url", "image_url": {"url": "..."}}])
        Traceback (most recent call last):
        imug_metrics.errors.ReplyError: Expected text as the content of a message, got a chunk of type 'image_url'.
    """
    if content is None or isinstance(content, str):
        return content
    if not isinstance(content, list):
        raise _unexpected(kind(content))
    texts = [_chunk_text(chunk) for chunk in content]
    spoken = [text for text in texts if text is not None]
    return "".join(spoken) if spoken else None


def _chunk_text(chunk: Any) -> str | None:
    if isinstance(chunk, str):
        return chunk
    if not isinstance(chunk, dict):
        raise _unexpected(f"{kind(chunk)} as chunk")
    form = chunk.get("type")
    if form in _THINKING:
        return None
    if form not in _TEXT:
        raise _unexpected(f"a chunk of type {str(form)[:40]!r}")
    if not isinstance(chunk.get("text"), str):
        raise _unexpected(f"a chunk of type {form!r} with {kind(chunk.get('text'))} as text")
    return str(chunk["text"])


def _unexpected(found: str) -> ReplyError:
    return ReplyError("content", f"Expected text as the content of a message, got {found}.")
