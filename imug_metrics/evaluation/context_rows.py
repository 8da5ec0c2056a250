# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""The same turns asked at several lengths of context: scores, and the tokens that each was asked with."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import fmean
from typing import Any, NamedTuple

from torch import Tensor

from imug_metrics.dialogues.columns import Bounds
from imug_metrics.errors import ArgumentError
from imug_metrics.metrics.decay.context_decay import ContextDecay
from imug_metrics.protocols import imug
from imug_metrics.protocols.imug.usage import as_number, read_usage, usage_file
from imug_metrics.suite import Record, metric_scores

_CENTRE = 32.0
"""Doublings that stand for the mean of a turn: far enough from 0 for any length about it to be at least 1."""


class ContextRow(NamedTuple):
    """One turn at one length.

    Attributes:
        dialogue: its id.
        turn: its number.
        score: of the output; NaN where there is none.
        tokens: of the whole context; NaN where they are not known.
        budget: tokens up to which it was filled.
        depth: where the dialogue's own turns stood, from 0 to 1; NaN: nowhere.
        tokenizer: what counted, and the tokens of an image.
    """

    dialogue: str
    turn: int
    score: float
    tokens: float
    budget: int
    depth: float
    tokenizer: tuple[str, float]


def context_folders(outputs: Path) -> dict[int, Path]:
    """Folders `context_<tokens>` by their tokens, rising.

    Raises:
        ArgumentError: if there is none.
    """
    found = {}
    for path in outputs.iterdir() if outputs.is_dir() else ():
        match = re.fullmatch(r"context_([1-9][0-9]{0,11})", path.name)
        if match and path.is_dir():
            found[int(match[1])] = path
    if not found:
        raise ArgumentError("outputs", f"expected a folder that holds context_4096 or the like, {outputs} does not")
    return dict(sorted(found.items()))


def context_rows(
    records: Sequence[Record],
    values: Tensor,
    budget: int,
    contexts: Mapping[tuple[str, int], Mapping[str, Any]],
) -> list[ContextRow]:
    """One row a record.

    Args:
        records: of one length.
        values: their scores `[N]`.
        budget: the tokens up to which their contexts were filled.
        contexts: by dialogue and turn, what the run has recorded.
    """
    rows = []
    for record, score in zip(records, values.tolist(), strict=True):
        context = contexts.get((record.dialogue, record.turn), {})
        tokens, depth = (as_number(context.get(name)) for name in ("tokens", "depth"))
        tokenizer = (str(context.get("tokenizer"))[:200], as_number(context.get("image_tokens")))
        known = tokens >= 1
        rows.append(
            ContextRow(
                record.dialogue,
                record.turn,
                score if known else math.nan,
                tokens if known else math.nan,
                budget,
                depth if 0 <= depth <= 1 else math.nan,
                tokenizer,
            )
        )
    return rows


def read_contexts(
    asked: imug.Benchmark, model: Path, budget: int, problems: imug.Problems
) -> dict[tuple[str, int], Mapping[str, Any]]:
    """What a run has recorded of the contexts of its turns, by dialogue and turn.

    Args:
        asked: the turns that are compared.
        model: the model's folder at one length.
        budget: of its contexts.
        problems: collects dialogues with turns whose length is not known, and how many contexts were longer.
    """
    found: dict[tuple[str, int], Mapping[str, Any]] = {}
    longer = 0
    for sample in asked:
        usage = read_usage(model, sample.key, imug.Problems())  # what is wrong with it was told with the records
        contexts = {task.turn: usage[task.turn].context for task in sample.tasks if task.turn in usage}
        found |= {(sample.dialogue, turn): context for turn, context in contexts.items()}
        tokens = {task.turn: as_number(contexts.get(task.turn, {}).get("tokens")) for task in sample.tasks}
        unknown = ", ".join(str(turn) for turn, number in tokens.items() if not number >= 1)
        if unknown:
            why = f"expected the tokens of the context of turns {unknown}: they are left out"
            problems.error(usage_file(model, sample.key), None, "context", why)
        longer += sum(number > budget for number in tokens.values())
    if longer:
        problems.warn(
            model, None, "context", f"turns with a history of their own of more than {budget} tokens: {longer}"
        )
    return found


def context_scores(rows: Sequence[ContextRow], edges: Sequence[int], score_range: Bounds | None) -> dict[str, float]:
    """The detail of `ContextDecay`, its slope within turns and its intervals by dialogue.

    Args:
        rows: of one model.
        edges: the lengths that were asked for.
        score_range: ends that scores cannot leave.

    Example:
        >>> scored = [(0.9, 64), (0.7, 128)]
        >>> rows = [ContextRow("d", 1, score, tokens, tokens, 0.5, ("", 0)) for score, tokens in scored]
        >>> found = context_scores(rows, [64, 128], (0, 1))
        >>> round(found["context_decay"], 3), found["context_decay_length_128"]
        (-0.2, 0.7)
    """
    number: dict[str, int] = {}
    places = []  # of each row in its dialogue: one turn has several
    for row in rows:
        number[row.dialogue] = number.get(row.dialogue, 0) + 1
        places.append(number[row.dialogue])
    dialogue = [row.dialogue for row in rows]
    metric = ContextDecay(edges=edges, score_range=score_range, detail=True, max_turns=max(places, default=1))
    metric.update([row.score for row in rows], [row.tokens for row in rows], dialogue=dialogue, turn=places)
    slope = ContextDecay(detail=True, max_turns=metric.max_turns)
    slope.update(*_within_turns(rows), dialogue=dialogue, turn=places)
    within = {key: value for key, value in metric_scores(slope).items() if key in _SLOPES}
    found = {key: value for key, value in metric_scores(metric).items() if not _is_by_place(key)}
    return {**found, **within}


_SLOPES = {f"context_decay{name}{end}" for name in ("", "_within") for end in ("", "_lower", "_upper")}


def _is_by_place(key: str) -> bool:
    """Whether a key is of the rows' places in their dialogues, which are no turns here."""
    return key.startswith(("context_decay_turn_", "context_decay_slope", "context_decay_later"))


def _within_turns(rows: Sequence[ContextRow]) -> tuple[list[float], list[float]]:
    """Scores and lengths about the means of their turn, so that a slope within dialogues is one within turns.

    NaN where a turn was not scored at two different lengths.
    """
    turns: dict[tuple[str, int], list[int]] = {}
    for place, row in enumerate(rows):
        if not math.isnan(row.score):
            turns.setdefault((row.dialogue, row.turn), []).append(place)
    scores, lengths = [math.nan] * len(rows), [math.nan] * len(rows)
    for places in turns.values():
        if len({rows[place].tokens for place in places}) < 2:
            continue
        score = fmean(rows[place].score for place in places)
        doublings = fmean(math.log2(rows[place].tokens) for place in places)
        for place in places:
            scores[place] = rows[place].score - score
            lengths[place] = 2 ** (math.log2(rows[place].tokens) - doublings + _CENTRE)
    return scores, lengths
