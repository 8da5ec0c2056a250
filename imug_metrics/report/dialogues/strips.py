# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Film strips: one dialogue over several models, its turns side by side, what was asked once on top."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from imug_metrics._numbers import number
from imug_metrics.report.cut import cut
from imug_metrics.report.dialogues.outcomes import Outcome
from imug_metrics.report.dialogues.scored_dialogue import ScoredDialogue
from imug_metrics.report.dialogues.thumbnails import ThumbnailShelf
from imug_metrics.report.estimates import as_float
from imug_metrics.report.metric_specs import MetricSpec

if TYPE_CHECKING:
    from imug_metrics.report.row_scores import Row
    from imug_metrics.suite import ModelScores

MOST_TURNS = 16
MOST_MODELS = 8
_COPY = 0.5
_NAME = 80  # characters of a dialogue's id


@dataclass(frozen=True)
class Asked:
    """What a turn asks of every model; `target` is None where there is no right answer to compare with."""

    turn: int
    modality: str
    prompt: str
    target: str | None


@dataclass(frozen=True)
class Given:
    """What one model gave at a turn.

    Attributes:
        outcome: what became of it.
        reply: its text; None: there is none.
        image: its thumbnail as a data URI; None: there is none.
        why: no thumbnail is there.
        read: what was read in the reply.
        prompt, target: where they are others than those on top, as where a key hangs on what a model drew.
        scores: labels and values.
    """

    outcome: Outcome
    reply: str | None
    image: str | None
    why: str
    read: str
    prompt: str
    target: str
    scores: Sequence[tuple[str, str]]


@dataclass(frozen=True)
class Track:
    """One model's row; a turn that it lacks is None."""

    model: int
    name: str
    anchor: str
    cells: Sequence[Given | None]


@dataclass(frozen=True)
class Strip:
    """One dialogue; what is not shown of it is counted."""

    dialogue: str
    asked: Sequence[Asked]
    tracks: Sequence[Track]
    hidden_turns: int
    hidden_models: int

    @property
    def has_targets(self) -> bool:
        """Whether any turn has a right answer."""
        return any(turn.target is not None for turn in self.asked)


def strip(
    scored: Sequence[ScoredDialogue],
    models: Sequence[ModelScores],
    metrics: Sequence[MetricSpec],
    shelf: ThumbnailShelf,
    *,
    first: Collection[int] = (),
    linked: Collection[int] = (),
    length: int = 280,
) -> Strip:
    """The film strip of one dialogue.

    Args:
        scored: the dialogue of each model that has it.
        models: all of them.
        metrics: whose scores are shown at each turn.
        shelf: makes the thumbnails.
        first: places of models that are shown whatever is left out.
        linked: numbers of the dialogues that the page lists.
        length: of prompts and replies; what is longer is cut.
    """
    wanted = sorted(scored, key=lambda one: (one.model not in first, one.model))[:MOST_MODELS]
    shown = sorted(wanted, key=lambda one: one.model)
    rows = _by_turn(scored)
    turns = sorted(rows)[:MOST_TURNS]
    asked = [_asked(rows[turn], length) for turn in turns]
    tracks = [
        Track(
            one.model,
            models[one.model].model,
            one.anchor if one.place in linked else "",
            _cells(one, turns, rows, metrics, shelf, models[one.model].embedded, length),
        )
        for one in shown
    ]
    return Strip(cut(scored[0].dialogue, _NAME), asked, tracks, len(rows) - len(turns), len(scored) - len(shown))


def turn_scores(row: Row, metrics: Iterable[MetricSpec]) -> list[tuple[str, str]]:
    """Labels and values of the metrics that a turn has a value of."""
    return [(view.label, number(as_float(row[view.item]))) for view in metrics if row.get(view.item) is not None]


def _by_turn(scored: Iterable[ScoredDialogue]) -> dict[int, Row]:
    """The turns of all models, each as the first that has it was asked."""
    found: dict[int, Row] = {}
    for one in scored:
        for row in one.rows:
            found.setdefault(int(row["turn"]), row)
    return found


def _asked(row: Row, length: int) -> Asked:
    target = row.get("target")
    modality = "image" if row.get("modality") == "image" else "text"
    shown = None if target is None or modality == "image" else cut(target, length)
    return Asked(int(row["turn"]), modality, cut(row.get("prompt"), length), shown)


def _cells(
    one: ScoredDialogue,
    turns: Sequence[int],
    asked: Mapping[int, Row],
    metrics: Sequence[MetricSpec],
    shelf: ThumbnailShelf,
    embedded: Mapping[str, bytes],
    length: int,
) -> list[Given | None]:
    given = {
        int(row["turn"]): _given(row, found, asked[int(row["turn"])], metrics, shelf, embedded, length)
        for row, found in zip(one.rows, one.outcomes, strict=True)
        if int(row["turn"]) in turns
    }
    return [given.get(turn) for turn in turns]


def _given(
    row: Row,
    found: Outcome,
    asked: Row,
    metrics: Sequence[MetricSpec],
    shelf: ThumbnailShelf,
    embedded: Mapping[str, bytes],
    length: int,
) -> Given:
    is_image = row.get("modality") == "image"
    source, reply = row.get("image"), row.get("text")
    image, why = shelf.take(embedded.get(str(source), source)) if is_image and source is not None else (None, "")
    scores = turn_scores(row, metrics)
    if as_float(row.get("copy")) >= _COPY:
        scores.append(("Copy", "yes"))
    prompt, target = row.get("prompt"), row.get("target")
    return Given(
        found,
        None if reply is None or is_image else cut(reply, length),
        image,
        why,
        cut(row.get("read"), length),
        "" if prompt == asked.get("prompt") else cut(prompt, length),
        "" if target == asked.get("target") else cut("none" if target is None else target, length),
        scores,
    )
