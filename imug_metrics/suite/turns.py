# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""From whole dialogues of records to the arguments of metrics."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor

from imug_metrics.dialogues.record import Record, image_name, places, valid_places
from imug_metrics.encoders.cache import CachedEncoder
from imug_metrics.encoders.texts import check_texts
from imug_metrics.media.images import ImageRegion
from imug_metrics.metrics.function_metric import FunctionMetric
from imug_metrics.reading.choice import ChoiceReading
from imug_metrics.suite.answers import (
    KEYED,
    answer_readings,
    answered,
    options_of,
    scored_readings,
    with_key,
    with_word_key,
)
from imug_metrics.suite.carried import CarriedField
from imug_metrics.suite.contexts import context_columns
from imug_metrics.suite.modalities import modality_columns
from imug_metrics.suite.objects import has_objects, object_columns
from imug_metrics.suite.standard import Route
from imug_metrics.suite.subjects import subject_columns
from imug_metrics.suite.thumbnail_style import style_columns

Unreadable = Callable[[Record, str], None]
Carried = Mapping[Route, tuple[CarriedField, str]]

OF_IMAGES = ("images", "references", "subjects", "styles", "contexts")
_NO_SUBJECT = "\0"  # which no record names


class Turns(NamedTuple):
    """Records of one kind and the arguments that metrics take of them, one row a record; of answers, how they read."""

    records: Sequence[Record]
    columns: Mapping[str, Any]
    readings: Sequence[ChoiceReading | None] = ()


def turns_by_route(
    records: Sequence[Record],
    encoder: CachedEncoder | None,
    unreadable: Unreadable,
    *,
    wanted: Collection[Route],
    carried: Carried,
    with_pixels: bool,
) -> dict[Route, Turns]:
    """All that metrics are fed with; a kind that no record is of is left out.

    Args:
        records: whole dialogues.
        encoder: embeds images and prompts.
        unreadable: called with a record and the reason when an image of it cannot be read; it counts as absent.
        wanted: what the metrics take; images are left out where no metric wants them and there is no encoder.
        carried: by the route of a score or cost that records carry, its field and its name.
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
    for route, decimal in KEYED.items():
        if route in wanted and (keyed := with_word_key(texts, decimal)):
            found[route] = Turns(keyed, _strict_columns(keyed))
    if "switches" in wanted and with_options:
        found["switches"] = Turns(records, _switch_columns(records, with_options, values))
    if "objects" in wanted and (having := [record for record in records if has_objects(record)]):
        found["objects"] = Turns(having, object_columns(having))
    for route, (field, name) in carried.items():
        having = [record for record in records if name in getattr(record, field)]
        if having:
            found[route] = Turns(having, _carried_columns(having, field, name))
    if images and (any(kind in wanted for kind in OF_IMAGES) or encoder is not None):
        if encoder is None:
            raise ValueError("Expected argument `encoder` of the suite, to score images.")
        found["images"] = Turns(images, _image_columns(images, encoder, unreadable, with_pixels))
        rows = [row for row, record in enumerate(images) if record.reference is not None]
        if rows and "references" in wanted:
            found["references"] = _with_references(found["images"], rows, encoder, unreadable)
        if "subjects" in wanted:
            parts = subject_columns(images, found["images"].columns, encoder, unreadable)
            found |= {} if parts is None else {"subjects": Turns(images, parts)}
        if "styles" in wanted:
            found["styles"] = Turns(images, style_columns(found["images"].columns))
        if "contexts" in wanted and "texts" in found["images"].columns:
            found["contexts"] = Turns(records, context_columns(records, found["images"].columns, encoder))
    if "modalities" in wanted:
        opened = found.get("images")
        lost = set() if opened is None or encoder is None or _takes_regions(encoder) else _unreadable(records, opened)
        found["modalities"] = Turns(records, modality_columns(records, lost))
    return found


def _unreadable(records: Sequence[Record], images: Turns) -> set[int]:
    """Places of the records whose image is given and was not read."""
    read = dict(zip(map(id, images.records), images.columns["valid"].tolist(), strict=True))
    return {
        place for place, record in enumerate(records) if record.image is not None and not read.get(id(record), True)
    }


def _switch_columns(records: Sequence[Record], scored: Sequence[Record], values: Tensor) -> dict[str, Any]:
    """Scores of answers where there are any, and the modality of all records."""
    known = {id(record): value for record, value in zip(scored, values.tolist(), strict=True)}
    scores = torch.tensor([known.get(id(record), math.nan) for record in records], dtype=torch.float64)
    return {"scores": scores, "modality": [record.modality for record in records], **places(records)}


def function_turns(records: Sequence[Record], metric: FunctionMetric) -> Turns | None:
    """The records that a function concerns, with what it gives of them; None where there are none."""
    columns: dict[str, Any] = {
        "record": records,
        "records": records,
        "preds": [record.text for record in records],
        "target": [record.target for record in records],
        "texts": [record.prompt for record in records],
        "options": options_of(records),
        "modality": [record.modality for record in records],
    }
    values = metric.values(columns, len(records))
    having = [(record, value) for record, value in zip(records, values, strict=True) if value is not None]
    kept = [record for record, _ in having]
    scores = torch.tensor([value for _, value in having], dtype=torch.float64)
    return Turns(kept, {"scores": scores, **places(kept)}) if kept else None


def _carried_columns(records: Sequence[Record], field: str, name: str) -> dict[str, Any]:
    values = torch.tensor([getattr(record, field)[name] for record in records], dtype=torch.float64)
    return {field: values, **places(records)}


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
    records: Sequence[Record], encoder: CachedEncoder, unreadable: Unreadable, with_pixels: bool
) -> dict[str, Any]:
    sources = [_source(record, encoder, unreadable) for record in records]
    images, pixels, refused = encoder.encode_readable(sources, with_pixels=with_pixels)
    for record, reason in zip(records, refused, strict=True):
        if reason is not None:
            unreadable(record, reason)
    there = [source is not None and reason is None for source, reason in zip(sources, refused, strict=True)]
    texts = _prompts(records, encoder)
    if texts is not None and not any(there):
        images = torch.zeros_like(texts)  # no image has told the encoder's width yet
    columns = {"images": images, "texts": texts, "pixels": pixels, "links": _links(records)}
    columns = {name: column for name, column in columns.items() if column is not None}
    return {**columns, **_subjects(records), **valid_places(records, there, images.device)}


def _source(record: Record, encoder: CachedEncoder, unreadable: Unreadable) -> Any:
    """What the encoder is given of a record's image: with its mask where the encoder looks for regions."""
    if record.image is None or not _takes_regions(encoder):
        return record.image
    if record.mask is not None:
        return ImageRegion(record.image, mask=record.mask)
    unreadable(record, "the record has no mask, which the encoder of regions needs")
    return None


def _takes_regions(encoder: CachedEncoder) -> bool:
    region = getattr(encoder.encoder, "region", None)
    return isinstance(region, str) and region == "given"


def _with_references(turns: Turns, rows: Sequence[int], encoder: CachedEncoder, unreadable: Unreadable) -> Turns:
    """The rows of images that have a reference, with its embedding; NaN where that cannot be read."""
    records = [turns.records[row] for row in rows]
    if _takes_regions(encoder):
        found = torch.zeros(len(rows), 1)
        refused: list[str | None] = ["cannot be compared by an encoder of regions, which it has none of"] * len(rows)
    else:
        found, _, refused = encoder.encode_readable([record.reference for record in records], with_pixels=False)
    for record, reason in zip(records, refused, strict=True):
        if reason is not None:
            unreadable(record, f"its reference {image_name(record.reference)}: {reason}")
    chosen = torch.tensor(rows)
    columns = {name: _chosen(column, chosen) for name, column in turns.columns.items() if name != "links"}
    there = torch.tensor([reason is None for reason in refused], device=found.device)
    images = columns["images"]
    references = found if found.shape[1:] == images.shape[1:] else found.new_zeros(images.shape)
    columns["references"] = references.masked_fill(~there[:, None], torch.nan)
    return Turns(records, columns)


def _chosen(column: Any, rows: Tensor) -> Any:
    return column[rows.to(column.device)] if isinstance(column, Tensor) else [column[row] for row in rows.tolist()]


def _subjects(records: Sequence[Record]) -> dict[str, Any]:
    """Argument `subject` where a record names one; those that do not have one subject together."""
    subjects = [record.subject for record in records]
    if not any(subjects):
        return {}
    return {"subject": [_NO_SUBJECT if subject is None else subject for subject in subjects]}


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
