# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""From whole dialogues of records to the arguments of metrics."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor

from imug_metrics.dialogues.record import Record, valid_places
from imug_metrics.encoders.cache import CachedEncoder
from imug_metrics.encoders.texts import check_texts
from imug_metrics.reading.choice import ChoiceReading
from imug_metrics.suite.answers import answer_readings, answered, options_of, scored_readings, with_key
from imug_metrics.suite.standard import Route

Unreadable = Callable[[Record, str], None]


class Turns(NamedTuple):
    """Records of one kind and the arguments that metrics take of them, one row a record; of answers, how they read."""

    records: Sequence[Record]
    columns: Mapping[str, Any]
    readings: Sequence[ChoiceReading | None] = ()


def turns_by_route(
    records: Sequence[Record],
    encoder: CachedEncoder | None,
    unreadable: Unreadable | None,
    *,
    wanted: Collection[Route],
    with_pixels: bool,
) -> dict[Route, Turns]:
    """All that metrics are fed with; a kind that no record is of is left out.

    Args:
        records: whole dialogues.
        encoder: embeds images and prompts.
        unreadable: called with a record and the reason when its image cannot be read; it counts as absent.
        wanted: what the metrics take; images are left out where no metric wants them and there is no encoder.
        with_pixels: whether images are compared by their pixels.

    Raises:
        ValueError: if there are image turns and no encoder.
    """
    texts = [record for record in records if record.modality == "text"]
    images = [record for record in records if record.modality == "image"]
    with_options = with_key(texts, "strict")
    official = [record for record in with_key(texts, "imug") if record.attempted]
    found: dict[Route, Turns] = {"without_key": Turns(texts, {"without_key": len(texts) - len(with_options)})}
    if with_options:
        found["answers"] = Turns(with_options, _strict_columns(with_options))
        readings = answer_readings(with_options)
        values = scored_readings(with_options, readings)
        found["scores"] = Turns(with_options, {"scores": values, **_answered_places(with_options)}, readings)
    if official:
        found["answers_imug"] = Turns(official, _official_columns(official))
    if images and ("images" in wanted or encoder is not None):
        if encoder is None:
            raise ValueError("Expected argument `encoder` of the suite, to score images.")
        found["images"] = Turns(images, _image_columns(images, encoder, unreadable, with_pixels))
    return found


def _strict_columns(records: Sequence[Record]) -> dict[str, Any]:
    preds = [record.text if answered(record) else None for record in records]
    given = {"target": [str(record.target) for record in records], "options": options_of(records)}
    return {"preds": preds, **given, **_answered_places(records)}


def _answered_places(records: Sequence[Record]) -> dict[str, Any]:
    return valid_places(records, [answered(record) for record in records])


def _official_columns(records: Sequence[Record]) -> dict[str, Any]:
    preds = [record.text for record in records]
    places = valid_places(records, [answer is not None for answer in preds])
    return {"preds": preds, "target": [str(record.target) for record in records], **places}


def _image_columns(
    records: Sequence[Record], encoder: CachedEncoder, unreadable: Unreadable | None, with_pixels: bool
) -> dict[str, Any]:
    images, pixels, refused = encoder.encode_readable([record.image for record in records], with_pixels=with_pixels)
    for record, reason in zip(records, refused, strict=True):
        if reason is not None and unreadable is not None:
            unreadable(record, reason)
    there = [record.image is not None and reason is None for record, reason in zip(records, refused, strict=True)]
    texts = _prompts(records, encoder)
    if texts is not None and not any(there):
        images = torch.zeros_like(texts)  # no image has told the encoder's width yet
    columns = {"images": images, "texts": texts, "pixels": pixels, "links": _links(records)}
    columns = {name: column for name, column in columns.items() if column is not None}
    return {**columns, **valid_places(records, there, images.device)}


def _prompts(records: Sequence[Record], encoder: CachedEncoder) -> Tensor | None:
    prompts = check_texts([record.prompt for record in records])
    try:
        return encoder.encode_texts(prompts)
    except TypeError:  # an encoder of images alone
        return None


def _links(records: Sequence[Record]) -> Tensor | None:
    """Linked rows `[E, 2]`, of those links that lead to one of the records."""
    rows = {(record.dialogue, record.turn): row for row, record in enumerate(records)}
    pairs = [
        (row, rows[record.dialogue, turn])
        for row, record in enumerate(records)
        for turn in record.links
        if (record.dialogue, turn) in rows
    ]
    return torch.tensor(pairs, dtype=torch.int64) if pairs else None
