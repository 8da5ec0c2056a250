# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Grades of answers: a judge reads the captioned answers, and every item's quality is measured."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from imug_metrics.functional.tags import read_tags
from imug_metrics.judges import Judge, Question, Verdict, judge_all
from imug_metrics.protocols.files import Problems
from imug_metrics.protocols.unim.captions import Captions, captioned_text, uncaptioned
from imug_metrics.protocols.unim.prompts import caption_question, coherence_question, correctness_question
from imug_metrics.protocols.unim.records import CONTENT, Answer, Instance, Key
from imug_metrics.protocols.unim.scoring import Grades
from imug_metrics.quality import Quality, Scorer, item_quality


def grade_answers(
    instances: Sequence[Instance],
    answers: Mapping[Key, Answer],
    judge: Judge,
    problems: Problems,
    *,
    captions: Captions | None = None,
    reference_captions: Captions | None = None,
    scorers: Mapping[str, Scorer] | None = None,
    journal: Path | None = None,
) -> dict[Key, Grades]:
    """SC, GQ, HC and SH of every answer.

    Pictures without a caption are described by the judge. Other media without one are said to be not described, which
    is collected as a problem.

    Args:
        instances: references.
        answers: the model's.
        judge: whom to ask.
        problems: collects what could not be described, judged or measured.
        captions: of the answers' items.
        reference_captions: of the references' items.
        scorers: functions by modality that take the place of our measures of quality.
        journal: file in which replies are kept, so that a second run goes on where the first stopped.

    Returns:
        Grades by instance, for every instance that has an answer.
    """
    answered = [instance for instance in instances if instance.key in answers]
    described = {key: dict(found) for key, found in (captions or {}).items()}
    pictures = [
        caption_question(key, name, path)
        for key, answer in answers.items()
        for name in uncaptioned(answer, described.get(key, {}))
        if name.startswith("image") and (path := answer.find(name)) is not None
    ]
    for verdict in judge_all(pictures, judge, journal=journal):
        *_, name = verdict.key
        if verdict.value is None:
            _note(verdict, answers, problems)
        else:
            described.setdefault(Key(*map(str, verdict.key[1:4])), {})[str(name)] = verdict.value
    questions: list[Question[Any]] = []
    for instance in answered:
        key, answer = instance.key, answers[instance.key]
        for name in uncaptioned(answer, described.get(key, {})):
            problems.error(answer.file, answer.line, f"output.modal.{name}", "has no caption: judged unseen")
        reference = captioned_text(instance.reference, (reference_captions or {}).get(key, {}))
        given = captioned_text(answer, described.get(key, {}))
        questions += [correctness_question(key, instance.prompt, reference, given), coherence_question(key, given)]
    judged: dict[Key, dict[str, Any]] = {}
    for verdict in judge_all(questions, judge, journal=journal):
        key = Key(*map(str, verdict.key[1:4]))
        judged.setdefault(key, {})[str(verdict.key[0])] = verdict.value
        if verdict.value is None:
            _note(verdict, answers, problems)
    return {
        instance.key: _grades(judged[instance.key], answer_quality(answers[instance.key], problems, scorers=scorers))
        for instance in answered
    }


def answer_quality(answer: Answer, problems: Problems, *, scorers: Mapping[str, Scorer] | None = None) -> float:
    """GQ: mean quality of the items that an answer's text names, without a reference.

    An item whose file is missing or broken has quality 0; one that cannot be judged is left out. An answer without
    items is judged as one item of text.

    Args:
        answer: the answer.
        problems: collects what is missing, broken or cannot be judged.
        scorers: functions by modality that take the place of ours.

    Returns:
        In [0, 1], or NaN where no item could be judged.
    """
    found = []
    tags = list(dict.fromkeys(read_tags(answer.text)))
    if not tags:
        return item_quality(answer.text, "text", scorers=scorers).value
    for tag in tags:
        source: Any = answer.find(str(tag))
        if source is None and tag.modality in CONTENT:
            source = answer.items.get(str(tag))
        quality = (
            Quality(0.0, "no such file below the outputs")
            if source is None
            else _measured(source, tag.modality, scorers)
        )
        if quality.reason is not None:
            problems.error(answer.file, answer.line, f"output.modal.{tag}", quality.reason)
        found.append(quality.value)
    known = [value for value in found if not math.isnan(value)]
    return sum(known) / len(known) if known else math.nan


def _measured(source: Any, modality: Any, scorers: Mapping[str, Scorer] | None) -> Quality:
    try:
        return item_quality(source, modality, scorers=scorers)
    except ModuleNotFoundError as error:
        return Quality(math.nan, str(error))


def _grades(judged: Mapping[str, Any], quality: float) -> Grades:
    holistic, style = judged.get("coherence") or (math.nan, math.nan)
    return Grades(judged.get("correctness") or math.nan, quality, holistic, style)


def _note(verdict: Verdict[Any], answers: Mapping[Key, Answer], problems: Problems) -> None:
    answer = answers[Key(*map(str, verdict.key[1:4]))]
    problems.error(answer.file, answer.line, str(verdict.key[0]), f"not judged: {verdict.error}")
