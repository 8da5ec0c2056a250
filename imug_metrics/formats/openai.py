# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Chats of OpenAI's forms: `messages` a line, responses with `input` and `output`, and the output of batches."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from imug_metrics.formats.chats.conversation import read_conversations
from imug_metrics.formats.common.json_rows import json_rows
from imug_metrics.formats.evalscope import is_evalscope
from imug_metrics.formats.messages import has_own_images
from imug_metrics.formats.protocol import Head, ReadOptions, RecordAt
from imug_metrics.reading.files import Problems

_SERVER = ("choices", "input", "output", "response", "text", "tools", "reasoning")


class OpenAIReader:
    """Chat JSON lines: `{"messages": [{"role": "user", "content": ...}, ...]}`.

    A content is a text or a list of parts: `text`, `image_url` with a data: URL or a path, `input_text`, `input_image`,
    `output_text`, `refusal`. Lines may also hold a response (`input`, `output`) or a completion (`choices`), alone or
    under `response.body` as batches give them.
    """

    name = "openai"

    def recognises(self, head: Head) -> bool:
        """Messages that hold no image in the form of Qwen and Hugging Face, or an answer of the server."""
        row = head.value
        if not isinstance(row, Mapping) or is_evalscope(row):
            return False
        name = head.columns.get("messages", "messages")
        if isinstance(row.get(name), list):
            return _has_roles(row[name]) and not has_own_images(row, name)
        return _answer(row) is not None

    def read(self, path: Path, options: ReadOptions, problems: Problems) -> Iterator[RecordAt]:
        """The records of each line, one a turn; see `read_conversations`."""
        return read_conversations(_rows(path, problems), path, options, problems)


def _rows(path: Path, problems: Problems) -> Iterator[tuple[int, Mapping[str, Any]]]:
    """Lines with their messages, also where a server's answer holds them."""
    for line, row in json_rows(path, problems):
        body = {} if "messages" in row else _body(row)
        answer = _answer(row) if body else None
        choices = _objects(body.get("choices"))
        failed = row.get("error") or body.get("error")
        if body is not row and answer is None and failed:
            reason = failed.get("message", failed) if isinstance(failed, Mapping) else failed
            problems.error(path, line, "error", f"the request failed, and its turns are not there: {str(reason)[:200]}")
            continue
        if answer is not None and len(choices) > 1:
            problems.warn(path, line, "choices", f"{len(choices)} answers to one request: the first is read")
        yield line, row if answer is None else _as_messages(row, *answer)


def _has_roles(messages: list[Any]) -> bool:
    return bool(messages) and isinstance(messages[0], Mapping) and "role" in messages[0]


def _as_messages(row: Mapping[str, Any], said: list[Any], given: list[Any]) -> Mapping[str, Any]:
    """A server's answer as a line: its messages, and what it says of all of them."""
    beside = {name: value for name, value in row.items() if name not in _SERVER}
    kept = {name: value for name, value in _body(row).items() if name in ("model", "usage")}
    return {**kept, **beside, "messages": [*said, *given]}


def _answer(row: Mapping[str, Any]) -> tuple[list[Any], list[Any]] | None:
    """What was asked and answered, where a line is an answer of a server; nothing is asked in the output of batches."""
    body = _body(row)
    choices, output = (_objects(body.get(name)) for name in ("choices", "output"))
    if choices and isinstance(choices[0].get("message"), Mapping):
        given = [choices[0]["message"]]
    elif output and ("type" in output[0] or "role" in output[0]):
        given = [_as_message(item) for item in output]
    else:
        return None
    said = row.get("input", body.get("input"))
    return (said if isinstance(said, list) else [{"role": "user", "content": said or ""}]), given


def _objects(value: Any) -> list[Any]:
    """A list that begins with an object; empty for all else."""
    return value if isinstance(value, list) and value and isinstance(value[0], Mapping) else []


def _body(row: Mapping[str, Any]) -> Mapping[str, Any]:
    response = row.get("response")
    body = response.get("body", response) if isinstance(response, Mapping) else row
    return body if isinstance(body, Mapping) else {}


def _as_message(item: Any) -> Any:
    """An item of a response as a message: what is no message is a part of one."""
    if not isinstance(item, Mapping) or "role" in item:
        return item
    return {"role": "assistant", "content": [item]}
