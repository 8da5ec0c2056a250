# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Masks of every kind, and what is refused."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from imug_metrics.media.masks import as_shares, load_mask

INSIDE = np.array([[False, True], [True, False]])


def png(array: np.ndarray) -> bytes:
    file = io.BytesIO()
    Image.fromarray(array).save(file, "PNG")
    return file.getvalue()


@pytest.mark.parametrize(
    "mask",
    [
        INSIDE,
        torch.from_numpy(INSIDE),
        INSIDE.astype(np.uint8),
        7 * INSIDE.astype(np.uint16),
        INSIDE.astype(np.int64),
        INSIDE.astype(">f4"),
        INSIDE[::-1][::-1],
        Image.fromarray(INSIDE),
        Image.fromarray(200 * INSIDE.astype(np.uint8)),
        png(255 * INSIDE.astype(np.uint8)),
    ],
    ids=["bool", "tensor", "bytes", "16 bits", "integers", "big-endian", "flipped", "image", "grey image", "file"],
)
def test_a_mask_is_read_in_any_form(mask: Any) -> None:
    assert load_mask(mask, row=0).tolist() == INSIDE.astype(float).tolist()
    assert load_mask(mask, row=0).dtype == torch.float32


def test_shares_stay_shares() -> None:
    assert load_mask(torch.tensor([[0.25, 1.0]]), row=0).tolist() == [[0.25, 1.0]]
    assert as_shares(torch.tensor([1.0004, -0.0004])).tolist() == [1, 0]


@pytest.mark.parametrize(
    ("mask", "message"),
    [
        (torch.zeros(2, 2, 2), r"to have shape \[H, W\], got \[2, 2, 2\] at row 5"),
        (torch.zeros(0, 2), r"to have shape \[H, W\], got \[0, 2\] at row 5"),
        (torch.tensor([[2.0]]), "values from 2 to 2 at row 5. Write `mask / 255`"),
        (torch.tensor([[torch.nan]]), "got NaN at row 5"),
        (np.array([["a"]]), "to hold numbers, got <U1 at row 5"),
        (b"no image", "to name readable image files at row 5"),
    ],
)
def test_what_is_no_mask_is_refused(mask: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        load_mask(mask, row=5)
