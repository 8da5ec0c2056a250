# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Real trained weights on real photographs and sentences."""

from __future__ import annotations

import pytest
import torch
from PIL import Image, ImageFilter
from torch.nn.functional import normalize

from imug_metrics.encoders import ImageRegion, RegionEncoder
from imug_metrics.functional import turn_consistency
from tests.encoders.packaged import efficientnet_lite0, minilm

PARAPHRASES = {
    "A cat is sleeping on the sofa.": "On the couch, a kitten takes a nap.",
    "The stock market fell sharply today.": "Share prices dropped steeply this afternoon.",
    "She painted the wooden fence white.": "The timber fencing was given a coat of white paint by her.",
    "The train to Paris leaves at noon.": "At twelve o'clock the Paris train departs.",
    "He forgot to water the plants.": "The plants were not watered because he did not remember.",
}


@pytest.fixture(scope="module")
def images(photographs) -> dict[str, Image.Image]:
    return {name: Image.fromarray(image) for name, image in photographs.items()}


def test_photographs_resemble_their_own_variants_more_than_any_other(images):
    encoder = efficientnet_lite0()
    variants = [variant for image in images.values() for variant in variants_of(image)]
    originals = normalize(encoder.encode_images(list(images.values())))
    cosines = originals @ normalize(encoder.encode_images(variants)).T
    own = torch.eye(len(images), dtype=torch.bool).repeat_interleave(3, dim=1)
    assert cosines[own].min() > 0.7
    assert cosines[~own].max() < 0.4


def variants_of(image: Image.Image) -> list[Image.Image]:
    width, height = image.size
    return [
        image.crop((width // 10, height // 10, width - width // 10, height - height // 10)),
        image.transpose(Image.Transpose.FLIP_LEFT_RIGHT),
        image.filter(ImageFilter.GaussianBlur(2)),
    ]


def test_photographs_match_the_librarys_pipeline(images):
    encoder = efficientnet_lite0()
    data = pytest.importorskip("timm.data", reason="timm is not installed")
    transform = data.create_transform(**data.resolve_model_data_config(encoder.model))
    pixels = torch.stack([transform(image) for image in images.values()])
    with torch.no_grad():
        reference = encoder.model.forward_head(encoder.model.forward_features(pixels), pre_logits=True)
    embeddings = encoder.encode_images(list(images.values()))
    assert torch.cosine_similarity(embeddings, reference).min() > 0.9999


def test_weights_know_their_classes(images):
    encoder = efficientnet_lite0()
    features = encoder.encode_images([images["chelsea"], images["coffee"]])
    cat, cup = encoder.model.get_classifier()(features).argmax(1).tolist()
    assert cat in range(281, 288)  # ImageNet's cats
    assert cup in (504, 967, 968)  # coffee mug, espresso, cup


def test_paraphrases_rank_first():
    encoder = minilm()
    sentences = normalize(encoder.encode_texts(list(PARAPHRASES)))
    cosines = sentences @ normalize(encoder.encode_texts(list(PARAPHRASES.values()))).T
    own = torch.eye(len(PARAPHRASES), dtype=torch.bool)
    assert cosines[own].min() > 0.5
    assert cosines[~own].max() < 0.3


def test_each_has_one_side_only(images):
    with pytest.raises(TypeError, match="'efficientnet-lite0' has no text side"):
        efficientnet_lite0().encode_texts(["a cat"])
    with pytest.raises(TypeError, match="'minilm' has no image side"):
        minilm().encode_images([images["chelsea"]])


def pasted(subject: Image.Image, around: Image.Image, left: int, top: int) -> ImageRegion:
    """An image before another, and its mask."""
    image, mask = around.resize((448, 448)), Image.new("1", (448, 448))
    image.paste(subject.resize((240, 240)), (left, top))
    mask.paste(1, (left, top, left + 240, top + 240))
    return ImageRegion(image, mask=mask)


def test_subject_and_background_are_told_apart(images):
    """Identity and leakage by masked pooling: each scores its own part, where the whole image mixes both."""
    encoder = efficientnet_lite0()
    subjects = [
        images["chelsea"].crop((75, 0, 375, 300)),
        images["astronaut"].crop((80, 0, 380, 300)),
        images["coffee"].crop((150, 50, 450, 350)),
    ]
    around = [images["rocket"], images["camera"], images["coffee"]]
    travels = [pasted(subjects[0], scene, 20 + 90 * at, 60 + 40 * at) for at, scene in enumerate(around)]
    replaced = [pasted(subject, around[0], 100, 100) for subject in subjects]
    encoders = [RegionEncoder(encoder), RegionEncoder(encoder, background=True), encoder]
    (identity, leakage, whole), (lost, kept, whole_lost) = (
        [float(turn_consistency(part.encode_images(shown), dialogue=[0] * 3, turn=[1, 2, 3])) for part in encoders]
        for shown in (travels, replaced)
    )
    assert identity > whole + 0.1 > leakage + 0.4
    assert kept > whole_lost + 0.1 > lost + 0.2
    assert identity > lost + 0.5
    assert kept > leakage + 0.3
