# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Parquet files, folders of them, and Hugging Face datasets as they are saved to disk: flat rows or conversations."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any, TypeAlias

from imug_metrics._optional import require
from imug_metrics.formats.chats.conversation import conversation_records, messages_field
from imug_metrics.formats.common.image_sources import ImageSources
from imug_metrics.formats.common.place import Place
from imug_metrics.formats.protocol import Head, ReadOptions, RecordAt
from imug_metrics.formats.tables.rows import Rows
from imug_metrics.reading.files import Problems, inside, read_json
from imug_metrics.reading.text_files import decode

Labels: TypeAlias = "Mapping[str, list[str]]"

_PURPOSE = "A parquet or arrow file"
_PARQUET = b"PAR1"
_ARROW_FILE = b"ARROW1"
_ARROW_STREAM = b"\xff\xff\xff\xff"
_SUFFIXES = (".parquet", ".arrow")
_MAX_FILES = 10_000
_ROWS = 64  # read at a time: each may hold images


class ParquetReader:
    """Parquet and arrow files, folders of them, and datasets of the Hugging Face library saved to disk.

    Rows are flat, as in a table, or hold a conversation in a column of messages. Images may be paths, bytes, or
    structures of both, as that library stores them. Files of one folder are read in the order of their names.
    """

    name = "parquet"

    def recognises(self, head: Head) -> bool:
        """A file of these, or a folder that holds some."""
        if head.start:
            is_stream = head.start.startswith(_ARROW_STREAM) and head.path.suffix == ".arrow"
            return head.start.startswith((_PARQUET, _ARROW_FILE)) or is_stream
        return head.path.is_dir() and bool(_files(head.path, Problems()))

    def read(self, path: Path, options: ReadOptions, problems: Problems) -> Iterator[RecordAt]:
        """The records of each row; see `Rows` and `conversation_records`.

        Raises:
            ArgumentError: of `columns` or `path`, as for a table.
            ModuleNotFoundError: if pyarrow is not installed.
        """
        require("pyarrow", purpose=_PURPOSE, extra="formats")  # before anything is read
        root = path if path.is_dir() else path.parent
        files = _files(path, problems) if path.is_dir() else [path]
        sources, tables = ImageSources(options.images or root), dict[tuple[str, ...], Rows]()
        for file in files:
            for line, row in _rows(file, problems):
                if messages_field(row, options.columns) is not None:
                    found = conversation_records(row, Place(file, line, problems), options, sources)
                    yield from (record._replace(file=file) for record in found)
                    continue
                names = tuple(row)
                if names not in tables:
                    tables[names] = Rows(path, names, options, problems, sources=sources)
                if (record := tables[names].read(row, line, file)) is not None:
                    yield record
        for table in tables.values():
            table.end()


def _files(folder: Path, problems: Problems) -> list[Path]:
    """The files of a folder, of a dataset saved to disk, or of all its splits; in `data/` where there are none else."""
    splits = read_json(folder / "dataset_dict.json", problems) if (folder / "dataset_dict.json").is_file() else None
    if isinstance(splits, dict) and isinstance(splits.get("splits"), list):
        parts = [folder / name for name in splits["splits"] if isinstance(name, str)]
        found = [_split_files(part, folder, problems) for part in parts]
        for part, files in zip(parts, found):
            if not files:
                problems.error(part, None, "", "is a split of the dataset, and holds none of its files")
        return [file for files in found for file in files]
    return _split_files(folder, folder, problems) or _split_files(folder / "data", folder, problems)


def _split_files(folder: Path, root: Path, problems: Problems) -> list[Path]:
    """The files of one split, in the order of its state, else of their names."""
    state = read_json(folder / "state.json", problems) if (folder / "state.json").is_file() else None
    listed = state.get("_data_files") if isinstance(state, dict) else None
    if isinstance(listed, list):
        names = [entry.get("filename") for entry in listed if isinstance(entry, dict)]
        found = [folder / name for name in names if isinstance(name, str)]
    else:
        try:
            found = sorted(path for path in islice(folder.iterdir(), _MAX_FILES) if path.suffix in _SUFFIXES)
        except OSError:  # there is none
            return []
    files = []
    for path in found:
        if inside(path, root) is None:
            problems.error(path, None, "", f"expected a file inside {root}")
        else:
            files.append(path)
    return files


def _rows(path: Path, problems: Problems) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield (number from 1, row) of a file; where it is damaged, the rest is not read, which is told."""
    pa = require("pyarrow", purpose=_PURPOSE, extra="formats")
    number = 0
    try:
        with path.open("rb") as file:
            for batch in _batches(file, file.read(len(_PARQUET)) == _PARQUET):
                batch.validate(full=True)
                labels = _labels(batch.schema.metadata)
                for row in batch.to_pylist():
                    number += 1
                    yield number, {name: _label(value, labels.get(name)) for name, value in row.items()}
    except (pa.ArrowException, OSError, ValueError, OverflowError, RecursionError, MemoryError) as error:
        reason = (str(error) or type(error).__name__).partition("\n")[0][:200]
        problems.error(path, number + 1, "", f"could not be read, and nothing behind it: {reason}")


def _batches(file: Any, is_parquet: bool) -> Iterator[Any]:
    file.seek(0)
    if is_parquet:
        parquet = require("pyarrow.parquet", purpose=_PURPOSE, extra="formats")
        table = parquet.ParquetFile(file)
        left = table.metadata.num_rows
        for batch in table.iter_batches(batch_size=_ROWS):
            left -= batch.num_rows
            yield batch
        if left:  # of pages that are damaged nothing else may tell
            raise ValueError(f"{left} rows are missing")
        return
    pa = require("pyarrow", purpose=_PURPOSE, extra="formats")
    if file.read(len(_ARROW_FILE)) == _ARROW_FILE:
        file.seek(0)
        reader = pa.ipc.open_file(file)
        batches = (reader.get_batch(place) for place in range(reader.num_record_batches))
    else:
        file.seek(0)
        batches = iter(pa.ipc.open_stream(file))
    for batch in batches:
        batch.validate(full=True)
        yield from (batch.slice(begin, _ROWS) for begin in range(0, batch.num_rows, _ROWS))


def _labels(metadata: Mapping[bytes, bytes] | None) -> Labels:
    """The names of classes by column, where the Hugging Face library has noted them."""
    try:
        features = json.loads(decode((metadata or {}).get(b"huggingface", b"{}")))["info"]["features"]
        kinds = {name: kind for name, kind in features.items() if kind.get("_type") == "ClassLabel"}
        return {name: [*map(str, kind["names"])] for name, kind in kinds.items()}
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return {}


def _label(value: Any, names: list[str] | None) -> Any:
    """The name of a class in place of its number."""
    is_class = names is not None and isinstance(value, int) and 0 <= value < len(names)
    return names[value] if is_class and names is not None else value
