# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Images of records beside the prompts of all turns, those that were answered in words included."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch

from imug_metrics.dialogues.record import Record, valid_places
from imug_metrics.encoders.cache import CachedEncoder
from imug_metrics.encoders.texts import check_texts


def context_columns(records: Sequence[Record], of_images: Mapping[str, Any], encoder: CachedEncoder) -> dict[str, Any]:
    """Arguments of a metric that holds images against the prompts of their dialogue.

    Args:
        records: of all turns of whole dialogues; those with images are in the order of `of_images`.
        of_images: the arguments of other metrics of the images alone, with `texts`.
        encoder: of the prompts of the other records; those of images are not encoded again.

    Returns:
        `images` (zero where a turn was answered in words), `texts`, `modality`, `valid`, `dialogue` and `turn` of all
        records, and `links` between their rows if there are any.
    """
    is_image = torch.tensor([record.modality == "image" for record in records])
    images, texts = of_images["images"], of_images["texts"]
    rows, others = (mask.nonzero()[:, 0].to(images.device) for mask in (is_image, ~is_image))
    prompts = [record.prompt for record in records if record.modality != "image"]
    asked = texts.new_zeros(len(records), texts.shape[1]).index_copy(0, rows, texts)
    if prompts:
        asked = asked.index_copy(0, others, encoder.encode_texts(check_texts(prompts)).to(asked))
    there = torch.zeros(len(records), dtype=torch.bool).index_copy(0, rows.cpu(), of_images["valid"].cpu())
    found = {
        "images": images.new_zeros(len(records), images.shape[1]).index_copy(0, rows, images),
        "texts": asked,
        "modality": is_image.to(images.device),
        **valid_places(records, there.tolist(), images.device),
    }
    links = of_images.get("links")
    return found if links is None else {**found, "links": rows.cpu()[links]}
