# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""The options of a question and its answer key, as files write them, to what a record holds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from imug_metrics.formats.place import Place
from imug_metrics.protocols.imug.options import question_options
from imug_metrics.reading.choice import read_choice
from imug_metrics.reading.files import kind
from imug_metrics.reading.options import check_options, read_options

_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


def read_key(
    target: Any, options: Any, prompt: str, place: Place, where: Mapping[str, str]
) -> tuple[str | None, dict[str, str] | str | None]:
    """The key of a question and its options; what cannot be read is told and absent.

    Args:
        target: a letter, several, or the text of an option; None: not known.
        options: texts by letter, a list of texts, or letters; None: those that the prompt lists, if any.
        prompt: the question.
        place: the line.
        where: the fields that hold `target` and `options`.

    Example:
        >>> from pathlib import Path
        >>> from imug_metrics.reading.files import Problems
        >>> place = Place(Path("chat.jsonl"), 1, Problems())
        >>> read_key("blue", ["red", "blue"], "Which colour?", place, {})
        ('B', {'A': 'red', 'B': 'blue'})
        >>> read_key("B", None, "Which colour? A. red B. blue", place, {})
        ('B', {'A': 'red', 'B': 'blue'})
    """
    found = _options(options, place, where.get("options", "options"))
    key = _key(target, place, where.get("target", "target"))
    if key is None or found is None:
        return key, question_options(prompt, key) if found is None else found
    letter = _letter(key, found)
    if letter is None and not read_choice(key, found).letters:
        expected = f"expected the letter or the text of an option, {', '.join(found)}"
        place.error(where.get("target", "target"), f"{expected}, got {key[:80]!r}: no answer can be right")
    return letter or key, found


def _key(target: Any, place: Place, where: str) -> str | None:
    if target is None or isinstance(target, str):
        return target
    if isinstance(target, (int, float)) and not isinstance(target, bool):
        return str(target)
    place.error(where, f"expected the key as text, got {kind(target)}: there is none")
    return None


def _letter(key: str, options: Mapping[str, str] | str) -> str | None:
    """The letter of the option whose text is the key, where one alone has it."""
    if isinstance(options, str) or key.strip().upper() in options:
        return None
    letters = [letter for letter, text in options.items() if text.strip().casefold() == key.strip().casefold()]
    return letters[0] if len(letters) == 1 else None


def _options(options: Any, place: Place, where: str) -> dict[str, str] | str | None:
    if options is None:
        return None
    if isinstance(options, Mapping):
        options = {str(letter).strip().upper(): str(text) for letter, text in options.items() if text is not None}
    elif isinstance(options, Sequence) and not isinstance(options, (str, bytes)):
        texts = [str(text) for text in options]
        listed = read_options("\n".join(texts))
        options = listed if len(listed) == len(texts) else dict(zip(_ALPHABET, texts, strict=False))
        if len(texts) > len(_ALPHABET):
            place.error(where, f"expected at most {len(_ALPHABET)} options, got {len(texts)}: they are not read")
            return None
    if options == {} or options == "":
        return None
    try:
        check_options(options)
    except (TypeError, ValueError) as error:
        place.error(where, f"{str(error)[:200]} They are not read.")
        return None
    return dict(options) if isinstance(options, Mapping) else str(options)
