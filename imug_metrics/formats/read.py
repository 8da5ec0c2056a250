# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""A file of any format to records by model."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from imug_metrics.dialogues.record import Record
from imug_metrics.errors import ArgumentError
from imug_metrics.formats.common.cures import cure
from imug_metrics.formats.common.head import describe, read_head
from imug_metrics.formats.protocol import Head, Reader, ReadOptions, RecordAt, RecordsByModel
from imug_metrics.formats.readers import READERS
from imug_metrics.reading.fields import meant
from imug_metrics.reading.files import Problems, as_name

_UNFIT = re.compile(r"[/\\\x00-\x1f\x7f-\x9f\ud800-\udfff]")
_LONGEST_NAME = 50


def read_records(
    path: Path | str,
    *,
    format: str | Reader | None = None,
    columns: Mapping[str, str] | None = None,
    images: Path | str | None = None,
    benchmark: Path | str | None = None,
    model: str | None = None,
) -> RecordsByModel:
    """Read records from a file or folder of any known format, ready for `imug_metrics.evaluate`.

    Images stay where they are: a path, or the content of an image that the file holds itself. No image path leads out
    of the file's folder, or of `images`, and nothing is ever fetched from elsewhere.

    Args:
        path: the file or folder.
        format: the name of a reader, or a reader; None: found by the content.
        columns: by field of a record, or by `score.NAME`, `cost.NAME` or `group.NAME`, the column or key that holds it,
            where its name is not a usual one: `{"dialogue": "id", "turn": "t", "score": "s"}`.
        images: the folder that image paths of the file lie in; None: the file's own.
        benchmark: the folder of the questions, for outputs in the layout of IMUG-Bench.
        model: the name of the model, where the file does not say it; None: the file's name.

    Returns:
        Records by model. What was wrong is in its `problems`, with line and field; a turn that is there twice counts
        once, as it was first.

    Raises:
        ArgumentError: if the file cannot be opened, no reader knows it, or an argument is not as expected.
        ModuleNotFoundError: if a format needs a package that is not installed.

    Example:
        >>> import json, tempfile
        >>> import imug_metrics
        >>> said = [{"role": "user", "content": "Which? A. red B. blue", "target": "B"},
        ...         {"role": "assistant", "content": "(B)"}]
        >>> path = Path(tempfile.mkdtemp(), "mine.jsonl")
        >>> _ = path.write_text(json.dumps({"id": "a", "messages": said}))
        >>> records = imug_metrics.read_records(path)
        >>> records["mine"][0].prompt, records["mine"][0].text, records.format
        ('Which? A. red B. blue', '(B)', 'openai')
        >>> imug_metrics.evaluate(records).scores["mine"]["answer_accuracy"]
        1.0
    """
    path = Path(path)
    options = ReadOptions(dict(columns or {}), _folder(images, "images"), _folder(benchmark, "benchmark"), model)
    head = read_head(path, options.columns)
    reader = _found(head) if format is None else _named(format)
    problems = Problems()
    records = _by_model(reader.read(path, options, problems), model or _file_name(path), path, problems)
    if not records and not problems:
        problems.error(path, None, "", f"expected records in the format {reader.name}, found none")
    return RecordsByModel(records, format=reader.name, problems=problems)


def _folder(folder: Path | str | None, argument: str) -> Path | None:
    if folder is None:
        return None
    if not Path(folder).is_dir():
        raise ArgumentError(argument, f"expected a folder, got {folder}, which is none")
    return Path(folder)


def _named(format: str | Reader) -> Reader:
    if not isinstance(format, str):
        return format
    named = {reader.name: reader for reader in READERS}
    if format not in named:
        raise ArgumentError("format", f"expected one of {', '.join(named)}, got {format!r}{meant(format, named)}")
    return named[format]


def _found(head: Head) -> Reader:
    """The reader whose format this is.

    Raises:
        ArgumentError: if there is none, or more than one.
    """
    fitting = [reader for reader in READERS if reader.recognises(head)]
    if len(fitting) == 1:
        return fitting[0]
    if fitting:
        names = " and ".join(reader.name for reader in fitting)
        raise ArgumentError("format", f"{head.path} can be read as {names}: name one of them")
    known = f"known formats: {', '.join(reader.name for reader in READERS)}"
    told = "; ".join(part for part in (describe(head), cure(head), known) if part)
    raise ArgumentError("path", f"{head.path} is of no known format: found {told}")


def _file_name(path: Path) -> str:
    """The name of a model whose file this is."""
    whole = path.resolve()
    name = whole.name.removesuffix(".gz")
    return _plain_name(name if whole.is_dir() else Path(name).stem) or "model"


def _plain_name(name: str) -> str | None:
    """A model's name as one that files can have, for it names files: "org/model" is "org_model"."""
    return as_name(_UNFIT.sub("_", name)[:_LONGEST_NAME].strip())


def _by_model(rows: Iterable[RecordAt], model: str, path: Path, problems: Problems) -> dict[str, list[Record]]:
    """Records by model; a turn that is there again is left out, and told."""
    found: dict[str, dict[tuple[str, int], Record]] = {}
    for record, line, named, file in rows:
        turns = found.setdefault((named and _plain_name(named)) or model, {})
        first = turns.setdefault((record.dialogue, record.turn), record)
        if first is record:
            continue
        where = f"dialogue {record.dialogue[:80]!r}, turn {record.turn}"
        if first == record:
            problems.warn(file or path, line, "", f"{where} is there again, and the same: it counts once")
        else:
            again = "where rows are of several models, say by `columns` model=..."
            problems.error(file or path, line, "", f"{where} is there again, and differs: the first counts; {again}")
    return {name: list(turns.values()) for name, turns in found.items()}
