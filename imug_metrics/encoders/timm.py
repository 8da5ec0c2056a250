# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Image models of the timm library."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from imug_metrics.encoders.base import ModelEncoder
from imug_metrics.encoders.images import MAX_PIXELS
from imug_metrics.encoders.preprocessing import Preprocessing


class TimmEncoder(ModelEncoder):
    """Images by a timm model: its features before the classifier, pooled as the model pools them.

    Preprocessing follows the model's own ``pretrained_cfg``, batched on the device.

    Args:
        model: A name timm knows, or a loaded model.
        weights: A weights file, ``None`` for timm's own pretrained weights; only with a name.
        name: Name for tables and reports.
        device: Where to run.
        batch_size: Images per forward pass.
        max_pixels: Height times width above which an image is refused before it is decoded.
        differentiable: Keep the graph from floating-point images to embeddings.

    Raises:
        ModuleNotFoundError: If timm is not installed.
        ValueError: If the model's configuration asks for a preprocessing that is not known here.

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
        device: torch.device | str | None = None,
        batch_size: int = 64,
        max_pixels: int = MAX_PIXELS,
        differentiable: bool = False,
    ) -> None:
        timm = _import_timm()
        if isinstance(model, str):
            name = name or f"timm:{model}"
            checkpoint = "" if weights is None else os.fspath(weights)
            module: nn.Module = timm.create_model(model, pretrained=weights is None, checkpoint_path=checkpoint).eval()
        else:
            module = model
        super().__init__(
            module,
            name=name or f"timm:{type(module).__name__}",
            dim=getattr(module, "head_hidden_size", None) or getattr(module, "num_features", None),
            device=device,
            batch_size=batch_size,
            max_pixels=max_pixels,
            differentiable=differentiable,
        )
        self.preprocessing = _preprocessing(timm.data.resolve_model_data_config(module))

    def _embed_images(self, images: Sequence[Tensor]) -> Tensor:
        pixels = self.preprocessing(images, self.device).to(self.dtype)
        return self.model.forward_head(self.model.forward_features(pixels), pre_logits=True)

    def _settings(self) -> str:
        return str(self.preprocessing)


def _import_timm() -> Any:
    try:
        import timm
        import timm.data
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError("TimmEncoder needs timm: pip install imug_metrics[timm]", name=error.name) from error
    return timm


def _preprocessing(config: dict[str, Any]) -> Preprocessing:
    size = tuple(config["input_size"][-2:])
    resize = tuple(math.floor(edge / config["crop_pct"]) for edge in size)
    modes = {"center": "shortest", "squash": "squash", "border": "longest"}
    # timm resizes for non-square models bilinearly, whatever the configuration says.
    bilinear = config["crop_mode"] == "center" and resize[0] != resize[1]
    return Preprocessing(
        size=size,
        resize=resize,
        mean=tuple(config["mean"]),
        std=tuple(config["std"]),
        mode=modes.get(config["crop_mode"], config["crop_mode"]),
        interpolation="bilinear" if bilinear else config["interpolation"],
        fill=tuple(round(255 * value) for value in config["mean"]),
    )
