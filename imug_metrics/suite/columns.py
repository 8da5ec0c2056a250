# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Arguments of metrics with embeddings in place of images and texts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from imug_metrics.dialogues.columns import Column, embedding_column, flatten_lists, is_embedding
from imug_metrics.encoders.cache import CachedEncoder
from imug_metrics.encoders.cache.encoder import PIXELS, check_readable
from imug_metrics.media.images import check_sequence


def encoded(columns: Mapping[str, Any], encoder: CachedEncoder | None, *, with_pixels: bool = False) -> dict[str, Any]:
    """Columns of one update, with `images` and `texts` embedded, and `pixels` of the images.

    Args:
        columns: arguments of metrics, flat or padded; `images` and `texts` are embeddings or what the encoder takes.
        encoder: embeds what is not embedded yet.
        with_pixels: whether `pixels` are wanted.

    Raises:
        ValueError: if images or texts come without an encoder, or an image cannot be read.

    Example:
        >>> from imug_metrics.encoders import CallableEncoder
        >>> encoder = CachedEncoder(CallableEncoder(texts=lambda texts: torch.ones(len(texts), 2)))
        >>> columns = encoded({"texts": [["a", "b"], ["c"]]}, encoder)
        >>> columns["texts"].shape, columns["turn"]
        (torch.Size([2, 2, 2]), tensor([[1, 2],
                [1, 0]]))
    """
    found: dict[str, Any] = {}
    if "texts" in columns and not is_embedding(columns["texts"]):
        rows = embedding_column("texts", columns["texts"], None if encoder is None else encoder.encode_texts)
        found["texts"] = rows.values.view(*rows.shape, -1)
        found |= _turns(rows)
    if "images" in columns and not is_embedding(columns["images"]):
        found |= _images(columns, encoder, PIXELS if with_pixels else 0)
        if not found["images"].shape[-1]:  # no image has told the encoder's width
            width = found.get("texts", columns.get("texts", torch.zeros(1))).shape[-1]
            found["images"] = found["images"].new_zeros(*found["images"].shape[:-1], width)
    given = {name: columns[name] for name in ("turn", "pixels") if columns.get(name) is not None}
    return {**columns, **found, **given}


def _images(columns: Mapping[str, Any], encoder: CachedEncoder | None, small: int) -> dict[str, Any]:
    """What images give: embeddings, `small` pixels, which are there, and turns where they are in lists."""

    def see(images: Any) -> Tensor:
        assert encoder is not None
        seen = encoder.encode_readable(images, with_pixels=small > 0)
        check_readable(seen.errors)
        parts = [part for part in seen[:2] if part is not None]
        return torch.cat(parts, 1)

    images = columns["images"]
    if encoder is None or isinstance(images, Tensor):
        rows = embedding_column("images", images, None if encoder is None else see)
    else:  # all cells, the absent ones too, so that errors name the row that the caller knows
        cells, shape, present, ends = flatten_lists("images", list(check_sequence(images)), arrays=False)
        values = see(cells)
        rows = Column(values, shape, None if present is None else present.to(values.device), ends)
    values = rows.values.view(*rows.shape, -1)
    if rows.present is not None and not rows.present.any():
        values = values.new_zeros(*rows.shape, small)
    width = values.shape[-1] - small
    found: dict[str, Any] = {"images": values[..., :width]}
    if small:
        found["pixels"] = values[..., width:]
    if rows.present is not None:
        valid = columns.get("valid")
        found["valid"] = rows.present if valid is None else rows.present & torch.as_tensor(valid).to(rows.present)
    return {**found, **_turns(rows)}


def _turns(rows: Column) -> dict[str, Tensor]:
    """The turns of lists of lists, 0 behind the last of a dialogue."""
    if rows.ends is None:
        return {}
    counted = torch.arange(1, rows.shape[1] + 1).expand(rows.shape)
    return {"turn": counted.masked_fill(counted > torch.tensor(rows.ends)[:, None], 0)}
