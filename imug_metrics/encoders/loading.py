# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""From a short specification to an encoder."""

from __future__ import annotations

import os
from typing import Any

import torch
from torch import nn
from typing_extensions import Unpack

from imug_metrics.encoders.base import EncoderOptions
from imug_metrics.encoders.callable import CallableEncoder
from imug_metrics.encoders.lpips import TRUNKS, LpipsEncoder
from imug_metrics.encoders.openclip import OpenClipEncoder
from imug_metrics.encoders.protocol import Encoder
from imug_metrics.encoders.timm import TimmEncoder
from imug_metrics.encoders.transformers import TransformersEncoder

_FORMS = "scene, open_clip:MODEL[:TAG-OR-FILE], hf:FOLDER-OR-NAME, timm:MODEL[:FILE] or lpips:TRUNK"


def load_encoder(spec: str, device: torch.device | str | None = None, **options: Unpack[EncoderOptions]) -> Encoder:
    """Load an encoder named by a string.

    Args:
        spec: ``"scene"`` (the embedded one, for rendered scenes), ``"open_clip:ViT-B-32:laion2b_s34b_b79k"`` (tag or
            weights file), ``"open_clip:local-dir:/path"``, ``"hf:/path/or/name"``, ``"timm:name"``,
            ``"timm:name:weights-file"`` or ``"lpips:alex"``.
        device: Where to run, the CPU by default.
        options: Those of `ModelEncoder`, such as ``batch_size`` and ``dtype``.

    Returns:
        The encoder.

    Raises:
        ValueError: If ``spec`` has none of these forms.
        ModuleNotFoundError: If the library it needs is not installed.

    Example:
        >>> load_encoder("clip")  # doctest: +ELLIPSIS
        Traceback (most recent call last):
        ...
        ValueError: Expected argument `spec` to be scene, open_clip:MODEL[:TAG-OR-FILE], ... got 'clip'.
    """
    family, _, rest = spec.partition(":")
    if spec == "scene":
        from imug_metrics.encoders.scene.encoder import SceneEncoder

        return SceneEncoder(device=device, **options)
    if family == "open_clip" and rest:
        # open_clip has prefixes of its own, which hold the weights as well.
        name, _, pretrained = (rest, "", "") if rest.startswith(("hf-hub:", "local-dir:")) else rest.partition(":")
        return OpenClipEncoder(name, pretrained or None, device=device, **options)
    if family == "hf" and rest:
        return TransformersEncoder(rest, device=device, **options)
    if family == "timm" and rest:
        name, _, weights = rest.partition(":")
        return TimmEncoder(name, weights or None, device=device, **options)
    if family == "lpips" and rest in TRUNKS:
        return LpipsEncoder(rest, device=device, **options)
    raise ValueError(f"Expected argument `spec` to be {_FORMS}, got {spec!r}.")


def as_encoder(encoder: Encoder | str | os.PathLike[str] | Any) -> Encoder:
    """Accept an encoder however the caller has it.

    Args:
        encoder: An encoder (returned as it is), a specification for `load_encoder`, a folder of transformers as a path
            object, or a function or ``torch.nn.Module`` from images to embeddings.

    Returns:
        The encoder.

    Raises:
        TypeError: If it is none of these, or a transformers model without its processor.
        ValueError: If a string has none of the forms of `load_encoder`.

    Example:
        >>> import torch
        >>> as_encoder(lambda images: images.float().mean((2, 3))).encode_images(torch.ones(2, 3, 4, 4))
        tensor([[1., 1., 1.],
                [1., 1., 1.]])
    """
    if isinstance(encoder, str):
        return load_encoder(encoder)
    if isinstance(encoder, os.PathLike):
        return TransformersEncoder(encoder)
    if isinstance(encoder, nn.Module) and (hasattr(encoder, "encode_image") or hasattr(encoder, "config")):
        raise TypeError(
            f"Expected argument `encoder` to bring its preprocessing, got a bare {type(encoder).__name__}. Wrap it in"
            " OpenClipEncoder or TransformersEncoder."
        )
    # Not isinstance(encoder, Encoder): before Python 3.12 that would compute the fingerprint of all weights.
    if hasattr(encoder, "encode_images") and hasattr(encoder, "encode_texts"):
        return encoder
    if callable(encoder):
        return CallableEncoder(images=encoder)
    raise TypeError(
        f"Expected argument `encoder` to be an encoder, a function or a string ({_FORMS}), got"
        f" {type(encoder).__name__}."
    )
