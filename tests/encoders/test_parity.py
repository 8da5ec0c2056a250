# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Published scores, from images and captions to the number, beside the libraries and plain loops that define them.

The models are random: no weights of CLIP or DINO come with a package. Random weights spread small differences between
pixels further than trained ones do, and still the embeddings agree.
"""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor, nn

from imug_metrics import TurnAlignment, TurnConsistency
from imug_metrics.encoders import OpenClipEncoder, TransformersEncoder, as_encoder
from imug_metrics.functional import turn_alignment, turn_consistency

CAPTIONS = ["a red star", "a small blue ring on the left", "two hearts and one star", "the image of a big green ring"]


@pytest.fixture(scope="module")
def clip(clip_folder) -> TransformersEncoder:
    return TransformersEncoder(clip_folder)


@pytest.fixture(scope="module")
def dino() -> TransformersEncoder:
    transformers = pytest.importorskip("transformers", reason="transformers is not installed")
    torch.manual_seed(3)
    config = transformers.Dinov2Config(
        hidden_size=32, num_hidden_layers=2, num_attention_heads=2, image_size=28, patch_size=7
    )
    processor = transformers.BitImageProcessor(size={"shortest_edge": 32}, crop_size={"height": 28, "width": 28})
    return TransformersEncoder(transformers.Dinov2Model(config), processor, pooling="cls")


@pytest.fixture(scope="module")
def images(photographs) -> list[np.ndarray]:
    cat, woman = photographs["chelsea"], photographs["astronaut"]
    noise = np.random.default_rng(0).integers(0, 256, (97, 131, 3), dtype=np.uint8)
    return [woman, cat, photographs["coffee"][:, ::-1].copy(), noise]


class Tensors(nn.Module):
    """A transformers model whose features are tensors, as torchmetrics expects them."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model
        self.config = model.config

    @property
    def device(self) -> torch.device:
        return next(self.model.parameters()).device

    def get_image_features(self, *args, **kwargs) -> Tensor:
        output = self.model.get_image_features(*args, **kwargs)
        return getattr(output, "pooler_output", output)

    def get_text_features(self, *args, **kwargs) -> Tensor:
        output = self.model.get_text_features(*args, **kwargs)
        return getattr(output, "pooler_output", output)


def own_embeddings(encoder: TransformersEncoder, images: list[np.ndarray]) -> Tensor:
    """The library's own processor and model, one image at a time."""
    rows = []
    for image in images:
        inputs = encoder.processor(images=Image.fromarray(image), return_tensors="pt")
        with torch.no_grad():
            output = (
                encoder.model.get_image_features(**inputs)
                if hasattr(encoder.model, "get_image_features")
                else encoder.model(**inputs).last_hidden_state[:, 0]
            )
        rows.append(getattr(output, "pooler_output", output)[0])
    return torch.stack(rows)


def test_clipscore_is_torchmetrics_on_the_same_pairs(clip, images):
    multimodal = pytest.importorskip("torchmetrics.multimodal", reason="torchmetrics was installed without multimodal")
    processor = pytest.importorskip("transformers").CLIPProcessor(clip.processor, clip.tokenizer)
    levels = [torch.from_numpy(image).permute(2, 0, 1) for image in images]
    theirs = multimodal.CLIPScore(model_name_or_path=lambda: (Tensors(clip.model), processor))
    ours, cosines = TurnAlignment(variant="torchmetrics", encoder=clip), []
    for image, caption in zip(levels, CAPTIONS):
        single = multimodal.CLIPScore(model_name_or_path=lambda: (Tensors(clip.model), processor))
        single.update([image], [caption])
        cosines.append(float(single.compute()) / 100)  # clamped on its mean, which is this pair
        theirs.update([image], [caption])
    ours.update(images, CAPTIONS, dialogue=range(4), turn=[1] * 4)
    pairs = turn_alignment(
        clip.encode_images(images), clip.encode_texts(CAPTIONS), variant="torchmetrics", reduction="none"
    )
    assert pairs.tolist() == pytest.approx([100 * cosine for cosine in cosines], abs=1e-4)
    assert float(ours.compute()) == pytest.approx(float(np.mean([100 * cosine for cosine in cosines])), abs=1e-4)
    # torchmetrics clamps the mean, the definition each pair: they agree where no cosine is negative.
    assert min(cosines) > 0
    assert float(ours.compute()) == pytest.approx(float(theirs.compute()), abs=1e-4)
    published = [2.5 * max(cosine, 0) for cosine in cosines]
    scores = turn_alignment(clip.encode_images(images), clip.encode_texts(CAPTIONS), reduction="none")
    assert scores.tolist() == pytest.approx(published, abs=1e-4)


def test_clipscore_from_the_librarys_own_pipeline(clip, images):
    inputs = clip.tokenizer(CAPTIONS, padding=True, truncation=True, return_tensors="pt")
    inputs.pop("token_type_ids", None)
    with torch.no_grad():
        texts = clip.model.get_text_features(**inputs)
    texts = getattr(texts, "pooler_output", texts)
    expected = 2.5 * torch.cosine_similarity(own_embeddings(clip, images), texts).clamp_min(0)
    metric = TurnAlignment(encoder=clip)
    metric.update(images, CAPTIONS, dialogue=range(4), turn=[1] * 4)
    assert float(metric.compute()) == pytest.approx(float(expected.double().mean()), abs=1e-4)


def test_vbench_subject_consistency(dino, images):
    """VBench: frame i >= 1 scores the mean of max(0, cos) to the frame before and to the first; frames are averaged."""
    videos = [images, images[::-1], images[:3], images[2:]]
    total, frames = 0.0, 0
    for video in videos:
        rows = nn.functional.normalize(dino.encode_images(video).double(), dim=1)
        for at in range(1, len(video)):
            to_previous = max(0.0, float(rows[at - 1] @ rows[at]))
            to_first = max(0.0, float(rows[0] @ rows[at]))
            total, frames = total + (to_previous + to_first) / 2, frames + 1
    metric = TurnConsistency(mode="vbench", encoder=dino)
    metric.update(videos)
    assert float(metric.compute()) == pytest.approx(total / frames, abs=1e-6)


@pytest.mark.parametrize("encoder", ["dino", "clip"])
def test_dreambooth_dino_and_clip_i(encoder, request, images):
    """DreamBooth: mean cosine over all pairs of a generated and a real image of the subject."""
    encoder = request.getfixturevalue(encoder)
    generated, real = images[:3], [images[3], images[1][:, ::-1].copy()]
    own_generated, own_real = own_embeddings(encoder, generated).double(), own_embeddings(encoder, real).double()
    cosines = [float(torch.cosine_similarity(a, b, dim=0)) for a in own_generated for b in own_real]

    links = torch.cartesian_prod(torch.arange(3), torch.arange(2))
    metric = TurnConsistency(mode="graph", encoder=encoder)
    metric.update(generated, dialogue=[0] * 3, turn=[1, 2, 3], references=encoder.encode_images(real), links=links)
    assert float(metric.compute()) == pytest.approx(np.mean(cosines), abs=1e-4)
    rows = (nn.functional.normalize(encoder.encode_images(side).double(), dim=1) for side in (generated, real))
    assert float(metric.compute()) == pytest.approx(float((next(rows) @ next(rows).T).mean()), abs=1e-6)


@pytest.mark.parametrize("name", ["ViT-B-32", "ViT-B-16-SigLIP"])
def test_published_architectures_agree_with_their_own_transform(name, assorted):
    """Centre crop and squash, photographs and noise of odd sizes, at full width and depth."""
    open_clip = pytest.importorskip("open_clip", reason="open_clip is not installed")
    torch.manual_seed(0)
    model = open_clip.create_model(name, pretrained=None).eval()
    encoder = OpenClipEncoder(model)
    assert encoder.preprocessing.backend == "imug_kernels"
    images = [assorted[1], assorted[6]]
    transform = open_clip.transform.image_transform_v2(
        open_clip.transform.PreprocessCfg(**model.visual.preprocess_cfg), is_train=False
    )
    with torch.no_grad():
        expected = model.encode_image(torch.stack([transform(Image.fromarray(image)) for image in images]))
    found = encoder.encode_images(images)
    assert torch.cosine_similarity(found, expected).min() > 0.9999
    assert torch.cosine_similarity(found, expected.roll(1, 0)).max() < 0.999


def test_alignment_is_a_loss_from_pixels_to_number():
    """A few steps up the gradient make noise fit its caption better, through resize, crop and model."""
    encoder = as_encoder("scene")
    encoder.differentiable = True
    texts = encoder.encode_texts(["a red circle", "three blue squares"]).detach()
    generator = torch.Generator().manual_seed(0)
    pixels = torch.rand(2, 3, 80, 72, generator=generator).requires_grad_()
    optimizer, values = torch.optim.Adam([pixels], lr=0.02), []
    for _ in range(8):
        loss = -turn_alignment(encoder.encode_images(pixels.clamp(0, 1)), texts, variant="cosine")
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        values.append(-float(loss.detach()))
    assert values[-1] > values[0] + 0.1


def test_consistency_is_a_reward_for_each_image(dino, images):
    """The values of single records have gradients to the images they belong to, and to no other dialogue's."""
    reward = TransformersEncoder(dino.model, dino.processor, pooling="cls", differentiable=True)
    pixels = torch.rand(4, 3, 40, 36, generator=torch.Generator().manual_seed(0)).requires_grad_()
    values = turn_consistency(
        reward.encode_images(pixels), dialogue=[0, 0, 1, 1], turn=[1, 2, 1, 2], mode="anchor", reduction="none"
    )
    values[1].backward()
    assert (pixels.grad.flatten(1).abs().sum(1) > 0).tolist() == [True, True, False, False]
    metric = TurnConsistency(mode="anchor", encoder=reward)
    pixels.grad = None
    metric(pixels, dialogue=[0, 0, 1, 1], turn=[1, 2, 1, 2]).backward()
    assert (pixels.grad.flatten(1).abs().sum(1) > 0).all()
