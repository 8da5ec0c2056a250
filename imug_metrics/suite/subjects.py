# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Subject, background and whole image of the images of records, each embedded once."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch

from imug_metrics.dialogues.record import Record
from imug_metrics.encoders.cache import CachedEncoder
from imug_metrics.encoders.regions import RegionEncoder
from imug_metrics.media.images import ImageRegion

_SHARED = ("links", "subject", "dialogue", "turn")  # with what other metrics of images are fed with


def subject_columns(
    records: Sequence[Record],
    of_images: Mapping[str, Any],
    encoder: CachedEncoder,
    unreadable: Callable[[Record, str], None],
) -> dict[str, Any] | None:
    """Arguments of a metric that holds subjects against what is around them.

    Args:
        records: of images.
        of_images: the arguments of other metrics of the same images.
        encoder: one of regions, whose region is the subject; or one of whole images: the records' masks are the
            subjects then, all else is painted grey.
        unreadable: called with a record and the reason where its mask cannot be read; a subject that is not known
            counts as absent.

    Returns:
        `images` (of subjects), `background`, `whole` and what of `of_images` they have in common; None where no record
        says where its subject is.
    """
    of_subject = _finder(encoder)
    if _is(of_subject.region, "given") and all(record.mask is None for record in records):
        return None
    readable = of_images["valid"].tolist()
    sources = [_source(record, of_subject) if there else None for record, there in zip(records, readable, strict=True)]
    subjects, _, refused = _beside(encoder, of_subject).encode_readable(sources, with_pixels=False)
    for record, reason in zip(records, refused, strict=True):
        if reason is not None:
            unreadable(record, f"its subject: {reason}")
    sources = [source if reason is None else None for source, reason in zip(sources, refused, strict=True)]
    of_background = copy.copy(of_subject)
    of_background.background = True
    images = [None if source is None else record.image for record, source in zip(records, sources, strict=True)]
    return {
        **{name: column for name, column in of_images.items() if name in _SHARED},
        "images": subjects,
        "background": _beside(encoder, of_background).encode_readable(sources, with_pixels=False).embeddings,
        "whole": _beside(encoder, of_subject.encoder).encode_readable(images, with_pixels=False).embeddings,
        "valid": torch.tensor([source is not None for source in sources], device=subjects.device),
    }


def _finder(encoder: CachedEncoder) -> RegionEncoder:
    """What embeds the subject of each image."""
    inner = encoder.encoder
    if isinstance(inner, RegionEncoder) and not inner.background and not _is(inner.region, "full"):
        return inner
    return RegionEncoder(inner.encoder if isinstance(inner, RegionEncoder) else inner, masking="paint")


def _source(record: Record, finder: RegionEncoder) -> Any:
    """What the finder is given of a record's image."""
    if record.image is None or not _is(finder.region, "given"):
        return record.image
    if record.mask is None:
        return None
    return ImageRegion(record.image, mask=record.mask)


def _is(region: Any, name: str) -> bool:
    return isinstance(region, str) and region == name


def _beside(cache: CachedEncoder, encoder: Any) -> CachedEncoder:
    """Another encoder that keeps its rows in the same place, where they are told apart by its fingerprint."""
    found = copy.copy(cache)
    found.encoder = encoder
    return found
