# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""The judge of `score`: who it is, what it is told, and what it said about one model."""

from __future__ import annotations

from argparse import Namespace
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from imug_metrics.cli.errors import UsageError
from imug_metrics.evaluation.human import Human, judge_agreement, read_human
from imug_metrics.judges import JournalLockedError, Judge, OpenAIJudge, TransformersJudge
from imug_metrics.protocols import imug
from imug_metrics.protocols.imug.readings import Readings, official_readings
from imug_metrics.suite import Record

JudgeProtocol = Literal["imug", "strict", "both"]
_FLAGS = ("judge_url", "judge_model", "judge_local")


@dataclass(frozen=True)
class Judging:
    """How a judge is asked.

    Attributes:
        judge: whom to ask.
        prompts: its instructions.
        protocol: whose requests are sent; "both" asks twice.
        repeats: how many times each question is asked.
        retry_errors: ask again also where an earlier reply cannot be used.
        human: scores by people, to be compared with.
    """

    judge: Judge
    prompts: imug.Prompts
    protocol: JudgeProtocol = "imug"
    repeats: int = 1
    retry_errors: bool = False
    human: Human | None = None

    def settings(self) -> dict[str, Any]:
        """What the manifest says of it; no key and no user name is part of it."""
        return {
            "name": self.judge.name,
            "url": getattr(self.judge, "base_url", None),
            "protocol": self.protocol,
            "prompts": self.prompts.source,
            "prompts_version": self.prompts.version,
            "official_prompts_known": getattr(self.prompts, "known", False),
            "repeats": self.repeats,
        }


def chosen_judging(options: Namespace, models: Sequence[str]) -> Judging | None:
    """The judge that the options name, or None."""
    if not any(getattr(options, flag) for flag in _FLAGS):
        for name in ("official_prompts", "human"):
            if getattr(options, name) is not None:
                raise UsageError(f"--{name.replace('_', '-')}: expected together with --judge-url or --judge-local")
        return None
    if options.judged is not None:
        raise UsageError("--judged: expected without a judge; its recorded answers would be replaced")
    if options.judge_local and (options.judge_url or options.judge_model):
        raise UsageError("--judge-local: expected without --judge-url and --judge-model")
    if options.repeats < 1:
        raise UsageError(f"--repeats: expected a number from 1, got {options.repeats}")
    return Judging(
        _judge(options),
        _prompts(options.official_prompts),
        options.judge_protocol,
        options.repeats,
        options.retry_errors,
        None if options.human is None else read_human(options.human, models),
    )


def judge_readings(
    judging: Judging,
    benchmark: Path,
    samples: Sequence[imug.Sample],
    records: Sequence[Record],
    outputs: Path,
    journal: Path,
    problems: imug.Problems,
    progress: Callable[[], None],
) -> tuple[Readings, dict[str, Any]]:
    """Ask the judge about one model.

    Args:
        judging: whom to ask, and how.
        benchmark: the benchmark folder.
        samples: what it holds, or a part of it.
        records: the model's.
        outputs: the model's folder.
        journal: file of answers.
        problems: collects what is wrong in the data, and every turn without a judgement.
        progress: called with each answer.

    Returns:
        The readings, and what the report says of the judge: answers, failures by kind, agreement.
    """

    def ask(protocol: Literal["imug", "strict"]) -> imug.Judgements:
        try:
            return imug.judge_model(
                benchmark,
                samples,
                outputs,
                outputs.name,
                judging.judge,
                prompts=judging.prompts,
                protocol=protocol,
                journal=journal,
                repeats=judging.repeats,
                retry_errors=judging.retry_errors,
                problems=problems,
                progress=lambda verdict: progress(),
            )
        except JournalLockedError as error:
            raise OSError(str(error)) from error

    journal.parent.mkdir(parents=True, exist_ok=True)
    readings, verdicts = Readings(), []
    if judging.protocol != "strict":
        readings = official_readings(benchmark, samples, records, outputs, ask("imug"))
        verdicts += readings.verdicts
    if judging.protocol != "imug":
        strict = ask("strict")
        readings.strict_keys = strict.keys
        readings.strict_points = {(image.key, image.turn): image.points for image in strict.images}
        readings.failures += strict.failures
        readings.refused = []  # the strict reading is that of its own requests
        readings.verdicts = readings.verdicts or strict.verdicts
        verdicts += strict.verdicts
    _list_failures(readings, journal, problems)
    found = {
        "answers": sum(verdict.reply is not None for verdict in verdicts),
        "failures": dict(Counter(f"{failure.stage}: {failure.kind}" for failure in readings.failures)),
        "agreement": judge_agreement(readings, outputs.name, judging.repeats, judging.human),
    }
    return readings, found


def _judge(options: Namespace) -> Judge:
    try:
        if options.judge_local:
            return TransformersJudge(options.judge_local, device=options.device)
        return OpenAIJudge(options.judge_model, base_url=options.judge_url, concurrency=options.judge_concurrency)
    except ModuleNotFoundError:
        raise
    except (ValueError, OSError) as error:
        flag = "--judge-local" if options.judge_local else "--judge-url, --judge-model"
        raise UsageError(f"{flag}: {error}") from error


def _prompts(folder: Path | None) -> imug.Prompts:
    try:
        return imug.OwnPrompts() if folder is None else imug.OfficialPrompts(folder)
    except (OSError, ValueError) as error:
        raise UsageError(f"--official-prompts: {error}") from error


def _list_failures(readings: Readings, journal: Path, problems: imug.Problems) -> None:
    for failure in readings.failures:
        if failure.kind != "missing_image":  # the image itself is on the list
            where = f"{'/'.join(failure.key)} turn {failure.turn}"
            repeat = f" (repeat {failure.repeat})" if failure.repeat else ""
            problems.error(
                journal, None, where, f"no judgement, {failure.stage}{repeat}: {failure.kind}: {failure.message}"
            )
    for failure in readings.refused:
        if failure.kind != "missing_image":
            where = f"{'/'.join(failure.key)} turn {failure.turn}"
            message = f"protocol strict refuses the reply, {failure.stage}: {failure.kind}: {failure.message}"
            problems.warn(journal, None, where, message)
