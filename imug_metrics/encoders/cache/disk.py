# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Rows on disk: safetensors shards and an index in SQLite, shared by any number of processes."""

from __future__ import annotations

import json
import os
import sqlite3
import time
import uuid
from collections.abc import Collection, Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import NamedTuple

import torch
from safetensors.torch import save_file
from torch import Tensor

from imug_metrics.encoders.cache.memory import Key
from imug_metrics.encoders.cache.shards import Location, read_shard, remove, write_shard

_INDEX = "index.sqlite"
_SECONDS_TO_WAIT = 60.0  # for another process's transaction; one takes milliseconds
_SECONDS_OF_A_WRITE = 3600.0  # a temporary file older than this was left by a process that died
_TABLE = """
BEGIN IMMEDIATE;
CREATE TABLE IF NOT EXISTS rows (
    fingerprint TEXT, kind TEXT, digest BLOB, shard TEXT, part TEXT, number INTEGER, checksum BLOB, bytes INTEGER,
    PRIMARY KEY (fingerprint, kind, digest)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS shards ON rows (shard);
COMMIT;
"""


class CacheUsage(NamedTuple):
    """Number and bytes of the rows of one encoder and kind."""

    fingerprint: str
    kind: str
    rows: int
    bytes: int


class DiskCache:
    """Rows by key in a folder.

    A row is in the index only after its shard is whole, and every row is checked by its checksum when it is read: a
    process that is killed while it writes loses what it was writing and nothing else. A row that fails the check, or
    whose shard is gone, is dropped and reads as absent. Processes may read, write and clear one folder at once; it
    should be on a local disk, because SQLite relies on file locks.

    Args:
        folder: made where it does not exist.

    Example:
        >>> import tempfile
        >>> key = Key("model", "text", b"a red star")
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     DiskCache(folder).put({key: torch.ones(2)})
        ...     DiskCache(folder).get([key])[key]  # in any process
        tensor([1., 1.])
    """

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        self.folder = Path(folder)
        self.shards = self.folder / "shards"
        self.shards.mkdir(parents=True, exist_ok=True)

    @staticmethod
    def is_at(folder: str | os.PathLike[str]) -> bool:
        """Whether the folder is that of a cache."""
        return (Path(folder) / _INDEX).is_file()

    def get(self, keys: Collection[Key]) -> dict[Key, Tensor]:
        """The rows that are there and intact; damaged ones are dropped."""
        locations = self._locations(keys)
        by_shard: dict[str, dict[Key, Location]] = {}
        for key, location in locations.items():
            by_shard.setdefault(location.shard, {})[key] = location
        found: dict[Key, Tensor] = {}
        for shard, wanted in by_shard.items():
            found |= read_shard(self.shards / shard, wanted)
        damaged = {key: location for key, location in locations.items() if key not in found}
        if damaged:
            with self._writing() as index:
                # by shard as well: another process may have written the row anew
                gone = [(*key, location.shard) for key, location in damaged.items()]
                index.executemany("DELETE FROM rows WHERE fingerprint=? AND kind=? AND digest=? AND shard=?", gone)
        return found

    def put(self, rows: Mapping[Key, Tensor]) -> None:
        """Store rows, on the CPU; a key that is there already stays as it is."""
        if not rows:
            return
        path = self.shards / f".{uuid.uuid4().hex}.safetensors"
        try:
            locations = write_shard(path, rows)
            # Within the transaction, so that nobody who clears takes the shard for one that no row needs.
            with self._writing() as index:
                shard = self.shards / path.name[1:]
                os.replace(path, shard)
                entries = [(*key, *location, rows[key].nbytes) for key, location in locations.items()]
                query = "INSERT OR IGNORE INTO rows VALUES (?,?,?,?,?,?,?,?)"
                if not index.executemany(query, entries).rowcount:  # another process was faster
                    remove([shard])
        finally:
            remove([path])

    def usage(self) -> list[CacheUsage]:
        """Number and bytes of rows, by encoder and kind."""
        with self._reading() as index:
            query = "SELECT fingerprint, kind, COUNT(*), SUM(bytes) FROM rows GROUP BY fingerprint, kind"
            return [CacheUsage(*entry) for entry in index.execute(query)]

    def clear(self, fingerprint: str | None = None) -> int:
        """Forget the rows of one encoder, or all; remove files that no row needs.

        Returns:
            The number of rows forgotten.
        """
        with self._writing() as index:
            if fingerprint is None:
                count = index.execute("DELETE FROM rows").rowcount
            else:
                count = index.execute("DELETE FROM rows WHERE fingerprint=?", (fingerprint,)).rowcount
            needed = {shard for (shard,) in index.execute("SELECT DISTINCT shard FROM rows")}
            remove(path for path in self._files() if path.name not in needed)
        return count

    def export(self, path: str | os.PathLike[str], fingerprint: str | None = None) -> int:
        """Write intact rows into one safetensors file.

        Each encoder and kind is one tensor `[N, D]`, named `<fingerprint>/<kind>`; the metadata hold the digests of its
        rows, in hexadecimal digits, as a JSON list under the same name.

        Args:
            path: the file.
            fingerprint: the encoder; None: all.

        Returns:
            The number of rows written.
        """
        tensors, digests, count = {}, {}, 0
        for part in self.usage():
            if fingerprint in (None, part.fingerprint):
                rows = self.get(self._keys(part.fingerprint, part.kind))
                name = f"{part.fingerprint}/{part.kind}"
                if rows:
                    tensors[name] = torch.stack(list(rows.values()))
                    digests[name] = json.dumps([key.digest.hex() for key in rows])
                    count += len(rows)
        unfinished = Path(path).with_name(f".{Path(path).name}.{uuid.uuid4().hex}")
        try:
            save_file(tensors, unfinished, metadata=digests)
            os.replace(unfinished, path)
        finally:
            remove([unfinished])
        return count

    def _keys(self, fingerprint: str, kind: str) -> list[Key]:
        with self._reading() as index:
            query = "SELECT digest FROM rows WHERE fingerprint=? AND kind=? ORDER BY shard, part, number"
            return [Key(fingerprint, kind, digest) for (digest,) in index.execute(query, (fingerprint, kind))]

    def _locations(self, keys: Collection[Key]) -> dict[Key, Location]:
        with self._reading() as index:
            index.execute("CREATE TEMP TABLE wanted (fingerprint TEXT, kind TEXT, digest BLOB)")
            index.executemany("INSERT INTO wanted VALUES (?,?,?)", keys)
            query = (
                "SELECT fingerprint, kind, digest, shard, part, number, checksum"
                " FROM wanted CROSS JOIN rows USING (fingerprint, kind, digest)"
            )
            return {Key(*row[:3]): Location(*row[3:]) for row in index.execute(query)}

    def _files(self) -> Iterator[Path]:
        """Shards, and temporary files that no living process can still be writing."""
        oldest = time.time() - _SECONDS_OF_A_WRITE
        for entry in os.scandir(self.shards):
            if not entry.name.startswith(".") or entry.stat().st_mtime < oldest:
                yield Path(entry.path)

    @contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
        # A connection an operation: one that is kept could be used neither after a fork nor in another thread.
        path = self.folder / _INDEX
        try:
            with closing(sqlite3.connect(path, timeout=_SECONDS_TO_WAIT, isolation_level=None)) as index:
                # Nothing waits for the disk: that would be most of the time, and only a power failure can tell.
                index.execute("PRAGMA synchronous=OFF")
                if not index.execute("SELECT 1 FROM sqlite_master WHERE name='shards'").fetchone():
                    index.executescript(_TABLE)
                yield index
        except sqlite3.OperationalError:  # locked, no permission, no space: the file itself is in order
            raise
        except sqlite3.DatabaseError:  # damaged: begin anew, the rows will be made again
            os.replace(path, self.folder / f"damaged-{uuid.uuid4().hex}.sqlite")
            remove([self.folder / f"{_INDEX}-journal"])
            raise

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        """A transaction during which no other process can write; undone when the block raises."""
        with self._reading() as index, index:
            index.execute("BEGIN IMMEDIATE")
            yield index
