# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""The command `read`: what is read in one answer, and why."""

from __future__ import annotations

import json
import os
import re
import sys
from argparse import Namespace
from collections.abc import Iterator

from imug_metrics.cli.exit_codes import EXIT_FINE, EXIT_PROBLEMS
from imug_metrics.errors import ArgumentError
from imug_metrics.evaluation.answer_reading import Found, read_answer
from imug_metrics.reading.options import DEFAULT_OPTIONS, Options, read_options
from imug_metrics.reading.reasoning import without_reasoning
from imug_metrics.reading.text_files import MAX_TEXT_BYTES, TextError, decode, read_text
from imug_metrics.report.sanitize import plain

_SOURCES = {"options": "", "prompt": "", "none in prompt": " (the prompt lists none)", "default": " (by default)"}


def run(options: Namespace) -> int:
    """`imug-metrics read`: 0 if something was read, 1 if not."""
    _check(options)
    text = _text(options)
    source, listed = _options(options)
    read = read_answer(text, options.kind, options=listed, key=options.key, decimal=options.decimal)
    thinking = len(text) - len(without_reasoning(text))
    found = {"kind": options.kind, "thinking_characters": thinking, **read}
    if options.kind == "choice":
        texts = dict(listed) if isinstance(listed, dict) else dict.fromkeys(listed, "")
        found |= {"options": texts, "options_from": source}
    if options.json:
        print(json.dumps(found))
    else:
        for label, value in _lines(found, len(text)):
            print(f"{label:<11}{plain(value)}".rstrip())
    return EXIT_PROBLEMS if found["read"] in (None, "") else EXIT_FINE


def _check(options: Namespace) -> None:
    if (options.text is None) == (options.file is None):
        raise ArgumentError(("TEXT", "file"), "expected one of them")
    if options.prompt is not None and options.options is not None:
        raise ArgumentError(("prompt", "options"), "expected one of them at most")
    for name in ("prompt", "options"):
        if getattr(options, name) is not None and options.kind != "choice":
            raise ArgumentError(name, "expected together with --kind choice")


def _text(options: Namespace) -> str:
    try:
        if options.file is not None:
            return read_text(options.file)
        if options.text != "-":
            return decode(os.fsencode(options.text))
        content = sys.stdin.buffer.read(MAX_TEXT_BYTES + 1)
        if len(content) > MAX_TEXT_BYTES:
            raise TextError(f"expected a text of at most {MAX_TEXT_BYTES} bytes")
        return decode(content).replace("\r\n", "\n")
    except TextError as error:
        raise ArgumentError("TEXT" if options.file is None else "file", str(error)) from error


def _options(options: Namespace) -> tuple[str, Options]:
    """The question's options, and where they come from."""
    if options.options is not None:
        letters = "".join(options.options.replace(",", " ").split())
        if re.fullmatch("[A-Z]+", letters) and len(set(letters)) == len(letters):
            return "options", letters
        listed = read_options(options.options)
        if not listed:
            form = 'letters such as ABCD or A,B,C, or a list such as "A) a cup B) a plate"'
            raise ArgumentError("options", f"expected {form}, got {options.options!r}")
        return "options", listed
    if options.prompt is None:
        return "default", DEFAULT_OPTIONS
    try:
        listed = read_options(read_text(options.prompt))
    except TextError as error:
        raise ArgumentError("prompt", str(error)) from error
    return ("prompt", listed) if listed else ("none in prompt", DEFAULT_OPTIONS)


def _lines(found: Found, length: int) -> Iterator[tuple[str, str]]:
    """What is printed, as labels and texts."""
    if "options" in found:
        yield from _option_lines(found)
    if found["thinking_characters"]:
        yield "Thinking", f"{found['thinking_characters']:,} of {length:,} characters, left out"
    yield "Read", _shown(found["read"])
    if "reason" in found:
        yield "Reason", f"{found['reason']}: {found['meaning']}"
        yield "Official", f"{_shown(found['official']['read'])}, format weight {found['official']['weight']:g}"
    if "key" in found:
        official = found.get("official_key", found["key"])
        other = "" if official == found["key"] else f", officially {_shown(official)}"
        yield "Key", f"{_shown(found['key'])}{other}"
        yield "Score", ", ".join(f"{protocol} {score:.4g}" for protocol, score in found["scores"].items())


def _option_lines(found: Found) -> Iterator[tuple[str, str]]:
    if any(found["options"].values()):
        for place, (letter, text) in enumerate(found["options"].items()):
            yield "" if place else "Options", f"{letter}  {text}"
    else:
        yield "Options", "".join(found["options"]) + _SOURCES[found["options_from"]]


def _shown(value: str | float | None) -> str:
    return (value or "nothing") if isinstance(value, str) else "nothing" if value is None else f"{value:.15g}"
