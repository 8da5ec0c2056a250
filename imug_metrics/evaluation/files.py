# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Own data in files of any known format: one call to records of one model or several, ready to be scored."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from imug_metrics.dialogues.record import Record
from imug_metrics.errors import ArgumentError
from imug_metrics.evaluation.inputs import CHOICES
from imug_metrics.evaluation.settings import join_names
from imug_metrics.formats import Reader, RecordsByModel, read_records, write_records
from imug_metrics.functional.answers.answer_accuracy import Kind
from imug_metrics.reading.fields import meant
from imug_metrics.reading.files import Problems
from imug_metrics.suite.answers import with_key, with_word_key


def read_files(
    files: Sequence[Path],
    *,
    format: str | Reader | None = None,
    columns: Mapping[str, str] | None = None,
    images: Path | None = None,
    benchmark: Path | None = None,
    models: Sequence[str] = (),
) -> RecordsByModel:
    """Records of several files by model. Where a file does not name its model, the model has the file's name.

    Args:
        files: files or folders, as `read_records` takes them.
        format, columns, images, benchmark: of every file, as for `read_records`.
        models: names of those to keep; none: all. One name is that of a model that the files do not name.

    Returns:
        Records by model, in the order of the files; `format` names all formats, `problems` has those of all files.

    Raises:
        ArgumentError: if a file cannot be read, holds no record, or holds a turn that another holds as well.
    """
    found: dict[str, list[Record]] = {}
    problems, formats = Problems(), list[str]()
    came_from: dict[tuple[str, str, int], Path] = {}
    for file, name in zip(files, _names(files, models), strict=True):
        read = read_records(file, format=format, columns=columns, images=images, benchmark=benchmark, model=name)
        problems += read.problems
        formats.append(read.format)
        if not any(read.values()):
            raise ArgumentError("path", f"found no record in {file}{read.problems.first_error(file)}")
        for model, records in read.items():
            for record in records:
                _check_once(came_from, (model, record.dialogue, record.turn), file)
            found.setdefault(model, []).extend(records)
    return RecordsByModel(_chosen(found, models), format=", ".join(dict.fromkeys(formats)), problems=problems)


def convert_file(
    file: Path,
    out: Path,
    *,
    format: str | Reader | None = None,
    columns: Mapping[str, str] | None = None,
    images: Path | None = None,
    benchmark: Path | None = None,
    models: Sequence[str] = (),
) -> RecordsByModel:
    """Write the records of a file of any known format as chat JSON lines, with the images beside them.

    Args:
        file: file or folder, as `read_records` takes it.
        out: the file that is written.
        format, columns, images, benchmark, models: as for `read_files`.

    Returns:
        What was written. An image that is no file is told in its `problems` and left out.

    Raises:
        ArgumentError: if the file cannot be read or holds no record, or `out` is the file or a folder.
        OSError: if a file cannot be written.
    """
    if out.is_dir():
        raise ArgumentError("out", f"expected a file, such as {out / 'chat.jsonl'}, got the folder {out}")
    if out.resolve() == file.resolve() or (file.is_dir() and out.resolve().is_relative_to(file.resolve())):
        raise ArgumentError("out", f"expected a place outside of {file}, which is read")
    found = read_files([file], format=format, columns=columns, images=images, benchmark=benchmark, models=models)
    for model, records in found.items():
        found[model] = [_with_files(record, file, found.problems) for record in records]
    out.parent.mkdir(parents=True, exist_ok=True)
    write_records(found, out)
    return found


def check_scorable(found: RecordsByModel, files: Sequence[Path], *, encoder: bool) -> None:
    """Raise where no score can come of records, however complete they are.

    Args:
        found: the records.
        files: where they come from.
        encoder: whether there is one for images.

    Raises:
        ArgumentError: it says what lacks.
    """
    every = [record for records in found.values() for record in records]
    images = any(record.image is not None for record in every)
    if any(record.scores or record.target is not None for record in every) or (images and encoder):
        return
    shown = join_names([str(file) for file in files])
    if images:
        raise ArgumentError("encoder", f"expected one, as {shown} holds images and nothing else to score: {CHOICES}")
    cure = "name the column of the keys, as in target=answer, or of scores, as in score=s or score.judge=j"
    first = next(iter(found.problems), None)  # often a warning: the key that was not read stands there
    cure += "" if first is None else f"; of {len(found.problems)} problems the first: {first}"
    raise ArgumentError("columns", f"found no key, no score and no image in {shown}, so nothing to score: {cure}")


def key_fault(found: RecordsByModel, kind: Kind) -> str | None:
    """How many keys cannot be what answers are compared with, and the first of them; None where all can.

    Args:
        found: the records.
        kind: of answers, as in `AnswerAccuracy`.
    """
    keyed = [record for records in found.values() for record in with_word_key(records)]
    if kind == "choice":
        usable, wanted = with_key(keyed, "strict"), "name no option of their question"
    else:
        usable, wanted = with_word_key(keyed, "." if kind == "numeric" else None), "hold no number"
    known = set(map(id, usable))
    left = [record for record in keyed if id(record) not in known]
    if not left:
        return None
    first = f"the first is {left[0].target!r:.80} of dialogue {left[0].dialogue!r:.80}, turn {left[0].turn}"
    return f"{len(left)} of {len(keyed)} keys {wanted}, so their turns are not scored: {first}"


def _names(files: Sequence[Path], models: Sequence[str]) -> list[str | None]:
    """What the model of each file is called where the file does not say it: None: by the file's name."""
    if len(models) == 1:
        return [models[0]] * len(files)
    stems = [file.resolve().stem for file in files]
    names = [
        f"{file.resolve().parent.name}_{stem}" if stems.count(stem) > 1 else None for file, stem in zip(files, stems)
    ]
    again = [file for file, name in zip(files, names) if name is not None and names.count(name) > 1]
    if again:
        raise ArgumentError("path", f"expected files of different names, got {again[0]} and {again[1]}")
    return names


def _check_once(came_from: dict[tuple[str, str, int], Path], place: tuple[str, str, int], file: Path) -> None:
    first = came_from.setdefault(place, file)
    if first is not file:
        model, dialogue, turn = place
        message = f"{first} and {file} both hold turn {turn} of dialogue {dialogue[:80]!r} of the model {model!r}"
        raise ArgumentError("path", f"{message}: score them one at a time")


def _chosen(found: dict[str, list[Record]], models: Sequence[str]) -> dict[str, list[Record]]:
    for name in models:
        if name not in found:
            hint = meant(name, found)
            raise ArgumentError("model", f"expected one of the models ({join_names(list(found))}), got {name!r}{hint}")
    return {name: found[name] for name in dict.fromkeys(models or found)}


def _with_files(record: Record, file: Path, problems: Problems) -> Record:
    """The record without images that are not there."""
    absent: dict[str, Any] = {}
    for name in ("image", "reference", "mask"):
        image = getattr(record, name)
        if isinstance(image, Path) and not image.is_file():
            where = f"dialogue {record.dialogue[:80]!r}, turn {record.turn}: {name}"
            problems.error(file, None, where, f"{image} is no file: it is left out")
            absent[name] = None
    return replace(record, **absent) if absent else record
