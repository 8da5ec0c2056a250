# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""transformers models against their own processors."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from PIL import Image

from imug_metrics.encoders import TransformersEncoder, as_encoder, load_encoder

transformers = pytest.importorskip("transformers", reason="transformers is not installed")

TEXTS = ["a red star", "", "three small blue hearts on the left of a ring"]


def processed(encoder: TransformersEncoder, images) -> torch.Tensor:
    """Pixels by the library's own processor, one image at a time."""
    shown = [Image.fromarray(image) for image in images]
    return torch.cat([encoder.processor(images=image, return_tensors="pt").pixel_values for image in shown])


def embedding(output):
    return getattr(output, "pooler_output", output)


def assert_same_directions(embeddings, reference):
    assert embeddings.dtype == torch.float32
    assert embeddings.shape == reference.shape
    assert torch.cosine_similarity(embeddings, reference).min() > 0.9999
    # The model is random, but not blind: another image is another embedding.
    assert torch.cosine_similarity(embeddings, reference.roll(1, 0)).max() < 0.9999


@pytest.mark.parametrize("folder", ["clip_folder", "siglip_folder"])
def test_two_towers_match_the_librarys_pipeline(folder, request, assorted):
    encoder = TransformersEncoder(request.getfixturevalue(folder), batch_size=4)
    assert encoder.preprocessing.backend == "imug_kernels"
    with torch.no_grad():
        reference = embedding(encoder.model.get_image_features(processed(encoder, assorted)))
    assert encoder.dim == reference.shape[1]
    assert_same_directions(encoder.encode_images(assorted), reference)


def test_clip_texts_match_the_librarys_pipeline(clip_folder):
    encoder = TransformersEncoder(clip_folder)
    inputs = encoder.tokenizer(TEXTS, padding=True, truncation=True, return_tensors="pt")
    inputs.pop("token_type_ids", None)
    with torch.no_grad():
        reference = embedding(encoder.model.get_text_features(**inputs))
    assert torch.allclose(encoder.encode_texts(TEXTS), reference, atol=1e-6)


def test_siglip_texts_are_padded_to_the_full_context_without_mask(siglip_folder):
    encoder = TransformersEncoder(siglip_folder)
    ids = encoder.tokenizer(TEXTS, padding="max_length", max_length=64, return_tensors="pt")["input_ids"]
    with torch.no_grad():
        reference = embedding(encoder.model.get_text_features(input_ids=ids))
        unpadded = embedding(encoder.model.get_text_features(input_ids=ids[:1, :5]))
    assert torch.allclose(encoder.encode_texts(TEXTS), reference, atol=1e-6)
    assert not torch.allclose(reference[:1], unpadded, atol=1e-4)


def test_scale_and_bias_are_the_models(clip_folder, siglip_folder, bert_folder):
    clip, siglip = TransformersEncoder(clip_folder), TransformersEncoder(siglip_folder)
    assert clip.logit_scale == pytest.approx(float(clip.model.logit_scale.detach().exp()))
    assert clip.logit_bias is None
    assert siglip.logit_bias == pytest.approx(float(siglip.model.logit_bias.detach()))
    assert TransformersEncoder(bert_folder).logit_scale is None


def test_embeddings_of_a_text_do_not_depend_on_its_batch(clip_folder, siglip_folder, bert_folder):
    for folder in (clip_folder, siglip_folder, bert_folder):
        encoder = TransformersEncoder(folder)
        alone = torch.cat([encoder.encode_texts([text]) for text in TEXTS])
        assert torch.allclose(encoder.encode_texts(TEXTS), alone, atol=1e-5)


def test_cut_captions_keep_their_end_and_are_counted(clip_folder):
    encoder = TransformersEncoder(clip_folder)
    fits = "a red star and a blue ring on"  # with start and end exactly the context of 10
    tokens, cut = encoder._tokenize([fits, fits + " the left", "a star"])
    ids = tokens["input_ids"]
    assert ids.shape[1] == 10
    assert cut == [False, True, False]
    assert ids[1].tolist() == ids[0].tolist()
    assert ids[1, -1] == encoder.tokenizer.eos_token_id
    encoder.encode_texts([fits + " the left"] * 2)
    assert encoder.truncated_texts == 2


def test_end_is_put_back_where_the_tokenizer_drops_it(clip_folder):
    encoder = TransformersEncoder(clip_folder)
    inner = encoder.tokenizer

    class Dropping(SimpleNamespace):
        def __call__(self, texts, truncation=False, max_length=None, **options):
            whole = inner(texts, verbose=False)["input_ids"]
            if not truncation:
                return {"input_ids": whole}
            return {"input_ids": torch.tensor([ids[:max_length] for ids in whole])}

    encoder.tokenizer = Dropping(model_max_length=10, all_special_ids=inner.all_special_ids)
    ids = encoder._tokenize(["a red star and a blue ring on the left"])[0]["input_ids"]
    assert ids[0, -1] == inner.eos_token_id


def test_dino_pooling_leaves_class_and_register_tokens_out(dino_folder, assorted):
    first = TransformersEncoder(dino_folder)
    with torch.no_grad():
        states = first.model(processed(first, assorted)).last_hidden_state
    registers = getattr(first.model.config, "num_register_tokens", 0)
    assert states.shape[1] == 1 + registers + 16
    assert_same_directions(first.encode_images(assorted), states[:, 0])
    assert_same_directions(TransformersEncoder(dino_folder, pooling="cls").encode_images(assorted), states[:, 0])
    mean = TransformersEncoder(dino_folder, pooling="mean")
    assert_same_directions(mean.encode_images(assorted), states[:, 1 + registers :].mean(1))
    assert mean.fingerprint != first.fingerprint
    with pytest.raises(TypeError, match="no text side"):
        first.encode_texts(["a star"])
    with pytest.raises(ValueError, match="has one tower"):
        TransformersEncoder(dino_folder, pooling="features").encode_images(assorted)


def test_dinov3_pooling_leaves_class_and_register_tokens_out(assorted):
    torch.manual_seed(0)
    config = transformers.DINOv3ViTConfig(
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
        image_size=32,
        patch_size=8,
        num_register_tokens=4,
    )
    processor = transformers.DINOv3ViTImageProcessor(size={"height": 32, "width": 32})
    encoder = TransformersEncoder(transformers.DINOv3ViTModel(config).eval(), processor, pooling="mean")
    assert encoder.preprocessing.backend == "imug_kernels"
    with torch.no_grad():
        states = encoder.model(processed(encoder, assorted)).last_hidden_state
    assert states.shape[1] == 1 + 4 + 16
    assert_same_directions(encoder.encode_images(assorted), states[:, 5:].mean(1))
    first = TransformersEncoder(encoder.model, processor, pooling="cls")
    assert_same_directions(first.encode_images(assorted), states[:, 0])


def test_siglip2_with_patches_of_any_number_uses_its_own_processor(assorted):
    torch.manual_seed(0)
    width = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 2}
    config = transformers.Siglip2Config(
        text_config={**width, "vocab_size": 64, "max_position_embeddings": 16, "projection_size": 32},
        vision_config={**width, "patch_size": 8, "num_patches": 16},
    )
    processor = transformers.Siglip2ImageProcessor(patch_size=8, max_num_patches=16)
    encoder = TransformersEncoder(transformers.Siglip2Model(config), processor)
    assert encoder.preprocessing.backend in repr(encoder)
    assert encoder.preprocessing.backend == type(processor).__name__
    expected = []
    for image in assorted:
        inputs = processor(images=Image.fromarray(image), return_tensors="pt")
        with torch.no_grad():
            expected.append(embedding(encoder.model.eval().get_image_features(**inputs)))
    assert_same_directions(encoder.encode_images(assorted), torch.cat(expected))
    with pytest.raises(TypeError, match="no patch tokens"):
        encoder.encode_masked([torch.zeros(3, 8, 8)], [torch.ones(8, 8)])


def test_towers_of_a_joint_model_can_be_pooled(siglip_folder, assorted):
    mean = TransformersEncoder(siglip_folder, pooling="mean")
    with torch.no_grad():
        states = mean.model.vision_model(processed(mean, assorted)).last_hidden_state
    assert_same_directions(mean.encode_images(assorted), states.mean(1))
    with pytest.raises(ValueError, match="has no class token"):
        TransformersEncoder(siglip_folder, pooling="cls").encode_images(assorted)


def test_sentence_models_average_words_not_padding(bert_folder):
    encoder = TransformersEncoder(bert_folder)
    with torch.no_grad():
        states = encoder.model(**encoder.tokenizer(["a red star"], return_tensors="pt")).last_hidden_state
    embeddings = encoder.encode_texts(["a red star", "a red star and a blue ring on the left"])
    assert torch.allclose(embeddings[:1], states.mean(1), atol=1e-5)
    cls = TransformersEncoder(bert_folder, pooling="cls").encode_texts(["a red star"])
    assert torch.allclose(cls, states[:, 0], atol=1e-5)
    with pytest.raises(TypeError, match="no image side"):
        encoder.encode_images(torch.zeros(1, 3, 4, 4))


def test_other_processors_are_called_themselves(assorted):
    torch.manual_seed(0)
    config = transformers.ConvNextConfig(hidden_sizes=[8, 8, 16, 16], depths=[1, 1, 1, 1])
    model = transformers.ConvNextModel(config)
    encoder = TransformersEncoder(model, transformers.ConvNextImageProcessor(size={"shortest_edge": 64}))
    assert encoder.preprocessing.backend == type(encoder.processor).__name__
    with torch.no_grad():
        reference = encoder.model.eval()(processed(encoder, assorted)).pooler_output
    assert torch.allclose(encoder.encode_images(assorted), reference, atol=1e-4)
    with pytest.raises(ValueError, match="`differentiable`"):
        TransformersEncoder(model, encoder.processor, differentiable=True).encode_images(torch.rand(1, 3, 70, 70))


def test_loaded_parts_folder_and_specification_agree(clip_folder: Path, assorted):
    folder = TransformersEncoder(clip_folder)
    parts = TransformersEncoder(folder.model, folder.processor, folder.tokenizer)
    for encoder in (parts, load_encoder(f"hf:{clip_folder}"), as_encoder(clip_folder)):
        assert encoder.fingerprint == folder.fingerprint
        assert torch.equal(encoder.encode_images(assorted), folder.encode_images(assorted))
        assert torch.equal(encoder.encode_texts(TEXTS), folder.encode_texts(TEXTS))


def test_combined_processor_is_taken_apart(clip_folder):
    folder = TransformersEncoder(clip_folder)
    both = SimpleNamespace(image_processor=folder.processor, tokenizer=folder.tokenizer)
    assert TransformersEncoder(folder.model, both).fingerprint == folder.fingerprint


def test_fingerprint_is_not_changed_by_use(clip_folder):
    encoder = TransformersEncoder(clip_folder)
    before = encoder.fingerprint
    encoder.encode_texts(TEXTS)
    assert TransformersEncoder(encoder.model, encoder.processor, encoder.tokenizer).fingerprint == before


def test_lower_precision_still_returns_float32(clip_folder, assorted):
    full, half = TransformersEncoder(clip_folder), TransformersEncoder(clip_folder, dtype="bf16")
    embeddings = half.encode_images(assorted)
    assert {weight.dtype for weight in half.model.parameters()} == {torch.float32}
    assert embeddings.dtype == torch.float32
    assert torch.cosine_similarity(embeddings, full.encode_images(assorted)).min() > 0.99
    assert half.fingerprint != full.fingerprint


def test_unknown_pooling_is_refused(clip_folder):
    with pytest.raises(ValueError, match=r"`pooling`.*'max'"):
        TransformersEncoder(clip_folder, pooling="max")
