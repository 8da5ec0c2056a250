# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""One run over all dialogues, into one folder: with a seed's sample, and contexts of one length."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from imug_metrics.evaluation.settings import Progress
from imug_metrics.inference.asked_model import AskedModel
from imug_metrics.inference.contexts import ContextPadding
from imug_metrics.inference.limits import Spending, StoppedError
from imug_metrics.inference.model import Model
from imug_metrics.inference.questions import BrokenSampleError, Question
from imug_metrics.inference.recorder import Recorder
from imug_metrics.inference.rollouts import Rollout
from imug_metrics.inference.run_folder import RunFolder
from imug_metrics.inference.settings import Settings, model_concurrency, model_identity
from imug_metrics.inference.strategies.trace_logs import logged_traces
from imug_metrics.inference.turn import all_of
from imug_metrics.inference.writing import Outputs
from imug_metrics.judges.journal import Journal
from imug_metrics.protocols.imug.samples import SAMPLES
from imug_metrics.protocols.imug.usage import read_usage
from imug_metrics.reading.files import Problem, Problems, as_turn
from imug_metrics.report.files import write_problems
from imug_metrics.suite import FAILED
from imug_metrics.traces import write_traces


@dataclass(frozen=True)
class Arm:
    """One run.

    Attributes:
        name: of its folder below the one that is written, such as "sample_1"; empty where there is but one.
        model: the folder of outputs.
        sample: which of several runs, from 0.
        padding: fills histories up; None: they stay as they are.
    """

    name: str
    model: Path
    sample: int = 0
    padding: ContextPadding | None = None


async def run_arm(
    arm: Arm,
    questions: Sequence[Question],
    settings: Settings,
    spending: Spending,
    unread: Sequence[Problem],
    progress: Progress | None,
) -> Problems:
    """Ask and write everything that an earlier run has not.

    Args:
        arm: what is run.
        questions: the dialogues.
        settings: of the whole call.
        spending: of the whole call.
        unread: what is wrong with the benchmark, which is written with what went wrong.
        progress: called with what is done.

    Returns:
        What went wrong, which is also written into the hidden folder, together with `unread`.

    Raises:
        ArgumentError: if the folder holds outputs of other settings.
        JournalLockedError: if another process writes to it.
        OSError: if a file cannot be read or written.
    """
    problems = Problems()
    with _opened(arm, settings, spending) as (folder, recorder):
        outputs = Outputs(arm.model, folder.scratch)
        rollout = Rollout(settings, recorder, outputs, arm.padding, arm.sample, problems)
        title = f"{settings.name} {arm.name}".rstrip()
        queue, done = iter(questions), 0

        async def work() -> None:
            nonlocal done
            for question in queue:
                if not await _answered(question, rollout):
                    return
                done += 1
                if progress is not None:
                    progress(title, done, len(questions))
                await asyncio.sleep(0)  # many finished ones in a row must not block the others

        await all_of(work() for _ in range(settings.concurrency))
        if settings.leaves_traces:
            _write_traces(folder, questions, outputs)
        written = write_problems(Problems([*unread, *problems]), folder.scratch)
        written.replace(folder.root / written.name)  # a kill before this leaves nothing beside it
    return problems


@contextmanager
def _opened(arm: Arm, settings: Settings, spending: Spending) -> Iterator[tuple[RunFolder, Recorder]]:
    """The hidden folder, emptied where the run overwrites it, and what asks the model."""
    folder = RunFolder.beside(arm.model)
    if settings.overwrite:
        if folder.journal.is_file():
            Journal(folder.journal).close()  # raises where another process has it
        Outputs(arm.model, folder.scratch).clear_all()
        folder.remove()
    recorder = Recorder(
        settings.model,
        model_identity(settings.model),
        folder,
        concurrency=settings.concurrency,
        seed=settings.seed,
        spending=spending,
        retry_errors=settings.retry_errors,
        roles=_asked_roles(settings.roles),
    )
    try:
        is_empty = not folder.journal.stat().st_size and not arm.model.exists()
        folder.keep_settings(settings.describe(arm.padding), is_empty=is_empty)
        yield folder, recorder
    finally:
        recorder.close()


def _asked_roles(roles: Mapping[str, Model]) -> dict[str, AskedModel]:
    """Models by role; one that has several roles takes no more requests at a time for it."""
    models = {id(model): AskedModel(model, model_identity(model), model_concurrency(model)) for model in roles.values()}
    return {role: models[id(model)] for role, model in roles.items()}


async def _answered(question: Question, rollout: Rollout) -> bool:
    """Answer a dialogue unless it is; False: nothing more may be asked."""
    try:
        rows = rollout.outputs.finished(question, retry_errors=rollout.settings.retry_errors)
        if rows is None:
            await rollout.run(question)
        else:
            _tell_failed_turns(question, rows, rollout)
    except BrokenSampleError as error:
        rollout.problems.error(question.root / SAMPLES, question.line, question.dialogue, str(error))
    except StoppedError:
        return False
    return True


def _write_traces(folder: RunFolder, questions: Sequence[Question], outputs: Outputs) -> None:
    """The traces in the logs of all dialogues that are answered, so that a run that goes on ends with the same file."""
    traces = (trace for question in questions for log in outputs.logs(question) for trace in logged_traces(log))
    write_traces(folder.traces, traces, folder.scratch)


def _tell_failed_turns(question: Question, rows: Sequence[Mapping[str, Any]], rollout: Rollout) -> None:
    """Tell of turns that failed in an earlier run, as that run did."""
    failed = [row for row in rows if row["model_response"].startswith(FAILED)]
    usage = read_usage(rollout.outputs.model, question.key, Problems()) if failed else {}
    for row in failed:
        reason = row["model_response"].removeprefix(FAILED).strip()
        turn = as_turn(row.get("turn"))
        log = usage[turn].log if turn in usage else {}
        rollout.tell_failed(question, turn, str(log.get("failure", reason)))
