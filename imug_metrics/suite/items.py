# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""One row a record: what it is and what it scores by itself."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

from torch import Tensor

from imug_metrics import functional
from imug_metrics.dialogues.record import Record, image_name
from imug_metrics.reading.choice import ChoiceReading
from imug_metrics.suite.answers import answer_values
from imug_metrics.suite.carried import COST, MAIN_GROUPS, RECORD_COLUMNS, carried_groups, carried_names
from imug_metrics.suite.standard import Route
from imug_metrics.suite.turns import Turns

ITEM_OF: Mapping[str, str] = {
    "answer_accuracy": "answer_strict",
    "answer_accuracy_imug": "answer_imug",
    "turn_alignment": "alignment",
    "turn_retrieval": "retrieval",
    "turn_consistency": "consistency",
    "copy_guard": "copy",
}
"""Columns of metrics that are not called as these are, by the metric's name."""
OF_THEIR_OWN = ("copy_guard", "modality_compliance", "context_forgetting", "recency_reliance", "style_drift")
"""Standard metrics that rows have a column of as their update found it."""
ITEM_SCORES = ("answer_strict", "answer_imug", "alignment", "retrieval", "consistency", "copy")


def items(
    records: Sequence[Record],
    turns: Mapping[Route, Turns],
    more: Mapping[str, tuple[Route, Tensor]] = MappingProxyType({}),
) -> list[dict[str, Any]]:
    """One row a record.

    Args:
        records: whole dialogues.
        turns: what metrics were fed with of these records.
        more: by column, values `[N]` of the rows of a route: in place of those below, or behind them.

    Returns:
        Rows with the columns `RECORD_COLUMNS`, of which read and reading are the letters and the reason's word that
        `read_choice` gives of an answer that is there and has a key, further groups that one of the records is in, and
        `ITEM_SCORES`; behind them scores and costs that one of the records carries, the latter as `cost_...`, and
        `more`. None where undefined.
    """
    read = {id(record): reading for found in turns.values() for record, reading in zip(found.records, found.readings)}
    scores: dict[int, dict[str, float]] = {id(record): {} for record in records}
    for name, found in turns.items():
        for column, values in _scores(name, found).items():
            for record, value in zip(found.records, values.tolist(), strict=True):
                scores[id(record)][column] = value
    for column, (route, values) in more.items():
        for record, value in zip(turns[route].records, values.tolist(), strict=True):
            scores[id(record)][column] = value
    columns = list(dict.fromkeys((*ITEM_SCORES, *_carried(records, scores), *more)))
    groups = carried_groups(records)
    return [_item(record, read.get(id(record)), groups, scores[id(record)], columns) for record in records]


def _carried(records: Sequence[Record], scores: Mapping[int, dict[str, float]]) -> list[str]:
    """Put the scores and costs that records carry with the others; returns their columns."""
    names, costs = carried_names(records)
    for record in records:
        scores[id(record)].update(record.scores)
        scores[id(record)].update({COST + name: value for name, value in record.costs.items()})
    return [*names, *(COST + name for name in costs)]


def _scores(name: Route, turns: Turns) -> dict[str, Tensor]:
    if name == "scores":
        return {"answer_strict": turns.columns["scores"]}
    if name == "answers_imug":
        return {"answer_imug": answer_values(turns.records, "imug")}
    return _image_scores(turns.columns) if name == "images" else {}


def _image_scores(columns: Mapping[str, Any]) -> dict[str, Tensor]:
    images, texts = columns["images"], columns.get("texts")
    places = {name: columns[name] for name in ("dialogue", "turn", "valid")}
    subjects = {"subject": columns["subject"]} if "subject" in columns else {}
    found = {"consistency": functional.turn_consistency(images, **places, **subjects, reduction="none")}
    if texts is not None:
        alignment = functional.turn_alignment(images, texts, valid=places["valid"], reduction="none")
        retrieval = functional.turn_retrieval(images, texts, **places, reduction="none")
        found |= {"alignment": alignment, "retrieval": retrieval}
    return found


def _item(
    record: Record,
    reading: ChoiceReading | None,
    groups: Sequence[str],
    scores: Mapping[str, float],
    columns: Sequence[str],
) -> dict[str, Any]:
    told = (
        *(record.dialogue, record.turn, record.modality, record.prompt),
        *(record.target, record.text, image_name(record.image)),
        *(record.groups.get(name) for name in MAIN_GROUPS),
        *((None, None) if reading is None else reading),
    )
    values = {name: scores.get(name, math.nan) for name in columns}
    return {
        **dict(zip(RECORD_COLUMNS, told, strict=True)),
        **{name: record.groups.get(name) for name in groups},
        **{name: None if math.isnan(value) else value for name, value in values.items()},
    }
