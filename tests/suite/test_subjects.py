# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Subjects in a suite: held against what is around them, and never the whole image in their place."""

from __future__ import annotations

import math

import pytest
import torch

from imug_metrics import EditLocality, PerceptualDrift, SubjectConsistency, TurnConsistency
from imug_metrics.encoders import CallableEncoder, ImageRegion, RegionEncoder
from imug_metrics.errors import InputError
from imug_metrics.suite import ImugSuite, Record

PLACES = {"dialogue": ["a", "a", "a", "b", "b"], "turn": [1, 2, 3, 1, 2]}


def colours(images):
    return torch.stack([image.float().mean((1, 2)) for image in images])


@pytest.fixture
def encoder():
    return CallableEncoder(colours, fingerprint="colours", dim=3)


def scene(subject, around):
    image = torch.tensor(around, dtype=torch.uint8)[:, None, None].repeat(1, 16, 16)
    mask = torch.zeros(16, 16, dtype=torch.bool)
    mask[4:10, 4:10] = True
    image[:, mask] = torch.tensor(subject, dtype=torch.uint8)[:, None]
    return ImageRegion(image, mask=mask)


RED, GREEN, BLUE, YELLOW = (200, 0, 0), (0, 200, 0), (0, 0, 200), (200, 200, 0)
SCENES = [scene(RED, GREEN), scene(RED, BLUE), scene(YELLOW, BLUE), scene(YELLOW, RED), scene(GREEN, RED)]


def records(masks=(True,) * 5):
    return [
        Record(dialogue, turn, "image", "Draw it.", image=shown.image, mask=shown.mask if masked else None)
        for shown, dialogue, turn, masked in zip(SCENES, *PLACES.values(), masks)
    ]


def fed(metric, encoder, given):
    suite = ImugSuite([metric], encoder=encoder)
    suite.update(given)
    return suite.compute()


def test_masks_of_records_give_what_images_with_masks_give(encoder):
    metric = SubjectConsistency(detail=True, encoder=encoder)
    metric.update(SCENES, **PLACES)
    for given in (encoder, RegionEncoder(encoder, masking="paint")):
        found = fed(SubjectConsistency(detail=True), given, records())
        assert found == {name: pytest.approx(float(value), nan_ok=True) for name, value in metric.compute().items()}
    assert math.isfinite(found["subject_consistency_gap"])


def test_an_image_without_a_mask_has_no_subject(encoder):
    found = fed(SubjectConsistency(detail=True), encoder, records((True, True, False, True, True)))
    assert found["subject_consistency_coverage"] == pytest.approx(0.8)


def test_without_masks_there_is_no_score_of_subjects(encoder):
    suite = ImugSuite([SubjectConsistency(), TurnConsistency()], encoder=encoder)
    suite.update(records((False,) * 5))
    with pytest.warns(UserWarning, match=r"subject_consistency, which has no score: it needs .* `mask` of the subject"):
        assert list(suite.compute()) == ["turn_consistency"]


def test_a_mask_that_does_not_fit_is_told_of_and_the_image_counts_elsewhere(encoder):
    told = []
    given = records()
    given[0] = Record("a", 1, "image", "Draw it.", image=SCENES[0].image, mask=torch.ones(3, 3, dtype=torch.bool))
    suite = ImugSuite([SubjectConsistency(detail=True), TurnConsistency(detail=True)], encoder=encoder)
    suite.update(given, unreadable=lambda record, reason: told.append((record.turn, reason)))
    found = suite.compute()
    assert [turn for turn, _ in told] == [1]
    assert "subject" in told[0][1]
    assert found["subject_consistency_coverage"] == pytest.approx(0.8)
    assert found["turn_consistency_coverage"] == 1


def test_each_part_is_embedded_once():
    seen = []

    def counted(images):
        seen.append(len(images))
        return colours(images)

    encoder = CallableEncoder(counted, fingerprint="counted", dim=3)
    suite = ImugSuite([SubjectConsistency(detail=True), TurnConsistency()], encoder=encoder)
    suite.update(records())
    suite.update([Record("c", r.turn, "image", r.prompt, image=r.image, mask=r.mask) for r in records()[:3]])
    assert sum(seen) == 3 * len(SCENES)


def test_columns_reach_metrics_of_pixels_and_regions_as_they_are(encoder):
    metrics = [EditLocality(), PerceptualDrift("ssim", size=16), SubjectConsistency(encoder=encoder)]
    suite = ImugSuite(
        [*(metric.clone() for metric in metrics), TurnConsistency()], encoder=RegionEncoder(encoder, "full")
    )
    suite.update(images=SCENES, editable=[shown.mask for shown in SCENES], **PLACES)
    found = suite.compute()
    metrics[0].update(SCENES, [shown.mask for shown in SCENES], **PLACES)
    metrics[1].update(SCENES, **PLACES)
    metrics[2].update(SCENES, **PLACES)
    assert [found[metric.name] for metric in metrics] == [pytest.approx(float(metric.compute())) for metric in metrics]


def test_whole_images_do_not_pass_for_subjects(encoder):
    suite = ImugSuite([SubjectConsistency()], encoder=encoder)
    with pytest.raises(InputError, match="`encoder`"):
        suite.update(images=SCENES, **PLACES)


@pytest.mark.parametrize("metric", [EditLocality(), PerceptualDrift("ssim")])
def test_records_are_refused_for_metrics_of_pixels(metric, encoder):
    with pytest.raises(ValueError, match="compares pixels"):
        fed(metric, encoder, records())
