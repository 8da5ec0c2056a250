# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Embeddings of a part of each image: a box, a mask, or all but it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor

from imug_metrics.encoders.fingerprint import OF_PROCESS, digest_text, digest_weights, function_fingerprint
from imug_metrics.encoders.parts import PartEncoder
from imug_metrics.encoders.protocol import Encoder
from imug_metrics.media.images import MAX_PIXELS
from imug_metrics.media.regions import box_or_mask, complement, crop, given_region, paint

RegionFinder = Callable[[Tensor], Any]
_SHARED = ("batch_size", "device", "differentiable", "logit_bias", "logit_scale", "truncated_texts")  # of the encoder


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
        found = box_or_mask(self._region_of(item, image, row), image, row)
        region = complement(found, image) if self.background else found
        return None if region is None else (image, region)

    def _region_of(self, item: Any, image: Tensor, row: int) -> Any:
        if self._find is not None:
            return self._find(image.detach())
        if not isinstance(self.region, str):
            return self.region
        if self.region == "full":
            return 0, 0, image.shape[2], image.shape[1]
        return given_region(item, row)

    def _embed(self, parts: list[tuple[Tensor, Any]]) -> Tensor:
        masked = [isinstance(region, Tensor) for _, region in parts]
        if self.masking == "pool" and any(masked):
            if not all(masked):
                raise ValueError("Expected regions to be boxes or masks, got both: one is cut out, the other pooled.")
            return self._pooled(parts)
        cut_out = (paint if mask else crop for mask in masked)
        embedded: Tensor = self.encoder.encode_images([cut(*part) for cut, part in zip(cut_out, parts)])
        return embedded

    def _width(self) -> int | None:
        pools = self.masking == "pool" and hasattr(self.encoder, "encode_masked")  # tokens have a width of their own
        return None if pools else getattr(self.encoder, "dim", None)

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
