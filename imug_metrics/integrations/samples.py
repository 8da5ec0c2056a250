# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""A harness's sample as records: its fields by name, or its messages by the rules that finished logs are read by."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

from imug_metrics.dialogues.record import GROUPS, Record
from imug_metrics.errors import ArgumentError
from imug_metrics.formats.common.image_sources import ImageSources
from imug_metrics.formats.common.place import Place
from imug_metrics.formats.inspect_sample import names_dialogue, sample_records, turn_column
from imug_metrics.formats.protocol import ReadOptions, RecordAt
from imug_metrics.reading.files import Problems

Messages = Sequence[Mapping[str, Any]]

_FIELDS = frozenset(field.name for field in fields(Record)) - {"attempted"}


def sample_record(sample: Mapping[str, Any], *, where: str, **known: Any) -> Record:
    """The record of a sample.

    Args:
        sample: what the task wrote of it: `dialogue` and `turn`, and whatever else a record holds under its name;
            `class`, `domain`, `subdomain` and `difficulty` are groups. Other keys are left alone.
        where: the place of these, as an error should call it, such as "metadata of sample 7".
        known: fields that the harness itself knows, such as `text` and `target`; they come before those of the sample.

    Raises:
        ArgumentError: if the sample does not say its dialogue and turn.
        InputError: if a field is not as a record wants it.

    Example:
        >>> record = sample_record({"dialogue": "a", "turn": 2, "class": "cup"}, where="doc", text="B", target="B")
        >>> record.dialogue, record.turn, record.modality, record.text, dict(record.groups)
        ('a', 2, 'text', 'B', {'class': 'cup'})
        >>> sample_record({"dialogue": "a"}, where="the metadata of sample 7", text="B")
        Traceback (most recent call last):
        imug_metrics.errors.ArgumentError: Argument `turn`: expected in the metadata of sample 7: let the task write
        there which `dialogue` a sample is of, and which `turn` of it, from 1
    """
    given = {name: value for name, value in {**sample, **known}.items() if value is not None}
    check_place(given, where)
    groups = {name: str(given[name]) for name in GROUPS if isinstance(given.get(name), (str, int))}
    groups |= dict(given.get("groups") or {})
    fit = {name: value for name, value in given.items() if name in _FIELDS}
    modality = "image" if "image" in fit and "text" not in fit else "text"
    return Record(**{"modality": modality, "prompt": "", **fit, "groups": groups})


def turn_record(
    metadata: Mapping[str, Any], messages: Messages, *, target: str | None, choices: Any = None, where: str
) -> Record:
    """The record of a sample that is one turn: the last message of the user and what follows; the rest is history.

    Args:
        metadata: what the task wrote of it, `dialogue` and `turn` among it.
        messages: with `role` and `content`, in their order.
        target: the key; None: there is none.
        choices: letters, texts, or texts by letter; None: those that the question lists.
        where: what messages call the sample, such as "sample 7".

    Raises:
        ArgumentError: if the metadata do not say the dialogue and the turn, or the sample is no turn.

    Example:
        >>> said = [{"role": "user", "content": "Which? A. red B. blue"}, {"role": "assistant", "content": "The red."}]
        >>> record = turn_record({"dialogue": "a", "turn": 2}, said, target="A", where="sample 7")
        >>> record.turn, record.text, record.target, record.options
        (2, 'The red.', 'A', {'A': 'red', 'B': 'blue'})
        >>> turn_record({"dialogue": "a"}, said, target="A", where="sample 7")
        Traceback (most recent call last):
        imug_metrics.errors.ArgumentError: Argument `turn`: expected in the metadata of sample 7: let the task write
        there which `dialogue` a sample is of, and which `turn` of it, from 1
    """
    check_place(metadata, f"the metadata of {where}")
    sample = {"metadata": metadata, "messages": messages, "target": target, "choices": choices}
    return checked_records(_reader(sample), where)[0]


def dialogue_records(metadata: Mapping[str, Any], messages: Messages, *, where: str) -> list[Record]:
    """The records of a sample that is a whole dialogue, one for each turn.

    Args:
        metadata: what the task wrote of it: `dialogue`, and the keys as a list `target` of one entry for each turn.
            Turns that have a key and were not come to are absent.
        messages: with `role` and `content`, in their order.
        where: what messages call the sample, such as "sample 7".

    Raises:
        ArgumentError: if the metadata do not say the dialogue, or there are no turns.

    Example:
        >>> said = [{"role": "user", "content": "Which?"}, {"role": "assistant", "content": "B"}]
        >>> [record] = dialogue_records({"dialogue": "a", "target": ["A"]}, said, where="sample 7")
        >>> record.dialogue, record.turn, record.text, record.target
        ('a', 1, 'B', 'A')
    """
    check_place(metadata, f"the metadata of {where}", whole=True)
    known = {name: value for name, value in metadata.items() if name != "turn"}
    return checked_records(_reader({"metadata": known, "messages": messages, "target": known.get("target")}), where)


def read_sample(sample: Mapping[str, Any], images: Path | None = None) -> tuple[list[Record], list[str]]:
    """The records of a sample, as the reader of logs gives them, and what is wrong with them.

    Args:
        sample: as a log holds it.
        images: the folder in which its model leaves images; None: paths are no images.

    Raises:
        ArgumentError: if the sample does not say its place, or cannot be read.

    Example:
        >>> said = [{"role": "user", "content": "Which?"}, {"role": "assistant", "content": "B"}]
        >>> sample = {"id": 7, "messages": said, "target": "B", "metadata": {"dialogue": "a", "turn": 2}}
        >>> [record], problems = read_sample(sample)
        >>> record.dialogue, record.turn, record.text, record.target, problems
        ('a', 2, 'B', 'B', [])
        >>> read_sample({**sample, "metadata": {}})
        Traceback (most recent call last):
        imug_metrics.errors.ArgumentError: Argument `dialogue`: expected in the metadata of sample 7: let the task write
        there which `dialogue` a sample is of, and which `turn` of it, from 1
    """
    where = f"sample {sample.get('id')}"
    found = _read(_reader(sample, images), where)
    metadata = sample.get("metadata") or {}
    if not names_dialogue(metadata, {}) and (len(found[0]) < 2 or turn_column(metadata, {}) is not None):
        check_place(metadata, f"the metadata of {where}")
    return found


def checked_records(read: Callable[[Place], Iterable[RecordAt]], where: str) -> list[Record]:
    """The records that a reader gives of a sample, with a warning of what is odd in them.

    Args:
        read: gives the records, and tells a place what is wrong.
        where: what messages call the sample, such as "sample 7".

    Raises:
        ArgumentError: if there are none.
    """
    records, problems = _read(read, where)
    for problem in problems:
        warnings.warn(problem, stacklevel=3)
    return records


def check_place(sample: Mapping[str, Any], where: str, *, whole: bool = False) -> None:
    """Look whether a sample says its dialogue, and unless it is a whole one its turn; see `sample_record`.

    Raises:
        ArgumentError: if it does not.
    """
    for name in ("dialogue",) if whole else ("dialogue", "turn"):
        if sample.get(name) is None:
            told = "let the task write there which `dialogue` a sample is of, and which `turn` of it, from 1"
            raise ArgumentError(name, f"expected in {where}: {told}")


def _reader(sample: Mapping[str, Any], images: Path | None = None) -> Callable[[Place], Iterable[RecordAt]]:
    """Reads a sample as a log would hold it."""
    return lambda place: sample_records(sample, place, ReadOptions(), ImageSources(images))


def _read(read: Callable[[Place], Iterable[RecordAt]], where: str) -> tuple[list[Record], list[str]]:
    """The records that a reader gives, at least one, and what is wrong with them."""
    place = Place(Path(where), None, Problems())
    records = [found.record for found in read(place)]
    problems = [str(problem) for problem in place.problems]
    if not records:
        raise ArgumentError("sample", problems[0] if problems else f"expected turns in {where}, found none")
    return records, problems
