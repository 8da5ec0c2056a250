# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Turns that can be compared between outputs of several arms, and their values."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor

from imug_metrics.dialogues.record import Record, image_name
from imug_metrics.encoders import CachedEncoder
from imug_metrics.errors import ArgumentError
from imug_metrics.evaluation.settings import as_argument
from imug_metrics.metrics.images.turn_alignment import TurnAlignment
from imug_metrics.protocols import imug
from imug_metrics.suite import score_records


def comparable_turns(benchmark: imug.Benchmark, folder: Path, *, images: bool) -> imug.Benchmark:
    """The turns that can be compared: text turns whose key is the same whatever the model drew, and image turns.

    Args:
        benchmark: all turns.
        folder: it was read from, for errors.
        images: whether image turns are compared.

    Raises:
        ArgumentError: if there are none.
    """

    def compared(task: imug.Task) -> bool:
        answerable = task.modality == "text" and task.answer is not None and not task.dynamic
        return answerable or (images and task.modality == "image")

    samples = [replace(sample, tasks=tuple(filter(compared, sample.tasks))) for sample in benchmark]
    if not any(sample.tasks for sample in samples):
        what = "text turn with a key, and no image turn," if images else "text turn with a key"
        raise ArgumentError("benchmark", f"found no {what} in {folder / imug.SAMPLES}")
    return benchmark.select(samples)


def read_arm(asked: imug.Benchmark, folder: Path, argument: str, problems: imug.Problems) -> list[Record]:
    """One record a turn of one model's outputs; errors name the argument that they came from."""
    with as_argument(argument):
        return list(imug.read_records(asked, folder, problems))


def alignment_values(records: Sequence[Record], encoder: CachedEncoder, problems: imug.Problems) -> Tensor:
    """Alignment `[N]` of images with the prompts of their turns, NaN where there is none.

    Args:
        records: of image turns.
        encoder: of images and prompts.
        problems: collects images that cannot be read.

    Raises:
        ArgumentError: if the encoder embeds no prompts.
    """

    def unreadable(record: Record, reason: str) -> None:
        problems.error(str(image_name(record.image)), None, f"turn {record.turn}", reason)

    try:
        encoder.encode_texts([record.prompt for record in records[:1]])
    except TypeError as error:
        raise ArgumentError("encoder", f"expected one that embeds prompts as well, got {encoder.name}") from error
    last = max((record.turn for record in records), default=1)
    metric = TurnAlignment(max_turns=max(16, last))
    items = score_records(records, model="", encoder=encoder, metrics=[metric], unreadable=unreadable).items
    found = {(item["dialogue"], item["turn"]): item["alignment"] for item in items}
    values = [found[record.dialogue, record.turn] for record in records]
    return torch.tensor([math.nan if value is None else value for value in values], dtype=torch.float64)
