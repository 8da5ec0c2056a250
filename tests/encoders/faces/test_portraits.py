# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""A real detector and a real descriptor on portraits that packages carry: one person is told from another.

The detector is MTCNN of facenet-pytorch 2.6.0 (MIT), the descriptor that of @vladmandic/face-api 1.7.15 (MIT).
"""

from __future__ import annotations

import io

import numpy as np
import pytest
import torch
from PIL import Image, ImageEnhance
from torch import Tensor

from imug_metrics import IdentityVerification, TurnConsistency
from imug_metrics.encoders import CachedEncoder, FaceEncoder
from imug_metrics.encoders.faces import FaceFunctions
from imug_metrics.functional import identity_verification
from tests.encoders.packaged_faces import boxes_of_mtcnn, face_descriptor, portraits, strangers

# Every eighth number of what the package itself gives for `pattern`, in Node 20 on its CPU backend.
# fmt: off
OF_PACKAGE = [
    -0.05184, 0.09461, -0.13505, -0.09923, -0.11666, -0.12418, 0.05092, 0.04402,
    0.21275, -0.08631, -0.11528, 0.19534, -0.12922, -0.15224, 0.23585, -0.01907,
]
# fmt: on


def test_the_descriptor_is_that_of_the_package():
    """All 128 numbers were within 4e-6 of what the package gives; here stand sixteen and the length."""
    y, x, channel = np.mgrid[:150, :150, :3]
    pattern = ((x * (channel + 1) + 2 * y + x * y // (40 + 10 * channel)) % 256).astype(np.uint8)
    found = face_descriptor()(torch.from_numpy(pattern).permute(2, 0, 1)[None])[0]
    torch.testing.assert_close(found[::8], torch.tensor(OF_PACKAGE), rtol=0, atol=2e-5)
    assert float(found.norm()) == pytest.approx(1.2915, abs=1e-4)


def variants(portrait: Image.Image) -> list[Image.Image]:
    """One portrait as it is, darker, brighter, in warm light, without colour, cropped, re-saved, smaller, turned."""
    width, height = portrait.size
    saved = io.BytesIO()
    portrait.save(saved, "JPEG", quality=25)
    warm = (np.asarray(portrait) * [1.15, 1, 0.8]).clip(0, 255).astype(np.uint8)
    return [
        portrait,
        ImageEnhance.Brightness(portrait).enhance(0.55),
        ImageEnhance.Brightness(portrait).enhance(1.4),
        Image.fromarray(warm),
        portrait.convert("L").convert("RGB"),
        portrait.crop((width // 8, height // 12, width - width // 8, height - height // 6)),
        Image.open(saved),
        portrait.resize((width // 2, height // 2)),
        portrait.rotate(8, Image.Resampling.BILINEAR),
    ]


@pytest.fixture(scope="module")
def encoder() -> FaceEncoder:
    model = FaceFunctions(boxes_of_mtcnn(), face_descriptor(), size=150, fingerprint="mtcnn and face-api 1.7.15")
    return FaceEncoder(model, min_score=0.9)


@pytest.fixture(scope="module")
def dialogues() -> list[list[Image.Image]]:
    """One dialogue a person."""
    return [variants(portrait) for portrait in portraits().values()]


@pytest.fixture(scope="module")
def descriptors(encoder, dialogues) -> Tensor:
    """``[3, 9, 128]``, one row a person."""
    rows = encoder.encode_images([image for images in dialogues for image in images])
    return rows.view(len(dialogues), -1, rows.shape[1])


def pairs(descriptors: Tensor, similarity) -> tuple[Tensor, Tensor]:
    """Similarities of two images of one person, and of two persons."""
    people, count, _ = descriptors.shape
    rows, person = descriptors.flatten(0, 1), torch.arange(people).repeat_interleave(count)
    values, same = similarity(rows), person[:, None] == person
    return values[same & ~torch.eye(len(rows), dtype=torch.bool)], values[~same]


def cosines(rows: Tensor) -> Tensor:
    return torch.cosine_similarity(rows[:, None], rows[None], dim=2)


def test_a_face_is_found_in_every_variant(descriptors):
    assert descriptors.isfinite().all()


def test_one_person_in_other_light_is_closer_than_any_other_person(descriptors):
    """No overlap: neither in cosines nor in distances."""
    for similarity in (cosines, lambda rows: -torch.cdist(rows, rows)):
        same, other = pairs(descriptors, similarity)
        assert same.min() > other.max()


def test_a_threshold_of_another_pipeline_accepts_strangers(descriptors):
    """At dlib's 0.6, which belongs to its own detector and alignment: why no threshold is built in."""
    same, other = pairs(descriptors, lambda rows: torch.cdist(rows, rows))
    assert (same < 0.6).all()
    assert (other < 0.6).any()


def test_verification_of_the_portraits_is_without_error(descriptors):
    assert float(identity_verification(descriptors)) == 1
    metric = IdentityVerification(width=descriptors.shape[2], detail=True)
    metric.update(descriptors)
    result = metric.compute()
    assert float(result["identity_verification"]) == 1
    assert float(result["identity_verification_coverage"]) == 1


def test_centred_descriptors_tell_people_apart_by_the_sign_of_the_cosine(encoder, descriptors):
    """The mean over the faces of others takes away what all faces share."""
    mean = face_descriptor()(strangers()).mean(0)
    plain = [values.mean() for values in pairs(descriptors, cosines)]
    same, other = pairs(descriptors - mean, cosines)
    assert plain[1] > 0.8  # two strangers, as they come
    assert other.mean() < 0.3
    assert same.min() - other.max() > 0.1
    centred = FaceEncoder(encoder.model, min_score=0.9, mean=mean)
    image = portraits()["astronaut"]
    torch.testing.assert_close(centred.encode_images([image])[0], descriptors[0, 0] - mean)


def test_consistency_by_face_prefers_the_person_who_stays(encoder, dialogues):
    cached = CachedEncoder(encoder)
    stays = [dialogues[0][:4]]
    replaced = [[dialogues[person % 3][0] for person in range(4)]]
    scores = []
    for images in (stays, replaced):
        metric = TurnConsistency(encoder=cached, detail=True)
        metric.update(images)
        scores.append(float(metric.compute()["turn_consistency"]))
    assert scores[0] > 0.95 > scores[1]


def test_images_without_a_face_lower_the_coverage_and_not_the_score(encoder, dialogues, photographs):
    metric = TurnConsistency(encoder=encoder, detail=True)
    nobody = [Image.fromarray(photographs[name]) for name in ("chelsea", "coffee")]
    metric.update([[*dialogues[0][:2], *nobody]])
    result = metric.compute()
    assert float(result["turn_consistency"]) > 0.95
    assert float(result["turn_consistency_coverage"]) == pytest.approx(0.5)
    assert encoder.count_faces(nobody).tolist() == [0, 0]


def test_two_people_in_one_image_are_two_faces(encoder, descriptors):
    """Which of them counts is said by the policy: the larger one, or none."""
    pair = Image.new("RGB", (768, 512))
    large, small = portraits()["astronaut"], portraits()["hopper"].resize((213, 256))
    pair.paste(large, (0, 0))
    pair.paste(small, (540, 100))
    assert encoder.count_faces([pair]).tolist() == [2]
    found = encoder.encode_images([pair])[0]
    assert torch.dist(found, descriptors[0, 0]) < 0.3
    refused = FaceEncoder(encoder.model, min_score=0.9, several="none")
    assert refused.encode_images([pair]).isnan().all()
