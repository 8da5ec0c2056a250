# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""What each field of a record has to be, and what it becomes where it comes in another form."""

from __future__ import annotations

import io
import math
import operator
import os
from collections.abc import Callable, Mapping, Set
from functools import lru_cache, partial
from numbers import Real
from pathlib import Path
from typing import Any, NoReturn

from imug_metrics.errors import InputError
from imug_metrics.reading.fields import nearest
from imug_metrics.reading.files import MAX_TURN
from imug_metrics.reading.object_names import LONGEST_OBJECT, check_object
from imug_metrics.reading.options import check_options

MODALITIES = ("text", "image")
LONGEST_NAME = 100
"""Characters of the name of a score, a cost or a kind of group."""

_MODALITY_WORDS = {
    "img": "image",
    "picture": "image",
    "photo": "image",
    "visual": "image",
    "pixels": "image",
    "txt": "text",
    "str": "text",
    "string": "text",
    "answer": "text",
}
_MISSING = "(None stands for what is absent)"
_MISSING_NUMBER = "(NaN stands for what is not known)"
_TURNS_FROM_0 = ": turns count from 1, add 1 to every turn"


def as_id(name: str, value: Any) -> str:
    """An id as text, which is not empty; an integer is turned into it."""
    if type(value) is not str:
        whole = _whole(value)
        if whole is None:
            _refuse(name, "to be text or an integer", value)
        value = str(whole)
    if not value:
        raise InputError(name, "to be text that is not empty", "''")
    if not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError:
            raise InputError(name, "to be text that UTF-8 can hold", ascii(value)) from None
    return str(value)


def as_turn(name: str, value: Any) -> int:
    """A turn, from 1 to `MAX_TURN`; a whole float, as tables give it, is turned into an integer."""
    if type(value) is not int:
        whole = int(value) if isinstance(value, float) and value.is_integer() else _whole(value)
        if whole is None:
            _refuse(name, f"to be an integer from 1 to {MAX_TURN}", value)
        value = whole
    if not 1 <= value <= MAX_TURN:
        hint = _TURNS_FROM_0 if value == 0 else ""
        raise InputError(name, f"to be an integer from 1 to {MAX_TURN}", f"{value}{hint}")
    return int(value)


def as_modality(name: str, value: Any) -> str:
    """`"text"` or `"image"`."""
    if type(value) is str and value in MODALITIES:
        return value
    meant = None
    if isinstance(value, str):
        word = value.strip().lower()
        meant = _MODALITY_WORDS.get(word) or nearest(word, MODALITIES)
    hint = f": did you mean `{meant}`?" if meant else ""
    raise InputError(name, "to be 'text' or 'image'", f"{_shown(value)}{hint}")


def as_text(name: str, value: Any) -> str:
    """Text."""
    if not isinstance(value, str):
        _refuse(name, "to be text", value)
    return value


def as_answer(name: str, value: Any) -> str | None:
    """Text, or None."""
    if value is not None and not isinstance(value, str):
        _refuse(name, f"to be text or None {_MISSING}", value)
    return value


def as_key(name: str, value: Any) -> str | None:
    """The key of a question: text or None; a number is turned into text."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool) or not isinstance(value, Real) or not math.isfinite(value):
        _refuse(name, f"to be text, a number or None {_MISSING}", value)
    return str(value)


def as_optional_id(name: str, value: Any) -> str | None:
    """An id, or None."""
    return None if value is None else as_id(name, value)


def as_image(name: str, value: Any) -> Path | bytes | None:
    """A path or the content of an image file; an image in memory becomes the content of a PNG file."""
    if value is None or isinstance(value, (Path, bytes)):
        if value == b"":
            raise InputError(name, f"to be the content of an image file {_MISSING}", "no bytes")
        return value
    if isinstance(value, (str, os.PathLike)):
        path = os.fspath(value)
        if not isinstance(path, str) or not path or "\0" in path:
            _refuse(name, f"to be a path {_MISSING}", path)
        if path.startswith("data:"):
            raise InputError(name, "to be a path or the content of an image file", "a data URI: decode its base64 part")
        if path.startswith(("http://", "https://")):
            raise InputError(name, "to be a path or the content of an image file", "a web address: download the image")
        return Path(path)
    if isinstance(value, (bytearray, memoryview)):
        return as_image(name, bytes(value))
    if hasattr(value, "shape") or hasattr(value, "getbands"):
        return _png(name, value)
    _refuse(name, f"to be a path, the content of an image file, an image in memory or None {_MISSING}", value)


def as_links(name: str, value: Any) -> tuple[int, ...]:
    """Turns, as integers."""
    if type(value) is tuple and not value:
        return value
    if isinstance(value, (str, bytes, Mapping)) or not hasattr(value, "__iter__"):
        _refuse(name, "to hold earlier turns", value)
    return tuple(as_turn(name, turn) for turn in value)


def as_groups(name: str, value: Any) -> Mapping[str, str]:
    """Texts by name; integers are turned into text."""
    if type(value) is dict and not value:
        return value
    if not isinstance(value, Mapping):
        _refuse(name, "to be a mapping from text to text", value)
    changed = {}
    for key, group in value.items():
        if not isinstance(key, str):
            _refuse(name, "to be a mapping from text to text", key)
        _check_spelling(name, key)
        if not isinstance(group, str):
            whole = _whole(group)
            if whole is None:
                _refuse(name, "to be a mapping from text to text", group, f" of {_shown(key)}")
            changed[key] = str(whole)
    return {**value, **changed} if changed else value


def as_flag(name: str, value: Any) -> bool:
    """True or False."""
    if value is True or value is False:
        return bool(value)
    _refuse(name, "to be True or False", value)


def as_options(name: str, value: Any) -> Any:
    """Letters, or texts by letter, or None."""
    if value is None:
        return None
    try:
        _check_letters(value) if isinstance(value, str) else check_options(value)
    except (TypeError, ValueError) as error:
        raise InputError(name, "to be distinct letters A to Z, or texts by such letters", _shown(value)) from error
    return value


def as_scores(name: str, value: Any) -> Mapping[str, float]:
    """Real numbers by name; NaN for what could not be scored."""
    return value if type(value) is dict and not value else _numbers(name, value, -math.inf)


def as_costs(name: str, value: Any) -> Mapping[str, float]:
    """Real numbers from 0 by name; NaN for what is not known."""
    return value if type(value) is dict and not value else _numbers(name, value, 0.0)


def as_objects(name: str, value: Any) -> tuple[str, ...] | None:
    """Names of objects, of which there may be none; or None."""
    if value is None:
        return None
    if isinstance(value, (str, bytes, Mapping, Set)) or not hasattr(value, "__iter__"):
        _refuse(name, f"to hold names of objects in a list, or to be None {_MISSING}", value)
    return tuple(map(partial(_as_object, name), value))


FIELDS: Mapping[str, Callable[[str, Any], Any]] = {
    "dialogue": as_id,
    "turn": as_turn,
    "modality": as_modality,
    "prompt": as_text,
    "text": as_answer,
    "image": as_image,
    "target": as_key,
    "links": as_links,
    "groups": as_groups,
    "attempted": as_flag,
    "options": as_options,
    "scores": as_scores,
    "reference": as_image,
    "mask": as_image,
    "subject": as_optional_id,
    "costs": as_costs,
    "objects": as_objects,
    "target_objects": as_objects,
}
"""By field, what checks it."""


def check_links(links: tuple[int, ...], turn: int) -> None:
    """Raise InputError unless links lead to earlier turns."""
    for linked in links:
        if linked >= turn:
            raise InputError("links", f"to hold turns before the record's own, {turn}", linked)


def _whole(value: Any) -> int | None:
    """The value as an integer, None where it is none; a boolean of any library is none."""
    if isinstance(value, (bool, str)) or str(getattr(value, "dtype", "")).endswith("bool"):
        return None
    try:
        return operator.index(value)
    except (TypeError, ValueError, RuntimeError):
        return None


def _numbers(field: str, value: Any, least: float) -> Mapping[str, float]:
    if not isinstance(value, Mapping):
        _refuse(field, "to be a mapping from names to numbers", value)
    changed = {}
    for name, number in value.items():
        _check_name(field, name)
        if type(number) is not float:
            if isinstance(number, bool) or not isinstance(number, Real):
                number = _of_array(number)
            if number is None:
                _refuse(field, f"to hold real numbers {_MISSING_NUMBER}", value[name], f" of {name!r}")
            number = changed[name] = float(number)
        if number in (math.inf, -math.inf) or number < least:
            what = "finite numbers" if least < 0 else "finite numbers from 0"
            raise InputError(field, f"to hold {what} {_MISSING_NUMBER}", f"{number} of {name!r}")
    return {**value, **changed} if changed else value


def _of_array(value: Any) -> float | None:
    """The number of an array or tensor that holds one, and no boolean."""
    if isinstance(value, (bool, str, bytes)) or getattr(value, "shape", None) != ():
        return None
    found = value.item()
    return None if isinstance(found, bool) or not isinstance(found, Real) else float(found)


def _as_object(field: str, value: Any) -> str:
    try:
        check_object(value)
        value.encode()
    except ValueError:  # UnicodeEncodeError is one
        got = f"a text of {len(value)} characters" if isinstance(value, str) and len(value) > 80 else ascii(value)
        raise InputError(
            field, f"to hold names of 1 to {LONGEST_OBJECT} characters that UTF-8 can hold", got[:100]
        ) from None
    return str(value)


def _check_name(field: str, name: Any) -> None:
    if not isinstance(name, str):
        _refuse(field, "to have names that are text", name)
    _check_spelling(field, name)


@lru_cache(1024)
def _check_spelling(field: str, name: str) -> None:
    if not name or name != name.strip() or not name.isprintable() or len(name) > LONGEST_NAME:
        expected = f"to have printable names of 1 to {LONGEST_NAME} characters, without space at their ends"
        raise InputError(field, expected, _shown(name))


@lru_cache(1024)
def _check_letters(letters: str) -> None:
    check_options(letters)


def _png(name: str, value: Any) -> bytes:
    """The content of a PNG file of an image in memory, or of a mask `[H, W]` of booleans."""
    import numpy as np
    from PIL import Image, ImageOps

    from imug_metrics.media.images import load_image

    if getattr(value, "ndim", 3) == 2 and str(getattr(value, "dtype", "")).endswith("bool"):
        value = np.asarray(value).astype(np.uint8) * 255
    try:
        if isinstance(value, Image.Image) and value.mode in ("RGB", "RGBA", "L", "LA"):
            image = ImageOps.exif_transpose(value)
        else:
            pixels = load_image(value, row=0).detach().cpu()
            if pixels.is_floating_point():
                pixels = (255 * pixels).round().clamp(0, 255)
            image = Image.fromarray(pixels.permute(1, 2, 0).contiguous().byte().numpy())
        buffer = io.BytesIO()
        image.save(buffer, "PNG", compress_level=1)
    except Exception as error:  # images that are opened late fail like files, with nearly anything
        why = str(error).replace(" at row 0", "")
        raise InputError(name, "to be an image that can be read", f"{type(value).__name__}: {why}") from error
    return buffer.getvalue()


def _refuse(name: str, expected: str, value: Any, where: str = "") -> NoReturn:
    raise InputError(name, expected, f"{_shown(value)}{where}")


def _shown(value: Any) -> str:
    """A value for a message: its type, and itself where it is short."""
    if value is None:
        return "None"
    text = repr(value) if isinstance(value, (str, int, float, bytes, bool)) else ""
    if isinstance(value, float):
        text = f"{type(value).__name__} {float(value)!r}"
    return f"{text[:80]}{'...' if len(text) > 80 else ''}" if text else f"a {type(value).__name__}"
