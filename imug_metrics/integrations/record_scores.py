# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Records of a harness as scores: all of them together, by name, and of each answer its own."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from imug_metrics.dialogues.record import Record
from imug_metrics.errors import InputError
from imug_metrics.functional.answers.answer_accuracy import Kind, answer_accuracy
from imug_metrics.metrics.answers.answer_accuracy import AnswerAccuracy
from imug_metrics.suite import Given, ImugSuite
from imug_metrics.suite.answers import answered, options_of


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


def answer_scores(records: Sequence[Record], kind: Kind) -> list[float]:
    """What the answers of text turns score, each by its own key and options; see `answer_accuracy`.

    Args:
        records: that have a key.
        kind: of answers.

    Returns:
        Scores in [0, 1]; NaN where an answer is absent, as one is that reports a failed turn: the metrics of a suite
        leave it out as well.

    Raises:
        InputError: if the kind cannot use a key, such as one that names no option.

    Example:
        >>> said = [Record("a", turn, "text", "?", text=text, target="B") for turn, text in enumerate(("B", None), 1)]
        >>> answer_scores(said, "choice")
        [1.0, nan]
    """
    texts = [record.text if answered(record) else None for record in records]
    keys, options = [record.target for record in records], options_of(records)
    try:
        scores: list[float] = answer_accuracy(texts, keys, kind=kind, options=options, reduction="none").tolist()
    except InputError as error:
        if not isinstance(error.row, int):
            raise
        record = records[error.row]  # which whoever wrote the samples knows, and no row of ours
        place = f"turn {record.turn} of dialogue {record.dialogue[:80]!r}"
        raise InputError(error.argument, error.expected, f"{error.got} at {place}") from None
    return scores
