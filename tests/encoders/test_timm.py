# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""timm models against timm's own transform."""

from __future__ import annotations

import pickle

import pytest
import torch
from PIL import Image

from imug_metrics.encoders import TimmEncoder, load_encoder

timm = pytest.importorskip("timm", reason="timm is not installed")


@pytest.fixture(scope="module")
def model() -> torch.nn.Module:
    torch.manual_seed(0)
    return timm.create_model("test_vit", pretrained=False).eval()


def test_images_match_the_librarys_pipeline(model, assorted):
    encoder = TimmEncoder(model, batch_size=3)
    transform = timm.data.create_transform(**timm.data.resolve_model_data_config(model))
    with torch.no_grad():
        pixels = torch.stack([transform(Image.fromarray(image)) for image in assorted])
        reference = model.forward_head(model.forward_features(pixels), pre_logits=True)
    embeddings = encoder.encode_images(assorted)
    assert embeddings.shape == (len(assorted), encoder.dim)
    assert torch.cosine_similarity(embeddings, reference).min() > 0.9999
    assert torch.cosine_similarity(embeddings, reference.roll(1, 0)).max() < 0.9999


def test_another_interpolation_is_left_to_timm(assorted):
    torch.manual_seed(0)
    model = timm.create_model("test_vit", pretrained=False, pretrained_cfg_overlay={"interpolation": "lanczos"}).eval()
    encoder = TimmEncoder(model, batch_size=3)
    assert encoder.preprocessing.backend == "timm.data.create_transform"
    transform = timm.data.create_transform(**timm.data.resolve_model_data_config(model))
    with torch.no_grad():
        pixels = torch.stack([transform(Image.fromarray(image)) for image in assorted])
        reference = model.forward_head(model.forward_features(pixels), pre_logits=True)
    assert torch.allclose(encoder.encode_images(assorted), reference, atol=1e-5)
    assert torch.equal(pickle.loads(pickle.dumps(encoder)).encode_images(assorted), encoder.encode_images(assorted))


def test_weights_file_and_specification_agree(model, assorted, tmp_path):
    torch.save(model.state_dict(), tmp_path / "weights.pth")
    loaded = load_encoder(f"timm:test_vit:{tmp_path / 'weights.pth'}")
    assert loaded.name == "timm:test_vit"
    assert loaded.fingerprint == TimmEncoder(model).fingerprint
    assert torch.equal(loaded.encode_images(assorted), TimmEncoder(model).encode_images(assorted))


def test_fingerprint_follows_preprocessing(model):
    before = TimmEncoder(model).fingerprint
    other = TimmEncoder(model)
    model.pretrained_cfg = {**model.pretrained_cfg, "crop_pct": 0.5}
    assert TimmEncoder(model).fingerprint != before == other.fingerprint


def test_there_is_no_text_side(model):
    with pytest.raises(TypeError, match="no text side"):
        TimmEncoder(model).encode_texts(["a cat"])
