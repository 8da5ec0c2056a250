# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Turns that fill a context: whole turns of a benchmark, answered as they should be."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass

from imug_metrics.inference.histories import References
from imug_metrics.inference.model import Message
from imug_metrics.inference.questions import BrokenSampleError, Question, Task


@dataclass(frozen=True)
class FillerTurn:
    """A turn with its reference output; images are not kept but read again when they are needed.

    Attributes:
        question: whose turn it is.
        task: what is asked.
        references: what the reference said.
        texts: all texts of it.
        images: number of its images.
    """

    question: Question
    task: Task
    references: References
    texts: tuple[str, ...]
    images: int

    def messages(self) -> tuple[Message, Message]:
        """What the user says, and the reference's side.

        Raises:
            BrokenSampleError: if an image or the reference output is not there.
        """
        return self.task.message(), self.references.message(self.question, self.task)


def filler_pool(questions: Iterable[Question], references: References | None = None) -> list[FillerTurn]:
    """The turns of a benchmark that have a reference output.

    Args:
        questions: the dialogues; one that breaks off counts up to there.
        references: what the reference said; by default what the benchmark itself states.
    """
    return [filler for question in questions for filler in _fillers(question, references or References())]


def _fillers(question: Question, references: References) -> Iterator[FillerTurn]:
    with suppress(BrokenSampleError):  # what follows is not known
        for task in question.tasks():
            with suppress(BrokenSampleError):  # an image or the reference output is not there
                parts = (*task.message().parts, *references.message(question, task).parts)
                texts = tuple(part for part in parts if isinstance(part, str))
                yield FillerTurn(question, task, references, texts, len(parts) - len(texts))
