# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""The dialogues a model did worst in, laid out turn by turn with their images."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from imug_metrics.report.images import ThumbnailShelf
from imug_metrics.report.metric_specs import as_float, number, own_metrics

if TYPE_CHECKING:
    from imug_metrics.suite import ModelScores

RANKED_BY = (("alignment", "alignment"), ("consistency", "consistency"), ("answer_strict", "answer accuracy"))
_IMAGE_SCORES = (
    ("points_strict", "points"),
    ("alignment", "alignment"),
    ("retrieval", "retrieval"),
    ("consistency", "consistency"),
)
_ANSWER_SCORES = (("answer_strict", "strict"), ("answer_imug", "official"))
PROMPT_LENGTH = 280
REPLY_LENGTH = 160
MAX_TURNS = 16


@dataclass(frozen=True)
class Turn:
    """One turn as shown: what was asked, what came, how it scored."""

    turn: int
    modality: str
    prompt: str
    reply: str | None
    image: str | None
    reason: str
    scores: list[tuple[str, str]]
    bad: bool


@dataclass(frozen=True)
class WorstDialogue:
    """One dialogue, ranked by the mean of ``noun`` over its turns."""

    dialogue: str
    noun: str
    mean: float
    turns: list[Turn]
    hidden: int


def worst_dialogues(model: ModelScores, count: int, shelf: ThumbnailShelf) -> list[WorstDialogue]:
    """The ``count`` dialogues of lowest mean alignment; where there is none, of another score.

    Args:
        model: scores of one model.
        count: how many dialogues at most.
        shelf: makes the thumbnails and watches the size of the page.
    """
    dialogues: dict[str, list[Mapping[str, Any]]] = {}
    for item in model.items:
        dialogues.setdefault(str(item["dialogue"]), []).append(item)
    own = [view for view in own_metrics([model]) if view.item and view.is_mean]
    ranked_by = [*RANKED_BY, *((view.item, view.noun) for view in own if view.higher_is_better)]
    more = [(view.item, view.label) for view in own]
    embedded = getattr(model, "embedded", {})
    for column, noun in ranked_by:
        means = {name: _mean(rows, column) for name, rows in dialogues.items()}
        ranked = sorted((name for name in means if not math.isnan(means[name])), key=lambda name: (means[name], name))
        if ranked:
            found = []
            for name in ranked[:count]:
                rows = sorted(dialogues[name], key=lambda row: int(row["turn"]))
                turns = [_turn(row, shelf, more, embedded) for row in rows[:MAX_TURNS]]
                found.append(WorstDialogue(name, noun, means[name], turns, hidden=max(0, len(rows) - MAX_TURNS)))
            return found
    return []


def _mean(rows: Sequence[Mapping[str, Any]], column: str) -> float:
    values = [value for value in (as_float(row.get(column)) for row in rows) if not math.isnan(value)]
    return math.fsum(values) / len(values) if values else math.nan


def _turn(
    row: Mapping[str, Any], shelf: ThumbnailShelf, more: Sequence[tuple[str, str]], embedded: Mapping[str, bytes]
) -> Turn:
    is_image = row.get("modality") == "image"
    source = row.get("image")
    image, reason = shelf.take(embedded.get(str(source), source)) if is_image else (None, "no answer")
    shown = [*(_IMAGE_SCORES if is_image else _ANSWER_SCORES), *more]
    scores = [(label, number(as_float(row.get(column)))) for column, label in shown if row.get(column) is not None]
    if as_float(row.get("copy")) >= 0.5:
        scores.append(("copy", "yes"))
    reply = row.get("text")
    return Turn(
        turn=int(row["turn"]),
        modality="image" if is_image else "text",
        prompt=_cut(row.get("prompt"), PROMPT_LENGTH),
        reply=None if reply is None else _cut(reply, REPLY_LENGTH),
        image=image,
        reason=reason,
        scores=scores,
        bad=as_float(row.get("retrieval" if is_image else "answer_strict")) < 0.5,
    )


def _cut(text: Any, length: int) -> str:
    shown = "" if text is None else str(text)
    return shown if len(shown) <= length else shown[: length - 1].rstrip() + "…"
