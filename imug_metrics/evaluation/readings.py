# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""What a judge, or a record of its judgements, says of each model's outputs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from imug_metrics.evaluation.human import judge_agreement
from imug_metrics.evaluation.inputs import Inputs, ModelInputs
from imug_metrics.evaluation.settings import JudgeSettings, Progress
from imug_metrics.judges import JournalLockedError, Verdict
from imug_metrics.protocols import imug
from imug_metrics.protocols.imug.readings import Readings, official_readings, recorded_readings


@dataclass(frozen=True)
class ModelReadings:
    """What was said of one model.

    Attributes:
        readings: keys of dynamic questions and points of images; None: there is no judge and no record of one.
        judge: what the report says of the judge: answers, failures by kind, agreement; empty without a judge.
        problems: what is wrong with records or replies.
    """

    readings: Readings | None = None
    judge: dict[str, Any] = field(default_factory=dict)
    problems: tuple[imug.Problem, ...] = ()


def read_judgements(
    inputs: Inputs,
    judge: JudgeSettings | None,
    judged: Path | None,
    journals: Path | None,
    progress: Progress,
) -> dict[str, ModelReadings]:
    """The readings of every model: asked of a judge, or recorded.

    Args:
        inputs: whose outputs.
        judge: whom to ask; None: nobody.
        judged: folder of recorded judgements in the official layout, or None.
        journals: folder for one file of answers a model, which a later run does not ask for again; None: none.
        progress: called with each answer.

    Returns:
        By model.

    Raises:
        OSError: if a journal is in use or cannot be written.
    """
    if inputs.benchmark is None or (judge is None and judged is None):
        return {model.model: ModelReadings() for model in inputs.models}
    if judge is None:
        assert judged is not None
        return {model.model: _recorded(inputs.benchmark, model, judged) for model in inputs.models}
    asked = {}
    for model in inputs.models:
        journal = None if journals is None else journals / f"{model.model}.jsonl"
        asked[model.model] = _asked(inputs.benchmark, model, judge, journal, progress)
    return asked


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
    show = _counter(f"{model.model}: judge", progress)
    if journal is not None:
        journal.parent.mkdir(parents=True, exist_ok=True)

    def ask(folder: Path, protocol: Literal["imug", "strict"]) -> imug.Judgements:
        try:
            return imug.judge_model(
                benchmark,
                folder,
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

    if judge.protocol != "strict":
        readings = official_readings(benchmark, model.records, model.folder, ask(model.folder, "imug"))
        verdicts += readings.verdicts
    if judge.protocol != "imug":
        strict = ask(model.folder, "strict")
        readings.strict_keys = strict.keys
        readings.strict_points = {(image.key, image.turn): image.points for image in strict.images}
        readings.failures += strict.failures
        readings.refused = []  # the strict reading is that of its own requests
        readings.verdicts = readings.verdicts or strict.verdicts
        verdicts += strict.verdicts
    _list_failures(readings, journal or Path(model.model), problems)
    told = {
        "answers": sum(verdict.reply is not None for verdict in verdicts),
        "failures": dict(Counter(f"{failure.stage}: {failure.kind}" for failure in readings.failures)),
        "agreement": judge_agreement(readings, model.model, judge.repeats, judge.human),
    }
    return ModelReadings(readings, told, tuple(problems))


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
