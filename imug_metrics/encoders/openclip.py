# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Models of the open_clip library."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from types import ModuleType
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call
from typing_extensions import Unpack

from imug_metrics._optional import require
from imug_metrics.encoders.base import EncoderOptions, ModelEncoder
from imug_metrics.encoders.library_pipeline import from_compose
from imug_metrics.encoders.preprocessing import LibraryPreprocessing, Preprocessing


class OpenClipEncoder(ModelEncoder):
    """Images and texts by a CLIP or SigLIP model of open_clip.

    Preprocessing is that of the transform which open_clip builds from the model's ``preprocess_cfg``, batched on the
    device; a transform with steps that cannot be read is called itself. Captions longer than the context are cut so
    that the end-of-text token stays, and counted in ``truncated_texts``.

    Args:
        model: A name of open_clip (``"ViT-B-32"``, ``"hf-hub:org/name"``, ``"local-dir:/path"``), or a loaded model.
        pretrained: A tag of open_clip or a weights file; only with a name.
        tokenizer: The model's tokenizer; needed to embed texts with a loaded model.
        name: Name for tables and reports.
        device: Where to run.
        options: Those of `ModelEncoder`.

    Raises:
        ModuleNotFoundError: If open_clip is not installed.
        ValueError: If the model carries no preprocessing configuration.

    Example:
        >>> encoder = OpenClipEncoder("ViT-B-32", "laion2b_s34b_b79k")  # doctest: +SKIP
        >>> encoder.encode_texts(["a red star"]).shape  # doctest: +SKIP
        torch.Size([1, 512])
    """

    def __init__(
        self,
        model: str | nn.Module,
        pretrained: str | None = None,
        *,
        tokenizer: Callable[..., Tensor] | None = None,
        name: str | None = None,
        device: torch.device | str | None = None,
        **options: Unpack[EncoderOptions],
    ) -> None:
        if isinstance(model, str):
            name = name or ":".join(filter(None, ("open_clip", model, pretrained)))
            model, tokenizer = _load(model, pretrained, tokenizer)
        dim = getattr(model.visual, "output_dim", None)
        super().__init__(model, name=name or f"open_clip:{type(model).__name__}", dim=dim, device=device, **options)
        self.tokenizer: Any = tokenizer
        self.preprocessing = _preprocessing(getattr(model.visual, "preprocess_cfg", None))
        lengths = (getattr(part, "context_length", None) for part in (model, tokenizer))
        self.context_length = int(next(filter(None, lengths), 77))

    def _check_texts_supported(self) -> None:
        if self.tokenizer is None:
            self._raise_unsupported("text")

    def _image_forward(self, pixels: Tensor) -> Tensor:
        embeddings: Tensor = self.model.encode_image(pixels)
        return embeddings

    def _patch_forward(self, pixels: Tensor) -> Tensor:
        options = {"indices": 1, "normalize_intermediates": True, "intermediates_only": True}
        patches: Tensor = self.model.visual.forward_intermediates(pixels, **options)["image_intermediates"][-1]
        return patches

    def _has_patches(self) -> bool:
        return hasattr(self.model.visual, "forward_intermediates")

    def _text_forward(self, tokens: Tensor) -> Tensor:
        encode_text = _EncodeText(self.model)
        length = tokens.shape[1]
        if length == self.context_length:
            return encode_text.forward(tokens)
        prefix, tower = _text_tower(self.model)
        shorter = {
            f"model.{prefix}positional_embedding": tower.positional_embedding[:length],
            f"model.{prefix}attn_mask": tower.attn_mask[:length, :length],
        }
        embeddings: Tensor = functional_call(encode_text, shorter, (tokens,))
        return embeddings

    def _tokenize(self, texts: Sequence[str]) -> tuple[Tensor, list[bool]]:
        tokens = self.tokenizer([*texts, ""], context_length=self.context_length)
        padding = tokens[-1].mode().values
        kept = (tokens != padding).sum(1)
        cut = [False] * len(texts)
        # A caption was cut where room for one more token holds a token, not padding. Only those that fill their row
        # can be, which may still end in one token that the tokenizer pads with as well.
        full = (kept[:-1] >= self.context_length - 1).nonzero()[:, 0].tolist()
        if full:
            longer = self.tokenizer([texts[row] for row in full], context_length=self.context_length + 1)
            for row, more in zip(full, (longer != padding).sum(1)):
                cut[row] = bool(more > kept[row])
        tokens = tokens[:-1]
        if self._compile is False and _pools_at_the_end(self.model):  # what follows changes nothing, and costs most
            tokens = tokens[:, : int((tokens != padding).nonzero()[:, 1].max()) + 1]
        return tokens.to(self.device), cut

    def _settings(self) -> str:
        if self.tokenizer is None:
            return super()._settings()
        tokens = self.tokenizer(_PROBE, context_length=self.context_length).tolist()
        return f"{super()._settings()} {type(self.tokenizer).__name__} {tokens}"


class _EncodeText(nn.Module):
    """The method as a module, whose parameters `functional_call` can replace."""

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.model = model

    def forward(self, tokens: Tensor) -> Tensor:
        embeddings: Tensor = self.model.encode_text(tokens)
        return embeddings


def _text_tower(model: Any) -> tuple[str, Any]:
    return ("text.", model.text) if isinstance(getattr(model, "text", None), nn.Module) else ("", model)


def _pools_at_the_end(model: Any) -> bool:
    """Whether the embedding is read at the end-of-text token, which sees only what stands before it."""
    _, tower = _text_tower(model)
    pool = getattr(tower, "text_pool_type", getattr(tower, "pool_type", None))
    causal = isinstance(getattr(tower, "attn_mask", None), Tensor) and hasattr(tower, "positional_embedding")
    return causal and pool in ("argmax", "eos") and getattr(tower, "cls_emb", None) is None


# Tokenizers of open_clip have no common description; what they make of these words tells them apart.
_PROBE = ["A small RED star, 3 rings & two blue hearts; the quick brown fox isn't jumping over 12 lazy dogs!"]


def _import_open_clip() -> ModuleType:
    return require("open_clip", extra="openclip", purpose="OpenClipEncoder")


def _load(name: str, pretrained: str | None, tokenizer: Any) -> tuple[nn.Module, Callable[..., Tensor]]:
    open_clip = _import_open_clip()
    if pretrained is None and ":" not in name:
        warnings.warn(f"open_clip model {name!r} without `pretrained` has random weights.", stacklevel=3)
    model = open_clip.create_model(name, pretrained=pretrained).eval()
    return model, tokenizer if tokenizer is not None else open_clip.get_tokenizer(name)


def _preprocessing(config: dict[str, Any] | None) -> Preprocessing | LibraryPreprocessing:
    if not config:
        raise ValueError("Expected argument `model` to carry `visual.preprocess_cfg`, as open_clip >= 2.24 writes it.")
    library = _import_open_clip().transform
    transform = library.image_transform_v2(library.PreprocessCfg(**config), is_train=False)
    return from_compose(transform, "open_clip.image_transform", str(sorted(config.items())))
