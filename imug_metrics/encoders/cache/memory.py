# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Rows in memory, up to a number of bytes."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from torch import Tensor

ROW_BYTES = 768
"""What a row takes besides its numbers: key, tensor and table entries (measured: 200 to 750)."""


class Key(NamedTuple):
    """What a row is of.

    Attributes:
        fingerprint: of the encoder that made it.
        kind: `"image"`, `"text"` or `"pixels"`.
        digest: of the content, 16 bytes.
    """

    fingerprint: str
    kind: str
    digest: bytes


class MemoryCache:
    """Rows by key; the least recently used are evicted first.

    Args:
        limit: bytes that are kept, 768 a row included; 0 for none.

    Raises:
        ValueError: if `limit` is negative.

    Example:
        >>> import torch
        >>> cache = MemoryCache(limit=2000)
        >>> keys = [Key("model", "text", bytes([n])) for n in range(3)]
        >>> for key in keys:
        ...     cache.put({key: torch.zeros(2)})  # 8 bytes and 768
        >>> [key in cache.get(keys) for key in keys], cache.bytes
        ([False, True, True], 1552)
    """

    def __init__(self, limit: int) -> None:
        if limit < 0:
            raise ValueError(f"Expected argument `limit` to be >= 0, got {limit}.")
        self.limit, self.bytes = limit, 0
        self._rows: OrderedDict[Key, Tensor] = OrderedDict()

    def __len__(self) -> int:
        """Number of rows."""
        return len(self._rows)

    def get(self, keys: Iterable[Key]) -> dict[Key, Tensor]:
        """The rows that are there."""
        found = {}
        for key in keys:
            row = self._rows.get(key)
            if row is not None:
                self._rows.move_to_end(key)
                found[key] = row
        return found

    def put(self, rows: Mapping[Key, Tensor]) -> None:
        """Store rows, and evict old ones for which there is no more room."""
        for key, row in rows.items():
            self._evict(key)
            self._rows[key] = row
            self.bytes += row.nbytes + ROW_BYTES
        while self.bytes > self.limit:
            self._evict(next(iter(self._rows)))

    def _evict(self, key: Key) -> None:
        row = self._rows.pop(key, None)
        self.bytes -= 0 if row is None else row.nbytes + ROW_BYTES
