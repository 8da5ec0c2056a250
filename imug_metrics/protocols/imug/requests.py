# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""What a judge is sent about one turn: texts and images in the order and under the labels of the released tools."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass

from imug_metrics.judges import JudgeRequest
from imug_metrics.protocols.imug.dynamic import DynamicLink
from imug_metrics.protocols.imug.images import ImageFile, LookUpError, Protocol, SampleImages
from imug_metrics.protocols.imug.prompts import Prompts
from imug_metrics.protocols.imug.replies import fixed_letters
from imug_metrics.protocols.imug.samples import Sample, Task
from imug_metrics.suite import FAILED

TEMPERATURE = 0.1
MULTIPLE_CHOICE = ("Botany", "natural_growth")
"""Domain and sub-domain whose dynamic questions the released tool announces as having several right options."""
_NO_IMAGE = "[Text Response]"
_REPLY_CHARS = 2000
_LINE_BREAKS = re.compile("[\x7f-\x9f\u2028\u2029]")  # those that JSON lets stand, and other controls


class MissingImageError(ValueError):
    """An image without which there is nothing to judge."""


@dataclass(frozen=True)
class Plan:
    """A request whose images are not read yet.

    Attributes:
        system: the judge's instructions.
        text: the one block of text.
        images: in the order in which they are shown.
        images_first: whether they stand before the text.
        protocol: how images are named, and whether the server is asked for JSON.
        media_type: what every image is called under `"imug"`; None: by its file's name.
    """

    system: str
    text: str
    images: tuple[ImageFile, ...]
    images_first: bool
    protocol: Protocol
    media_type: str | None = None

    def build(self) -> JudgeRequest:
        """Read the images.

        Raises:
            OSError, ValueError: if one cannot be read.
        """
        images = [image.read(self.protocol, self.media_type) for image in self.images]
        strict = self.protocol == "strict"
        if self.images_first:
            return JudgeRequest(self.system, (*images, self.text), TEMPERATURE, json_reply=strict)
        return JudgeRequest(self.system, (self.text, *images), TEMPERATURE, json_reply=strict)


def plan_image(task: Task, images: SampleImages, prompts: Prompts) -> Plan:
    """The request for the points of a turn's image.

    Under `"imug"` the label of a reference carries its place among the links and that of the target the number of
    images found, so that labels may repeat or skip a number, and a missing target is passed over in silence. Under
    `"strict"` labels count what is shown, a reference is shown once and if it is older than the target, and one that
    is missing is named as such.

    Raises:
        LookUpError: under `"imug"`, where the released tool stops.
        MissingImageError: under `"strict"`, where there is no target.
    """
    labels, shown = (_official if images.protocol == "imug" else _mended)(task, images)
    instruction = _question(task, images.protocol)
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
    return Plan(prompts.image, text, tuple(shown), True, images.protocol)


def plan_dynamic(sample: Sample, link: DynamicLink, images: SampleImages, prompts: Prompts) -> Plan:
    """The request for the key of a dynamic question.

    For a linked text turn the judge reads the benchmark's answer under `"imug"` and the model's own reply under
    `"strict"`. For a linked image that is missing it reads a place-holder under `"imug"`; under `"strict"` there is
    no key without it.

    Raises:
        LookUpError: under `"imug"`, where the released tool stops.
        MissingImageError: under `"strict"`, where a linked image is missing.
    """
    strict = images.protocol == "strict"
    turns = sorted(set(link.references) if strict else link.references)
    shown: list[ImageFile] = []
    lines = []
    for task in (images.tasks[turn] for turn in turns if turn in images.tasks):
        answer = _shown_answer(task, images, shown)
        lines.append(f"Turn {task.turn}: Q: {_question(task, images.protocol)} | AI Resp: {answer}")
    target = images.tasks[link.turn]
    text = "\n".join(
        [
            "### REFERENCE CONTEXT PROVIDED ###",
            *lines,
            f"\n### TARGET QUESTION (Turn {link.turn}) ###",
            f"Question: {_question(target, images.protocol)}",
            f"Type: {'MULTIPLE' if has_several_answers(sample, target, images.protocol) else 'SINGLE'}-CHOICE",
            "Identify the correct options based on the images provided.",
        ]
    )
    return Plan(prompts.dynamic, text, tuple(shown), False, images.protocol, "image/png")


def has_several_answers(sample: Sample, task: Task, protocol: Protocol) -> bool:
    """Whether a dynamic question is announced as having several right options.

    The released tool goes by the sub-domain alone; `"strict"` also by letters that the key holds beside the judge's.
    """
    named = (sample.domain, sample.subdomain) == MULTIPLE_CHOICE
    return named or (protocol == "strict" and bool(fixed_letters(task.stated or "")))


def _official(task: Task, images: SampleImages) -> tuple[list[str], list[ImageFile]]:
    labels: list[str] = []
    shown: list[ImageFile] = []
    for place, reference in enumerate(task.references, 1):
        if reference.turn not in images.tasks:
            raise LookUpError(f"a link names turn {reference.turn}, which there is not")
        image = (images.input if reference.kind == "input" else images.output)(reference.turn)
        if image is not None:
            labels.append(f"- Image_{place} (Turn {reference.turn} {reference.kind} image)")
            shown.append(image)
    target = images.output(task.turn)
    if target is not None:
        shown.append(target)
        labels.append(f"- Image_{len(shown)} (Target Image)")
    return labels, shown


def _mended(task: Task, images: SampleImages) -> tuple[list[str], list[ImageFile]]:
    target = images.output(task.turn)
    if target is None:
        raise MissingImageError(f"there is no image of turn {task.turn}")
    labels: list[str] = []
    shown: list[ImageFile] = []
    for reference in dict.fromkeys(task.references):
        newest = task.turn if reference.kind == "input" else task.turn - 1
        if reference.turn not in images.tasks or reference.turn > newest:
            continue
        image = (images.input if reference.kind == "input" else images.output)(reference.turn)
        name = f"Turn {reference.turn} {reference.kind} image"
        if image is None:
            labels.append(f"- {name}: not available")
        else:
            shown.append(image)
            labels.append(f"- Image_{len(shown)} ({name})")
    return [*labels, f"- Image_{len(shown) + 1} (Target Image)"], [*shown, target]


def _shown_answer(task: Task, images: SampleImages, shown: list[ImageFile]) -> str:
    """What a judge reads as the answer of an earlier turn; an image is added to those shown."""
    strict = images.protocol == "strict"
    if task.modality == "image":
        image = images.output(task.turn) if strict else images.default_output(task.turn)
        if image is not None:
            shown.append(image)
            return f"[IMAGE_RESPONSE: See Image_{len(shown)}]"
        if strict:
            raise MissingImageError(f"there is no image of turn {task.turn}, on which the key depends")
    if strict:
        reply = images.reply(task.turn)
        if not reply or reply.startswith(FAILED):
            return "[no answer]"
        return _quoted(reply[:_REPLY_CHARS])
    return _NO_IMAGE if task.stated is None else task.stated


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
