# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Embeddings of a part of each image: a box, a mask, or all but it."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Sequence
from typing import Any, Literal

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from imug_metrics.encoders.fingerprint import OF_PROCESS, digest_text, digest_weights, function_fingerprint
from imug_metrics.encoders.parts import PartEncoder
from imug_metrics.encoders.protocol import Encoder
from imug_metrics.media.images import MAX_PIXELS, ImageRegion, load_image

RegionFinder = Callable[[Tensor], Any]
_SHARED = ("batch_size", "device", "differentiable", "logit_bias", "logit_scale", "truncated_texts")  # of the encoder

_TOLERANCE = 1e-3  # resized masks overshoot [0, 1] by rounding errors
_GREY = 127  # what is painted over: near the mean that models subtract


class RegionEncoder(PartEncoder):
    """An encoder that sees only a part of each image.

    A box is cut out, before the pixels are moved to the encoder's device, and embedded like an image of its own. Under
    a mask the encoder's patch tokens are averaged (``masking="pool"``), or everything else is painted grey and the
    mask's box cut out (``masking="paint"``). Pooled tokens are cheap and sharp but have seen the whole image, and they
    compare with each other, not with texts; painted images work with every encoder and are seen alone.

    An image in which nothing is found, or of which no background is left, has a row of NaN, which metrics count as
    absent: it lowers the coverage.

    Args:
        encoder: An encoder for whole images, or what `as_encoder` takes. It is shared, not copied.
        region: ``"given"``: the box or mask of each `ImageRegion`. ``"full"``: the whole image. A box (left, top,
            right, bottom in pixels) or a mask ``[H, W]``: the same for all images. A function from an image, uint8 or
            floating point ``[3, H, W]``, to a box, boxes ``[K, 4]`` (the largest counts), a mask ``[H, W]``, or None
            where there is nothing. For faces see `FaceEncoder`.
        background: Embed all but the region. It needs masks, so boxes are turned into them.
        masking: ``"pool"`` or ``"paint"``.
        name: Name for tables and reports.
        fingerprint: Identifies ``region`` for caches, where it is a function; different for every encoder made by
            default.
        max_pixels: Height times width above which an image is refused before it is decoded.

    Raises:
        TypeError: If ``region`` is of another kind.
        ValueError: If ``masking`` is unknown, or the background of whole images is asked for.

    Example:
        >>> import torch
        >>> from imug_metrics.encoders import CallableEncoder
        >>> colour = CallableEncoder(lambda images: torch.stack([image.float().mean((1, 2)) for image in images]))
        >>> image = torch.zeros(3, 4, 4, dtype=torch.uint8)
        >>> image[0, :2, :2] = 200
        >>> RegionEncoder(colour, (0, 0, 2, 2)).encode_images([image])
        tensor([[200.,   0.,   0.]])
    """

    def __init__(
        self,
        encoder: Encoder | str | Any,
        region: Literal["given", "full"] | Sequence[float] | Tensor | np.ndarray | RegionFinder = "given",
        *,
        background: bool = False,
        masking: Literal["pool", "paint"] = "pool",
        name: str | None = None,
        fingerprint: str | None = None,
        max_pixels: int = MAX_PIXELS,
    ) -> None:
        from imug_metrics.encoders.loading import as_encoder

        if masking not in ("pool", "paint"):
            raise ValueError(f"Expected argument `masking` to be pool or paint, got {masking!r}.")
        if background and isinstance(region, str) and region == "full":
            raise ValueError("Expected argument `region` to leave a background, got 'full'.")
        super().__init__(max_pixels)
        self.encoder: Any = as_encoder(encoder)
        self.region, self._find, label, self._identity = _read_region(region, fingerprint)
        self.background, self.masking = background, masking
        self.name = name or f"{self.encoder.name}[{label}{', background' if background else ''}]"

    @property
    def fingerprint(self) -> str:
        """That of the encoder inside, and of the region."""
        prefix = OF_PROCESS if self._identity.startswith(OF_PROCESS) else ""
        settings = f"{self._identity} {self.background} {self.masking}"
        return f"{prefix}{self.encoder.fingerprint}-{digest_text(settings)}"

    def __getattr__(self, name: str) -> Any:
        if name in _SHARED:
            return getattr(self.encoder, name)
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    def to(self, device: torch.device | str) -> RegionEncoder:
        """Move the encoder inside and return the encoder itself."""
        self.encoder.to(device)
        return self

    def encode_texts(self, texts: Sequence[str]) -> Tensor:
        """Embed texts by the encoder inside."""
        embeddings: Tensor = self.encoder.encode_texts(texts)
        return embeddings

    def __repr__(self) -> str:
        return f"RegionEncoder({self.encoder!r}, name={self.name!r})"

    def _locate(self, image: Tensor, item: Any, row: int) -> tuple[Tensor, Any] | None:
        """The image with what was found in it: a box of whole pixels or a mask."""
        found = _box_or_mask(self._region_of(item, image, row), image, row)
        region = _complement(found, image) if self.background else found
        return None if region is None else (image, region)

    def _region_of(self, item: Any, image: Tensor, row: int) -> Any:
        if self._find is not None:
            return self._find(image.detach())
        if not isinstance(self.region, str):
            return self.region
        if self.region == "full":
            return 0, 0, image.shape[2], image.shape[1]
        if not isinstance(item, ImageRegion) or (item.box is None and item.mask is None):
            raise ValueError(f"Expected argument `images` to hold ImageRegion with a box or a mask at row {row}.")
        return item.box if item.mask is None else item.mask

    def _embed(self, parts: list[tuple[Tensor, Any]]) -> Tensor:
        masked = [isinstance(region, Tensor) for _, region in parts]
        if self.masking == "pool" and any(masked):
            if not all(masked):
                raise ValueError("Expected regions to be boxes or masks, got both: one is cut out, the other pooled.")
            return self._pooled(parts)
        cut_out = (_paint if mask else _crop for mask in masked)
        embedded: Tensor = self.encoder.encode_images([cut(*part) for cut, part in zip(cut_out, parts)])
        return embedded

    def _width(self) -> int | None:
        return getattr(self.encoder, "dim", None)

    def _pooled(self, batch: list[tuple[Tensor, Any]]) -> Tensor:
        pool = getattr(self.encoder, "encode_masked", None)
        if pool is None:
            raise TypeError(
                f"Expected argument `masking` to be paint: {self.encoder.name!r} has no patch tokens to pool."
            )
        embeddings: Tensor = pool(*zip(*batch))
        return embeddings


def _read_region(region: Any, fingerprint: str | None) -> tuple[Any, RegionFinder | None, str, str]:
    """The region, the function that finds it, its label, and what identifies it."""
    if isinstance(region, str):
        if region not in ("given", "full"):
            instead = " Faces have an encoder of their own: FaceEncoder." if region == "face" else ""
            raise TypeError(
                f"Expected argument `region` to be given, full, a box, a mask or a function, got {region!r}.{instead}"
            )
        return region, None, region, region
    if callable(region):
        label = str(getattr(region, "__qualname__", type(region).__name__))
        return "function", region, label, function_fingerprint(fingerprint)
    values = region if isinstance(region, Tensor) else torch.as_tensor(np.asarray(region))
    if values.ndim != 2 and values.shape != (4,):
        raise TypeError(f"Expected argument `region` to be a box [4] or a mask [H, W], got {list(values.shape)}.")
    label = f"box {', '.join(f'{value:g}' for value in values.tolist())}" if values.ndim == 1 else "mask"
    return values, None, label, f"{label} {digest_weights({'region': values})}"


def _box_or_mask(found: Any, image: Tensor, row: int) -> tuple[int, int, int, int] | Tensor | None:
    """A box of whole pixels inside the image, a float mask ``[H, W]``, or None where nothing is left."""
    if found is None:
        return None
    if isinstance(found, (Image.Image, str, os.PathLike, bytes)):
        found = load_image(found, row=row).float().mean(0) > 127
    values = _values(found, row)
    height, width = image.shape[1:]
    if values.ndim == 2 and tuple(values.shape) == (height, width):
        mask = _shares(values, row) if values.is_floating_point() else (values > 0).float()
        return mask if bool((mask > 0).any()) else None
    boxes = values.double().reshape(-1, 4) if values.numel() % 4 == 0 and values.shape[-1:] in ((4,), (0,)) else None
    if boxes is None or values.ndim > 2 or values.dtype == torch.bool:
        raise ValueError(
            f"Expected a region to be a box [4], boxes [K, 4] or a mask [{height}, {width}], got {list(values.shape)}"
            f" at row {row}.{_cure_of_mask(list(values.shape), height, width)}"
        )
    return _largest_box(boxes, height, width)


def _values(found: Any, row: int) -> Tensor:
    if isinstance(found, Tensor):
        return found if found.is_floating_point() or found.element_size() == 1 else found.long()
    array = np.asarray(found)
    if array.dtype.kind not in "buif":
        raise ValueError(f"Expected a region to hold numbers, got {array.dtype} at row {row}.")
    # PyTorch compares no unsigned integers of more than 8 bits, and wraps no foreign byte order.
    kept = np.dtype("int64") if array.dtype.kind == "u" else array.dtype.newbyteorder("=")
    return torch.from_numpy(np.array(array, dtype=kept))


def _shares(mask: Tensor, row: int) -> Tensor:
    """A floating-point mask as it stands, if it holds shares."""
    low, high = mask.aminmax()
    if low >= -_TOLERANCE and high <= 1 + _TOLERANCE:  # false for NaN as well
        return mask.float().clamp(0, 1)
    found = "NaN" if bool(low.isnan()) else f"values from {float(low):.4g} to {float(high):.4g}"
    cure = "`mask / 255` for the range 0 to 255" if low >= 0 and 1 < high <= 255 else "`mask > 0` for a yes or no"
    raise ValueError(
        f"Expected a region's mask to lie in [0, 1] where it is floating point, got {found} at row {row}. Write {cure}."
    )


def _cure_of_mask(shape: list[int], height: int, width: int) -> str:
    """What to write in place of a mask of another shape; empty where that is not clear."""
    if shape == [width, height]:
        return " Write `mask.T` for a mask of columns and rows."
    if shape in ([1, height, width], [height, width, 1]):
        return f" Write `mask{'[0]' if shape[0] == 1 and shape[1:] == [height, width] else '[..., 0]'}`."
    if shape in ([3, height, width], [height, width, 3], [4, height, width], [height, width, 4]):
        return f" Write `mask{'[0]' if shape[1:] == [height, width] else '[..., 0]'}`, or pass the PIL image of it."
    return " Resize the mask to the size of its image." if len(shape) == 2 and 1 not in shape and 4 not in shape else ""


def _largest_box(boxes: Tensor, height: int, width: int) -> tuple[int, int, int, int] | None:
    left, top = boxes[:, 0].clamp(0, width), boxes[:, 1].clamp(0, height)
    right, bottom = boxes[:, 2].clamp(0, width), boxes[:, 3].clamp(0, height)
    areas = ((right - left).clamp_min(0) * (bottom - top).clamp_min(0)).nan_to_num(0)
    if not bool((areas > 0).any()):
        return None
    largest = int(areas.argmax())
    return math.floor(left[largest]), math.floor(top[largest]), math.ceil(right[largest]), math.ceil(bottom[largest])


def _complement(region: tuple[int, int, int, int] | Tensor | None, image: Tensor) -> Tensor | None:
    """Mask of all but the region; None where there was none, or nothing is left."""
    if region is None:
        return None
    if isinstance(region, tuple):
        left, top, right, bottom = region
        region = torch.zeros(image.shape[1:])
        region[top:bottom, left:right] = 1
    return 1 - region if bool((region < 1).any()) else None


def _crop(image: Tensor, box: tuple[int, int, int, int]) -> Tensor:
    left, top, right, bottom = box
    return image[:, top:bottom, left:right]


def _paint(image: Tensor, mask: Tensor) -> Tensor:
    """The image under the mask, grey elsewhere, cut to the mask's box."""
    mask = mask.to(image.device)
    grey = _GREY if image.dtype == torch.uint8 else _GREY / 255
    inside = mask > 0
    rows, columns = inside.any(1).nonzero()[:, 0], inside.any(0).nonzero()[:, 0]
    box = (slice(None), slice(int(rows[0]), int(rows[-1]) + 1), slice(int(columns[0]), int(columns[-1]) + 1))
    return (mask * image.float() + (1 - mask) * grey).to(image.dtype)[box]
