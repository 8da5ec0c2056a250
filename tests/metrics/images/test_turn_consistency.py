# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""TurnConsistency: the drift and the copying that a mean hides."""

from __future__ import annotations

import math

import pytest
import torch

from imug_metrics import TurnConsistency
from imug_metrics.encoders import CallableEncoder
from imug_metrics.functional import turn_consistency
from tests.functional.images.consistent import angles, dialogue
from tests.metrics import cases

CASES = {
    "consistency-pairwise": cases.Case(TurnConsistency, cases.images_and_pixels),
    "consistency-anchor": cases.Case(lambda **k: TurnConsistency("anchor", **k), cases.images),
    "consistency-references": cases.Case(lambda **k: TurnConsistency("anchor", **k), cases.images_and_references),
    "consistency-consecutive": cases.Case(lambda **k: TurnConsistency("consecutive", **k), cases.images),
    "consistency-graph": cases.Case(lambda **k: TurnConsistency("graph", **k), cases.links, rows="codes"),
    "consistency-vbench": cases.Case(lambda **k: TurnConsistency("vbench", **k), cases.images),
}

D = torch.float64


@pytest.mark.parametrize(
    ("step", "turns", "consecutive", "vbench", "pairwise", "last"),
    [
        (5, 6, 0.996, 0.977, 0.974, 0.906),
        (5, 10, 0.996, 0.940, 0.932, 0.707),
        (10, 4, 0.985, 0.957, 0.950, 0.866),
        (10, 6, 0.985, 0.912, 0.897, 0.643),
    ],
)
def test_constant_drift_hides_in_means_and_shows_in_last_vs_first(
    step: float, turns: int, consecutive: float, vbench: float, pairwise: float, last: float
) -> None:
    images = angles(*(step * k for k in range(turns)))[None]
    for mode, expected in (("consecutive", consecutive), ("vbench", vbench), ("pairwise", pairwise)):
        metric = TurnConsistency(mode, detail=True)
        metric.update(images)
        found = metric.compute()
        assert found["turn_consistency"].item() == pytest.approx(expected, abs=6e-4)
        assert found["turn_consistency_last_vs_first"].item() == pytest.approx(last, abs=6e-4)
        assert found["turn_consistency_worst_pair"].item() == pytest.approx(last, abs=6e-4)
        for distance in range(1, turns):
            expected_cosine = math.cos(math.radians(step * distance))
            assert found[f"turn_consistency_delta_{distance}"].item() == pytest.approx(expected_cosine, abs=1e-12)
        assert found[f"turn_consistency_delta_{turns}"].isnan()


def test_single_turn_dialogue_is_undefined_not_one() -> None:
    for mode in ("pairwise", "anchor", "consecutive", "vbench"):
        metric = TurnConsistency(mode, detail=True)
        metric.update(dialogue(1)[None])
        found = metric.compute()
        assert found["turn_consistency"].isnan()
        assert found["turn_consistency_coverage"] == 0
        metric.update(dialogue(3)[None])
        assert metric.compute()["turn_consistency_coverage"].item() == pytest.approx(
            {"pairwise": 3 / 4}.get(mode, 2 / 3)
        )


def test_anchor_without_the_first_image_is_undefined_and_shows_in_coverage() -> None:
    valid = torch.tensor([[False, True, True]])
    metric = TurnConsistency("anchor", detail=True)
    metric.update(dialogue(3)[None], valid=valid)
    assert metric.compute()["turn_consistency"].isnan()
    assert metric.compute()["turn_consistency_coverage"] == 0


def test_subjects_are_compared_with_themselves_only() -> None:
    one, other = angles(0, 0, 0), angles(90, 90, 90)
    images = torch.stack([one, other], 1).flatten(0, 1)
    arguments = {"dialogue": [0] * 6, "turn": [1, 1, 2, 2, 3, 3]}
    assert turn_consistency(images, subject=["cat", "dog"] * 3, **arguments).item() == pytest.approx(1)
    metric = TurnConsistency(detail=True)
    metric.update(images, subject=["cat", "dog"] * 3, **arguments)
    assert metric.compute()["turn_consistency_dialogues"] == 1
    assert metric.compute()["turn_consistency_worst_pair"].item() == pytest.approx(1)


def test_copies_count_from_the_second_image_on_by_cosine_and_by_pixels() -> None:
    images = angles(0, 1, 30, 30)
    pixels = torch.tensor([0.2, 0.2, 0.7, 0.9], dtype=D)[:, None].expand(4, 12)
    metric = TurnConsistency(detail=True, copy_threshold=0.999)
    metric.update(images[None], pixels=pixels[None])
    found = metric.compute()
    assert found["turn_consistency_copy_rate"].item() == pytest.approx(2 / 3)
    assert found["turn_consistency_pixel_copy_rate"].item() == pytest.approx(1 / 3)


def test_pixels_are_made_from_images_when_there_is_an_encoder() -> None:
    images = torch.randint(0, 256, (3, 3, 40, 56), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    images = torch.cat([images, images[:1]])
    encoder = CallableEncoder(images=lambda batch: torch.as_tensor(batch).float().flatten(1), name="pixels")
    metric = TurnConsistency(detail=True, encoder=encoder)
    metric.update(images, dialogue=[0] * 4, turn=[1, 2, 3, 4])
    assert metric.compute()["turn_consistency_pixel_copy_rate"].item() == pytest.approx(1 / 3)
    assert not dict(metric.named_modules()).keys() - {""}
    assert metric.clone().encoder is metric.encoder


def test_absent_images_in_a_list_of_lists_lower_the_coverage() -> None:
    encoder = CallableEncoder(images=lambda rows: torch.stack(list(rows)).float().mean((2, 3)), name="colours")
    metric = TurnConsistency(detail=True, encoder=encoder)
    a, b = torch.zeros(2, 3, 4, 4).index_put((torch.tensor([0, 1]), torch.tensor([0, 2])), torch.ones(2, 4, 4))
    metric.update([[a, None, a], [b, b]])
    assert metric.compute()["turn_consistency"].item() == 1
    assert metric.compute()["turn_consistency_coverage"].item() == pytest.approx(4 / 5)


@pytest.mark.parametrize("mode", ["pairwise", "anchor", "consecutive", "vbench"])
def test_gradients(mode: str) -> None:
    images = dialogue(4).requires_grad_()
    places = {"dialogue": [0, 0, 1, 1], "turn": [1, 2, 1, 2]}
    assert torch.autograd.gradcheck(lambda rows: turn_consistency(rows, mode=mode, **places), images)
    metric = TurnConsistency(mode)
    metric(images, **places).backward()
    assert images.grad is not None
    assert images.grad.isfinite().all()
    assert not metric.moments.requires_grad


def test_unknown_mode_and_images_without_encoder_are_refused() -> None:
    with pytest.raises(ValueError, match="`mode`"):
        TurnConsistency("mean")
    with pytest.raises(ValueError, match="`encoder`"):
        TurnConsistency().update(torch.zeros(2, 3, 8, 8, dtype=torch.uint8), dialogue=[0, 0], turn=[1, 2])
    with pytest.raises(ValueError, match="`references` to have one entry"):
        TurnConsistency("anchor").update(dialogue(3), dialogue=[0] * 3, turn=[1, 2, 3], references=dialogue(2))
