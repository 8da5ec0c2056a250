# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Which text turns have a key, and what their answers score under either protocol."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor

from imug_metrics import functional
from imug_metrics.dialogues.record import FAILED, Record
from imug_metrics.functional.answers.choice_score import choice_mask


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
    named = choice_mask([record.target for record in texts]).tolist()
    return [record for record, options in zip(texts, named, strict=True) if options]


def answer_values(records: Sequence[Record], protocol: Literal["strict", "imug"]) -> Tensor:
    """Scores `[N]` of text turns with a key, in [0, 1]; NaN where the protocol calls the answer absent (see `Record`).

    Example:
        >>> said = [Record("a", t + 1, "text", "Which?", text=text, target="A") for t, text in enumerate(("(A)", None))]
        >>> answer_values(said, "strict"), answer_values(said, "imug")
        (tensor([1., nan], dtype=torch.float64), tensor([0.5000, 0.0000], dtype=torch.float64))
    """
    there = [record.attempted if protocol == "imug" else answered(record) for record in records]
    answers, keys = [record.text for record in records], [str(record.target) for record in records]
    values = functional.answer_accuracy(answers, keys, kind="choice", protocol=protocol, reduction="none")
    return values.masked_fill(~torch.tensor(there, dtype=torch.bool), math.nan)


def answered(record: Record) -> bool:
    """Whether there is an answer that does not report a failed turn."""
    return record.text is not None and not record.text.startswith(FAILED)
