# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Parts of an image: boxes and masks of any form, what they leave, and the image cut or painted by them."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor

from imug_metrics.media.images import ImageRegion
from imug_metrics.media.masks import mask_shares, region_values

Box = tuple[int, int, int, int]

_GREY = 127  # what is painted over: near the mean that models subtract


def given_region(item: Any, row: int) -> Any:
    """The box or the mask that an image came with.

    Raises:
        ValueError: If it came with neither.
    """
    if not isinstance(item, ImageRegion) or (item.box is None and item.mask is None):
        raise ValueError(f"Expected argument `images` to hold ImageRegion with a box or a mask at row {row}.")
    return item.box if item.mask is None else item.mask


def box_or_mask(found: Any, image: Tensor, row: int) -> Box | Tensor | None:
    """A box of whole pixels inside the image, a float mask ``[H, W]``, or None where nothing is left."""
    if found is None:
        return None
    values = region_values(found, row)
    height, width = image.shape[1:]
    if values.ndim == 2 and tuple(values.shape) == (height, width):
        mask = mask_shares(values, row)
        return mask if bool((mask > 0).any()) else None
    boxes = values.double().reshape(-1, 4) if values.numel() % 4 == 0 and values.shape[-1:] in ((4,), (0,)) else None
    if boxes is None or values.ndim > 2 or values.dtype == torch.bool:
        raise ValueError(
            f"Expected a region to be a box [4], boxes [K, 4] or a mask [{height}, {width}], got {list(values.shape)}"
            f" at row {row}.{_cure_of_mask(list(values.shape), height, width)}"
        )
    return _largest_box(boxes, height, width)


def _cure_of_mask(shape: list[int], height: int, width: int) -> str:
    """What to write in place of a mask of another shape; empty where that is not clear."""
    if shape == [width, height]:
        return " Write `mask.T` for a mask of columns and rows."
    if shape in ([1, height, width], [height, width, 1]):
        return f" Write `mask{'[0]' if shape[0] == 1 and shape[1:] == [height, width] else '[..., 0]'}`."
    if shape in ([3, height, width], [height, width, 3], [4, height, width], [height, width, 4]):
        return f" Write `mask{'[0]' if shape[1:] == [height, width] else '[..., 0]'}`, or pass the PIL image of it."
    return " Resize the mask to the size of its image." if len(shape) == 2 and 1 not in shape and 4 not in shape else ""


def _largest_box(boxes: Tensor, height: int, width: int) -> Box | None:
    left, top = boxes[:, 0].clamp(0, width), boxes[:, 1].clamp(0, height)
    right, bottom = boxes[:, 2].clamp(0, width), boxes[:, 3].clamp(0, height)
    areas = ((right - left).clamp_min(0) * (bottom - top).clamp_min(0)).nan_to_num(0)
    if not bool((areas > 0).any()):
        return None
    largest = int(areas.argmax())
    return math.floor(left[largest]), math.floor(top[largest]), math.ceil(right[largest]), math.ceil(bottom[largest])


def complement(region: Box | Tensor | None, image: Tensor) -> Tensor | None:
    """Mask of all but the region; None where there was none, or nothing is left."""
    if region is None:
        return None
    mask = as_mask(region, image)
    return 1 - mask if bool((mask < 1).any()) else None


def as_mask(region: Box | Tensor, image: Tensor) -> Tensor:
    """A region of an image as a float mask ``[H, W]``."""
    if isinstance(region, Tensor):
        return region
    mask = torch.zeros(image.shape[1:])
    crop(mask[None], region).fill_(1)
    return mask


def crop(image: Tensor, box: Box) -> Tensor:
    """The image within a box."""
    left, top, right, bottom = box
    return image[:, top:bottom, left:right]


def paint(image: Tensor, mask: Tensor) -> Tensor:
    """The image under the mask, grey elsewhere, cut to the mask's box."""
    mask = mask.to(image.device)
    grey = _GREY if image.dtype == torch.uint8 else _GREY / 255
    return crop((mask * image.float() + (1 - mask) * grey).to(image.dtype), mask_box(mask))


def mask_box(mask: Tensor) -> Box:
    """The smallest box that holds all that a mask is not 0 for; it has to hold something."""
    inside = mask > 0
    rows, columns = inside.any(1).nonzero()[:, 0], inside.any(0).nonzero()[:, 0]
    return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1
