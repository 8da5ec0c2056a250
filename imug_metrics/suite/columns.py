# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Arguments of metrics with embeddings in place of pictures and texts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from imug_metrics.encoders.cache import CachedEncoder
from imug_metrics.encoders.cache.encoder import PIXELS, check_readable
from imug_metrics.rows import embedding_rows, is_embedding


def encoded(columns: Mapping[str, Any], encoder: CachedEncoder | None) -> dict[str, Any]:
    """Columns of one update, with `images` and `texts` embedded, and `pixels` of the pictures.

    Args:
        columns: arguments of metrics, flat or padded; `images` and `texts` are embeddings or what the encoder takes.
        encoder: embeds what is not embedded yet.

    Raises:
        ValueError: if pictures or texts come without an encoder, or a picture cannot be read.

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
        rows = embedding_rows("texts", columns["texts"], encoder and encoder.encode_texts)
        found["texts"] = rows.values.view(*rows.shape, -1)
        found |= {} if rows.turn is None else {"turn": rows.turn}
    if "images" in columns and not is_embedding(columns["images"]):
        found |= _pictures(columns, encoder)
        if not found["images"].shape[-1]:  # no picture has told the encoder's width
            found["images"] = torch.zeros_like(found.get("texts", columns.get("texts", found["pixels"])))
    given = {name: columns[name] for name in ("turn", "pixels") if columns.get(name) is not None}
    return {**columns, **found, **given}


def _pictures(columns: Mapping[str, Any], encoder: CachedEncoder | None) -> dict[str, Any]:
    """The columns that pictures give: embeddings, pixels, which are there, and turns where they are in lists."""

    def see(images: Any) -> Tensor:
        assert encoder is not None
        pictures = encoder.see(images)
        check_readable(pictures.refused)
        return torch.cat([pictures.embeddings, pictures.pixels], 1)

    rows = embedding_rows("images", columns["images"], encoder and see)
    values = rows.values.view(*rows.shape, -1)
    if values.shape[-1] < PIXELS:  # all are absent
        values = values.new_zeros(*rows.shape, PIXELS)
    found: dict[str, Any] = {"images": values[..., :-PIXELS], "pixels": values[..., -PIXELS:]}
    if rows.present is not None:
        valid = columns.get("valid")
        found["valid"] = rows.present if valid is None else rows.present & torch.as_tensor(valid).to(rows.present)
    return found if rows.turn is None else {**found, "turn": rows.turn}
