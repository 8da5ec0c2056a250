# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""For tasks of lmms-eval: what their YAML names by `!function imug_metrics.integrations.lmms_eval.NAME`.

These read documents with the fields `dialogue`, `turn`, `question`, `answer` and, if any, `options` and `images`. Where
a task has others, its `utils.py` makes the same functions with a `TaskScores` of its own. The harness is not imported.

Example:
    >>> doc = {"dialogue": "a", "turn": 1, "question": "Which? A. red B. blue", "answer": "B"}
    >>> doc_to_text(doc), doc_to_visual(doc)
    ('Which? A. red B. blue', [])
    >>> answer_accuracy([process_results(doc, ["(B)"])["answer_accuracy"]])
    1.0
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import zip_longest
from pathlib import Path
from typing import Any

from imug_metrics.errors import ArgumentError
from imug_metrics.formats.lmms_eval import Reply
from imug_metrics.functional.answers.answer_accuracy import Kind
from imug_metrics.integrations.task_scores import NAMES, Doc, Field, field_of
from imug_metrics.integrations.task_scores import TaskScores as TaskScores
from imug_metrics.media.formats import open_image
from imug_metrics.suite import Given

_scores = TaskScores()

check_docs = _scores.check_docs
process_results = _scores.process_results

answer_accuracy = _scores.aggregation("answer_accuracy")
answer_accuracy_lower = _scores.aggregation("answer_accuracy_lower")
answer_accuracy_upper = _scores.aggregation("answer_accuracy_upper")
answer_accuracy_slope = _scores.aggregation("answer_accuracy_slope")
answer_accuracy_slope_lower = _scores.aggregation("answer_accuracy_slope_lower")
answer_accuracy_slope_upper = _scores.aggregation("answer_accuracy_slope_upper")
answer_accuracy_coverage = _scores.aggregation("answer_accuracy_coverage")
answer_accuracy_n = _scores.aggregation("answer_accuracy_n")


def doc_to_text(doc: Doc, lmms_eval_specific_kwargs: Mapping[str, Any] | None = None) -> str:
    """The question, between the `pre_prompt` and `post_prompt` that the task has for a model."""
    around = lmms_eval_specific_kwargs or {}
    question = field_of(doc, "prompt", "question")
    return f"{around.get('pre_prompt', '')}{question}{around.get('post_prompt', '')}"


def doc_to_visual(doc: Doc) -> list[Any]:
    """The images of the question: those of the field `images`, as images or as paths of files."""
    images = doc.get("images") or []
    return [open_image(image).convert("RGB") if isinstance(image, str) else image for image in images]


class DialogueScores(TaskScores):
    """Scores of a task whose documents are dialogues, and whose rounds are turns (`generate_until_multi_round`).

    The history is the model's own: each round asks with all that was asked and answered before it.

    Args:
        names: of the scores, the primary one first; exactly those of the task's `metric_list`.
        dialogue: the field of a document that holds the dialogue's id, or a function of it.
        turns: the field that holds its turns in order, or a function of it. Each turn is an object; images of its
            question are in its field `images`.
        prompt, key, options, modality: fields of a turn that hold these, or functions of it, as in `TaskScores`.
        kind, metrics, encoder, images: as in `TaskScores`.

    Example:
        >>> turns = [{"question": "Which? A. red B. blue", "answer": "B"}, {"question": "Sure? A. yes", "answer": "A"}]
        >>> doc, scores = {"dialogue": "a", "turns": turns}, DialogueScores()
        >>> images, text, ended, replies, _ = scores.doc_to_text(doc, round_idx=1, previous_output=["(B)"])
        >>> print(text)
        User: Which? A. red B. blue
        Assistant: (B)
        User: Sure? A. yes
        >>> values = scores.process_results(doc, [["(B)", "B"]])
        >>> scores.aggregation("answer_accuracy_n")([values["answer_accuracy_n"]])
        2.0
    """

    def __init__(
        self,
        names: Sequence[str] = NAMES,
        *,
        dialogue: Field = "dialogue",
        turns: Field = "turns",
        prompt: Field = "question",
        key: Field | None = "answer",
        options: Field = "options",
        modality: Field = "modality",
        kind: Kind = "choice",
        metrics: Given | None = None,
        encoder: Any = None,
        images: Path | str = ".",
    ) -> None:
        super().__init__(
            names,
            prompt=prompt,
            key=key,
            options=options,
            modality=modality,
            kind=kind,
            metrics=metrics,
            encoder=encoder,
            images=images,
        )
        self.dialogue_fields = {"dialogue": dialogue, "turns": turns}

    def doc_to_text(
        self,
        doc: Doc,
        lmms_eval_specific_kwargs: Mapping[str, Any] | None = None,
        previous_output: Sequence[str] | None = None,
        round_idx: int | None = None,
        previous_round_info: Any = None,
    ) -> Any:
        """The first question; of a later round what the harness wants.

        That is: its images, its text with the history, whether all turns are over, the replies so far, and None.
        """
        turns, replies = self._turns(doc), list(previous_output or ())
        if round_idx is None:
            return str(field_of(turns[0], "prompt", self.fields["prompt"]))
        if round_idx >= len(turns):
            return None, None, True, replies, None
        asked = [f"User: {field_of(turn, 'prompt', self.fields['prompt'])}" for turn in turns[: round_idx + 1]]
        said = [f"Assistant: {reply}" for reply in replies]
        text = "\n".join(line for pair in zip_longest(asked, said) for line in pair if line is not None)
        images = [image for turn in turns[: round_idx + 1] for image in doc_to_visual(turn)]
        return images, text, False, replies, None

    def doc_to_visual(self, doc: Doc) -> list[Any]:
        """The images of the first question."""
        return doc_to_visual(self._turns(doc)[0])

    def value(self, doc: Doc, replies: Sequence[Reply]) -> dict[str, Any]:
        """What is scored of a dialogue, as plain JSON."""
        dialogue, turns = field_of(doc, "dialogue", self.dialogue_fields["dialogue"]), self._turns(doc)
        if replies and len(replies) != len(turns):
            cure = "the model has to give the replies of its rounds as a list, with `--batch_size 1`"
            raise ArgumentError(
                "results",
                f"expected {len(turns)} replies to dialogue {dialogue!r}, one a turn, got {len(replies)}: {cure}",
            )
        placed = [{**turn, "dialogue": dialogue, "turn": number} for number, turn in enumerate(turns, 1)]
        said = replies or [Reply()] * len(turns)
        return {
            "dialogue": dialogue,
            "turns": [self.turn_value(turn, reply) for turn, reply in zip(placed, said, strict=True)],
        }

    def _turns(self, doc: Doc) -> Sequence[Doc]:
        turns = field_of(doc, "turns", self.dialogue_fields["turns"])
        if not isinstance(turns, Sequence) or not turns or not all(isinstance(turn, Mapping) for turn in turns):
            raise ArgumentError("turns", "expected the turns of a document as a list of objects, at least one")
        return turns


_dialogues = DialogueScores()

check_dialogues = _dialogues.check_docs
dialogue_to_text = _dialogues.doc_to_text
dialogue_to_visual = _dialogues.doc_to_visual
process_dialogue = _dialogues.process_results
