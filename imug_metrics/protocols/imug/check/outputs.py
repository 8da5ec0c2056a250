# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""What is wrong with one model's outputs: absent turns, images that do not decode, what fits no turn."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from imug_metrics.protocols.imug.check.image import check_image
from imug_metrics.protocols.imug.outputs import question_folder, read_records, read_replies
from imug_metrics.protocols.imug.samples import Sample, Task
from imug_metrics.reading.files import Problems

_IMAGE = re.compile(r"turn_(\d{1,6})_output\.\w{1,5}")
QUESTION = "question_"


def check_outputs(samples: Sequence[Sample], model: Path, problems: Problems) -> None:
    """Collect everything that is wrong with one model's outputs.

    Beside what `read_records` collects, every image is decoded, and what belongs to no turn of the benchmark is
    listed: folders, entries of result.json and images.

    Args:
        samples: the benchmark.
        model: the model's folder, holding <domain>/<subdomain>/question_<sample_id>/.
        problems: collects what is found.
    """
    for record in read_records(samples, model, problems):
        if record.image is not None:
            check_image(record.image, f"turn {record.turn}", problems)
    for sample in samples:
        folder = question_folder(model, sample)
        tasks = {task.turn: task for task in sample.tasks}
        _check_replies(folder, model, tasks, problems)
        _check_files(folder, tasks, problems)
    known = {question_folder(model, sample) for sample in samples}
    for folder in _question_folders(model):
        if folder not in known:
            problems.warn(folder, None, "", "belongs to no sample of the benchmark: it is unused")


def _check_replies(folder: Path, model: Path, tasks: Mapping[int, Task], problems: Problems) -> None:
    replies = read_replies(folder, model, Problems())  # what does not read is on the list already
    for turn in sorted(set(replies or ()) - set(tasks)):
        problems.warn(folder / "result.json", None, f"turn {turn}", "the sample has no such turn: the entry is unused")


def _check_files(folder: Path, tasks: Mapping[int, Task], problems: Problems) -> None:
    for name in _names(folder):
        match = _IMAGE.fullmatch(name)
        task = tasks.get(int(match[1])) if match else None
        if match and (task is None or task.modality != "image"):
            problems.warn(folder / name, None, f"turn {int(match[1])}", "is no image turn: the image is unused")


def _question_folders(model: Path) -> Iterator[Path]:
    """Folders two levels down that are named like those of questions; links are not followed."""
    for domain in _folders(model):
        for subdomain in _folders(domain):
            yield from (folder for folder in _folders(subdomain) if folder.name.startswith(QUESTION))


def _folders(folder: Path) -> Iterator[Path]:
    for name in _names(folder):
        path = folder / name
        if path.is_dir() and not path.is_symlink():
            yield path


def _names(folder: Path) -> list[str]:
    try:
        return sorted(os.listdir(folder))
    except (OSError, ValueError):  # absent, no folder, or a name that no file can have
        return []
