# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""TurnConsistency: the modes against plain formulas, and the drift and copying that a mean hides."""

from __future__ import annotations

import math

import pytest
import torch
from sklearn.metrics.pairwise import cosine_similarity
from torch import Tensor
from torchmetrics.functional.pairwise import pairwise_cosine_similarity

from imug_metrics import TurnConsistency
from imug_metrics.encoders import CallableEncoder
from imug_metrics.functional import turn_consistency, turn_copies

D = torch.float64


def dialogue(turns: int = 5, seed: int = 0) -> Tensor:
    return torch.randn(turns, 8, generator=torch.Generator().manual_seed(seed), dtype=D) + 1


def angles(*degrees: float) -> Tensor:
    radians = torch.tensor(degrees, dtype=D).deg2rad()
    return torch.stack([radians.cos(), radians.sin()], 1)


def flat(images: Tensor, mode: str, **arguments: object) -> Tensor:
    turns = torch.arange(1, len(images) + 1)
    return turn_consistency(images, torch.zeros_like(turns), turns, mode=mode, reduction="none", **arguments)


def test_pairwise_equals_torchmetrics_and_sklearn_without_the_diagonal() -> None:
    images = dialogue()
    found = flat(images, "pairwise")
    torch.testing.assert_close(found, pairwise_cosine_similarity(images, zero_diagonal=True).sum(1) / 4)
    matrix = torch.tensor(cosine_similarity(images))
    torch.testing.assert_close(found, (matrix.sum(1) - 1) / 4)


def test_vbench_follows_its_formula() -> None:
    images = dialogue(6, seed=1) - 1.2
    matrix = torch.tensor(cosine_similarity(images)).clamp_min(0)
    expected = [(matrix[i, i - 1] + matrix[i, 0]) / 2 for i in range(1, 6)]
    torch.testing.assert_close(flat(images, "vbench")[1:], torch.stack(expected))
    assert turn_consistency(images[None], mode="vbench").item() == pytest.approx(float(sum(expected)) / 5)


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
        assert f"turn_consistency_delta_{turns}" not in found


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


def test_anchor_against_given_references() -> None:
    images, target = dialogue(4), dialogue(4, seed=3)
    expected = torch.nn.functional.cosine_similarity(images, target)
    torch.testing.assert_close(flat(images, "anchor", target=target), expected)


def test_graph_means_over_the_links_of_an_image() -> None:
    images, bank = dialogue(4), dialogue(2, seed=5)
    matrix = torch.tensor(cosine_similarity(images))
    found = flat(images, "graph", links=torch.tensor([[2, 0], [2, 1], [3, 0]]))
    torch.testing.assert_close(found[2:], torch.stack([(matrix[2, 0] + matrix[2, 1]) / 2, matrix[3, 0]]))
    assert found[:2].isnan().all()
    found = flat(images, "graph", links=torch.tensor([[1, 1]]), target=bank)
    assert found[1].item() == pytest.approx(float(cosine_similarity(images[1:2], bank[1:2])[0, 0]))
    for links, message in (([[4, 0]], "existing rows"), ([[0, -1]], "existing rows"), ([0, 1], "integers")):
        with pytest.raises(ValueError, match=message):
            flat(images, "graph", links=torch.tensor(links))
    with pytest.raises(ValueError, match="`links`"):
        flat(images, "graph")


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
    copies = turn_copies(images[None], threshold=0.999)
    assert copies.isnan().tolist() == [[True, False, False, False]]
    assert copies[0, 1:].tolist() == [1, 0, 1]


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


def test_rows_that_are_not_finite_count_as_absent_and_spoil_no_other() -> None:
    images = dialogue(4)
    broken = images.clone()
    broken[1, 3] = torch.inf
    found = flat(broken, "pairwise")
    assert found[1].isnan()
    torch.testing.assert_close(
        found[[0, 2, 3]], flat(images, "pairwise", valid=torch.tensor([True, False, True, True]))[[0, 2, 3]]
    )


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
    with pytest.raises(ValueError, match="`target` to have one entry"):
        TurnConsistency("anchor").update(dialogue(3), [0] * 3, [1, 2, 3], target=dialogue(2))
