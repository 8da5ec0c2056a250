# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Outputs of a run of Inspect, each with its value, in the metadata of a score as plain JSON.

So a finished log holds all that its scores are made of. Nothing here needs Inspect.
"""

from __future__ import annotations

import base64
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from imug_metrics.dialogues.columns import Bounds
from imug_metrics.dialogues.record import Record
from imug_metrics.formats.inspect_sample import SCORED


class Measure(NamedTuple):
    """What the values of outputs are.

    Attributes:
        name: of the score.
        score_range: what values lie within; None: not known.
        mode: of consistency, which is taken over the images of a dialogue and not of one output; None: of all else.
    """

    name: str
    score_range: Bounds | None = None
    mode: str | None = None


class Output(NamedTuple):
    """One output of a model at one turn, in one epoch.

    Attributes:
        dialogue, turn: where it belongs.
        sample: the id of its sample.
        value: its score; NaN: it could not be scored.
        epoch: which repetition it is of, from 1.
        subject: who or what should stay the same; "": the dialogue has one subject.
        image: the embedding of its image, as `packed` gives it; None: there is no image.
        pixels: of the image at a small size, as `packed_pixels` gives them; None: there are none.
    """

    dialogue: str
    turn: int
    sample: str
    value: float
    epoch: int = 1
    subject: str = ""
    image: str | None = None
    pixels: str | None = None


def score_metadata(
    measure: Measure,
    records: Sequence[Record],
    values: Sequence[float],
    epoch: int,
    images: Sequence[str | None] | None = None,
    pixels: Sequence[str | None] | None = None,
) -> dict[str, Any]:
    """What a score carries of its sample, as plain JSON, for `outputs_of`.

    Args:
        measure: what the values are.
        records: of one sample.
        values: of the records; NaN where one could not be scored.
        epoch: of the sample, from 1.
        images, pixels: as `packed` and `packed_pixels` give them, where the measure needs them.
    """
    rows, none = [], [None] * len(records)
    for record, value, image, small in zip(records, values, images or none, pixels or none, strict=True):
        row = {"dialogue": record.dialogue, "turn": record.turn, "value": None if math.isnan(value) else value}
        optional = {"text": record.text, "target": record.target, "subject": record.subject}
        optional |= {"image": image, "pixels": small}
        groups = {"groups": dict(record.groups)} if record.groups else {}
        rows.append({**row, **{name: each for name, each in optional.items() if each is not None}, **groups})
    return {SCORED: {**measure._asdict(), "epoch": epoch, "records": rows}}


def outputs_of(metadata: Mapping[str, Any] | None, sample: str) -> tuple[Measure, list[Output]] | None:
    """What a score carries; None where it is none of ours.

    Args:
        metadata: of the score.
        sample: the id of its sample.

    Example:
        >>> record = Record("a", 1, "text", "Which?", text="B", target="B")
        >>> metadata = score_metadata(Measure("answer_accuracy", (0.0, 1.0)), [record], [1.0], 1)
        >>> outputs_of(metadata, "7")
        (Measure(name='answer_accuracy', score_range=(0.0, 1.0), mode=None),
        [Output(dialogue='a', turn=1, sample='7', value=1.0, epoch=1, subject='', image=None, pixels=None)])
        >>> outputs_of({}, "7") is None
        True
    """
    held = (metadata or {}).get(SCORED)
    if held is None:
        return None
    ends = held["score_range"]
    measure = Measure(held["name"], None if ends is None else (ends[0], ends[1]), held["mode"])
    return measure, [
        Output(
            row["dialogue"],
            row["turn"],
            sample,
            math.nan if row["value"] is None else row["value"],
            held["epoch"],
            row.get("subject", ""),
            row.get("image"),
            row.get("pixels"),
        )
        for row in held["records"]
    ]


def packed(embeddings: Tensor) -> list[str]:
    """Embeddings `[N, D]` as texts: their float32 values, the lowest byte first, in base64."""
    rows = embeddings.detach().cpu().numpy().astype("<f4")
    return [base64.b64encode(row.tobytes()).decode() for row in rows]


def unpacked(images: Iterable[str | None]) -> Tensor:
    """Embeddings `[N, D]` of such texts, zeros where there is none.

    Example:
        >>> unpacked([*packed(torch.tensor([[0.5, 2.0]])), None])
        tensor([[0.5000, 2.0000],
                [0.0000, 0.0000]])
    """
    rows = [None if image is None else np.frombuffer(base64.b64decode(image), "<f4") for image in images]
    width = max((len(row) for row in rows if row is not None), default=1)
    return torch.from_numpy(np.stack([np.zeros(width, "<f4") if row is None else row for row in rows]).astype("f4"))


def packed_pixels(pixels: Tensor) -> list[str]:
    """Pixels `[N, K]` in [0, 1] as texts: a byte each, in base64."""
    rows = (255 * pixels.detach().cpu()).round().to(torch.uint8).numpy()
    return [base64.b64encode(row.tobytes()).decode() for row in rows]


def unpacked_pixels(pixels: Iterable[str | None]) -> Tensor | None:
    """Pixels `[N, K]` of such texts, NaN where there is none; None where there are none at all.

    Example:
        >>> unpacked_pixels([*packed_pixels(torch.tensor([[0.0, 1.0]])), None])
        tensor([[0., 1.],
                [nan, nan]])
        >>> unpacked_pixels([None]) is None
        True
    """
    rows = [None if text is None else np.frombuffer(base64.b64decode(text), np.uint8) for text in pixels]
    width = max((len(row) for row in rows if row is not None), default=0)
    if not width:
        return None
    none = np.full(width, np.nan, np.float32)
    return torch.from_numpy(np.stack([none if row is None else row.astype(np.float32) / 255 for row in rows]))
