# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""One model before a judge: keys of dynamic questions, then points of images, then points of boards by rule."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Literal, TypeVar

from imug_metrics.judges import Judge, Question, Verdict, judge_all
from imug_metrics.protocols.imug.benchmark import Benchmark
from imug_metrics.protocols.imug.board import Protocol, read_board
from imug_metrics.protocols.imug.dynamic import DynamicLink, official_key, strict_key
from imug_metrics.protocols.imug.grid import board_points
from imug_metrics.protocols.imug.images import LookUpError, SampleImages
from imug_metrics.protocols.imug.judged import JudgedImage
from imug_metrics.protocols.imug.prompts import Prompts
from imug_metrics.protocols.imug.replies import official_points, strict_points
from imug_metrics.protocols.imug.requests import (
    MissingImageError,
    Plan,
    has_several_answers,
    plan_dynamic,
    plan_image,
)
from imug_metrics.protocols.imug.samples import Key, Sample, Task
from imug_metrics.reading.files import Problems

Stage = Literal["dynamic", "image", "grid"]
T = TypeVar("T")


@dataclass(frozen=True)
class Failure:
    """A turn of which there is no judgement, or one repeat of it.

    Attributes:
        stage: "dynamic" (the key of a question), "image" or "grid" (the points of an image).
        key, turn: where.
        repeat: which of the repeats, from 0.
        kind: "missing_image" (nothing to judge), "look_up" (the released tool stops here), "request" (the request
            could not be made), or what a judge failed with.
        message: why.
    """

    stage: Stage
    key: Key
    turn: int
    repeat: int
    kind: str
    message: str

    def as_row(self) -> dict[str, Any]:
        """The failure as one JSON object."""
        domain, subdomain, sample_id = self.key
        row = {name: value for name, value in asdict(self).items() if name != "key"}
        return {"domain": domain, "subdomain": subdomain, "sample_id": sample_id, **row}


@dataclass
class Judgements:
    """What was found out about one model.

    Attributes:
        keys: keys of dynamic questions by (sample key, turn).
        images: points of images in the order of the official file: the judge's in the order of the benchmark, then
            those of boards. With repeats, the first that could be read counts.
        failures: every turn, or repeat of one, without a judgement.
        verdicts: all answers of the judge, repeats included, for its agreement with itself. Their keys are
            ("dynamic" or "image", model, domain, subdomain, sample id, turn).
    """

    keys: dict[tuple[Key, int], str] = field(default_factory=dict)
    images: list[JudgedImage] = field(default_factory=list)
    failures: list[Failure] = field(default_factory=list)
    verdicts: list[Verdict[Any]] = field(default_factory=list)

    @property
    def missing(self) -> list[tuple[Key, int]]:
        """Image turns without an image that could be judged."""
        return [(fail.key, fail.turn) for fail in self.failures if fail.stage != "dynamic" and _is_missing(fail)]


def judge_model(
    benchmark: Benchmark,
    outputs: Path,
    judge: Judge,
    *,
    prompts: Prompts,
    protocol: Protocol,
    problems: Problems,
    journal: Path | None = None,
    repeats: int = 1,
    retry_errors: bool = False,
    progress: Callable[[Verdict[Any]], None] | None = None,
) -> Judgements:
    """Ask a judge for the keys and points of one model, and score its boards by rule.

    Images are read when they are sent and forgotten after it. A turn that fails is in the result's failures; nothing
    is left out in silence.

    Args:
        benchmark: the samples, or a part of them.
        outputs: the model's folder; the journal keeps answers under its name.
        judge: whom to ask.
        prompts: its instructions.
        protocol: `"imug"`: requests and readings of the released tools. `"strict"`: the corrected ones, see `RULES`; a
            malformed reply is asked for once more, with what is wrong with it.
        problems: collects what is wrong in the data.
        journal: file of answers; what it holds is not asked again.
        repeats: how many times each question is asked.
        retry_errors: ask again also where an earlier run had a reply that could not be used.
        progress: called with each verdict.

    Returns:
        The judgements.
    """
    session = _Session(benchmark, outputs, prompts, protocol)
    ask = partial(
        judge_all,
        judge=judge,
        journal=journal,
        repeats=repeats,
        reask=protocol == "strict",
        retry_errors=retry_errors,
        progress=progress,
    )
    keys = session.collect("dynamic", ask(session.dynamic_questions()))
    points = session.collect("image", ask(session.image_questions()))
    boards = grid_scores(benchmark, outputs, protocol, session.problems, session.failures)
    judged = [JudgedImage(*unit, scores) for unit, scores in points.items() if unit not in boards]
    ruled = [JudgedImage(*unit, scores) for unit, scores in boards.items()]
    known = set(problems)
    problems.extend(problem for problem in dict.fromkeys(session.problems) if problem not in known)
    return Judgements(dict(keys), judged + ruled, session.failures, session.verdicts)


def grid_scores(
    benchmark: Benchmark,
    outputs: Path,
    protocol: Protocol,
    problems: Problems,
    failures: list[Failure] | None = None,
) -> dict[tuple[Key, int], tuple[float, ...]]:
    """Points of the images that are scored by rule, one image at a time.

    Args:
        benchmark: the samples, or a part of them.
        outputs: the model's folder.
        protocol: `"imug"` scores turn_<t>_output.png alone; `"strict"` finds the image as for the judge.
        problems: collects what is wrong.
        failures: collects, under `"strict"`, turns without an image that can be read. Under `"imug"` such a turn
            keeps the judge's points if there is no file, and scores 0 if it cannot be read.

    Returns:
        Points by (sample key, turn).

    Raises:
        ModuleNotFoundError: if there is a board to be read and OpenCV is not installed.
    """
    scores: dict[tuple[Key, int], tuple[float, ...]] = {}
    for sample in benchmark:
        truth = benchmark.truth(sample, protocol)
        images = SampleImages(benchmark.root, sample, outputs, protocol, problems)
        for task in sample.tasks:
            if task.modality != "image" or task.turn not in truth:
                continue
            found = (images.default_output if protocol == "imug" else images.output)(task.turn)
            board = None if found is None else read_board(found.path, protocol)
            if board is not None and (protocol == "imug" or board.status != "unreadable"):
                points = board_points(board.cells, truth[task.turn], len(task.points), protocol)
                scores[sample.key, task.turn] = tuple(map(float, points))
            elif protocol == "strict" and failures is not None:
                why = f"there is no image of turn {task.turn}"
                if board is not None:
                    why = f"the image of turn {task.turn} cannot be read"
                failures.append(Failure("grid", sample.key, task.turn, 0, "missing_image", why))
    return scores


class _Session:
    """What the stages of one model share: where everything lies, and what went wrong."""

    def __init__(self, benchmark: Benchmark, outputs: Path, prompts: Prompts, protocol: Protocol) -> None:
        self.benchmark, self.outputs, self.prompts, self.protocol = benchmark, outputs, prompts, protocol
        self.problems = Problems()  # the stages look at one file several times: each problem is passed on once
        self.failures: list[Failure] = []
        self.verdicts: list[Verdict[Any]] = []

    def dynamic_questions(self) -> Iterator[Question[str]]:
        samples = {sample.key: sample for sample in self.benchmark}
        for link in self.benchmark.links:
            sample = samples[link.key]
            images = self._images(sample)
            plan = self._plan("dynamic", sample, link.turn, partial(plan_dynamic, sample, link, images, self.prompts))
            if plan is not None:
                yield self._question("dynamic", sample, link.turn, plan, self._key_reader(sample, link, images))

    def image_questions(self) -> Iterator[Question[tuple[float, ...]]]:
        for sample in self.benchmark:
            images = self._images(sample)
            for task in self._judged_tasks(sample):
                plan = self._plan("image", sample, task.turn, partial(plan_image, task, images, self.prompts))
                if plan is not None:
                    yield self._question("image", sample, task.turn, plan, self._point_reader(task))

    def collect(self, stage: Stage, verdicts: Sequence[Verdict[T]]) -> dict[tuple[Key, int], T]:
        """The first answer of each question that could be read; the others are failures."""
        values: dict[tuple[Key, int], T] = {}
        self.verdicts += verdicts
        for verdict in verdicts:
            _, _, domain, subdomain, sample_id, turn = verdict.key
            key, number = (str(domain), str(subdomain), str(sample_id)), int(turn)
            if verdict.error is None and verdict.value is not None:
                values.setdefault((key, number), verdict.value)
            else:
                kind, _, message = (verdict.error or "").partition(": ")
                self.failures.append(Failure(stage, key, number, verdict.repeat, kind, message))
        return values

    def _judged_tasks(self, sample: Sample) -> Iterator[Task]:
        """Image turns that a judge is asked about: under "strict" none without points and none scored by rule."""
        truth = self.benchmark.truth(sample, self.protocol)
        for task in sample.tasks:
            if task.modality == "image" and (self.protocol == "imug" or (task.points and task.turn not in truth)):
                yield task

    def _images(self, sample: Sample) -> SampleImages:
        return SampleImages(self.benchmark.root, sample, self.outputs, self.protocol, self.problems)

    def _plan(self, stage: Stage, sample: Sample, turn: int, plan: Callable[[], Plan]) -> Plan | None:
        try:
            return plan()
        except (LookUpError, MissingImageError) as error:
            kind = "look_up" if isinstance(error, LookUpError) else "missing_image"
            self.failures.append(Failure(stage, sample.key, turn, 0, kind, str(error)))
            return None

    def _question(self, stage: Stage, sample: Sample, turn: int, plan: Plan, parse: Callable[[str], T]) -> Question[T]:
        return Question((stage, self.outputs.name, *sample.key, turn), plan.build, parse)

    def _key_reader(self, sample: Sample, link: DynamicLink, images: SampleImages) -> Callable[[str], str]:
        task = images.tasks[link.turn]
        if self.protocol == "imug":
            return partial(official_key, task=task)
        return partial(strict_key, task=task, several=has_several_answers(sample, task, self.protocol))

    def _point_reader(self, task: Task) -> Callable[[str], tuple[float, ...]]:
        return official_points if self.protocol == "imug" else partial(strict_points, count=len(task.points))


def _is_missing(failure: Failure) -> bool:
    return failure.kind in ("missing_image", "request")
