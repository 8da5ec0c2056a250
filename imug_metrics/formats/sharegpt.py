# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Conversations as ShareGPT and LLaVA write them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from imug_metrics.formats.chats.conversation import read_conversations
from imug_metrics.formats.common.json_rows import json_rows
from imug_metrics.formats.protocol import Head, ReadOptions, RecordAt
from imug_metrics.reading.files import Problems


class ShareGPTReader:
    """`{"conversations": [{"from": "human", "value": "<image> ..."}, {"from": "gpt", "value": ...}], "image": ...}`.

    One object a line, or all in one array. Each `<image>` in a text, of the user or the model, stands for the next of
    the line's `image` or `images`.
    """

    name = "sharegpt"

    def recognises(self, head: Head) -> bool:
        """A list of conversations whose messages are said `from` someone."""
        row = head.value
        names = {head.columns.get("messages", "conversations"), "conversations", "conversation"}
        lists = [row[name] for name in names if isinstance(row.get(name), list)] if isinstance(row, Mapping) else []
        return any(isinstance(entry, Mapping) and "from" in entry for found in lists for entry in found[:1])

    def read(self, path: Path, options: ReadOptions, problems: Problems) -> Iterator[RecordAt]:
        """The records of each conversation, one a turn; see `read_conversations`."""
        return read_conversations(json_rows(path, problems), path, options, problems)
