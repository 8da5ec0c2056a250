# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Which text turns have a key, and what their answers score under either protocol."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Literal

import torch
from torch import Tensor

from imug_metrics import functional
from imug_metrics.dialogues.record import FAILED, Record
from imug_metrics.functional.answers.choice_score import choice_mask, choice_readings, choice_score, reading_mask
from imug_metrics.reading.choice import ChoiceReading
from imug_metrics.reading.figures import Decimal
from imug_metrics.reading.numbers import parse_number
from imug_metrics.reading.options import Options

KEYED: Mapping[str, Decimal | None] = {
    **dict.fromkeys(("answers_exact", "answers_f1")),
    "answers_numeric": ".",
    "answers_numeric_comma": ",",
}
"""Of routes whose keys are words or numbers, not options: the decimal separator where keys have to be numbers."""


def with_word_key(records: Sequence[Record], decimal: Decimal | None = None) -> list[Record]:
    """The text turns that have a key of words, or with a decimal separator one that holds a number.

    Example:
        >>> turns = [Record("a", t, "text", "How many?", target=key) for t, key in enumerate(("two", "2", None), 1)]
        >>> len(with_word_key(turns)), len(with_word_key(turns, "."))
        (2, 1)
    """
    texts = with_key(records, "imug")
    if decimal is None:
        return texts
    return [record for record in texts if parse_number(str(record.target), decimal=decimal) is not None]


def with_key(records: Sequence[Record], protocol: Literal["strict", "imug"]) -> list[Record]:
    """The text turns that have a key: under protocol "strict" one that names an option, under "imug" any.

    Example:
        >>> keys = ("A", "none", None)
        >>> turns = [Record("a", t + 1, "text", "Which?", target=key) for t, key in enumerate(keys)]
        >>> len(with_key(turns, "strict")), len(with_key(turns, "imug"))
        (1, 2)
    """
    texts = [record for record in records if record.modality == "text" and record.target is not None]
    if protocol == "imug":
        return texts
    named = choice_mask([record.target for record in texts], options=options_of(texts)).tolist()
    return [record for record, options in zip(texts, named, strict=True) if options]


def answer_values(records: Sequence[Record], protocol: Literal["strict", "imug"]) -> Tensor:
    """Scores `[N]` of text turns with a key, in [0, 1]; NaN where the protocol calls the answer absent (see `Record`).

    Example:
        >>> said = [Record("a", t + 1, "text", "Which?", text=text, target="A") for t, text in enumerate(("(A)", None))]
        >>> answer_values(said, "strict"), answer_values(said, "imug")
        (tensor([1., nan], dtype=torch.float64), tensor([0.5000, 0.0000], dtype=torch.float64))
    """
    if protocol == "strict":
        return scored_readings(records, answer_readings(records))
    there = [record.attempted for record in records]
    answers, keys = [record.text for record in records], [str(record.target) for record in records]
    values = functional.answer_accuracy(answers, keys, kind="choice", protocol=protocol, reduction="none")
    return values.masked_fill(~torch.tensor(there, dtype=torch.bool), math.nan)


def answer_readings(records: Sequence[Record]) -> list[ChoiceReading | None]:
    """What the answer of each text turn is read as under protocol "strict"; None where it is absent.

    Example:
        >>> texts = ("(A)", "C", None)
        >>> said = [Record("a", t + 1, "text", "Which?", text=text, options="AB") for t, text in enumerate(texts)]
        >>> answer_readings(said)
        [ChoiceReading(letters='A', reason='answer'), ChoiceReading(letters='', reason='outside'), None]
    """
    return choice_readings([record.text if answered(record) else None for record in records], options_of(records))


def scored_readings(records: Sequence[Record], readings: Sequence[ChoiceReading | None]) -> Tensor:
    """Scores `[N]` of what was read in the answers to text turns with a key; NaN where one is absent."""
    keys = choice_mask([str(record.target) for record in records], options=options_of(records))
    absent = torch.tensor([reading is None for reading in readings], dtype=torch.bool)
    return choice_score(reading_mask(readings), keys).masked_fill(absent, math.nan)


def options_of(records: Sequence[Record]) -> list[Options | None]:
    """The options of each record's question."""
    return [record.options for record in records]


def answered(record: Record) -> bool:
    """Whether there is an answer that does not report a failed turn."""
    return record.text is not None and not record.text.startswith(FAILED)
