# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Grades of answers: a judge reads the captioned answers, and every item's quality is measured."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from imug_metrics.judges import Judge, Question, Verdict, judge_all
from imug_metrics.protocols.unim.captions import Captions, captioned_text, uncaptioned
from imug_metrics.protocols.unim.prompts import caption_question, coherence_question, correctness_question
from imug_metrics.protocols.unim.records import Answer, Instance, Key
from imug_metrics.protocols.unim.scoring import Grades
from imug_metrics.quality import Quality, Scorer, item_quality
from imug_metrics.reading.files import Problems
from imug_metrics.reading.tags import read_name, read_tags

Captioner = Callable[[Path], str]


def grade_answers(
    instances: Sequence[Instance],
    answers: Mapping[Key, Answer],
    judge: Judge,
    problems: Problems,
    *,
    captions: Captions | None = None,
    reference_captions: Captions | None = None,
    captioners: Mapping[str, Captioner] | None = None,
    scorers: Mapping[str, Scorer] | None = None,
    journal: Path | None = None,
    retry_errors: bool = False,
) -> dict[Key, Grades]:
    """SC, GQ, HC and SH of every answer.

    Media of answers and references that have no caption are described by the captioner of their modality, images
    without one by the judge. What remains is said to be not described, which is collected as a problem.

    Args:
        instances: references.
        answers: the model's.
        judge: whom to ask.
        problems: collects what could not be described, judged or measured.
        captions: of the answers' items.
        reference_captions: of the references' items.
        captioners: functions by modality, from a file to what it shows or says.
        scorers: functions by modality that take the place of our measures of quality.
        journal: file in which replies are kept, so that a second run goes on where the first stopped.
        retry_errors: ask again also where an earlier reply cannot be used.

    Returns:
        Grades by instance, for every instance that has an answer.
    """
    answered = [instance for instance in instances if instance.key in answers]
    references = {instance.key: instance.reference for instance in answered}
    asking: dict[str, Any] = {"journal": journal, "retry_errors": retry_errors}
    options = {"captioners": captioners, **asking}
    told = describe(references, judge, problems, captions=reference_captions, kind="reference caption", **options)
    described = describe(answers, judge, problems, captions=captions, **options)

    def questions() -> Iterator[Question[Any]]:
        for instance in answered:
            key = instance.key
            reference, given = captioned_text(references[key], told[key]), captioned_text(answers[key], described[key])
            yield correctness_question(key, instance.prompt, reference, given)
            yield coherence_question(key, given)

    judged: dict[Key, dict[str, Any]] = {}
    for verdict in judge_all(questions(), judge, **asking):
        judged.setdefault(_key(verdict), {})[str(verdict.key[0])] = verdict.value
        if verdict.value is None:
            _note(verdict, answers, problems)
    return {
        key: _grades(judged[key], answer_quality(answers[key], problems, scorers=scorers))
        for key in (instance.key for instance in answered)
    }


def describe(
    answers: Mapping[Key, Answer],
    judge: Judge,
    problems: Problems,
    *,
    captions: Captions | None = None,
    captioners: Mapping[str, Captioner] | None = None,
    journal: Path | None = None,
    retry_errors: bool = False,
    kind: str = "caption",
) -> dict[Key, dict[str, str]]:
    """Captions of every answer's items, given or made.

    Args:
        answers: by instance; references are described in the same way.
        judge, problems, captions, captioners, journal, retry_errors: as for `grade_answers`.
        kind: first part of the questions' keys.

    Returns:
        Captions by instance and name of the placeholder.
    """
    described = {key: dict((captions or {}).get(key, {})) for key in answers}
    images = []
    for key, answer in answers.items():
        for name in uncaptioned(answer, described[key]):
            tag, path = read_name(name), answer.find(name)
            if tag is None or path is None:
                continue
            captioner = (captioners or {}).get(tag.modality)
            if captioner is not None:
                _make_caption(answer, name, path, captioner, described[key], problems)
            elif tag.modality == "image":
                images.append(caption_question(key, name, path, kind))
    for verdict in judge_all(images, judge, journal=journal, retry_errors=retry_errors):
        if verdict.value is None:
            _note(verdict, answers, problems)
        else:
            described[_key(verdict)][str(verdict.key[-1])] = verdict.value
    for key, answer in answers.items():
        for name in uncaptioned(answer, described[key]):
            problems.error(answer.file, answer.line, f"output.modal.{name}", "has no caption: judged unseen")
    return described


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
        source = answer.inline_content(str(tag)) if source is None else source
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


def _make_caption(
    answer: Answer, name: str, path: Path, captioner: Captioner, described: dict[str, str], problems: Problems
) -> None:
    try:
        described[name] = captioner(path)
    except (OSError, ValueError) as error:
        problems.error(answer.file, answer.line, f"output.modal.{name}", f"not described: {error}")


def _key(verdict: Verdict[Any]) -> Key:
    """The instance that a question was about."""
    return Key(*map(str, verdict.key[1:4]))


def _grades(judged: Mapping[str, Any], quality: float) -> Grades:
    holistic, style = judged.get("coherence") or (math.nan, math.nan)
    return Grades(judged.get("correctness") or math.nan, quality, holistic, style)


def _note(verdict: Verdict[Any], answers: Mapping[Key, Answer], problems: Problems) -> None:
    answer = answers[_key(verdict)]
    problems.error(answer.file, answer.line, str(verdict.key[0]), f"not judged: {verdict.error}")
