# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Keys and points of one model under both protocols: as the released tools have them, and corrected."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeAlias

from imug_metrics.judges import ReplyError, Verdict
from imug_metrics.protocols.imug.benchmark import Benchmark
from imug_metrics.protocols.imug.counting import check_judged_counting
from imug_metrics.protocols.imug.dynamic import strict_key
from imug_metrics.protocols.imug.judged import JudgedImage, key_file, point_file, read_keys, read_points
from imug_metrics.protocols.imug.judging import Failure, Judgements, grid_scores
from imug_metrics.protocols.imug.options import question_options
from imug_metrics.protocols.imug.outputs import has_other_suffix
from imug_metrics.protocols.imug.replies import LETTERS, strict_points
from imug_metrics.protocols.imug.requests import has_several_answers
from imug_metrics.protocols.imug.samples import Key, Sample, Task
from imug_metrics.reading.files import Problems
from imug_metrics.suite import Record

Unit: TypeAlias = "tuple[Key, int]"
Points: TypeAlias = "tuple[float, ...]"


@dataclass
class Readings:
    """What is known of one model's dynamic keys and judged images.

    Attributes:
        keys: official keys of dynamic questions.
        images: official points, in the order of the official file.
        strict_keys: keys under protocol "strict".
        strict_points: points under protocol "strict", of a judge that was asked repeatedly those of all repeats one
            after the other, so that a score is their mean; an image that is absent has none.
        failures: turns, or repeats of them, without an official judgement.
        refused: judgements that the official reading takes and the strict one does not.
        verdicts: what the judge said, repeats included; empty for recorded judgements.
        human: by turn, the score that people gave the image, from 0 to 1; see `imug_metrics.evaluation.read_human`.
    """

    keys: dict[Unit, str] = field(default_factory=dict)
    images: list[JudgedImage] = field(default_factory=list)
    strict_keys: dict[Unit, str] = field(default_factory=dict)
    strict_points: dict[Unit, Points] = field(default_factory=dict)
    failures: list[Failure] = field(default_factory=list)
    refused: list[Failure] = field(default_factory=list)
    verdicts: list[Verdict[Any]] = field(default_factory=list)
    human: dict[Unit, float] = field(default_factory=dict)

    @property
    def points(self) -> dict[Unit, Points]:
        """Official points by turn; of a turn that has several records the last."""
        return {(image.key, image.turn): image.points for image in self.images}

    def digest(self) -> str:
        """Digest of all that scores depend on."""
        parts: Iterable[Iterable[Any]] = (
            self.keys.items(),
            ((image.key, image.turn, image.points) for image in self.images),
            self.strict_keys.items(),
            self.strict_points.items(),
            self.human.items(),
        )
        return hashlib.blake2b(json.dumps([list(part) for part in parts]).encode(), digest_size=16).hexdigest()


def recorded_readings(
    benchmark: Benchmark,
    records: Sequence[Record],
    outputs: Path,
    judged: Path,
    problems: Problems,
) -> Readings:
    """Readings of judgements that were recorded in the official layout.

    Args:
        benchmark: the samples, or a part of them.
        records: one model's, of these samples.
        outputs: the model's folder.
        judged: folder of judgements.
        problems: collects what is wrong.

    Raises:
        ArgumentError: if the turns of the judgements count from 0.
    """
    model, wanted = outputs.name, {sample.key for sample in benchmark}
    check_judged_counting(benchmark, key_file(judged, model), point_file(judged, model))
    tasks = {(sample.key, task.turn): task for sample in benchmark for task in sample.tasks}
    readings = Readings(
        {unit: key for unit, key in read_keys(judged, model, problems).items() if unit[0] in wanted},
        [image for image in read_points(judged, model, problems) if image.key in wanted],
    )
    readings.strict_keys = {unit: key for unit, key in readings.keys.items() if key and set(key) <= set(LETTERS)}
    drawn = _drawn(records)
    for image in read_points(judged, model, Problems(), protocol="strict"):
        unit = image.key, image.turn
        task = tasks.get(unit)
        if task is not None and unit in drawn and len(image.points) == len(task.points):
            readings.strict_points[unit] = image.points
    try:
        readings.strict_points |= _boards(benchmark, outputs, readings.refused)
    except ModuleNotFoundError as error:
        problems.warn(point_file(judged, model), None, "", f"recorded points of boards are kept: {error}")
    return readings


def official_readings(
    benchmark: Benchmark, records: Sequence[Record], outputs: Path, judgements: Judgements
) -> Readings:
    """Readings of a judge's replies to the official requests: the official reading, and a strict one of the same reply.

    A key is strict only if all images that it hangs on are there, and points only if the image itself is. What the
    official reading cannot use counts as failed under both. Of repeats the first that can be read is the key, and the
    official points; the strict points are those of all.

    Args:
        benchmark: the samples, or a part of them.
        records: one model's, of these samples.
        outputs: the model's folder.
        judgements: what the judge said under protocol "imug".
    """
    found = Readings(judgements.keys, judgements.images, failures=judgements.failures, verdicts=judgements.verdicts)
    by_key = {sample.key: sample for sample in benchmark}
    drawn = _drawn(records)
    whole = {(link.key, link.turn) for link in benchmark.links if _all_drawn(by_key[link.key], link.references, drawn)}
    for unit, reply, repeat, stage in _replies(judgements.verdicts):
        sample = by_key[unit[0]]
        task = _task(sample, unit[1])
        try:
            if stage == "dynamic" and unit in whole and task.dynamic:
                several = has_several_answers(sample, task, "strict")
                found.strict_keys.setdefault(unit, strict_key(reply, task, several=several))
            elif stage == "image" and unit in drawn and task.points:
                points = strict_points(reply, len(task.points))
                found.strict_points[unit] = found.strict_points.get(unit, ()) + points
        except ReplyError as error:
            found.refused.append(Failure(stage, *unit, repeat, error.kind, str(error)))
    boards: list[Failure] = []
    found.strict_points |= _boards(benchmark, outputs, boards)
    absent = {(failure.key, failure.turn) for failure in boards}
    found.strict_points = {unit: points for unit, points in found.strict_points.items() if unit not in absent}
    return found


def repeated_points(judgements: Judgements) -> dict[Unit, Points]:
    """Points of images that were judged under protocol "strict", those of all repeats one after the other."""
    points: dict[Unit, Points] = {}
    for verdict in judgements.verdicts:
        stage, _, domain, subdomain, sample_id, turn = verdict.key
        if stage == "image" and verdict.value is not None:
            unit = (str(domain), str(subdomain), str(sample_id)), int(turn)
            points[unit] = points.get(unit, ()) + verdict.value
    return {unit: points.get(unit, image) for unit, image in Readings(images=judgements.images).points.items()}


def with_keys(records: Iterable[Record], keys: Mapping[Unit, str], samples: Iterable[Sample]) -> list[Record]:
    """Records whose dynamic questions have these keys, and none where there is none."""
    dynamic = {(s.dialogue, task.turn): (s.key, task.turn) for s in samples for task in s.tasks if task.dynamic}
    return [
        _with_key(record, keys.get(dynamic[record.dialogue, record.turn]))
        if (record.dialogue, record.turn) in dynamic
        else record
        for record in records
    ]


def _with_key(record: Record, key: str | None) -> Record:
    return replace(record, target=key, options=question_options(record.prompt, key))


def _replies(verdicts: Iterable[Verdict[Any]]) -> Iterator[tuple[Unit, str, int, Any]]:
    for verdict in verdicts:
        stage, _, domain, subdomain, sample_id, turn = verdict.key
        if verdict.reply is not None and verdict.error is None:
            yield ((str(domain), str(subdomain), str(sample_id)), int(turn)), verdict.reply, verdict.repeat, stage


def _task(sample: Sample, turn: int) -> Task:
    return next(task for task in sample.tasks if task.turn == turn)


def _drawn(records: Iterable[Record]) -> set[Unit]:
    """Image turns of which there is an image that the released tools find, so that a judge has seen it."""
    images = (record for record in records if record.modality == "image" and record.image is not None)
    seen = (record for record in images if not has_other_suffix(record))
    places = ((record.dialogue.split("/"), record.turn) for record in seen)
    return {((parts[0], parts[1], parts[2]), turn) for parts, turn in places}


def _all_drawn(sample: Sample, turns: Iterable[int], drawn: set[Unit]) -> bool:
    images = {task.turn for task in sample.tasks if task.modality == "image"}
    return all((sample.key, turn) in drawn for turn in turns if turn in images)


def _boards(benchmark: Benchmark, outputs: Path, failures: list[Failure]) -> dict[Unit, Points]:
    return grid_scores(benchmark, outputs, "strict", Problems(), failures)
