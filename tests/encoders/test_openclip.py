# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""open_clip models against open_clip's own transform and tokenizer."""

from __future__ import annotations

import copy
import json
from pathlib import Path

import pytest
import torch
from PIL import Image
from torch import nn

from imug_metrics.encoders import OpenClipEncoder, load_encoder

open_clip = pytest.importorskip("open_clip", reason="open_clip is not installed")


@pytest.fixture(scope="module")
def encoder(open_clip_folder: Path) -> OpenClipEncoder:
    return OpenClipEncoder(f"local-dir:{open_clip_folder}", batch_size=3)


def test_images_match_the_librarys_pipeline(encoder, assorted):
    config = open_clip.transform.PreprocessCfg(**encoder.model.visual.preprocess_cfg)
    transform = open_clip.transform.image_transform_v2(config, is_train=False)
    with torch.no_grad():
        reference = encoder.model.encode_image(torch.stack([transform(Image.fromarray(image)) for image in assorted]))
    embeddings = encoder.encode_images(assorted)
    assert embeddings.dtype == torch.float32
    assert embeddings.shape == (len(assorted), encoder.dim)
    assert torch.cosine_similarity(embeddings, reference).min() > 0.9999
    # The model is random, but not blind: another image is another embedding.
    assert torch.cosine_similarity(embeddings, reference.roll(1, 0)).max() < 0.999


def test_texts_match_the_librarys_pipeline(encoder):
    texts = ["a red star", "", "three blue hearts"] * 2
    with torch.no_grad():
        reference = encoder.model.encode_text(encoder.tokenizer(texts))
    assert torch.allclose(encoder.encode_texts(texts), reference, atol=1e-6)


@pytest.mark.parametrize("tower", ["CLIP", "CustomTextCLIP"])
@pytest.mark.parametrize(("pool", "shorter"), [("argmax", True), ("last", False)])
def test_nothing_is_computed_behind_the_end_of_a_caption(open_clip_folder, tower, pool, shorter):
    config = open_clip.get_model_config(f"local-dir:{open_clip_folder}")
    torch.manual_seed(2)
    options = {**config, "text_cfg": {**config["text_cfg"], "pool_type": pool}}
    model = getattr(open_clip.model, tower)(**options).eval()
    model.visual.preprocess_cfg = {**open_clip.transform.PreprocessCfg(size=32).__dict__}
    encoder = OpenClipEncoder(model, tokenizer=open_clip.SimpleTokenizer(context_length=12), batch_size=2)
    seen = []
    part = model.text if tower == "CustomTextCLIP" else model
    part.transformer.register_forward_pre_hook(lambda module, inputs: seen.append(inputs[0].shape[1]))
    texts = ["a red star", "three blue hearts and two rings", "one", ""]
    found = encoder.encode_texts(texts)
    assert seen == ([3, 8] if shorter else [12, 12])
    with torch.no_grad():
        assert torch.allclose(found, model.encode_text(encoder.tokenizer(texts, context_length=12)), atol=1e-5)
    compiled = OpenClipEncoder(model, tokenizer=encoder.tokenizer, compile={"backend": "eager"})
    assert torch.allclose(compiled.encode_texts(texts), found, atol=1e-5)


def test_cut_captions_keep_their_end_and_are_counted(open_clip_folder):
    encoder = OpenClipEncoder(f"local-dir:{open_clip_folder}")
    fits = "one two three four five six seven eight nine ten"  # with start and end exactly the context of 12
    long = fits + " eleven"
    tokens, cut = encoder._tokenize([fits, long, "a red star"])
    assert cut == [False, True, False]
    assert tokens[1].tolist() == tokens[0].tolist()
    assert tokens[1, -1] == encoder.tokenizer.eot_token_id
    encoder.encode_texts([long, fits, long])
    assert encoder.truncated_texts == 2


def test_rows_that_always_end_in_a_class_token_are_counted_rightly(encoder, open_clip_folder):
    def tokenizer(texts, context_length):
        rows = []
        for text in texts:
            words = [1, *(int(word) for word in text.split()[: context_length - 3]), 2]
            rows.append(words + [0] * (context_length - 1 - len(words)) + [9])
        return torch.tensor(rows)

    other = OpenClipEncoder(encoder.model, tokenizer=tokenizer)
    assert other._tokenize(["3 4 5", " ".join("3" * 9), " ".join("3" * 10)])[1] == [False, False, True]


def test_scale_and_bias_are_the_models(encoder):
    assert encoder.logit_scale == pytest.approx(1 / 0.07, rel=1e-5)
    assert encoder.logit_bias == pytest.approx(-10.0)


def test_existing_pair_and_specification_agree(encoder, open_clip_folder, assorted):
    pair = OpenClipEncoder(encoder.model, tokenizer=encoder.tokenizer)
    loaded = load_encoder(f"open_clip:local-dir:{open_clip_folder}")
    assert pair.fingerprint == loaded.fingerprint == encoder.fingerprint
    assert torch.allclose(pair.encode_images(assorted), loaded.encode_images(assorted), atol=1e-6)
    assert torch.allclose(pair.encode_texts(["a star"]), loaded.encode_texts(["a star"]), atol=1e-6)


def test_built_in_name_with_a_weights_file(encoder, open_clip_folder, tmp_path):
    config = tmp_path / "tiny-of-this-test.json"
    config.write_text(json.dumps(open_clip.get_model_config(f"local-dir:{open_clip_folder}")))
    open_clip.add_model_config(config)
    weights = open_clip_folder / "open_clip_pytorch_model.bin"
    named = load_encoder(f"open_clip:tiny-of-this-test:{weights}")
    assert torch.allclose(named.encode_texts(["a star"]), encoder.encode_texts(["a star"]), atol=1e-6)
    with pytest.warns(UserWarning, match="random weights"):
        OpenClipEncoder("tiny-of-this-test")


def test_fingerprint_follows_weights_and_preprocessing(encoder):
    model = copy.deepcopy(encoder.model)
    other = OpenClipEncoder(model, tokenizer=encoder.tokenizer)
    assert other.fingerprint == encoder.fingerprint
    with torch.no_grad():
        model.visual.proj[0, 0] += 1e-3
    changed = other.fingerprint
    assert changed != encoder.fingerprint
    model.visual.preprocess_cfg = {**model.visual.preprocess_cfg, "resize_mode": "squash"}
    assert OpenClipEncoder(model, tokenizer=encoder.tokenizer).fingerprint != changed


def test_without_tokenizer_there_is_no_text_side(encoder):
    with pytest.raises(TypeError, match="no text side"):
        OpenClipEncoder(encoder.model).encode_texts(["a star"])


def test_model_without_preprocessing_is_refused():
    model = nn.Linear(2, 2)
    model.visual = nn.Linear(2, 2)
    with pytest.raises(ValueError, match="preprocess_cfg"):
        OpenClipEncoder(model)
