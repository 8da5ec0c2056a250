# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Official numbers beside our own: in the scores, and as files in the official layout."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Literal

from imug_metrics.evaluation.model_result import ModelResult
from imug_metrics.evaluation.powered import powered_scores
from imug_metrics.metrics.answers.answer_accuracy import AnswerAccuracy
from imug_metrics.protocols import imug
from imug_metrics.protocols.imug.points import breakdown, point_scores
from imug_metrics.protocols.imug.readings import Readings
from imug_metrics.report.files import json_text, write_whole
from imug_metrics.suite import ModelScores, Record, answer_values, metric_scores, with_key

_SUMMARY = ("summary.json", "summary.md", "contents.json")


def with_official_answers(scores: ModelScores, records: Sequence[Record]) -> ModelScores:
    """Scores whose official answers follow the official keys, where those of protocol "strict" are others.

    Args:
        scores: of the records with the keys of protocol "strict".
        records: the same with official keys, in the order of `scores.items`.
    """
    answered = [record for record in with_key(records, "imug") if record.attempted]
    if not answered:
        return scores
    metric = AnswerAccuracy(protocol="imug", detail=True, max_turns=max(16, *(record.turn for record in answered)))
    metric.update(
        [record.text for record in answered],
        [str(record.target) for record in answered],
        dialogue=[record.dialogue for record in answered],
        turn=[record.turn for record in answered],
    )
    name = "answer_accuracy_imug"
    found = metric_scores(metric, name)
    kept = {key: value for key, value in scores.scores.items() if not key.startswith(name)}
    reasons = {key: why for key, why in scores.reasons.items() if not key.startswith(name)}
    reasons |= {f"{name}{key.removeprefix(metric.name)}": why for key, why in metric.reasons.items()}
    values = answer_values(answered, "imug").tolist()
    turns = {(record.dialogue, record.turn): value for record, value in zip(answered, values, strict=True)}
    items = [{**item, "answer_imug": _known(turns.get((item["dialogue"], item["turn"])))} for item in scores.items]
    return replace(scores, scores={**kept, **found}, items=items, reasons=reasons)


def with_points(
    scores: ModelScores,
    samples: Sequence[imug.Sample],
    records: Sequence[Record],
    readings: Readings,
    missing: Literal["skip", "zero"],
) -> ModelScores:
    """Scores with those of judged images, people's among them, and with all main scores by class and domain.

    Args:
        scores: of the records.
        samples: the benchmark, or a part of it.
        records: with the keys of protocol "strict".
        readings: the judgements.
        missing: what an absent output counts as.
    """
    last = max(16, *(record.turn for record in records))
    found, columns = point_scores(samples, readings, missing=missing, max_turns=last)
    blank = {"points_strict": None, "points_imug": None, "points": None}
    asked = columns if found else {}
    items = [{**item, **asked.get((item["dialogue"], item["turn"]), blank)} for item in scores.items]
    by_place = {(record.dialogue, record.turn): record for record in records}
    ordered = [by_place[item["dialogue"], item["turn"]] for item in items]
    groups = breakdown(ordered, items, missing=missing, max_turns=last)
    return replace(scores, scores={**scores.scores, **found, **powered_scores(readings), **groups}, items=items)


def write_official(folder: Path, results: Sequence[ModelResult], classes: Mapping[str, str]) -> None:
    """The summary of all models in the official shape, the scores of text turns, and what the numbers hold.

    Where no model has official numbers, the summary of an earlier report goes away.
    """
    official = {result.model: result.official for result in results if result.official is not None}
    if not official:
        for name in _SUMMARY:
            (folder / name).unlink(missing_ok=True)
        return
    folder.mkdir(parents=True, exist_ok=True)
    summary = imug.summarize({model: found.turns for model, found in official.items()}, classes)
    write_whole(folder / "summary.json", json.dumps(summary, indent=2, ensure_ascii=False))
    write_whole(folder / "summary.md", imug.to_markdown(summary))
    contents = {model: found.contents for model, found in official.items()}
    write_whole(folder / "contents.json", json_text("contents", {"models": contents}))
    for model, found in official.items():
        path = folder / model / "score_mcq" / f"{model}_mcq_score.jsonl"
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in found.text_rows))


def write_judgements(folder: Path, model: str, readings: Readings) -> None:
    """What the judge said of one model, in the official layout."""
    if readings.keys or readings.images or readings.failures:
        imug.write_keys(folder, model, readings.keys)
        imug.write_points(folder, model, readings.images)


def _known(value: float | None) -> float | None:
    return None if value is None or math.isnan(value) else value
