# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Files of rows: rows of equal type and shape are stacked into one tensor of a safetensors file."""

from __future__ import annotations

import hashlib
import os
import uuid
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

import torch
from safetensors.torch import load, save
from torch import Tensor

from imug_metrics.encoders.cache.memory import Key


class Place(NamedTuple):
    """Where a row is: its shard, the tensor in it, its number in the tensor, and the checksum it was written with."""

    shard: str
    part: str
    number: int
    checksum: bytes


def checksum(key: Key, row: Tensor) -> bytes:
    """8 bytes of a key and its row: type, shape and every value."""
    digest = hashlib.blake2b(key.digest, digest_size=8)
    digest.update(f"{key.fingerprint} {key.kind} {row.dtype} {list(row.shape)}".encode())
    digest.update(row.contiguous().view(torch.uint8).numpy().data)
    return digest.digest()


def prepare_shard(folder: Path, rows: Mapping[Key, Tensor]) -> tuple[Path, dict[Key, Place]]:
    """Write rows under a temporary name, which begins with a dot.

    Returns:
        The file, to be renamed to the name of its shard, and the rows' places in it.
    """
    shard = f"{uuid.uuid4().hex}.safetensors"
    groups: dict[tuple[object, ...], list[Key]] = {}
    for key, row in rows.items():
        groups.setdefault((row.dtype, row.shape), []).append(key)
    parts = {str(part): torch.stack([rows[key] for key in keys]) for part, keys in enumerate(groups.values())}
    path = folder / f".{shard}"
    path.write_bytes(save(parts))
    places = {
        key: Place(shard, str(part), number, checksum(key, rows[key]))
        for part, keys in enumerate(groups.values())
        for number, key in enumerate(keys)
    }
    return path, places


def read_shard(path: Path, places: Mapping[Key, Place]) -> dict[Key, Tensor]:
    """The rows of a shard that are as they were written.

    The file is read, not mapped: a file that is cut off while it is read must not end the process.
    """
    try:
        parts = load(path.read_bytes())
    except Exception:  # a damaged file makes the reader raise nearly anything
        return {}
    found = {}
    for key, place in places.items():
        part = parts.get(place.part)
        if part is not None and place.number < len(part):
            row = part[place.number].clone()  # not a view, which would hold the whole shard
            if checksum(key, row) == place.checksum:
                found[key] = row
    return found


def remove(paths: Iterable[Path]) -> None:
    """Delete files, those that are gone already among them."""
    for path in paths:
        try:
            os.unlink(path)
        except FileNotFoundError:
            continue
