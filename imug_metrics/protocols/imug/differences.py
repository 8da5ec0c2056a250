# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""How many turns of a model each rule touches in which the protocols differ."""

from __future__ import annotations

from collections.abc import Sequence

from imug_metrics.functional.answers.choice_score import choice_mask, choice_score, format_weight
from imug_metrics.protocols.imug.benchmark import Benchmark
from imug_metrics.protocols.imug.grid import is_grid
from imug_metrics.protocols.imug.outputs import has_other_suffix
from imug_metrics.protocols.imug.readings import Readings
from imug_metrics.protocols.imug.requests import has_several_answers
from imug_metrics.protocols.imug.samples import Sample
from imug_metrics.suite import FAILED, Record


def count_differences(benchmark: Benchmark, records: Sequence[Record], readings: Readings | None) -> dict[str, int]:
    """Turns that each of `RULES` touches, by the rule's name; rules whose turns cannot be counted are left out.

    A turn is touched where the two rules read it differently, whether or not its score changes in the end.

    Args:
        benchmark: the samples, or a part of them.
        records: one model's, of these samples, with official keys.
        readings: keys and points; None: dynamic questions and images were not judged.
    """
    counts = _of_texts(records) | _of_tasks(benchmark)
    return counts if readings is None else counts | _of_judgements(benchmark, records, readings)


def _of_texts(records: Sequence[Record]) -> dict[str, int]:
    texts = [record for record in records if record.modality == "text" and record.target is not None]
    said = [record for record in texts if record.text is not None and record.attempted]
    replies, keys = [record.text for record in said], [str(record.target) for record in said]
    options = [record.options for record in said]
    chosen, named = (choice_mask(values, "imug") for values in (replies, keys))
    weight = format_weight(replies)
    rounded = choice_score(chosen, named, weight, decimals=4) != choice_score(chosen, named, weight)
    return {
        "letters of a reply": int((chosen != choice_mask(replies, options=options)).sum()),
        "letters of a key": int((named != choice_mask(keys, options=options)).sum()),
        "format of a reply": int(((weight > 0) & (weight < 1) & (chosen & named != 0)).sum()),
        "rounding": int(rounded.sum()),
        "absent answer": len(texts) - len(said),
        "failed turn": sum(str(reply).startswith(FAILED) for reply in replies),
    }


def _of_tasks(samples: Sequence[Sample]) -> dict[str, int]:
    tasks = [(sample, task) for sample in samples for task in sample.tasks]
    return {
        "dynamic key: several right options": sum(
            task.dynamic and has_several_answers(sample, task, "imug") != has_several_answers(sample, task, "strict")
            for sample, task in tasks
        ),
        "text of a turn": sum(task.prompt != (task.opening or "") for _, task in tasks),
        "turns without points": sum(task.modality == "image" and not task.points for _, task in tasks),
    }


def _of_judgements(benchmark: Benchmark, records: Sequence[Record], readings: Readings) -> dict[str, int]:
    images = [record for record in records if record.modality == "image" and record.image is not None]
    suffixed = {(record.dialogue, record.turn) for record in images if has_other_suffix(record)}
    drawn = {(record.dialogue, record.turn) for record in images} - suffixed
    modality = {(record.dialogue, record.turn): record.modality for record in records}
    turns = [[("/".join(link.key), turn) for turn in link.references] for link in benchmark.links]
    boards = {sample.key for sample in benchmark if is_grid(sample)}
    points, strict = readings.points, readings.strict_points
    refused = {(failure.stage, failure.key, failure.turn) for failure in readings.refused}
    return {
        "dynamic key: letters of the judge": sum(
            (key != "" and readings.strict_keys.get(unit, key) != key) or ("dynamic", *unit) in refused
            for unit, key in readings.keys.items()
        ),
        "dynamic key: empty answer": sum(key == "" for key in readings.keys.values()),
        "dynamic key: earlier text turn": sum(any(modality.get(t) == "text" for t in of) for of in turns),
        "dynamic key: missing image": sum(
            any(modality.get(turn) == "image" and turn not in drawn for turn in of) for of in turns
        ),
        "image: missing target": sum(("/".join(key), turn) not in drawn for key, turn in points),
        "image: suffix": len(suffixed),
        "image: look-up stops": sum(failure.kind == "look_up" for failure in readings.failures),
        "reply of the judge": sum(("image", *unit) in refused for unit in points),
        "board: points": sum(
            unit[0] in boards and unit in strict and len(strict[unit]) != len(found) for unit, found in points.items()
        ),
        "records of a turn": len(readings.images) - len(points),
    }
