# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""The options of a question and its answer key, as files write them, to what a record holds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from imug_metrics.errors import InputError
from imug_metrics.formats.common.place import Place
from imug_metrics.protocols.imug.options import question_options
from imug_metrics.reading.choice import read_choice
from imug_metrics.reading.files import kind
from imug_metrics.reading.options import check_options, read_options

_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_ENTRY = (("label", "letter", "key", "option", "id"), ("text", "value", "content", "answer"))  # of an option


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
    at = where.get("target", "target")
    if found is None:
        found = question_options(prompt, key)
        if key is not None and found and not _is_read(key, found):
            place.warn(at, f"is {key[:80]!r}, neither the letter nor the text of an option that the question lists")
        return key, found
    if key is None:
        return None, found
    if _is_read(key, found):
        return _letter(key, found) or key, found
    told = f"expected the letter or the text of an option, {', '.join(found)}, got {key[:80]!r}"
    if not key.strip().isdecimal():
        place.error(at, f"{told}: no answer can be right")
        return key, found
    place.error(at, f"{told}: write the letter, for numbers may count options from 0 or from 1")
    return None, found


def _key(target: Any, place: Place, where: str) -> str | None:
    if target is None or isinstance(target, str):
        return target
    if isinstance(target, (int, float)) and not isinstance(target, bool):
        return str(target)
    place.error(where, f"expected the key as text, got {kind(target)}: there is none")
    return None


def _is_read(key: str, options: Mapping[str, str] | str) -> bool:
    """Whether a key is a letter or a text of the options, or names some of them."""
    letter = key.strip()
    is_letter = len(letter) == 1 and letter in options  # nearly always, and much faster
    return is_letter or _letter(key, options) is not None or bool(read_choice(key, options).letters)


def _letter(key: str, options: Mapping[str, str] | str) -> str | None:
    """The letter of the option whose text is the key, where one alone has it."""
    if isinstance(options, str) or key.strip().upper() in options:
        return None
    letters = [letter for letter, text in options.items() if text.strip().casefold() == key.strip().casefold()]
    return letters[0] if len(letters) == 1 else None


def _options(options: Any, place: Place, where: str) -> dict[str, str] | str | None:
    """Options as a record has them; what cannot be read is told and absent."""
    if options in (None, "") or (isinstance(options, (Mapping, Sequence)) and not options):
        return None
    try:
        found = options if isinstance(options, str) else _by_letter(options)
        check_options(found)
    except InputError:
        forms = "texts by letter, a list of texts, lines `A. ...` or letters"
        place.error(where, f"expected options as {forms}, got {str(options)[:80]}: they are not read")
        return None
    return dict(found) if isinstance(found, Mapping) else found


def _by_letter(options: Any) -> dict[str, str]:
    """The texts of options by letter.

    Raises:
        InputError: if they are in no form that is known.
    """
    if isinstance(options, Mapping):
        options = _entries(options)
    elif not isinstance(options, Sequence) or isinstance(options, (str, bytes)):
        raise InputError("options", "to be texts", kind(options))
    if all(isinstance(entry, Mapping) for entry in options):
        found = [_labelled(entry) for entry in options]
    else:
        texts = [_text(text) for text in options]
        listed = read_options("\n".join(texts))
        found = [*listed.items()] if len(listed) == len(texts) else [*zip(_ALPHABET, texts, strict=False)]
    by_letter = dict(found)
    if len(by_letter) < len(options):
        raise InputError("options", f"to be at most {len(_ALPHABET)}, each with a letter of its own", str(len(options)))
    return by_letter


def _entries(options: Mapping[str, Any]) -> list[Any]:
    """Options as a list: of an object of texts by letter, or of one that holds labels beside texts."""
    label, text = (next((name for name in names if isinstance(options.get(name), list)), None) for names in _ENTRY)
    if label is None or text is None or len(options[label]) != len(options[text]):
        return [{letter: text} for letter, text in options.items() if text is not None]
    return [{"label": letter, "text": text} for letter, text in zip(options[label], options[text], strict=True)]


def _labelled(entry: Mapping[str, Any]) -> tuple[str, str]:
    """Letter and text of one option: `{"label": "A", "text": "red"}`, or `{"A": "red"}`."""
    label, text = (next((name for name in names if name in entry), None) for names in _ENTRY)
    if label is not None and text is not None:
        letter, said = entry[label], entry[text]
    elif len(entry) == 1:
        letter, said = next(iter(entry.items()))
    else:
        raise InputError("options", "to hold a letter and a text", kind(entry))
    return _text(letter).strip().upper(), _text(said)


def _text(value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        raise InputError("options", "to be texts", kind(value))
    return str(value)
