# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""What a judge, or a record of its judgements, says of each model's outputs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import combinations
from pathlib import Path
from typing import Any, Literal

from imug_metrics.evaluation.human import human_scores, judge_agreement, repeat_noise
from imug_metrics.evaluation.human_file import unmatched_scores
from imug_metrics.evaluation.inputs import Inputs, ModelInputs
from imug_metrics.evaluation.official import write_judgements
from imug_metrics.evaluation.powered import powered_difference
from imug_metrics.evaluation.settings import JudgeSettings, Progress
from imug_metrics.judges import JournalLockedError, Verdict
from imug_metrics.protocols import imug
from imug_metrics.protocols.imug.readings import Readings, official_readings, recorded_readings, repeated_points


@dataclass(frozen=True)
class ModelReadings:
    """What was said of one model.

    Attributes:
        readings: keys of dynamic questions and points of images; None: there is no judge and no record of one.
        judge: what the report says of the judge: answers, failures by kind, agreement, what repeats are worth, and
            differences to later models in people's terms; empty without a judge.
        problems: what is wrong with records or replies.
    """

    readings: Readings | None = None
    judge: dict[str, Any] = field(default_factory=dict)
    problems: tuple[imug.Problem, ...] = ()


@dataclass(frozen=True)
class JudgedInputs:
    """The inputs, and what was said of each model, in their order."""

    inputs: Inputs
    readings: tuple[ModelReadings, ...]


def read_judgements(inputs: Inputs, progress: Progress) -> JudgedInputs:
    """The readings of every model: asked of a judge, recorded, or none.

    Args:
        inputs: whose outputs. In its folder `resume` a file of answers a model is kept, which a later run does not ask
            for again, and the judgements in the official layout.
        progress: called with each answer.

    Raises:
        OSError: if a file of answers is in use or cannot be written.
    """
    found = [_readings(inputs, model, progress) for model in inputs.models]
    return JudgedInputs(inputs, tuple(_with_differences(inputs.models, found)))


def _with_differences(models: Sequence[ModelInputs], found: Sequence[ModelReadings]) -> list[ModelReadings]:
    """With the differences to each later model that people scored as well."""
    differences: list[dict[str, dict[str, float]]] = [{} for _ in found]
    for (place, first), (other, second) in combinations(enumerate(found), 2):
        if first.readings is not None and second.readings is not None:
            difference = powered_difference(first.readings, second.readings)
            differences[place] |= {models[other].model: difference} if difference else {}
    return [
        replace(one, judge={**one.judge, "differences": more}) if more else one
        for one, more in zip(found, differences, strict=True)
    ]


def _readings(inputs: Inputs, model: ModelInputs, progress: Progress) -> ModelReadings:
    if inputs.benchmark is None:
        return ModelReadings()
    if inputs.judge is None:
        return ModelReadings() if inputs.judged is None else _recorded(inputs.benchmark, model, inputs.judged)
    journal = None if inputs.resume is None else inputs.resume / "judge" / f"{model.model}.jsonl"
    found = _asked(inputs.benchmark, model, inputs.judge, journal, progress)
    if inputs.resume is not None and found.readings is not None:
        write_judgements(inputs.resume / "official", model.model, found.readings)
    return found


def _recorded(benchmark: imug.Benchmark, model: ModelInputs, judged: Path) -> ModelReadings:
    assert model.folder is not None
    problems = imug.Problems()
    readings = recorded_readings(benchmark, model.records, model.folder, judged, problems)
    return ModelReadings(readings, problems=tuple(problems))


def _asked(
    benchmark: imug.Benchmark, model: ModelInputs, judge: JudgeSettings, journal: Path | None, progress: Progress
) -> ModelReadings:
    assert model.folder is not None
    problems, verdicts, readings = imug.Problems(), list[Verdict[Any]](), Readings()
    ask = partial(_judgements, benchmark, model, judge, journal, problems, _counter(f"{model.model}: judge", progress))
    if judge.protocol != "strict":
        readings = official_readings(benchmark, model.records, model.folder, ask("imug"))
        verdicts += readings.verdicts
    if judge.protocol != "imug":
        strict = ask("strict")
        _add_strict(readings, strict)
        verdicts += strict.verdicts
    if judge.human is not None:
        readings.human = human_scores(judge.human, model.model, benchmark)
        problems += [*judge.human.problems, *unmatched_scores(judge.human, model.model, benchmark)]
    _list_failures(readings, journal or Path(model.model), problems)
    told = {
        "answers": sum(verdict.reply is not None for verdict in verdicts),
        "failures": dict(Counter(f"{failure.stage}: {failure.kind}" for failure in readings.failures)),
        "agreement": judge_agreement(readings, model.model, judge.repeats, judge.human),
        "repeats": repeat_noise(readings, judge.repeats),
    }
    return ModelReadings(readings, told, tuple(problems))


def _judgements(
    benchmark: imug.Benchmark,
    model: ModelInputs,
    judge: JudgeSettings,
    journal: Path | None,
    problems: imug.Problems,
    show: Callable[[], None],
    protocol: Literal["imug", "strict"],
) -> imug.Judgements:
    """What the judge replies to the requests of a protocol; the journal has its earlier replies."""
    assert model.folder is not None
    if journal is not None:
        journal.parent.mkdir(parents=True, exist_ok=True)
    try:
        return imug.judge_model(
            benchmark,
            model.folder,
            judge.judge,
            prompts=judge.instructions,
            protocol=protocol,
            journal=journal,
            repeats=judge.repeats,
            retry_errors=judge.retry_errors,
            problems=problems,
            progress=lambda verdict: show(),
        )
    except JournalLockedError as error:
        raise OSError(str(error)) from error


def _add_strict(readings: Readings, strict: imug.Judgements) -> None:
    """Replace the strict reading of official requests by that of the strict ones."""
    readings.strict_keys = strict.keys
    readings.strict_points = repeated_points(strict)
    readings.failures += strict.failures
    readings.refused = []  # the strict reading is that of its own requests
    readings.verdicts = readings.verdicts or strict.verdicts


def _counter(what: str, progress: Progress) -> Callable[[], None]:
    done = 0

    def count() -> None:
        nonlocal done
        done += 1
        progress(what, done, None)

    return count


def _list_failures(readings: Readings, file: Path, problems: imug.Problems) -> None:
    for failure in readings.failures:
        if failure.kind != "missing_image":  # the image itself is on the list
            where = f"{'/'.join(failure.key)} turn {failure.turn}"
            repeat = f" (repeat {failure.repeat})" if failure.repeat else ""
            problems.error(
                file, None, where, f"no judgement, {failure.stage}{repeat}: {failure.kind}: {failure.message}"
            )
    for failure in readings.refused:
        if failure.kind != "missing_image":
            where = f"{'/'.join(failure.key)} turn {failure.turn}"
            message = f"protocol strict refuses the reply, {failure.stage}: {failure.kind}: {failure.message}"
            problems.warn(file, None, where, message)
