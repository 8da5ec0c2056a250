# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""States as bytes: safetensors whose metadata say what they are, and which are read only if nothing about them is odd.

The bytes are those of a safetensors file. Its metadata hold one entry, `imug_metrics`, a JSON object: `format` (the
version of this form), `version` (of the package that wrote it), `checksum` (BLAKE2b of all that follows) and `content`
(class, arguments and counts of a metric, or of several). Equal states have equal bytes. Nothing in them is ever run or
imported, and no number of theirs is an amount of memory.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any, NamedTuple

from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor

from imug_metrics._version import __version__
from imug_metrics.errors import InputError

FORMAT = 1
"""Version of the form of the bytes; others are refused."""

MAX_HEADER = 2**23
"""Bytes of the largest header, which holds the metadata."""

_ENTRY = "imug_metrics"
_DTYPES = ("F64", "F32", "I64", "U8")  # of states


class SavedState(NamedTuple):
    """The state of a metric, or of several.

    Attributes:
        content: what it is the state of, in terms of JSON.
        tensors: its tensors, by name.
    """

    content: dict[str, Any]
    tensors: dict[str, Tensor]

    def get(self, name: str, kind: type, *others: type) -> Any:
        """An entry of the content that must be of a kind.

        Raises:
            InputError: if it is absent or of another kind.
        """
        found = self.content.get(name)
        if type(found) not in (kind, *others):
            raise InputError("data", f"to hold {name} as {kind.__name__}", type(found).__name__)
        return found


def write_state(saved: SavedState) -> bytes:
    """The bytes of a state.

    Raises:
        InputError: if there is more in its header than is ever read, or a name in it is no text (lone surrogates).

    Example:
        >>> import torch
        >>> data = write_state(SavedState({"class": "Mine"}, {"total": torch.ones(2)}))
        >>> read_state(data)
        SavedState(content={'class': 'Mine'}, tensors={'total': tensor([1., 1.])})
        >>> read_state(b"a text")
        Traceback (most recent call last):
        imug_metrics.errors.InputError: Expected argument `data` to be a state that `to_bytes` has written, got 6 bytes
        that are none.
    """
    tensors = {name: value.detach().cpu().contiguous().clone() for name, value in saved.tensors.items()}
    known = {"format": FORMAT, "version": __version__, "checksum": _checksum(saved.content, tensors)}
    try:
        data = save(tensors, {_ENTRY: json.dumps({**known, "content": saved.content})})
    except UnicodeEncodeError as error:
        raise InputError("groups", "to be text that can be written", repr(error.object)[:80]) from error
    _header(data)
    return data


def read_state(data: bytes | bytearray | memoryview) -> SavedState:
    """The state that bytes hold.

    Raises:
        InputError: if they are no state, are damaged, or were written by another version of the format.
    """
    if not isinstance(data, (bytes, bytearray, memoryview)):
        raise InputError("data", "to be bytes", type(data).__name__)
    data = bytes(data)
    known = _known(_header(data))
    content = known.get("content")
    if not isinstance(content, dict):
        raise InputError("data", "to hold content as dict", type(content).__name__)
    try:
        tensors = load(data)
        agrees = known.get("checksum") == _checksum(content, tensors)
    except (SafetensorError, KeyError, ValueError, TypeError, OverflowError, RuntimeError) as error:
        raise InputError("data", "to be whole", f"{len(data)} bytes that end early or are damaged") from error
    if not agrees:
        raise InputError("data", "to be as they were written", "bytes that do not agree with their checksum")
    return SavedState(content, tensors)


def join_states(kind: str, states: Mapping[str, SavedState], **content: Any) -> SavedState:
    """Several states, by name, as one of a kind, see `part_states`.

    Args:
        kind: of what holds them.
        states: by name.
        content: what else is said of it.
    """
    parts = [state.content for state in states.values()]
    tensors = {
        f"{place}.{name}": value for place, state in enumerate(states.values()) for name, value in state.tensors.items()
    }
    return SavedState({"class": kind, "names": list(states), "parts": parts, **content}, tensors)


def part_states(saved: SavedState) -> dict[str, SavedState]:
    """The states that `join_states` was given.

    Raises:
        InputError: if they are not named each once, or there is a tensor of none of them.

    Example:
        >>> import torch
        >>> part_states(join_states("Pair", {"mine": SavedState({"class": "Mine"}, {"total": torch.ones(1)})}))
        {'mine': SavedState(content={'class': 'Mine'}, tensors={'total': tensor([1.])})}
    """
    names, contents = saved.get("names", list), saved.get("parts", list)
    if not all(isinstance(content, dict) for content in contents):
        raise InputError("data", "to hold a list of states", "other entries")
    if len(names) != len(contents) or not all(isinstance(name, str) for name in names) or len({*names}) < len(names):
        raise InputError("data", "to name each state once", f"{len(names)} names of {len(contents)}")
    parts = {str(place): SavedState(content, {}) for place, content in enumerate(contents)}
    for key, value in saved.tensors.items():
        place, _, name = key.partition(".")
        if place not in parts:
            raise InputError("data", f"to hold tensors of {len(parts)} states", repr(key))
        parts[place].tensors[name] = value
    return dict(zip(names, parts.values(), strict=True))


def _header(data: bytes) -> dict[str, Any]:
    """The header of safetensors, bounded."""
    size = int.from_bytes(data[:8], "little")
    if len(data) < 8 or len(data) - 8 < min(size, MAX_HEADER):
        raise InputError("data", "to be a state that `to_bytes` has written", f"{len(data)} bytes that are none")
    if size > MAX_HEADER:
        raise InputError("data", f"to have a header of at most {MAX_HEADER} bytes", size)
    found = _parsed(data[8 : 8 + size])
    if not all(name == "__metadata__" or _is_known(entry) for name, entry in found.items()):
        raise InputError("data", f"to hold tensors of {', '.join(_DTYPES)}", "others")
    return found


def _is_known(entry: Any) -> bool:
    return isinstance(entry, dict) and entry.get("dtype") in _DTYPES


def _known(header: Mapping[str, Any]) -> dict[str, Any]:
    """What the metadata say, of this version of the format."""
    metadata = header.get("__metadata__")
    text = metadata.get(_ENTRY) if isinstance(metadata, dict) else None
    if not isinstance(text, str):
        raise InputError("data", "to be a state that `to_bytes` has written", "safetensors of something else")
    known = _parsed(text)
    if known.get("format") != FORMAT:
        by = f"version {str(known.get('format'))[:20]} (imug_metrics {str(known.get('version'))[:20]})"
        raise InputError("data", f"to be of version {FORMAT} of the format, which this is", f"data written by {by}")
    return known


def _parsed(text: str | bytes) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InputError("data", "to be a state that `to_bytes` has written", "bytes that are none") from error
    if not isinstance(found, dict):
        raise InputError("data", "to be a state that `to_bytes` has written", "bytes that are none")
    return found


def _checksum(content: Mapping[str, Any], tensors: Mapping[str, Tensor]) -> str:
    digest = hashlib.blake2b(json.dumps([FORMAT, content], sort_keys=True).encode(), digest_size=16)
    for name, value in sorted(tensors.items()):
        digest.update(json.dumps([name, str(value.dtype), list(value.shape)]).encode())
        digest.update(value.numpy().tobytes())
    return digest.hexdigest()
