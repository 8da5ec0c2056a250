# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""The messages of a sample as records, by the rules that finished logs are read by."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from imug_metrics.dialogues.record import Record
from imug_metrics.errors import ArgumentError
from imug_metrics.formats.common.image_sources import ImageSources
from imug_metrics.formats.common.place import Place
from imug_metrics.formats.inspect_sample import sample_records
from imug_metrics.formats.protocol import ReadOptions, RecordAt
from imug_metrics.functional.answers.answer_accuracy import Kind, answer_accuracy
from imug_metrics.reading.files import Problems
from imug_metrics.reading.options import DEFAULT_OPTIONS

Messages = Sequence[Mapping[str, Any]]


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
    _check(metadata, ("dialogue", "turn"), where)
    return _records({"metadata": metadata, "messages": messages, "target": target, "choices": choices}, where)[0]


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
    _check(metadata, ("dialogue",), where)
    known = {name: value for name, value in metadata.items() if name != "turn"}
    return _records({"metadata": known, "messages": messages, "target": known.get("target")}, where)


def _check(metadata: Mapping[str, Any], names: Sequence[str], where: str) -> None:
    for name in names:
        if metadata.get(name) is None:
            told = "let the task write there which `dialogue` a sample is of, and which `turn` of it, from 1"
            raise ArgumentError(name, f"expected in the metadata of {where}: {told}")


def answer_scores(records: Sequence[Record], kind: Kind) -> list[float]:
    """What the answers of records score, each by its own key and options; see `answer_accuracy`.

    Example:
        >>> answer_scores([Record("a", 1, "text", "Which?", text="B", target="B")], "choice")
        [1.0]
    """
    texts, keys = [record.text for record in records], [record.target for record in records]
    options = [record.options or DEFAULT_OPTIONS for record in records] if kind == "choice" else DEFAULT_OPTIONS
    scores: list[float] = answer_accuracy(texts, keys, kind=kind, options=options, reduction="none").tolist()
    return scores


def checked_records(read: Callable[[Place], Iterable[RecordAt]], where: str) -> list[Record]:
    """The records that a reader gives of a sample, with a warning of what is odd in them.

    Args:
        read: gives the records, and tells a place what is wrong.
        where: what messages call the sample, such as "sample 7".

    Raises:
        ArgumentError: if there are none.
    """
    place = Place(Path(where), None, Problems())
    records = [found.record for found in read(place)]
    if not records:
        raise ArgumentError("sample", str(place.problems[0]))
    for problem in place.problems:
        warnings.warn(str(problem), stacklevel=3)
    return records


def _records(sample: Mapping[str, Any], where: str) -> list[Record]:
    return checked_records(lambda place: sample_records(sample, place, ReadOptions(), ImageSources(None)), where)
