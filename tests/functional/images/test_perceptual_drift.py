# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""perceptual_drift: every distance against a plain loop, what is undefined, and what is exactly 0."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torchmetrics.functional.image import structural_similarity_index_measure

from imug_metrics.dialogues.columns import embedding_column
from imug_metrics.dialogues.inputs import pack_inputs
from imug_metrics.errors import InputError
from imug_metrics.functional import perceptual_drift
from imug_metrics.functional.images.perceptual_drift import drift_values, earlier_distances, row_distances

D = torch.float64
DISTANCES = ("squared", "cosine", "ssim")


def drawn(*shape: int, seed: int = 0) -> Tensor:
    return torch.rand(*shape, dtype=D, generator=torch.Generator().manual_seed(seed))


def by_hand(x: Tensor, y: Tensor, distance: str) -> float:
    if distance == "squared":
        return sum((float(a) - float(b)) ** 2 for a, b in zip(x.flatten(), y.flatten()))
    if distance == "cosine":
        return 1 - float(x @ y) / (float(x @ x) * float(y @ y)) ** 0.5
    return 1 - float(structural_similarity_index_measure(x[None], y[None], data_range=1.0))


def images_for(distance: str, *shape: int) -> Tensor:
    return drawn(*shape, 3, 16, 16) if distance == "ssim" else drawn(*shape, 24) - 0.5


@pytest.mark.parametrize("distance", DISTANCES)
def test_each_image_is_compared_with_the_first_of_its_dialogue(distance: str) -> None:
    images = images_for(distance, 2, 4)
    found = perceptual_drift(images, distance=distance, size=16, reduction="none")
    assert found.dtype == D
    assert found[:, 0].isnan().all()
    expected = [[by_hand(line[0], image, distance) for image in line[1:]] for line in images]
    torch.testing.assert_close(found[:, 1:], torch.tensor(expected, dtype=D), rtol=1e-5, atol=1e-6)
    assert perceptual_drift(images, distance=distance, size=16) == found.nanmean()


@pytest.mark.parametrize("distance", DISTANCES)
def test_flat_records_in_any_order_and_float32_give_the_same(distance: str) -> None:
    images = images_for(distance, 2, 3)
    padded = perceptual_drift(images, distance=distance, size=16, reduction="none").flatten()
    order = torch.tensor([5, 0, 3, 1, 4, 2])
    places = {"dialogue": torch.tensor([7, 7, 7, 2, 2, 2])[order], "turn": torch.tensor([1, 2, 3, 1, 2, 3])[order]}
    shuffled = images.flatten(0, 1)[order].float()
    found = perceptual_drift(shuffled, **places, distance=distance, size=16, reduction="none")
    torch.testing.assert_close(found, padded[order], rtol=1e-5, atol=1e-6, equal_nan=True)


@pytest.mark.parametrize("distance", DISTANCES)
@pytest.mark.parametrize("dtype", [torch.float16, torch.float32, D])
def test_a_repeated_image_is_at_exactly_0(distance: str, dtype: torch.dtype) -> None:
    images = images_for(distance, 3, 1).to(dtype)
    repeated = images.expand(3, 4, *images.shape[2:])
    assert perceptual_drift(repeated, distance=distance, size=16).item() == 0


@pytest.mark.parametrize("distance", DISTANCES)
def test_references_take_the_place_of_the_first_image(distance: str) -> None:
    images, references = images_for(distance, 1, 3), images_for(distance, 2, 3)[1:].flip(1)
    found = perceptual_drift(images, references=references, distance=distance, size=16, reduction="none")
    expected = [by_hand(*pair, distance) for pair in zip(images[0], references[0])]
    torch.testing.assert_close(found[0], torch.tensor(expected, dtype=D), rtol=1e-5, atol=1e-6)
    if distance != "ssim":
        references[0, 1] = torch.nan
        found = perceptual_drift(images, references=references, distance=distance, reduction="none")
        assert found.isnan().tolist() == [[False, True, False]]


def test_what_is_absent_has_no_distance_and_takes_those_to_it_along() -> None:
    images = images_for("squared", 2, 3)
    valid = torch.tensor([[True, False, True], [False, True, True]])
    found = perceptual_drift(images, valid=valid, reduction="none")
    assert found.isnan().tolist() == [[True, True, False], [True, True, True]]
    images[0, 1], images[1, 0] = torch.inf, 0.0
    torch.testing.assert_close(perceptual_drift(images, reduction="none"), found, equal_nan=True)


def test_subjects_have_a_first_image_each() -> None:
    images = images_for("squared", 4)
    places = {"dialogue": [0] * 4, "turn": [1, 1, 2, 2], "subject": ["cat", "dog"] * 2}
    found = perceptual_drift(images, **places, reduction="none")
    expected = [by_hand(images[i], images[i + 2], "squared") for i in range(2)]
    torch.testing.assert_close(found[2:], torch.tensor(expected, dtype=D))


def test_a_black_image_is_an_image_and_its_pixels_may_come_as_rows() -> None:
    images = drawn(1, 3, 3, 16, 16).float()
    images[0, 1] = 0
    found = perceptual_drift(images, distance="ssim", size=16)
    assert perceptual_drift(images.flatten(2), distance="ssim") == found
    expected = sum(by_hand(images[0, 0], images[0, t], "ssim") for t in (1, 2)) / 2
    assert found.item() == pytest.approx(expected, abs=1e-6)


def test_images_of_any_sizes_are_squashed_to_one() -> None:
    images = [[torch.full((3, 20, 30), 200, dtype=torch.uint8), torch.full((3, 40, 16), 200, dtype=torch.uint8), None]]
    found = perceptual_drift(images, distance="ssim", size=16, reduction="none")
    assert found.isnan().tolist() == [[True, False, True]]
    assert found[0, 1] == 0
    assert perceptual_drift([[None, None]], distance="ssim").isnan()


@pytest.mark.parametrize("distance", DISTANCES)
def test_pairs_before_are_those_of_a_plain_loop(distance: str) -> None:
    turns = torch.tensor([[1, 2, 4, 5], [1, 3, 4, 9]])
    valid = torch.tensor([[True, True, True, True], [True, False, True, True]])
    rows = images_for(distance, 2, 4).flatten(2)
    inputs = pack_inputs({"images": embedding_column("images", rows)}, None, turns, None, valid)
    found = earlier_distances(drift_values(inputs, distance), inputs.batch, 3, distance)
    sums, counts = found.by_turns(4)
    expected_sums, expected_counts = torch.zeros(2, 4, dtype=D), torch.zeros(2, 4, dtype=D)
    for line in range(2):
        for later in range(4):
            for earlier in range(later):
                apart = int(turns[line, later] - turns[line, earlier])
                if valid[line, later] and valid[line, earlier] and apart <= 4:
                    pair = (rows[line, place].view(images_for(distance).shape) for place in (earlier, later))
                    expected_sums[line, apart - 1] += by_hand(*pair, distance)
                    expected_counts[line, apart - 1] += 1
    torch.testing.assert_close(sums.view(2, 4, 4).sum(1), expected_sums, rtol=1e-5, atol=1e-6)
    torch.testing.assert_close(counts.view(2, 4, 4).sum(1), expected_counts)
    # A turn before may be missing; the image before may not.
    assert found.previous().view(2, 4).isnan().tolist() == [[True, False, False, False], [True, True, True, False]]


class Largest(TorchDispatchMode):
    """Numbers of the largest tensor that operations made."""

    def __init__(self) -> None:
        super().__init__()
        self.numbers = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        found = func(*args, **(kwargs or {}))
        if isinstance(found, Tensor):
            self.numbers = max(self.numbers, found.numel())
        return found


def test_pairs_before_take_a_number_a_row_and_turn_and_no_more_than_lines_are_long() -> None:
    inputs = pack_inputs({"images": embedding_column("images", images_for("cosine", 5, 6))})
    with Largest() as pairs:
        found = earlier_distances(drift_values(inputs, "cosine"), inputs.batch, 400, "cosine")
    assert found.apart.shape == found.values.shape == (30, 5)
    assert pairs.numbers < 30 * 400
    with Largest() as columns:
        sums, counts = found.by_turns(400)
    assert sums.shape == counts.shape == (30, 400)
    assert columns.numbers == 30 * 402
    assert counts.sum(0)[:6].tolist() == [25, 20, 15, 10, 5, 0]


def test_pairs_further_apart_than_asked_are_in_no_column() -> None:
    inputs = pack_inputs(
        {"images": embedding_column("images", images_for("squared", 4))}, [0] * 4, torch.tensor([1, 9, 10, 30])
    )
    found = earlier_distances(drift_values(inputs, "squared"), inputs.batch, 3, "squared")
    assert [found.by_turns(most)[1].sum(0).tolist() for most in (0, 1, 2)] == [[], [1], [1, 0]]


def test_pairs_are_compared_a_part_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    rows, index = drawn(9, 5), torch.arange(9)
    whole = row_distances(rows, rows, index, index.flip(0), "squared")
    monkeypatch.setattr("imug_metrics.functional.images.perceptual_drift._ELEMENTS", 12)
    torch.testing.assert_close(row_distances(rows, rows, index, index.flip(0), "squared"), whole, rtol=0, atol=0)


def test_without_a_look_at_which_pairs_there_are_the_same_comes_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """As on other devices than a CPU."""
    columns = {"images": embedding_column("images", images_for("cosine", 3, 4))}
    inputs = pack_inputs(columns, None, None, None, None, torch.tensor([4, 1, 3]))
    drift = drift_values(inputs, "cosine")
    looked = earlier_distances(drift, inputs.batch, 3, "cosine")
    monkeypatch.setattr(type(inputs.batch), "is_on_cpu", False)
    blind = earlier_distances(drift, inputs.batch, 3, "cosine")
    for found, expected in zip(blind.by_turns(3), looked.by_turns(3)):
        torch.testing.assert_close(found, expected, rtol=1e-15, atol=0)
    torch.testing.assert_close(blind.previous(), looked.previous(), rtol=0, atol=0, equal_nan=True)


@pytest.mark.parametrize("distance", DISTANCES)
def test_gradients(distance: str) -> None:
    images = (0.1 + 0.8 * drawn(1, 3, 3 * 12 * 12)).requires_grad_()
    if distance != "ssim":
        images = images_for(distance, 1, 3).requires_grad_()
        assert torch.autograd.gradcheck(lambda rows: perceptual_drift(rows, distance=distance), images)
    valid = torch.tensor([[True, True, True]])
    (gradient,) = torch.autograd.grad(perceptual_drift(images, distance=distance, valid=valid), images)
    assert gradient.isfinite().all()
    assert gradient[0, 2].abs().sum() > 0
    unknown = images.detach().clone()
    unknown[0, 1] = torch.nan
    unknown.requires_grad_()
    (gradient,) = torch.autograd.grad(perceptual_drift(unknown, distance=distance), unknown)
    assert gradient.isfinite().all()
    assert gradient[0, 1].abs().sum() == 0


def test_gradients_reach_images_through_the_resize() -> None:
    images = drawn(1, 2, 3, 24, 20).float().requires_grad_()
    perceptual_drift(images, distance="ssim", size=16).backward()
    assert images.grad is not None
    assert images.grad.abs().sum((2, 3, 4)).min() > 0


def test_unknown_distances_and_what_is_no_image_are_refused() -> None:
    with pytest.raises(ValueError, match="`distance` to be one of"):
        perceptual_drift(drawn(1, 2, 8), distance="l2")
    with pytest.raises(ValueError, match="`size` to be an integer of at least 11"):
        perceptual_drift(drawn(1, 2, 8), distance="ssim", size=8)
    with pytest.raises(InputError, match="`images` to be images of at least 11 x 11 pixels, got 48 numbers"):
        perceptual_drift(drawn(1, 2, 3 * 4 * 4), distance="ssim")
    with pytest.raises(InputError, match=r"`images` to be square images in colour"):
        perceptual_drift(drawn(1, 2, 500), distance="ssim")
    with pytest.raises(InputError, match=r"`images` to lie in \[0, 1\]"):
        perceptual_drift(2 * drawn(1, 2, 432), distance="ssim")
    with pytest.raises(InputError, match=r"`images` to be images that can be read"):
        perceptual_drift(["no-such-file.png"], dialogue=[0], turn=[1], distance="ssim")
    with pytest.raises(InputError, match="`references` to hold embeddings as wide as those of `images`"):
        perceptual_drift(drawn(1, 2, 432), references=drawn(1, 2, 507), distance="ssim")
