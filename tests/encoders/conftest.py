# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Photographs, and tiny random models saved as their libraries save them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

# fmt: off
WORDS = [
    "a", "the", "red", "green", "blue", "star", "ring", "heart", "small", "big", "left", "right", "of", "and", "on",
    "in", "image", "one", "two", "three",
]
# fmt: on
PHOTOGRAPHS = ("astronaut", "chelsea", "coffee", "camera", "rocket")


@pytest.fixture(scope="session")
def photographs() -> dict[str, np.ndarray]:
    """Public-domain and CC0 photographs that scikit-image carries, uint8 ``[H, W, 3]``."""
    data = pytest.importorskip("skimage.data", reason="scikit-image is not installed")
    images = {name: getattr(data, name)() for name in PHOTOGRAPHS}
    return {name: np.stack([image] * 3, -1) if image.ndim == 2 else image for name, image in images.items()}


@pytest.fixture(scope="session")
def assorted(photographs: dict[str, np.ndarray]) -> list[np.ndarray]:
    """Images of many shapes: square, wide, tall, odd, smaller than the models' input, and one of noise."""
    cat, woman, cup = photographs["chelsea"], photographs["astronaut"], photographs["coffee"]
    noise = np.random.default_rng(0).integers(0, 256, (97, 97, 3), dtype=np.uint8)
    return [woman, cat, cup[:, 101:184], cat[100:171, :], woman[200:231, 200:237], cat[50:70, 90:110], noise]


@pytest.fixture(scope="session")
def open_clip_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An open_clip model with SigLIP's bias."""
    open_clip = pytest.importorskip("open_clip", reason="open_clip is not installed")
    folder = tmp_path_factory.mktemp("open_clip")
    config = {
        "model_cfg": {
            "embed_dim": 24,
            "init_logit_bias": -10.0,
            "vision_cfg": {"image_size": 32, "layers": 2, "width": 64, "head_width": 16, "patch_size": 8},
            "text_cfg": {"context_length": 12, "vocab_size": 49408, "width": 32, "heads": 2, "layers": 2},
        },
        "preprocess_cfg": {"size": 32, "mean": [0.48, 0.45, 0.40], "std": [0.26, 0.27, 0.28]},
    }
    (folder / "open_clip_config.json").write_text(json.dumps(config))
    torch.manual_seed(1)
    model = open_clip.model.CLIP(**config["model_cfg"])
    torch.save(model.state_dict(), folder / "open_clip_pytorch_model.bin")
    return folder


@pytest.fixture(scope="session")
def clip_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A transformers CLIP."""
    transformers = pytest.importorskip("transformers", reason="transformers is not installed")
    tokenizer = word_tokenizer(max_length=10)
    config = transformers.CLIPConfig(
        text_config=dict(
            _text(tokenizer, 10), bos_token_id=tokenizer.bos_token_id, eos_token_id=tokenizer.eos_token_id
        ),
        vision_config=_vision(),
        projection_dim=24,
    )
    processor = transformers.CLIPImageProcessor(size={"shortest_edge": 36}, crop_size={"height": 32, "width": 32})
    return _save(tmp_path_factory.mktemp("clip"), transformers.CLIPModel, config, processor, tokenizer)


@pytest.fixture(scope="session")
def siglip_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A transformers SigLIP."""
    transformers = pytest.importorskip("transformers", reason="transformers is not installed")
    tokenizer = word_tokenizer(max_length=64)
    config = transformers.SiglipConfig(text_config=_text(tokenizer, 64), vision_config=_vision())
    processor = transformers.SiglipImageProcessor(size={"height": 32, "width": 32})
    return _save(tmp_path_factory.mktemp("siglip"), transformers.SiglipModel, config, processor, tokenizer)


@pytest.fixture(scope="session", params=["Dinov2", "Dinov2WithRegisters"])
def dino_folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A transformers DINOv2, without and with register tokens."""
    transformers = pytest.importorskip("transformers", reason="transformers is not installed")
    config = getattr(transformers, f"{request.param}Config")(
        hidden_size=32, num_hidden_layers=2, num_attention_heads=2, image_size=28, patch_size=7
    )
    processor = transformers.BitImageProcessor(size={"shortest_edge": 32}, crop_size={"height": 28, "width": 28})
    return _save(
        tmp_path_factory.mktemp("dino"), getattr(transformers, f"{request.param}Model"), config, processor, None
    )


@pytest.fixture(scope="session")
def bert_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A transformers BERT."""
    transformers = pytest.importorskip("transformers", reason="transformers is not installed")
    tokenizer = word_tokenizer(max_length=16)
    config = transformers.BertConfig(**_text(tokenizer, 16))
    return _save(tmp_path_factory.mktemp("bert"), transformers.BertModel, config, None, tokenizer)


def word_tokenizer(max_length: int):
    """A tokenizer of whole words that wraps them in <s> and </s>."""
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast

    vocabulary = {word: row for row, word in enumerate(["<pad>", "<unk>", "<s>", "</s>", *WORDS])}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="<unk>"))
    tokenizer.normalizer = normalizers.Lowercase()
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.post_processor = processors.TemplateProcessing("<s> $A </s>", special_tokens=[("<s>", 2), ("</s>", 3)])
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token="<pad>",
        unk_token="<unk>",
        bos_token="<s>",
        eos_token="</s>",
        model_max_length=max_length,
    )


def _text(tokenizer, length: int) -> dict[str, int]:
    return {
        "vocab_size": len(tokenizer),
        "hidden_size": 32,
        "intermediate_size": 64,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "max_position_embeddings": length,
        "pad_token_id": tokenizer.pad_token_id,
    }


def _vision() -> dict[str, int]:
    return {
        "hidden_size": 32,
        "intermediate_size": 64,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "image_size": 32,
        "patch_size": 8,
    }


def _save(folder: Path, model_class, config, processor, tokenizer) -> Path:
    torch.manual_seed(1)
    model_class(config).save_pretrained(folder)
    for part in (processor, tokenizer):
        if part is not None:
            part.save_pretrained(folder)
    return folder
