# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""The messages of a sample as records, by the rules that finished logs are read by."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from imug_metrics.dialogues.record import Record
from imug_metrics.errors import ArgumentError
from imug_metrics.formats.common.image_sources import ImageSources
from imug_metrics.formats.common.place import Place
from imug_metrics.formats.inspect_sample import sample_records
from imug_metrics.formats.protocol import ReadOptions
from imug_metrics.reading.files import Problems

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


def _records(sample: Mapping[str, Any], where: str) -> list[Record]:
    """The records, with a warning of what is odd in them."""
    place = Place(Path(where), None, Problems())
    records = [found.record for found in sample_records(sample, place, ReadOptions(), ImageSources(None))]
    if not records:
        raise ArgumentError("messages", str(place.problems[0]))
    for problem in place.problems:
        warnings.warn(str(problem), stacklevel=3)
    return records
