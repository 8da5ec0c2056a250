# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Specifications and whatever else stands for an encoder."""

from __future__ import annotations

import importlib
import sys

import pytest
import torch
from torch import nn

from imug_metrics.encoders import CallableEncoder, as_encoder, load_encoder
from imug_metrics.errors import ArgumentError


def test_encoders_pass_through():
    encoder = CallableEncoder(texts=lambda texts: torch.ones(len(texts), 2))
    assert as_encoder(encoder) is encoder


def test_functions_and_modules_embed_images():
    assert as_encoder(lambda images: images).encode_images(torch.ones(2, 3)).shape == (2, 3)
    assert as_encoder(nn.Linear(3, 5)).encode_images(torch.ones(2, 3)).shape == (2, 5)


def test_options_reach_the_encoder(clip_folder):
    for spec in ("scene", f"hf:{clip_folder}"):
        encoder = load_encoder(spec, batch_size=5, dtype="bf16", long_text="average")
        assert (encoder.batch_size, encoder.dtype, encoder.long_text) == (5, torch.bfloat16, "average")


@pytest.mark.parametrize("spec", ["", "clip", "open_clip", "open_clip:", "hf:", "timm:", "scene:large", "OPEN_CLIP:x"])
def test_unknown_specifications_are_refused(spec):
    with pytest.raises(ArgumentError, match="`encoder`: expected scene, open_clip:"):
        as_encoder(spec)


def test_other_things_are_refused():
    with pytest.raises(TypeError, match=r"`encoder`.*got int"):
        as_encoder(3)
    bare = nn.Linear(2, 2)
    bare.encode_image = bare.forward
    with pytest.raises(TypeError, match="bring its preprocessing"):
        as_encoder(bare)


def test_scene_encoder_is_the_embedded_one():
    module = pytest.importorskip("imug_metrics.encoders.scene.encoder", reason="the embedded encoder is not there")
    encoder = load_encoder("scene", device="cpu")
    assert isinstance(encoder, module.SceneEncoder)
    images = torch.zeros(2, 3, 64, 64, dtype=torch.uint8)
    assert encoder.encode_images(images).shape == encoder.encode_texts(["a red star", "a blue ring"]).shape


def test_model_libraries_are_imported_only_when_used(monkeypatch):
    for name in [name for name in sys.modules if name.startswith("imug_metrics.encoders")]:
        monkeypatch.delitem(sys.modules, name)
    for library in ("open_clip", "timm", "transformers"):
        monkeypatch.setitem(sys.modules, library, None)  # an import of it raises from now on
    assert importlib.import_module("imug_metrics.encoders").load_encoder is not load_encoder


@pytest.mark.parametrize(
    ("spec", "module", "extra"),
    [
        ("open_clip:ViT-B-32:openai", "open_clip", "openclip"),
        ("hf:some/model", "transformers", "hf"),
        ("timm:test_vit", "timm", "timm"),
    ],
)
def test_missing_library_names_its_extra(spec, module, extra, monkeypatch):
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(ModuleNotFoundError, match=rf"pip install 'imug_metrics\[{extra}\]'"):
        load_encoder(spec)
