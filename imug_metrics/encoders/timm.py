# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Image models of the timm library."""

from __future__ import annotations

import os
from types import ModuleType
from typing import Any

import torch
from torch import Tensor, nn
from typing_extensions import Unpack

from imug_metrics._optional import require
from imug_metrics.encoders.base import EncoderOptions, ModelEncoder
from imug_metrics.encoders.library_pipeline import from_compose
from imug_metrics.encoders.preprocessing import LibraryPreprocessing, Preprocessing


class TimmEncoder(ModelEncoder):
    """Images by a timm model: its features before the classifier, pooled as the model pools them.

    Preprocessing is that of the transform which timm builds from the model's ``pretrained_cfg``, batched on the device;
    where it has other steps, or an interpolation other than bicubic and bilinear, the transform itself is called.

    Args:
        model: A name of timm, or a loaded model.
        weights: A weights file, ``None`` for timm's own pretrained weights; only with a name.
        name: Name for tables and reports.
        device: Where to run.
        options: Those of `ModelEncoder`.

    Raises:
        ModuleNotFoundError: If timm is not installed.

    Example:
        >>> encoder = TimmEncoder("vit_small_patch14_dinov2")  # doctest: +SKIP
        >>> encoder.encode_images(["cat.png"]).shape  # doctest: +SKIP
        torch.Size([1, 384])
    """

    def __init__(
        self,
        model: str | nn.Module,
        weights: str | os.PathLike[str] | None = None,
        *,
        name: str | None = None,
        device: torch.device | str | None = None,
        **options: Unpack[EncoderOptions],
    ) -> None:
        timm = _import_timm()
        if isinstance(model, str):
            name = name or f"timm:{model}"
            checkpoint = "" if weights is None else os.fspath(weights)
            module: nn.Module = timm.create_model(model, pretrained=weights is None, checkpoint_path=checkpoint).eval()
        else:
            module = model
        dim = getattr(module, "head_hidden_size", None) or getattr(module, "num_features", None)
        super().__init__(module, name=name or f"timm:{type(module).__name__}", dim=dim, device=device, **options)
        self.preprocessing = _preprocessing(timm.data.resolve_model_data_config(module))

    def _image_forward(self, pixels: Tensor) -> Tensor:
        embeddings: Tensor = self.model.forward_head(self.model.forward_features(pixels), pre_logits=True)
        return embeddings

    def _patch_forward(self, pixels: Tensor) -> Tensor:
        patches: Tensor = self.model.forward_intermediates(pixels, indices=1, norm=True, intermediates_only=True)[-1]
        return patches

    def _has_patches(self) -> bool:
        return hasattr(self.model, "forward_intermediates")


def _import_timm() -> ModuleType:
    return require("timm", extra="timm", purpose="TimmEncoder")


def _preprocessing(config: dict[str, Any]) -> Preprocessing | LibraryPreprocessing:
    transform = _import_timm().data.create_transform(**config)
    return from_compose(transform, "timm.data.create_transform", str(sorted(config.items())))
