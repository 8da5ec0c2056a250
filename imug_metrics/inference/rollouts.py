# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""One dialogue from its first turn to its last: asked, answered, written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from imug_metrics.inference.contexts import ContextPadding
from imug_metrics.inference.costs import Costs
from imug_metrics.inference.histories import References
from imug_metrics.inference.model import ImageFile, Message, ModelError
from imug_metrics.inference.questions import Question, Task
from imug_metrics.inference.recorder import Place, Recorder
from imug_metrics.inference.settings import Settings
from imug_metrics.inference.turn import Answer, Turn
from imug_metrics.inference.writing import Outputs, failed
from imug_metrics.media.formats import open_image
from imug_metrics.protocols.imug.usage import TurnUsage
from imug_metrics.reading.files import Problems
from imug_metrics.report.files import to_json

FAILED_TURN = Message("assistant", ("Error",))
"""What stands in the history for a turn that failed."""


@dataclass(frozen=True)
class Rollout:
    """How dialogues are led.

    Attributes:
        settings: of the run.
        recorder: asks the model.
        outputs: where answers go.
        padding: fills histories up with turns of other dialogues; None: they stay as they are.
        sample: which of several runs, from 0.
        problems: collects turns that failed and images that cannot be opened.
    """

    settings: Settings
    recorder: Recorder
    outputs: Outputs
    padding: ContextPadding | None
    sample: int
    problems: Problems

    async def run(self, question: Question) -> None:
        """Answer a dialogue and write it.

        Raises:
            BrokenSampleError: if it cannot be gone on with; images of earlier turns stay.
            StoppedError: if nothing more may be asked; nothing is written but images.
        """
        shown = self._references(question)
        self.outputs.clear(question)
        state = _State(question.system)
        for task in question.tasks():
            user = task.message()
            answer = await self._answer(question, task, user, state)
            said = FAILED_TURN if answer is None else Message("assistant", (answer.output,))
            if not self.settings.isolated:
                state.history += (user, shown.get(task.turn, said))
        self.outputs.write_result(question, state.answers, state.usage)

    def _references(self, question: Question) -> dict[int, Message]:
        """By turn, the reference's side where it stands in the history; looked up before anything is asked."""
        history = self.settings.history
        if self.settings.isolated or not history.needs_references:
            return {}
        earlier = list(question.tasks())[:-1]
        own = history.own(question.dialogue, [task.turn for task in earlier], self.settings.seed)
        references = References(self.settings.references)
        return {
            task.turn: references.message(question, task)
            for task, is_own in zip(earlier, own, strict=True)
            if not is_own
        }

    async def _answer(self, question: Question, task: Task, user: Message, state: _State) -> Answer | None:
        """What the strategy makes of a turn, written; None: the turn has failed."""
        history: tuple[Message, ...] = (*state.history, user)
        context: Mapping[str, Any] = {}
        if self.padding is not None:
            padded = self.padding.pad(question.dialogue, task.turn, history)
            history, context = padded.history, padded.describe()
        costs = Costs()
        ask = partial(self.recorder.ask, Place(question.dialogue, task.turn, self.sample), costs)
        roles = {role: partial(ask, role=role) for role in self.settings.roles}
        turn = Turn(question.dialogue, task.turn, task.want, history, user.text, ask, roles=roles)
        answer: Answer | None = None
        log: Mapping[str, Any] = {}
        try:
            answer = await self.settings.strategy.answer(turn)
        except ModelError as error:
            state.answers.append({"model_response": failed(error.reason)})
            self.tell_failed(question, task.turn, error.told)
            log = {} if error.told == error.reason else {"failure": error.told}
        else:
            state.answers.append(self.outputs.write_turn(question, task.turn, answer))
            self._look(question, task, answer)
            log = answer.log
        state.usage[task.turn] = TurnUsage(costs.total(), context, to_json(log))
        return answer

    def tell_failed(self, question: Question, turn: object, reason: str) -> None:
        """Tell of a turn that failed, now or in an earlier run."""
        path = self.outputs.folder(question) / "result.json"
        self.problems.warn(path, None, f"turn {turn}", f"the turn failed: {reason[:300]}")

    def _look(self, question: Question, task: Task, answer: Answer) -> None:
        """Tell of an image that cannot be opened; it is kept as it came."""
        if not isinstance(answer.output, ImageFile):
            return
        path = self.outputs.folder(question) / f"turn_{task.turn}_output.png"
        try:
            open_image(path).close()
        except (OSError, ValueError) as error:
            self.problems.warn(path, None, f"turn {task.turn}", str(error))


@dataclass
class _State:
    """What has been said in a dialogue, answered, and spent."""

    history: tuple[Message, ...]
    answers: list[dict[str, Any]] = field(default_factory=list)
    usage: dict[int, TurnUsage] = field(default_factory=dict)
