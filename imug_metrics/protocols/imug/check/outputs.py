# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""What is wrong with one model's outputs: absent turns, images that do not decode, what fits no turn."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from imug_metrics.errors import ArgumentError
from imug_metrics.protocols.imug.check.image import check_image
from imug_metrics.protocols.imug.names import likely_folder, names_in
from imug_metrics.protocols.imug.outputs import question_folder, read_records, read_replies
from imug_metrics.protocols.imug.samples import Sample, Task
from imug_metrics.reading.files import Problems

_IMAGE = re.compile(r"turn_(\d{1,6})_output(\.\w{1,5})")
QUESTION = "question_"


def check_outputs(samples: Sequence[Sample], model: Path, problems: Problems) -> None:
    """Collect everything that is wrong with one model's outputs.

    Beside what `read_records` collects, every image is decoded, and what belongs to no turn of the benchmark is
    listed: folders, entries of result.json and images.

    Args:
        samples: the benchmark.
        model: the model's folder, holding <domain>/<subdomain>/question_<sample_id>/.
        problems: collects what is found; of turns that count from 0 that alone.
    """
    try:
        records = list(read_records(samples, model, problems))
    except ArgumentError as error:  # whatever else there is to say follows from it
        problems.error(model, None, "turn", error.message)
        return
    for record in records:
        if record.modality == "image" and isinstance(record.image, Path):
            check_image(record.image, f"turn {record.turn}", problems)
    for sample in samples:
        folder = question_folder(model, sample.key)
        tasks = {task.turn: task for task in sample.tasks}
        if not folder.is_dir():
            _check_place(folder, model, sample, problems)
        _check_replies(folder, model, tasks, problems)
        _check_files(folder, tasks, problems)
    known = {question_folder(model, sample.key) for sample in samples}
    for folder in _question_folders(model):
        if folder not in known:
            problems.warn(folder, None, "", "belongs to no sample of the benchmark: it is unused")


def _check_place(folder: Path, model: Path, sample: Sample, problems: Problems) -> None:
    """Say where the answers of a sample without a folder may lie."""
    likely = likely_folder(model, sample)
    if likely is None:
        problems.error(folder, None, "", "the sample has no folder")
    elif likely.relative_to(model).parts == folder.relative_to(model).parts[1:]:
        why = f"there is {likely}: is {model.name} a domain of one model? Then name the folder above {model.parent}"
        problems.error(folder, None, "", f"the sample has no folder, but {why}")
    else:
        problems.error(folder, None, "", f"the sample has no folder, but there is {likely}: move or rename it")


def _check_replies(folder: Path, model: Path, tasks: Mapping[int, Task], problems: Problems) -> None:
    replies = read_replies(folder, model, Problems())  # what does not read is on the list already
    for turn in sorted(set(replies or ()) - set(tasks)):
        problems.warn(folder / "result.json", None, f"turn {turn}", "the sample has no such turn: the entry is unused")


def _check_files(folder: Path, tasks: Mapping[int, Task], problems: Problems) -> None:
    for name in names_in(folder):
        match = _IMAGE.fullmatch(name)
        task = tasks.get(int(match[1])) if match else None
        usual = folder / f"turn_{match[1]}_output.png" if match else None
        if usual is not None and usual.name != name and usual.is_file() and task is not None:
            problems.warn(folder / name, None, f"turn {task.turn}", f"is unused: {usual.name} is read")
        elif match and (task is None or task.modality != "image"):
            problems.warn(folder / name, None, f"turn {int(match[1])}", "is no image turn: the image is unused")


def _question_folders(model: Path) -> Iterator[Path]:
    """Folders two levels down that are named like those of questions; links are not followed."""
    for domain in _folders(model):
        for subdomain in _folders(domain):
            yield from (folder for folder in _folders(subdomain) if folder.name.startswith(QUESTION))


def _folders(folder: Path) -> Iterator[Path]:
    for name in names_in(folder):
        path = folder / name
        if path.is_dir() and not path.is_symlink():
            yield path
