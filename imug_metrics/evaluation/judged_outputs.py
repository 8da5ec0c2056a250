# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Outputs that judges are asked about, with the items of their checklists: of own data, of IMUG-Bench, of SpecV."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from imug_metrics.checklists import ChecklistItem, JudgedOutput
from imug_metrics.dialogues.record import Record, by_dialogue
from imug_metrics.errors import ArgumentError
from imug_metrics.protocols import imug, specv
from imug_metrics.protocols.imug.images import ImageFile, SampleImages
from imug_metrics.protocols.imug.samples import Sample, Task
from imug_metrics.protocols.specv.results import read_answer
from imug_metrics.reading.files import Problems

OUTPUTS = "model_outputs"
POINT = "Does the image satisfy this point: {}"
"""An evaluation point of IMUG-Bench as a yes/no question."""


def outputs_of_records(records: Mapping[str, Iterable[Record]]) -> list[JudgedOutput]:
    """The outputs of records by model; a turn without an output is left out.

    Args:
        records: by model. Earlier prompts of a dialogue are told to the judge.
    """
    found = []
    for model, of_model in records.items():
        for dialogue in by_dialogue(of_model):
            ordered = sorted(dialogue, key=lambda record: record.turn)
            for place, record in enumerate(ordered):
                parts = tuple(part for part in (record.text, record.image) if part)
                before = tuple(earlier.prompt for earlier in ordered[:place])
                if parts:
                    found.append(JudgedOutput(model, record.dialogue, record.turn, record.prompt, parts, (), before))
    return found


def outputs_of_imug(
    benchmark: imug.Benchmark, folders: Sequence[Path], problems: Problems
) -> tuple[list[JudgedOutput], list[ChecklistItem]]:
    """Images of models on IMUG-Bench, and its evaluation points as yes/no questions.

    Args:
        benchmark: the samples.
        folders: of the models' outputs.
        problems: collects images that are missing or cannot be shown.
    """
    outputs, items = [], []
    for sample in benchmark:
        truth = benchmark.truth(sample, "strict")
        judged = [t for t in sample.tasks if t.modality == "image" and t.points and t.turn not in truth]
        for task in judged:
            items += [
                ChecklistItem(
                    f"{task.turn}.{number}", POINT.format(point), dialogue="/".join(sample.key), turn=task.turn
                )
                for number, point in enumerate(task.points, 1)
            ]
        for folder in folders:
            images = SampleImages(benchmark.root, sample, folder, "strict", problems)
            outputs += [*_images(sample, judged, images, folder.name, problems)]
    return outputs, items


def _images(
    sample: Sample, tasks: Sequence[Task], images: SampleImages, model: str, problems: Problems
) -> Iterator[JudgedOutput]:
    dialogue = "/".join(sample.key)
    prompts = [task.prompt for task in sample.tasks]
    for task in tasks:
        found = images.output(task.turn)
        if found is None:
            problems.error(images.folder, None, f"turn {task.turn}", "there is no image to be judged")
            continue
        before = tuple(prompts[place] for place, one in enumerate(sample.tasks) if one.turn < task.turn)
        shown = tuple(image.path for image in _shown(task, images))
        yield JudgedOutput(model, dialogue, task.turn, task.prompt, (found.path,), shown, before)


def _shown(task: Task, images: SampleImages) -> Iterator[ImageFile]:
    """The images that a turn is linked to, each once, where they are there and older."""
    for reference in dict.fromkeys(task.references):
        newest = task.turn if reference.kind == "input" else task.turn - 1
        if reference.turn in images.tasks and reference.turn <= newest:
            image = (images.input if reference.kind == "input" else images.output)(reference.turn)
            if image is not None:
                yield image


def outputs_of_specv(
    checkout: Path, models: Sequence[str], tracks: Sequence[str], problems: Problems
) -> tuple[list[JudgedOutput], list[ChecklistItem]]:
    """Outputs of models on SpecV, and its checklists.

    Args:
        checkout: the repository, with `model_outputs/<track>/<model>/`.
        models: names; none: all that there are.
        tracks: names of tracks; none: all that there are.
        problems: collects what is missing or cannot be read.

    Raises:
        ArgumentError: if there is no such track, or one of the models has no outputs.
        FileNotFoundError: if there is no such checkout.
    """
    tasks = specv.read_tasks(checkout, problems, tracks or None)
    items = [
        ChecklistItem(
            item.id, item.question, read_answer(item.expected) is not False, item.weight,
            item.category or None, str(task.key), 1,
        )
        for task in tasks
        for item in task.items
    ]  # fmt: skip
    outputs = []
    known = set[str]()
    for track in dict.fromkeys(task.track for task in tasks):
        root = checkout / OUTPUTS / track
        there = sorted(folder.name for folder in root.iterdir() if folder.is_dir()) if root.is_dir() else []
        known.update(there)
        mine = [task for task in tasks if task.track == track]
        for model in [name for name in there if not models or name in models]:
            found = specv.read_outputs(root / model, mine, problems)
            outputs += [
                JudgedOutput(model, str(task.key), 1, task.question, found[task.key].parts, _there(task.images))
                for task in mine
                if task.key in found and found[task.key].parts
            ]
    unknown = [name for name in models if name not in known]
    if unknown:
        raise ArgumentError("model", f"expected models that have outputs in {checkout / OUTPUTS}, got {unknown[0]!r}")
    return outputs, items


def _there(images: Iterable[Path]) -> tuple[Path, ...]:
    """Images that are there: the benchmark's own are fetched apart."""
    return tuple(image for image in images if image.is_file())
