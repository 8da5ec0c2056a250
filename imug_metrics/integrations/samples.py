# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""What harnesses have in common: a sample as a record, and records as the scores of all metrics by name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import fields
from typing import Any

from imug_metrics.dialogues.record import GROUPS, Record
from imug_metrics.errors import ArgumentError
from imug_metrics.metrics.answers.answer_accuracy import AnswerAccuracy
from imug_metrics.suite import Given, ImugSuite

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


def check_place(sample: Mapping[str, Any], where: str) -> None:
    """Look whether a sample says its dialogue and turn, see `sample_record`.

    Raises:
        ArgumentError: if it does not.
    """
    for name in ("dialogue", "turn"):
        if sample.get(name) is None:
            told = "let the task write there which `dialogue` a sample is of, and which `turn` of it, from 1"
            raise ArgumentError(name, f"expected in {where}: {told}")


def score_records(records: Iterable[Record], metrics: Given | None = None, *, encoder: Any = None) -> dict[str, float]:
    """All scores of records, by name.

    Args:
        records: of one model, in any order.
        metrics: as `ImugSuite` takes them; None: `AnswerAccuracy(detail=True)`. They are not changed.
        encoder: as `ImugSuite` takes it; image turns need one.

    Example:
        >>> records = [Record("a", turn, "text", "Which?", text=text, target="B") for turn, text in enumerate("BA", 1)]
        >>> score_records(records)["answer_accuracy"]
        0.5
    """
    given = [AnswerAccuracy(detail=True)] if metrics is None else metrics
    suite = ImugSuite(given, encoder=encoder).clone()
    suite.reset()
    suite.update(list(records))
    return suite.compute()
