# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Answers put into words, so that a judge that reads only text can read them: each placeholder gets a caption."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from imug_metrics.protocols.unim.records import CONTENT, Answer, Key, record_key
from imug_metrics.reading.files import Problems, kind
from imug_metrics.reading.json_stream import read_objects
from imug_metrics.reading.tags import read_name, read_tags
from imug_metrics.reading.text_files import TextError, read_beginning

Captions = Mapping[Key, Mapping[str, str]]

NO_CAPTION = "not described"
NO_TEXT = "a file that is no UTF-8 text"
MAX_CAPTION = 4000
_PLACEHOLDER = re.compile(r"<\s*([a-z3]+)\s*([0-9]{1,9})\s*>", re.IGNORECASE | re.ASCII)


def read_captions(path: Path, problems: Problems) -> dict[Key, dict[str, str]]:
    """Captions of items, from records that hold them under `modal`.

    Such records are what the released coherence script writes: field, domain and id of the instance, and in `modal` by
    name of the placeholder a caption.

    Args:
        path: file of records in any of the forms of
            `read_objects`.
        problems: collects what is wrong.

    Returns:
        Captions by instance and name of the placeholder.
    """
    found: dict[Key, dict[str, str]] = {}
    for line, row in read_objects(path, problems):
        key, given = record_key(row), row.get("modal")
        if key is None or not isinstance(given, dict):
            problems.error(path, line, "modal", f"expected an id and an object of captions, got {kind(given)}")
            continue
        named = {read_name(name): caption for name, caption in given.items() if isinstance(caption, str)}
        found.setdefault(key, {}).update({str(tag): caption for tag, caption in named.items() if tag is not None})
    return found


def uncaptioned(answer: Answer, captions: Mapping[str, str]) -> list[str]:
    """Names of the items that have neither a caption nor content of their own."""
    names = dict.fromkeys(str(tag) for tag in read_tags(answer.text) if tag.modality not in CONTENT)
    return [] if answer.captioned is not None else [name for name in names if name not in captions]


def captioned_text(answer: Answer, captions: Mapping[str, str]) -> str:
    """The answer with a caption in each placeholder, as `<image2: a red door>`.

    Args:
        answer: the answer; where its record holds a captioned form, that is taken.
        captions: by name of the placeholder.

    Returns:
        The text. Captions are cut at 4,000 characters and cannot hold a placeholder; an item without one is said to be
        not described.

    Example:
        >>> captioned_text(Answer("See <image1> and <audio1>."), {"image1": "a <b>"})
        'See <image1: a ‹b›> and <audio1: not described>.'
    """
    if answer.captioned is not None:
        return answer.captioned

    def filled(match: re.Match[str]) -> str:
        tag = read_name(match[1] + match[2])
        if tag is None:
            return match[0]
        caption = captions.get(str(tag))
        if caption is None and tag.modality in CONTENT:
            caption = item_content(answer, str(tag))
        caption = (caption or NO_CAPTION)[:MAX_CAPTION].replace("<", "‹").replace(">", "›")
        return f"<{tag}: {caption}>"

    return _PLACEHOLDER.sub(filled, answer.text)


def item_content(answer: Answer, name: str) -> str | None:
    """Content of an item of text or code: that of its file, cut at its beginning, or what the record itself holds."""
    path = answer.find(name)
    if path is None:
        return answer.inline_content(name)
    try:
        return read_beginning(path, 4 * MAX_CAPTION)
    except TextError:
        return NO_TEXT
