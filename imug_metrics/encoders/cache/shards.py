# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Files of rows: rows of equal type and shape are stacked into one tensor of a safetensors file."""

from __future__ import annotations

import hashlib
import json
import math
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import torch
from safetensors.torch import save
from torch import Tensor

from imug_metrics.encoders.cache.memory import Key

_DTYPES = {"F16": torch.float16, "BF16": torch.bfloat16, "F32": torch.float32, "F64": torch.float64}
_HEADER_BYTES = 2**20  # far more than a header takes: a damaged length must not fill the memory


class Location(NamedTuple):
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


def write_shard(path: Path, rows: Mapping[Key, Tensor]) -> dict[Key, Location]:
    """Write rows to a file, under a name that begins with a dot until it is whole.

    Returns:
        The rows' locations in the shard, which has that name without the dot.
    """
    groups: dict[tuple[object, ...], list[Key]] = {}
    for key, row in rows.items():
        groups.setdefault((row.dtype, row.shape), []).append(key)
    parts = {str(part): torch.stack([rows[key] for key in keys]) for part, keys in enumerate(groups.values())}
    path.write_bytes(save(parts))
    return {
        key: Location(path.name[1:], str(part), number, checksum(key, rows[key]))
        for part, keys in enumerate(groups.values())
        for number, key in enumerate(keys)
    }


def read_shard(path: Path, locations: Mapping[Key, Location]) -> dict[Key, Tensor]:
    """The rows of a shard that are as they were written.

    Only they are read, for in a shuffled epoch each is in another shard. The file is not mapped: one that is cut off
    while it is read must not end the process.
    """
    found = {}
    try:
        with path.open("rb") as file:
            start = int.from_bytes(file.read(8), "little")
            parts = json.loads(file.read(min(start, _HEADER_BYTES)))
            for key, location in locations.items():
                row = _row(file, 8 + start, parts[location.part], location.number)
                if checksum(key, row) == location.checksum:
                    found[key] = row
    except Exception:  # a damaged file makes its reader raise nearly anything
        return found
    return found


def _row(file: BinaryIO, start: int, part: Mapping[str, Any], number: int) -> Tensor:
    """One row of a tensor in the format of safetensors: numbers in order, from an offset that the header names."""
    dtype, shape = _DTYPES[part["dtype"]], part["shape"][1:]
    size = math.prod(shape) * dtype.itemsize
    file.seek(start + part["data_offsets"][0] + number * size)
    return torch.frombuffer(bytearray(file.read(size)), dtype=dtype).view(shape)


def remove(paths: Iterable[Path]) -> None:
    """Delete files, those that are gone already among them."""
    for path in paths:
        try:
            os.unlink(path)
        except FileNotFoundError:
            continue
