# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Epochs, failures, whole dialogues and images in Inspect itself; ends with an error where one is not as documented."""

from __future__ import annotations

import base64
import io
from typing import Any

import inspect_ai
from inspect_ai import Task
from inspect_ai.dataset import Sample
from inspect_ai.log import EvalLog
from inspect_ai.model import (
    ChatCompletionChoice,
    ChatMessage,
    ChatMessageAssistant,
    ChatMessageSystem,
    ChatMessageUser,
    ContentImage,
    ModelAPI,
    ModelOutput,
    get_model,
    modelapi,
)
from inspect_ai.scorer import includes
from inspect_ai.solver import Generate, Solver, TaskState, generate, solver
from PIL import Image

from imug_metrics import read_records
from imug_metrics.integrations.inspect_ai import alignment, answers, consistency, dialogue_scores


@modelapi(name="told")
class Told(ModelAPI):
    """Says, draws or fails as the last message tells it."""

    async def generate(self, input: list[ChatMessage], **_: Any) -> ModelOutput:
        order, _, what = input[-1].text.partition(" ")
        if order == "fail":
            raise RuntimeError("told to fail")
        if order == "turns":  # right in every other call
            self.calls = getattr(self, "calls", 0) + 1
            what = "B" if self.calls % 2 else "A"
        content: Any = [ContentImage(image=drawn(what))] if order == "draw" else what
        message = ChatMessageAssistant(content=content)
        return ModelOutput(model="told", choices=[ChatCompletionChoice(message=message)])

    async def count_text_tokens(self, text: str) -> int:
        return len(text) // 4


@solver
def talk() -> Solver:
    """One message of the user after the other, each with the model's answer."""

    async def solve(state: TaskState, generate: Generate) -> TaskState:
        for prompt in state.metadata["prompts"]:
            state.messages.append(ChatMessageUser(content=prompt))
            state = await generate(state)
        return state

    return solve


def main() -> None:
    epochs_are_repeats()
    failures_lower_the_coverage()
    whole_dialogues_have_a_key_for_each_turn()
    images_are_scored_in_their_dialogues()
    other_scorers_get_intervals_without_coverage()
    a_sample_without_its_place_says_what_to_set()


def epochs_are_repeats() -> None:
    samples = [turn(f"{name}{number}", name, number, "turns", "B") for name in "ab" for number in (1, 2)]
    log = run(samples, answers(), epochs=4)
    found = values(log)
    assert (found["answer_accuracy_n"], found["answer_accuracy_dialogues"], found["answer_accuracy_epochs"]) == (
        4,
        2,
        4,
    )
    assert found["answer_accuracy"] == found["answer_accuracy_reliability_average"] == 0.5
    assert found["answer_accuracy_best_of_4"] >= found["answer_accuracy_best_of_2"] >= 0.5
    assert [*read_records(log.location)] == ["told_it", "told_it#2", "told_it#3", "told_it#4"]


def failures_lower_the_coverage() -> None:
    samples = [turn("a1", "a", 1, "say B", "B"), turn("a2", "a", 2, "fail", "B")]
    log = run(samples, answers(), score_on_error=True)
    assert (values(log)["answer_accuracy"], values(log)["answer_accuracy_coverage"]) == (1.0, 0.5)
    assert replies(log) == ["B", None]


def whole_dialogues_have_a_key_for_each_turn() -> None:
    begin: list[ChatMessage] = [ChatMessageSystem(content="Answer.")]
    prompts = {"a": ["say A", "say B", "say C"], "b": ["say A", "fail", "say C"]}
    samples = [
        Sample(input=begin, id=name, target=["A", "B", "D"], metadata={"dialogue": name, "prompts": asked})
        for name, asked in prompts.items()
    ]
    log = run(samples, answers(), talk(), score_on_error=True)
    found = values(log)
    assert (found["answer_accuracy_n"], found["answer_accuracy_coverage"]) == (4, 4 / 6)
    assert found["answer_accuracy_turn_3"] == 0
    assert replies(log) == ["A", "B", "C", "A", None, None]


def images_are_scored_in_their_dialogues() -> None:
    orders = {"a": ("red", "red"), "b": ("red", "blue")}
    samples = [
        turn(f"{name}{number}", name, number, f"draw {colour}", modality="image")
        for name, colours in orders.items()
        for number, colour in enumerate(colours, 1)
    ]
    samples.append(turn("b3", "b", 3, "say no", modality="image"))
    log = run(samples, [alignment("scene"), consistency("scene")])
    assert log.results is not None
    of_prompts, of_images = ({name: each.value for name, each in score.metrics.items()} for score in log.results.scores)
    assert of_prompts["turn_alignment_coverage"] == of_images["turn_consistency_coverage"] == 0.8
    assert of_images["copy_guard"] == 0.5
    assert of_images["turn_consistency"] < 1
    assert "image" in [record.modality for record in read_records(log.location)["told_it"]]


def other_scorers_get_intervals_without_coverage() -> None:
    samples = [turn(f"{name}{number}", name, number, "say B", "B") for name in "ab" for number in (1, 2)]
    found = values(run(samples, includes(), metrics=[dialogue_scores(score_range=[0, 1])]))
    assert (found["score"], found["score_n"], found["score_dialogues"]) == (1.0, 4, 2)
    assert "score_coverage" not in found


def a_sample_without_its_place_says_what_to_set() -> None:
    log = run([Sample(input="say B", id="x", target="B")], answers())
    assert (log.status, log.results) == ("error", None)
    assert log.error is not None
    assert "let the task write there which `dialogue` a sample is of, and which `turn` of it" in log.error.message


def turn(id: str, dialogue: str, number: int, order: str, target: str = "", **more: Any) -> Sample:
    return Sample(input=order, id=id, target=target, metadata={"dialogue": dialogue, "turn": number, **more})


def run(samples: list[Sample], scorer: Any, by: Solver | None = None, **options: Any) -> EvalLog:
    of_task = {name: options.pop(name) for name in ("metrics",) if name in options}
    task = Task(dataset=samples, solver=by or generate(), scorer=scorer, **of_task)
    [log] = inspect_ai.eval(task, model=get_model("told/it"), display="none", log_dir="behaviour", **options)
    return log


def values(log: EvalLog) -> dict[str, float]:
    assert log.results is not None
    return {name: metric.value for name, metric in log.results.scores[0].metrics.items()}


def replies(log: EvalLog) -> list[str | None]:
    """What a finished log holds, by dialogue and turn."""
    records = read_records(log.location)["told_it"]
    return [record.text for record in sorted(records, key=lambda record: (record.dialogue, record.turn))]


def drawn(colour: str) -> str:
    content = io.BytesIO()
    Image.new("RGB", (64, 64), colour).save(content, "PNG")
    return "data:image/png;base64," + base64.b64encode(content.getvalue()).decode()


if __name__ == "__main__":
    main()
