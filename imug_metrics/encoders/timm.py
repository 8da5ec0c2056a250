# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Image models of the timm library."""

from __future__ import annotations

import math
import os
from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from imug_metrics.encoders.base import ModelEncoder
from imug_metrics.encoders.preprocessing import LibraryPreprocessing, Preprocessing


class TimmEncoder(ModelEncoder):
    """Images by a timm model: its features before the classifier, pooled as the model pools them.

    Preprocessing follows the model's own ``pretrained_cfg``, batched on the device; with an interpolation other than
    bicubic and bilinear, timm's own transform is called.

    Args:
        model: A name timm knows, or a loaded model.
        weights: A weights file, ``None`` for timm's own pretrained weights; only with a name.
        name: Name for tables and reports.
        options: Those of `ModelEncoder`.

    Raises:
        ModuleNotFoundError: If timm is not installed.

    Example:
        >>> encoder = TimmEncoder("vit_small_patch14_dinov2")  # doctest: +SKIP
        >>> encoder.encode_images(["cat.png"]).shape  # doctest: +SKIP
        torch.Size([1, 384])
    """

    model: Any  # timm's models share methods, not a base class

    def __init__(
        self,
        model: str | nn.Module,
        weights: str | os.PathLike[str] | None = None,
        *,
        name: str | None = None,
        **options: Any,
    ) -> None:
        timm = _import_timm()
        if isinstance(model, str):
            name = name or f"timm:{model}"
            checkpoint = "" if weights is None else os.fspath(weights)
            module: nn.Module = timm.create_model(model, pretrained=weights is None, checkpoint_path=checkpoint).eval()
        else:
            module = model
        dim = getattr(module, "head_hidden_size", None) or getattr(module, "num_features", None)
        super().__init__(module, name=name or f"timm:{type(module).__name__}", dim=dim, **options)
        self.preprocessing = _preprocessing(timm.data.resolve_model_data_config(module))

    def _image_forward(self, pixels: Tensor) -> Tensor:
        return self.model.forward_head(self.model.forward_features(pixels), pre_logits=True)

    def _patch_forward(self, pixels: Tensor) -> Tensor:
        return self.model.forward_intermediates(pixels, indices=1, norm=True, intermediates_only=True)[-1]

    def _has_patches(self) -> bool:
        return hasattr(self.model, "forward_intermediates")


def _import_timm() -> Any:
    try:
        import timm
        import timm.data
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError("TimmEncoder needs timm: pip install imug_metrics[timm]", name=error.name) from error
    return timm


def _preprocessing(config: dict[str, Any]) -> Preprocessing | LibraryPreprocessing:
    size = tuple(config["input_size"][-2:])
    resize = tuple(math.floor(edge / config["crop_pct"]) for edge in size)
    modes = {"center": "shortest", "squash": "squash", "border": "longest"}
    # timm resizes for non-square models bilinearly, whatever the configuration says.
    bilinear = config["crop_mode"] == "center" and resize[0] != resize[1]
    interpolation = "bilinear" if bilinear else config["interpolation"]
    if config["crop_mode"] not in modes or interpolation not in ("bicubic", "bilinear"):
        return _timms_own(config)
    return Preprocessing(
        size=size,
        resize=resize,
        mean=tuple(config["mean"]),
        std=tuple(config["std"]),
        mode=modes[config["crop_mode"]],  # type: ignore[arg-type]
        interpolation=interpolation,
        fill=tuple(round(255 * value) for value in config["mean"]),
    )


def _timms_own(config: dict[str, Any]) -> LibraryPreprocessing:
    transform = _import_timm().data.create_transform(**config)
    return LibraryPreprocessing(
        "timm.data.create_transform", partial(_one_by_one, transform), str(sorted(config.items()))
    )


def _one_by_one(transform: Callable[[Any], Tensor], images: list[Tensor]) -> Tensor:
    from torchvision.transforms.functional import to_pil_image

    return torch.stack([transform(to_pil_image(image)) for image in images])
