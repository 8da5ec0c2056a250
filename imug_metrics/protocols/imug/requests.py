# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""What a judge is sent about one turn: texts and pictures in the order and under the labels of the released tools."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass

from imug_metrics.judges import JudgeRequest
from imug_metrics.protocols.imug.benchmark import Sample, Task
from imug_metrics.protocols.imug.dynamic import DynamicLink
from imug_metrics.protocols.imug.images import LookUpError, PictureFile, Protocol, SamplePictures
from imug_metrics.protocols.imug.prompts import Prompts
from imug_metrics.protocols.imug.replies import fixed_letters
from imug_metrics.suite import FAILED

TEMPERATURE = 0.1
MULTIPLE_CHOICE = ("Botany", "natural_growth")
"""Domain and sub-domain whose dynamic questions the released tool announces as having several right options."""
_NO_PICTURE = "[Text Response]"
_REPLY_CHARS = 2000
_LINE_BREAKS = re.compile("[\x7f-\x9f\u2028\u2029]")  # those that JSON lets stand, and other controls


class MissingPictureError(ValueError):
    """A picture without which there is nothing to judge."""


@dataclass(frozen=True)
class Plan:
    """A request whose pictures are not read yet.

    Attributes:
        system: the judge's instructions.
        text: the one block of text.
        pictures: in the order in which they are shown.
        pictures_first: whether they stand before the text.
        protocol: how pictures are named, and whether the server is asked for JSON.
        media_type: what every picture is called under `"imug"`; None: by its file's name.
    """

    system: str
    text: str
    pictures: tuple[PictureFile, ...]
    pictures_first: bool
    protocol: Protocol
    media_type: str | None = None

    def build(self) -> JudgeRequest:
        """Read the pictures.

        Raises:
            OSError, ValueError: if one cannot be read.
        """
        pictures = [picture.read(self.protocol, self.media_type) for picture in self.pictures]
        strict = self.protocol == "strict"
        if self.pictures_first:
            return JudgeRequest(self.system, (*pictures, self.text), TEMPERATURE, json_reply=strict)
        return JudgeRequest(self.system, (self.text, *pictures), TEMPERATURE, json_reply=strict)


def plan_picture(task: Task, pictures: SamplePictures, prompts: Prompts) -> Plan:
    """The request for the points of a turn's picture.

    Under `"imug"` the label of a reference carries its place among the links and that of the target the number of
    pictures found, so that labels may repeat or skip a number, and a missing target is passed over in silence. Under
    `"strict"` labels count what is shown, a reference is shown once and if it is older than the target, and one that
    is missing is named as such.

    Raises:
        LookUpError: under `"imug"`, where the released tool stops.
        MissingPictureError: under `"strict"`, where there is no target.
    """
    labels, shown = (_official if pictures.protocol == "imug" else _mended)(task, pictures)
    instruction = _question(task, pictures.protocol)
    points = "\n".join(f"{number}. {point}" for number, point in enumerate(task.points, 1))
    text = "\n".join(
        [
            "Sequence description:",
            *labels,
            f"\n[Task Instruction Recap]:\n{instruction}",
            f"\n[Evaluation Points List]:\n{points}",
            "\nPlease output JSON results.",
        ]
    )
    return Plan(prompts.picture, text, tuple(shown), True, pictures.protocol)


def plan_dynamic(sample: Sample, link: DynamicLink, pictures: SamplePictures, prompts: Prompts) -> Plan:
    """The request for the key of a dynamic question.

    For a linked text turn the judge reads the benchmark's answer under `"imug"` and the model's own reply under
    `"strict"`. For a linked picture that is missing it reads a place-holder under `"imug"`; under `"strict"` there is
    no key without it.

    Raises:
        LookUpError: under `"imug"`, where the released tool stops.
        MissingPictureError: under `"strict"`, where a linked picture is missing.
    """
    strict = pictures.protocol == "strict"
    turns = sorted(set(link.references) if strict else link.references)
    shown: list[PictureFile] = []
    lines = []
    for task in (pictures.tasks[turn] for turn in turns if turn in pictures.tasks):
        answer = _shown_answer(task, pictures, shown)
        lines.append(f"Turn {task.turn}: Q: {_question(task, pictures.protocol)} | AI Resp: {answer}")
    target = pictures.tasks[link.turn]
    text = "\n".join(
        [
            "### REFERENCE CONTEXT PROVIDED ###",
            *lines,
            f"\n### TARGET QUESTION (Turn {link.turn}) ###",
            f"Question: {_question(target, pictures.protocol)}",
            f"Type: {'MULTIPLE' if has_several_answers(sample, target, pictures.protocol) else 'SINGLE'}-CHOICE",
            "Identify the correct options based on the images provided.",
        ]
    )
    return Plan(prompts.dynamic, text, tuple(shown), False, pictures.protocol, "image/png")


def has_several_answers(sample: Sample, task: Task, protocol: Protocol) -> bool:
    """Whether a dynamic question is announced as having several right options.

    The released tool goes by the sub-domain alone; `"strict"` also by letters that the key holds beside the judge's.
    """
    named = (sample.domain, sample.subdomain) == MULTIPLE_CHOICE
    return named or (protocol == "strict" and bool(fixed_letters(task.stated or "")))


def _official(task: Task, pictures: SamplePictures) -> tuple[list[str], list[PictureFile]]:
    labels: list[str] = []
    shown: list[PictureFile] = []
    for place, reference in enumerate(task.references, 1):
        if reference.turn not in pictures.tasks:
            raise LookUpError(f"a link names turn {reference.turn}, which there is not")
        picture = (pictures.input if reference.kind == "input" else pictures.output)(reference.turn)
        if picture is not None:
            labels.append(f"- Image_{place} (Turn {reference.turn} {reference.kind} image)")
            shown.append(picture)
    target = pictures.output(task.turn)
    if target is not None:
        shown.append(target)
        labels.append(f"- Image_{len(shown)} (Target Image)")
    return labels, shown


def _mended(task: Task, pictures: SamplePictures) -> tuple[list[str], list[PictureFile]]:
    target = pictures.output(task.turn)
    if target is None:
        raise MissingPictureError(f"there is no picture of turn {task.turn}")
    labels: list[str] = []
    shown: list[PictureFile] = []
    for reference in dict.fromkeys(task.references):
        newest = task.turn if reference.kind == "input" else task.turn - 1
        if reference.turn not in pictures.tasks or reference.turn > newest:
            continue
        picture = (pictures.input if reference.kind == "input" else pictures.output)(reference.turn)
        name = f"Turn {reference.turn} {reference.kind} image"
        if picture is None:
            labels.append(f"- {name}: not available")
        else:
            shown.append(picture)
            labels.append(f"- Image_{len(shown)} ({name})")
    return [*labels, f"- Image_{len(shown) + 1} (Target Image)"], [*shown, target]


def _shown_answer(task: Task, pictures: SamplePictures, shown: list[PictureFile]) -> str:
    """What a judge reads as the answer of an earlier turn; a picture is added to those shown."""
    strict = pictures.protocol == "strict"
    if task.modality == "image":
        picture = pictures.output(task.turn) if strict else pictures.usual(task.turn)
        if picture is not None:
            shown.append(picture)
            return f"[IMAGE_RESPONSE: See Image_{len(shown)}]"
        if strict:
            raise MissingPictureError(f"there is no picture of turn {task.turn}, on which the key depends")
    if strict:
        reply = pictures.reply(task.turn)
        if not reply or reply.startswith(FAILED):
            return "[no answer]"
        return _quoted(reply[:_REPLY_CHARS])
    return _NO_PICTURE if task.stated is None else task.stated


def _quoted(text: str) -> str:
    """A model's text on one line, so that it cannot pass for ours, without lone surrogates, which servers refuse."""
    quoted = json.dumps(text, ensure_ascii=False).encode("utf-8", "replace").decode("utf-8")
    return _LINE_BREAKS.sub(lambda found: f"\\u{ord(found[0]):04x}", quoted)


def _question(task: Task, protocol: Protocol) -> str:
    """The text of a turn: under "imug" that of its first input alone."""
    if protocol == "strict":
        return task.prompt
    if task.opening is None:
        raise LookUpError(f"the first input of turn {task.turn} holds no text")
    return task.opening
