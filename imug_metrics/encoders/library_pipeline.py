# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""The preprocessing that a model's own library builds, batched on the device where its steps can be read.

What a library does with a configuration changes between its releases. So nothing here repeats its rules: the steps are
read from the transform it builds, and the batched form is used only if it gives the library's pixels on test images.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor

from imug_metrics._optional import require
from imug_metrics.encoders.preprocessing import LibraryPreprocessing, Preprocessing

_TOLERANCE = 2.0  # levels of 255 on test images of noise, where a wrong filter or a shifted crop is tens of levels off


def from_compose(transform: Any, backend: str, settings: str) -> Preprocessing | LibraryPreprocessing:
    """Batch a torchvision ``Compose`` where its steps can be read, and call it image by image where not.

    Args:
        transform: Function from a Pillow image to a tensor ``[3, H, W]``.
        backend: What built it, for reports.
        settings: What it was built from, for the fingerprint.

    Returns:
        The batched form, or the transform itself.

    Example:
        >>> from_compose(None, "none", "").backend
        'none'
    """
    library = LibraryPreprocessing(backend, partial(_one_by_one, transform), f"{settings} {transform!r}")
    batched = read_steps(transform)
    return library if batched is None else first_equal([batched], library)


def read_steps(transform: Any) -> Preprocessing | None:
    """Read resize, centre crop, conversion and normalisation from a ``Compose`` of torchvision, timm or open_clip.

    Returns:
        The batched form, ``None`` where a step is missing, unknown or has an option that the batched form lacks.

    Example:
        >>> read_steps(None) is None
        True
    """
    steps = list(getattr(transform, "transforms", ()))
    fields: dict[str, Any] = {"resize": None, "mean": (0.0,) * 3, "std": (1.0,) * 3}
    for readers in _READERS:
        read = readers.get(_kind(steps[0])) if steps else None
        if read is not None:
            found = read(steps.pop(0))
            if found is None:
                return None
            fields |= found
    if fields.get("mode") == "squash":
        fields.setdefault("size", fields["resize"])
    return None if steps or "size" not in fields else Preprocessing(**fields)


def first_equal(
    candidates: Iterable[Preprocessing], library: LibraryPreprocessing
) -> Preprocessing | LibraryPreprocessing:
    """Choose the batched form that prepares test images as the library does.

    Args:
        candidates: Batched forms.
        library: The library's own pipeline.

    Returns:
        The first candidate whose pixels are those of the library, or the library's pipeline.

    Example:
        >>> import torch
        >>> half, whole = (Preprocessing((4, 4), (0.0,) * 3, (std,) * 3, resize=(4, 4)) for std in (0.5, 1.0))
        >>> own = LibraryPreprocessing("own", whole, "")
        >>> first_equal([half, whole], own) is whole, first_equal([half], own) is own
        (True, True)
    """
    return next((batched for batched in candidates if _equal(batched, library)), library)


def _equal(batched: Preprocessing, library: LibraryPreprocessing) -> bool:
    std = torch.tensor(batched.std)[:, None, None]
    for image in _test_images(batched):
        try:
            prepared = library([image])
        except Exception:  # of the library's own kind: raised again, with its reason, once images are to be embedded
            return False
        if not isinstance(prepared, Tensor):
            if set(prepared) != {"pixel_values"}:
                return False
            prepared = prepared["pixel_values"]
        expected = batched([image])
        if prepared.shape != expected.shape or ((prepared - expected) * std).abs().max() * 255 > _TOLERANCE:
            return False
    return True


def _test_images(batched: Preprocessing) -> Iterator[Tensor]:
    """Noise in sizes that tell apart how libraries round: crops at half a pixel, and edges just below a whole one."""
    height, width = batched.resize or batched.size
    # Reduced to a half, what is left on both sides of the crop is odd: the offset 1.5, 3.5, ... rounds up or down.
    wide = batched.size[1] + 3 + 4 * max(0, (width - batched.size[1]) // 4)
    tall = batched.size[0] + 3 + 4 * max(0, (height - batched.size[0]) // 4)
    sizes = (2 * height, 2 * wide), (2 * tall, 2 * width), (2 * height + 1, 2 * width + 9), (height // 2 + 1, width)
    rng = np.random.default_rng(0)
    for size in sizes:  # far enough from black and white for no filter to leave the range
        yield torch.from_numpy(rng.integers(64, 192, (3, *size), dtype=np.uint8))


def _one_by_one(transform: Callable[[Any], Tensor], images: list[Tensor]) -> Tensor:
    functional = require("torchvision.transforms.functional", purpose="A pipeline of torchvision")
    return torch.stack([transform(functional.to_pil_image(image)) for image in images])


def _kind(step: Any) -> str:
    return str(getattr(step, "__name__", type(step).__name__))  # a step may be a function


def _read_resize(step: Any) -> dict[str, Any] | None:
    """torchvision's: a number is the length of the shorter edge, a pair both lengths."""
    if getattr(step, "max_size", None) is not None:
        return None
    size = (step.size,) if isinstance(step.size, int) else tuple(step.size)
    mode = "shortest" if len(size) == 1 else "squash"
    return _interpolation(step, resize=(size[0], size[-1]), mode=mode)


def _read_resize_keep_ratio(step: Any) -> dict[str, Any] | None:
    """Fill a box of both lengths (``longest`` 0), or fit into it (1)."""
    size = tuple(step.size)
    if step.random_scale_prob or step.random_aspect_prob or step.longest not in (0, 1):
        return None
    if step.longest == 0 and size[0] == size[1]:  # it rounds the longer edge, which `Preprocessing` cuts
        return None
    return _interpolation(step, resize=size, mode="longest" if step.longest else "shortest")


def _interpolation(step: Any, **fields: Any) -> dict[str, Any] | None:
    name = getattr(step.interpolation, "value", None)
    return {**fields, "interpolation": name} if name in ("bicubic", "bilinear") else None


def _read_crop(step: Any) -> dict[str, Any] | None:
    fill = getattr(step, "fill", 0)
    return {"size": tuple(step.size), "fill": (fill,) * 3 if isinstance(fill, int) else tuple(fill)}


def _read_normalize(step: Any) -> dict[str, Any] | None:
    return {name: tuple(float(value) for value in getattr(step, name)) for name in ("mean", "std")}


def _read_conversion(step: Any) -> dict[str, Any] | None:
    return {}


# Names of steps and their readers, in the order in which the steps have to stand; any may be missing.
_READERS: tuple[dict[str, Callable[[Any], dict[str, Any] | None]], ...] = (
    {"Resize": _read_resize, "ResizeKeepRatio": _read_resize_keep_ratio},
    {"CenterCrop": _read_crop, "CenterCropOrPad": _read_crop},
    {"MaybeConvertMode": _read_conversion, "_convert_to_rgb": _read_conversion},
    {"ToTensor": _read_conversion, "MaybeToTensor": _read_conversion},
    {"Normalize": _read_normalize},
)
