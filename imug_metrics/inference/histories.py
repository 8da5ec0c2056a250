# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""What a model is shown of earlier turns: its own outputs, the reference's, a mixture, or nothing."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import torch

from imug_metrics.errors import ArgumentError
from imug_metrics.functional.decay.exposure_bias import SCHEDULES, Schedule, own_history_share, scheduled_sampling
from imug_metrics.inference.model import ImageFile, Message, Part
from imug_metrics.inference.questions import BrokenSampleError, Question, Task
from imug_metrics.protocols.imug.outputs import Replies, find_image, question_folder, read_replies
from imug_metrics.protocols.imug.samples import DYNAMIC
from imug_metrics.reading.files import Problems
from imug_metrics.suite import FAILED


@dataclass(frozen=True)
class HistoryChoice:
    """Which turns of the history are the model's own.

    Attributes:
        name: "own", "reference", "mixed:E" or "mixed:SCHEDULE:K".
        reference: share of turns that are the reference's; None: the schedule tells.
        schedule: by which the share falls with the turn.
        k: the schedule's parameter.
    """

    name: str = "own"
    reference: float | None = 0.0
    schedule: Schedule = "linear"
    k: float = math.nan

    @property
    def needs_references(self) -> bool:
        """Whether any turn can be the reference's."""
        return self.reference != 0.0

    def own(self, dialogue: str, turns: Sequence[int], seed: int) -> list[bool]:
        """Which turns of a dialogue are its own; the first turn is step 0 of a schedule."""
        if self.reference is None:
            share = own_history_share([turn - 1 for turn in turns], self.schedule, self.k)
        else:
            share = torch.full((len(turns),), 1 - self.reference, dtype=torch.float64)
        drawn = scheduled_sampling(dialogue=[dialogue] * len(turns), turn=list(turns), share=share, seed=seed)
        return [bool(own) for own in drawn.tolist()]


def parse_history(text: str) -> HistoryChoice:
    """A choice as it is written on the command line.

    Args:
        text: `"own"`, `"reference"`, `"mixed:E"` with the share E of turns that are the reference's, or
            `"mixed:SCHEDULE:K"` with a schedule of `own_history_share`, whose step is the turn counted from 0.

    Raises:
        ArgumentError: if it is none of these.

    Example:
        >>> parse_history("mixed:0.25").reference, parse_history("mixed:linear:4").schedule
        (0.25, 'linear')
    """
    if text in ("own", "reference"):
        return HistoryChoice(text, 0.0 if text == "own" else 1.0)
    kind, *rest = text.split(":")
    found = _mixed(text, rest) if kind == "mixed" else None
    if found is not None:
        return found
    schedules = ", ".join(SCHEDULES)
    expected = f"own, reference, mixed:E with E from 0 to 1, or mixed:SCHEDULE:K with one of {schedules}"
    ranges = "K of linear above 0, of exponential from 0 to below 1, of inverse_sigmoid from 1"
    raise ArgumentError("history", f"expected {expected} ({ranges}), got {text!r}")


def _mixed(text: str, rest: Sequence[str]) -> HistoryChoice | None:
    """A mixture; None: there is no such share, schedule or parameter."""
    try:
        number = float(rest[-1]) if rest else math.nan
        if len(rest) == 1:
            return HistoryChoice(text, number) if 0 <= number <= 1 else None
        schedule = next(name for name in SCHEDULES if [name] == rest[:-1])
        own_history_share([0.0], schedule, number)  # checks k
    except (ValueError, StopIteration):
        return None
    return HistoryChoice(text, None, schedule, number)


@dataclass(frozen=True)
class References:
    """What the reference said and drew at each turn.

    The key of a text turn and, where the benchmark names one, the image `output.image` of an image turn; or all of it
    from outputs in the official layout, such as those of people.

    Attributes:
        folder: the outputs of one model; None: there are none.
    """

    folder: Path | None = None
    _problems: Problems = field(default_factory=Problems, repr=False, compare=False)

    def message(self, question: Question, task: Task) -> Message:
        """The reference's side of a turn.

        Raises:
            BrokenSampleError: if there is none.
        """
        found = self._stated(task) if self.folder is None else self._recorded(self.folder, question, task)
        if found is None:
            cure = "; outputs that are the reference can be named (references)"
            where = f"the benchmark{cure}" if self.folder is None else str(self.folder)
            raise BrokenSampleError(f"Turn {task.turn} has no reference output ({task.want}) in {where}")
        return Message("assistant", (found,))

    def _stated(self, task: Task) -> Part | None:
        output = task.row.get("output")
        stated = output.get("answer" if task.want == "text" else "image") if isinstance(output, dict) else None
        if not isinstance(stated, str) or not stated or DYNAMIC in stated:
            return None
        return stated if task.want == "text" else task.image(stated)

    def _recorded(self, folder: Path, question: Question, task: Task) -> Part | None:
        place = question_folder(folder, question.key)
        replies: Replies = read_replies(place, folder, self._problems, texts=False) or {}
        if task.want == "image":
            path = find_image(task.turn, replies, place, folder, self._problems)
            return None if path is None else ImageFile(path.read_bytes())
        reply = replies.get(task.turn, [None])[-1]
        return reply if isinstance(reply, str) and reply and not reply.startswith(FAILED) else None
