# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Models of the transformers library: CLIP, SigLIP, DINOv2, sentence encoders and their kin."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any, Literal

import torch
from einops import rearrange
from torch import Tensor, nn
from typing_extensions import Unpack

from imug_metrics._optional import require
from imug_metrics.encoders.base import EncoderOptions, ModelEncoder
from imug_metrics.encoders.fingerprint import digest_text
from imug_metrics.encoders.library_pipeline import first_equal
from imug_metrics.encoders.preprocessing import LibraryPreprocessing, Preprocessing

Pooling = Literal["features", "cls", "mean", "pooler"]


class TransformersEncoder(ModelEncoder):
    """Images, texts or both by a model of transformers (4 or 5).

    Preprocessing is that of the model's own image processor, batched on the device, where the processor does no more
    than resize, crop, rescale and normalise (CLIP, SigLIP, DINOv2, DINOv3, ViT, DeiT, ...), which is tried on test
    images; any other processor is called itself. Captions that are cut keep their closing special token. Those of
    SigLIP and SigLIP 2 are put in lower case and padded to the full context, as in their training.

    Args:
        model: A local folder or hub name, or a loaded model.
        processor: The model's processor or image processor; looked up with the model where that is a folder or name.
        tokenizer: The model's tokenizer; likewise.
        pooling: ``"features"``: the joint embedding of a two-tower model. ``"cls"``: the first token. ``"mean"``: the
            mean of the patch tokens, without class and register tokens, or of the words. ``"pooler"``: the model's
            pooled output. By default ``"features"`` where the model has them; otherwise, for images, ``"pooler"``, or
            ``"cls"`` where the pooler is the dense layer of a pretraining task, and ``"mean"`` for texts.
        name: Name for tables and reports.
        device: Where to run.
        options: Those of `ModelEncoder`.

    Raises:
        ModuleNotFoundError: If transformers is not installed.
        ValueError: If ``pooling`` is unknown or the model does not have it.

    Example:
        >>> encoder = TransformersEncoder("facebook/dinov2-small", pooling="mean")  # doctest: +SKIP
        >>> encoder.encode_images(["cat.png"]).shape  # doctest: +SKIP
        torch.Size([1, 384])
    """

    def __init__(
        self,
        model: str | os.PathLike[str] | nn.Module,
        processor: Any = None,
        tokenizer: Any = None,
        *,
        pooling: Pooling | None = None,
        name: str | None = None,
        device: torch.device | str | None = None,
        **options: Unpack[EncoderOptions],
    ) -> None:
        if pooling not in (None, "features", "cls", "mean", "pooler"):
            raise ValueError(f"Expected argument `pooling` to be features, cls, mean or pooler, got {pooling!r}.")
        processor, tokenizer = _split_processor(processor, tokenizer)
        if not isinstance(model, nn.Module):
            source = os.fspath(model)
            name = name or f"hf:{Path(source).name if os.path.isdir(source) else source}"
            model = _load_model(source)
            processor = processor or (_load_image_processor(source) if _has_image_side(model) else None)
            tokenizer = tokenizer or (_load_tokenizer(source) if _has_text_side(model) else None)
        name = name or f"hf:{type(model).__name__}"
        super().__init__(model, name=name, dim=_dim(model, pooling), device=device, **options)
        self.pooling = pooling
        self.tokenizer = tokenizer
        self.processor = processor
        self.preprocessing = None if processor is None else _preprocessing(processor)

    def _check_images_supported(self) -> None:
        if self.processor is None or not _has_image_side(self.model):
            self._raise_unsupported("image")

    def _check_texts_supported(self) -> None:
        if self.tokenizer is None or not _has_text_side(self.model):
            self._raise_unsupported("text")

    def _image_forward(self, pixels: Any) -> Tensor:
        inputs = {"pixel_values": pixels} if isinstance(pixels, Tensor) else pixels
        if _is_joint(self.model, "image", self.pooling):
            return _tensor(self.model.get_image_features(**inputs))
        tower = _vision_tower(self.model)
        output = tower(**inputs)
        if self.pooling is None and (projected := _optional(output, "image_embeds")) is not None:
            return projected
        pooling = self.pooling or ("cls" if _has_task_pooler(tower) else "pooler")
        if pooling == "pooler":
            return self._pooler_output(output)
        tokens, extra = _tokens(output.last_hidden_state, tower.config, inputs["pixel_values"])
        if pooling == "mean":
            return tokens[:, extra:].mean(1)
        if extra == 0:
            raise ValueError(f"Expected argument `pooling` to be mean or pooler: {self.name!r} has no class token.")
        return tokens[:, 0]

    def _patch_forward(self, pixels: Tensor) -> Tensor:
        tower = _vision_tower(self.model)
        tokens, extra = _tokens(tower(pixel_values=pixels).last_hidden_state, tower.config, pixels)
        rows = _patch_rows(pixels, tokens.shape[1] - extra)
        patches: Tensor = rearrange(tokens[:, extra:], "n (rows columns) d -> n d rows columns", rows=rows)
        return patches

    def _text_forward(self, inputs: Any) -> Tensor:
        if _is_joint(self.model, "text", self.pooling):
            return _tensor(self.model.get_text_features(**inputs))
        output = (self.model.text_model if hasattr(self.model, "get_text_features") else self.model)(**inputs)
        if self.pooling is None and (projected := _optional(output, "text_embeds")) is not None:
            return projected
        if self.pooling == "pooler":
            return self._pooler_output(output)
        tokens: Tensor = output.last_hidden_state
        if self.pooling == "cls":
            return tokens[:, 0]
        mask: Tensor = inputs.get("attention_mask", torch.ones_like(inputs["input_ids"]))
        words = mask[..., None].to(tokens.dtype)
        return (tokens * words).sum(1) / words.sum(1).clamp(min=1)

    def _pooler_output(self, output: Any) -> Tensor:
        pooled = _optional(output, "pooler_output")
        if pooled is None:
            raise ValueError(f"Expected argument `pooling` to be cls or mean: {self.name!r} has no pooler.")
        return pooled.flatten(1)

    def _tokenize(self, texts: Sequence[str]) -> tuple[dict[str, Tensor], list[bool]]:
        siglip = "siglip" in self.model.config.model_type
        texts = [text.lower() for text in texts] if siglip else list(texts)
        length = self._context_length()
        whole = self.tokenizer(texts, verbose=False)["input_ids"]
        inputs = self.tokenizer(
            texts,
            padding="max_length" if siglip else True,
            truncation=length is not None,
            max_length=length,
            return_tensors="pt",
        )
        cut = [length is not None and len(tokens) > length for tokens in whole]
        for row, tokens in enumerate(whole):
            if cut[row] and tokens[-1] in self.tokenizer.all_special_ids:  # not every tokenizer keeps it by itself
                inputs["input_ids"][row, -1] = tokens[-1]
        names = ["input_ids"]
        if not siglip:  # trained without a mask
            names.append("attention_mask")
        if not hasattr(self.model, "get_text_features"):
            names.append("token_type_ids")
        return {name: inputs[name].to(self.device) for name in names if name in inputs}, cut

    def _context_length(self) -> int | None:
        config = getattr(self.model.config, "text_config", self.model.config)
        limits = (self.tokenizer.model_max_length, getattr(config, "max_position_embeddings", None))
        # A tokenizer without a limit says 1e30.
        return min((limit for limit in limits if limit and limit < 1_000_000), default=None)

    def _settings(self) -> str:
        texts = "" if self.tokenizer is None else f"{self._context_length()} {_describe_tokenizer(self.tokenizer)}"
        return f"{self.pooling} {super()._settings()} {texts}"


def _load_model(source: str) -> nn.Module:
    model: nn.Module = _import_transformers().AutoModel.from_pretrained(source)
    return model


def _load_image_processor(source: str) -> Any:
    return _import_transformers().AutoImageProcessor.from_pretrained(source)


def _load_tokenizer(source: str) -> Any:
    return _import_transformers().AutoTokenizer.from_pretrained(source)


def _import_transformers() -> ModuleType:
    return require("transformers", extra="hf", purpose="TransformersEncoder")


def _split_processor(processor: Any, tokenizer: Any) -> tuple[Any, Any]:
    """Image processor and tokenizer of a combined processor."""
    tokenizer = tokenizer if tokenizer is not None else getattr(processor, "tokenizer", None)
    return getattr(processor, "image_processor", processor), tokenizer


def _has_image_side(model: Any) -> bool:
    return hasattr(model, "get_image_features") or model.main_input_name == "pixel_values"


def _has_text_side(model: Any) -> bool:
    return hasattr(model, "get_text_features") or model.main_input_name == "input_ids"


def _is_joint(model: Any, side: str, pooling: str | None) -> bool:
    """Whether the embedding is the one in the space that images and texts share."""
    has = hasattr(model, f"get_{side}_features")
    if pooling == "features" and not has:
        raise ValueError(
            f"Expected argument `pooling` to be cls, mean or pooler: {type(model).__name__} has one tower."
        )
    return has and pooling in (None, "features")


def _vision_tower(model: Any) -> Any:
    return model.vision_model if hasattr(model, "get_image_features") else model


def _tensor(output: Any) -> Tensor:
    # transformers 5 returns an output object where 4 returned the embedding.
    embeddings: Tensor = getattr(output, "pooler_output", output)
    return embeddings


def _optional(output: Any, name: str) -> Tensor | None:
    """A tensor of a model's output, where it has one."""
    value: Tensor | None = getattr(output, name, None)
    return value


def _dim(model: Any, pooling: str | None) -> int | None:
    config = model.config
    joint = pooling in (None, "features")
    if hasattr(model, "get_image_features"):
        # With another pooling the towers' own widths apply, which may differ from each other.
        width = config.vision_config.hidden_size if "siglip" in config.model_type else None
        return getattr(config, "projection_dim", width) if joint else None
    projected = joint and type(model).__name__.endswith("WithProjection")
    return getattr(config, "projection_dim" if projected else "hidden_size", None)


def _tokens(states: Tensor, config: Any, pixels: Tensor) -> tuple[Tensor, int]:
    """Last hidden states as ``[N, tokens, D]`` and how many tokens stand before those of the patches."""
    if states.ndim == 4:  # a convolutional map
        return rearrange(states, "n d rows columns -> n (rows columns) d"), 0
    patch = getattr(config, "patch_size", None)
    if patch is None or pixels.ndim != 4:
        return states, 0
    high, wide = (patch, patch) if isinstance(patch, int) else patch
    patches = (pixels.shape[-2] // high) * (pixels.shape[-1] // wide)
    return states, max(0, states.shape[1] - patches)  # class, distillation and register tokens


def _patch_rows(pixels: Tensor, patches: int) -> int:
    """Number of rows of the grid of patches, which has the proportions of the image."""
    height, width = pixels.shape[-2:]
    rows = round(math.sqrt(patches * height / width))
    if rows * (patches // max(1, rows)) != patches:
        raise TypeError(f"Expected a model with a grid of patches, got {patches} tokens for {height} x {width} pixels.")
    return rows


def _has_task_pooler(tower: Any) -> bool:
    # ViT and BERT end in a dense layer with tanh that many checkpoints leave untrained.
    return hasattr(getattr(tower, "pooler", None), "dense")


def _describe_tokenizer(tokenizer: Any) -> str:
    backend = getattr(tokenizer, "backend_tokenizer", None)
    if backend is None:
        return digest_text(type(tokenizer).__name__, str(sorted(tokenizer.get_vocab().items())))
    description = json.loads(backend.to_str())
    description.update(truncation=None, padding=None)  # the last call's, not the tokenizer's
    return digest_text(json.dumps(description, sort_keys=True))


def _preprocessing(processor: Any) -> Preprocessing | LibraryPreprocessing:
    """Batch a processor that does no more than its options for resizing, cropping, rescaling and normalising say."""
    kind = type(processor).__name__
    library = LibraryPreprocessing(kind, partial(processor, return_tensors="pt"), processor.to_json_string())
    return first_equal(_candidates(processor), library)


_INTERPOLATIONS: dict[int | None, Literal["bilinear", "bicubic"]] = {2: "bilinear", 3: "bicubic"}  # Pillow's numbers


def _candidates(processor: Any) -> list[Preprocessing]:
    """What the options may mean: processors differ in where they crop when its offset is half a pixel."""
    exact, resize = _target(getattr(processor, "size", None) if _does(processor, "resize") else None)
    _, crop = _target(getattr(processor, "crop_size", None) if _does(processor, "center_crop") else None)
    size = crop or (resize if exact else None)
    interpolation = _INTERPOLATIONS.get(getattr(processor, "resample", None))
    if interpolation is None or size is None:
        return []
    level = processor.rescale_factor * 255 if _does(processor, "rescale") else 255
    normalizes = _does(processor, "normalize")
    mean, std = (processor.image_mean, processor.image_std) if normalizes else ((0.0,) * 3, (1.0,) * 3)
    return [
        Preprocessing(
            size=size,
            resize=resize,
            mean=tuple(value / level for value in mean),
            std=tuple(value / level for value in std),
            mode="squash" if exact else "shortest",
            interpolation=interpolation,
            half_pixel_crop=half,
        )
        for half in ("floor", "round")
    ]


def _does(processor: Any, step: str) -> bool:
    return bool(getattr(processor, f"do_{step}", False))


def _target(size: Any) -> tuple[bool, tuple[int, int] | None]:
    """Whether a size is to be met exactly, and its height and width: ``None`` where it is given in another form."""
    options = size if isinstance(size, Mapping) else getattr(size, "__dict__", {})
    edges = {name: value for name, value in options.items() if value is not None}
    if set(edges) == {"shortest_edge"}:
        return False, (edges["shortest_edge"], edges["shortest_edge"])
    return (True, (edges["height"], edges["width"])) if set(edges) == {"height", "width"} else (False, None)
