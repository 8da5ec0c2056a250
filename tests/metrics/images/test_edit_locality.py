# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""EditLocality on models that are simulated: those that copy, that damage, and that drift when told to do nothing."""

from __future__ import annotations

import math
import warnings
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image
from torch import Tensor

from imug_metrics import EditLocality
from imug_metrics.encoders import CallableEncoder, LpipsEncoder
from imug_metrics.errors import InputError
from imug_metrics.functional import edit_locality
from tests.metrics import cases

CASES = {
    "edits": cases.Case(lambda **k: EditLocality(min_region=8, **k), cases.edits, refuses=("missing",)),
}
SIZE = 16


def noise(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def scores(metric: EditLocality) -> dict[str, float]:
    """What the detail holds, without the name of the metric."""
    return {key.removeprefix("edit_locality").strip("_"): float(value) for key, value in metric.compute().items()}


def scored(images: Any, editable: Any = None, *, noop: Any = None, **options: Any) -> dict[str, float]:
    metric = EditLocality(detail=True, **options)
    metric.update(images, editable, noop=noop)
    return scores(metric)


def top(dialogues: int, turns: int, rows: int = 4) -> Tensor:
    """Masks of the first rows."""
    return (torch.arange(SIZE) < rows)[:, None].expand(dialogues, turns, SIZE, SIZE).clone()


def test_a_model_that_returns_its_input_is_perfectly_local_and_does_nothing() -> None:
    images = (0.5 + 0.1 * noise(4, 1, 3, SIZE, SIZE)).clamp(0, 1).expand(-1, 3, -1, -1, -1)
    found = scored(images, top(4, 3))
    assert (found[""], found["inside"], found["accumulated"], found["ssim"], found["psnr"]) == (0, 0, 0, 1, 100)
    assert found["coverage"] == 1
    assert found["n"] == 8


def test_an_edit_that_stays_inside_is_local_and_does_something() -> None:
    images = torch.full((4, 3, 3, SIZE, SIZE), 0.5)
    images[:, 1, :, :4] += 0.25
    found = scored(images, top(4, 3))
    assert found[""] == 0
    assert found["inside"] == pytest.approx(0.25)


def test_small_damage_at_every_turn_adds_up() -> None:
    images = torch.full((5, 5, 3, SIZE, SIZE), 0.5) + 0.02 * torch.arange(5.0)[:, None, None, None]
    found = scored(images, top(5, 5))
    assert found[""] == pytest.approx(0.02, rel=1e-5)
    assert [found[f"turn_{k}"] for k in (2, 5)] == pytest.approx([0.02, 0.02], rel=1e-5)
    assert [found[f"accumulated_turn_{k}"] for k in (2, 3, 4, 5)] == pytest.approx([0.02, 0.04, 0.06, 0.08], rel=1e-5)
    assert found["accumulated_slope"] == pytest.approx(0.02, rel=1e-5)
    assert found["accumulated"] == pytest.approx(0.05, rel=1e-5)
    assert math.isnan(found["turn_1"])


def test_psnr_is_that_of_the_mean_squared_error() -> None:
    images = torch.full((2, 2, 3, SIZE, SIZE), 0.5)
    images[0, 1] += 0.1  # 20 dB; the other dialogue has an infinite one
    found = scored(images, top(2, 2))
    assert found["mse"] == pytest.approx(0.005, rel=1e-5)
    assert found["psnr"] == pytest.approx(-10 * math.log10(0.005), rel=1e-5)


def test_a_model_that_drifts_more_and_more_when_told_to_do_nothing_is_found_out() -> None:
    """Noise of the sampler that grows with the turns, as NoOp-Bench has it: the squared change is its variance."""
    turns, step = 6, 0.01
    images = torch.full((12, turns, 3, SIZE, SIZE), 0.5)
    for turn in range(1, turns):  # turn 2 adds one step, turn 3 two, ...
        images[:, turn] = images[:, turn - 1] + step * turn * noise(12, 3, SIZE, SIZE, seed=turn)
    noop = torch.ones(12, turns, dtype=torch.bool)
    noop[:, 0] = False
    found = scored(images.clamp(0, 1), noop=noop)
    deviations = torch.arange(1.0, turns) * step
    assert found["noop"] == pytest.approx(found[""])
    assert found["noop"] == pytest.approx(deviations.mean().item() * math.sqrt(2 / math.pi), rel=0.02)
    assert found["noop_mse"] == pytest.approx(deviations.square().mean().item(), rel=0.02)
    assert found["noop_psnr"] == pytest.approx(-10 * deviations.square().mean().log10().item(), abs=0.1)
    assert found["noop_slope"] == pytest.approx(step * math.sqrt(2 / math.pi), rel=0.02)
    assert found["noop_slope_lower"] < found["noop_slope"] < found["noop_slope_upper"]
    assert math.isnan(found["inside"])


def test_noop_turns_count_beside_edits_and_alone() -> None:
    images = torch.full((3, 3, 3, SIZE, SIZE), 0.5)
    images[:, 1] += 0.1  # an edit that changes all
    images[:, 2] += 0.14  # then nothing was asked for
    noop = torch.tensor([False, False, True]).expand(3, 3)
    found = scored(images, top(3, 3), noop=noop)
    assert found[""] == pytest.approx(0.07, rel=1e-5)
    assert found["noop"] == pytest.approx(0.04, rel=1e-4)
    assert found["inside"] == pytest.approx(0.1, rel=1e-5)


def test_what_cannot_be_judged_lowers_the_coverage_and_what_is_no_edit_does_not() -> None:
    images = [[torch.rand(3, SIZE, SIZE) for _ in range(4)] for _ in range(2)]
    images[0][1] = None  # turns 2 and 3 cannot be compared
    masks = [[None, *top(1, 3)[0]], [None, None, *top(1, 2, rows=SIZE)[0]]]  # unknown; then nothing is outside
    found = scored(images, masks)
    assert found["coverage"] == pytest.approx(1 / 5)
    assert found["n"] == 1


def test_the_share_of_resized_images_is_told() -> None:
    small, large = torch.full((3, SIZE, SIZE), 0.5), torch.full((3, 2 * SIZE, SIZE), 0.5)
    found = scored([[small, large, large], [small, small]], noop=[[False, True, True], [False, True]])
    assert found["resized"] == pytest.approx(1 / 3)
    assert found[""] == 0


@pytest.mark.parametrize("detail", ["interval", True])
def test_interval_and_detail_say_the_same_of_the_value(detail: Any) -> None:
    where = cases.places()
    found = CASES["edits"].feed(EditLocality(detail=detail), *where).compute()
    plain = CASES["edits"].feed(EditLocality(), *where).compute()
    assert found["edit_locality"].item() == pytest.approx(plain.item(), rel=1e-12)
    assert found["edit_locality_lower"] < plain < found["edit_locality_upper"]


def test_absent_images_do_not_score_best() -> None:
    with pytest.raises(ValueError, match="`missing` to be 'skip'"):
        EditLocality(missing="zero")


@pytest.mark.parametrize("least", [0, 2.5, True])
def test_a_region_has_at_least_a_pixel(least: Any) -> None:
    with pytest.raises(ValueError, match="`min_region` to be an integer >= 1"):
        EditLocality(min_region=least)


def test_an_update_without_masks_and_noops_is_refused() -> None:
    metric = EditLocality()
    with pytest.raises(InputError, match="`editable` to be given, or `noop`"):
        metric.update(torch.rand(1, 2, 3, SIZE, SIZE))
    assert metric.update_count == 0


def test_images_that_were_stored_with_loss_are_told_of_once(tmp_path: Path) -> None:
    paths = [tmp_path / f"{turn}.{end}" for turn, end in ((1, "png"), (2, "JPG"))]
    for path in paths:
        Image.new("RGB", (SIZE, SIZE), (200, 30, 30)).save(path)
    metric = EditLocality()
    with pytest.warns(UserWarning, match="was given JPEG files"):
        metric.update([paths], noop=[[False, True]], dialogue=[1])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        metric.update([paths], noop=[[False, True]], dialogue=[2])
        EditLocality().update([paths[:1] * 2], noop=[[False, True]])
    with Image.open(paths[1]) as image, pytest.warns(UserWarning, match="was given JPEG files"):
        EditLocality().update([[image, image]], noop=[[False, True]])


@pytest.fixture(scope="module")
def encoder() -> LpipsEncoder:
    lpips = pytest.importorskip("lpips", reason="lpips is not installed")
    torch.manual_seed(0)
    return LpipsEncoder(lpips.LPIPS(net="squeeze", pnet_rand=True, verbose=False))


def dialogue_of_photographs(turns: int = 3) -> Tensor:
    """Images `[T, 3, 64, 64]` of which the upper half changes much, and the rest a little."""
    images = torch.rand(1, 3, 64, 64, generator=torch.Generator().manual_seed(2)).repeat(turns, 1, 1, 1)
    images += 0.02 * noise(turns, 3, 64, 64)
    images[:, :, :32] += 0.5 * noise(turns, 3, 32, 64, seed=1)
    return images.clamp(0, 1)


def test_lpips_is_the_mean_of_its_map_beyond_one_cell_of_the_edit(encoder: LpipsEncoder) -> None:
    images, editable = dialogue_of_photographs(), torch.zeros(3, 64, 64)
    editable[:, :32] = 1
    found = scored(images[None], editable[None], encoder=encoder)
    embedded = encoder.encode_images(images)
    to_previous = encoder.distance_map(embedded[1:], embedded[:-1])
    to_first = encoder.distance_map(embedded[1:], embedded[[0, 0]])
    assert found["lpips"] == pytest.approx(to_previous[:, 33:].mean().item(), rel=1e-5)
    assert found["accumulated_lpips"] == pytest.approx(to_first[:, 33:].mean().item(), rel=1e-5)
    assert found["lpips"] < to_previous[:, :32].mean().item() / 2


def test_lpips_of_lists_of_any_sizes_is_that_of_tensors(encoder: LpipsEncoder) -> None:
    images, editable = dialogue_of_photographs(4), torch.zeros(4, 64, 64)
    editable[:, :32] = 1
    options: dict[str, Any] = {"measure": "lpips", "encoder": encoder, "reduction": "none"}
    for against in ("previous", "first"):
        whole = edit_locality(images[None], editable[None], against=against, **options)
        found = edit_locality([[*images]], [[*editable]], against=against, **options)
        torch.testing.assert_close(found, whole, rtol=1e-5, atol=1e-7, equal_nan=True)
    enlarged = torch.nn.functional.interpolate(images, scale_factor=2, mode="nearest")
    given = [[images[0], enlarged[1], None, images[3]]]
    found = edit_locality(given, [[*editable]], **options)[0]
    assert found.isnan().tolist() == [True, False, True, True]
    first, second = encoder.encode_images([images[0], enlarged[1]]).split(1)
    assert found[1].item() == pytest.approx(encoder.distance_map(second, first)[:, 33:].mean().item(), rel=1e-5)


def test_without_an_encoder_there_is_no_lpips() -> None:
    found = scored(torch.rand(2, 3, 3, SIZE, SIZE), top(2, 3))
    assert math.isnan(found["lpips"])
    assert math.isnan(found["accumulated_lpips"])


def test_what_needs_no_lpips_asks_no_encoder(encoder: LpipsEncoder, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(images: Any) -> None:
        raise AssertionError("nobody asked for embeddings")

    monkeypatch.setattr(encoder, "encode_images", refuse)
    images, editable = torch.rand(1, 2, 3, SIZE, SIZE), top(1, 2)
    metric = EditLocality(encoder=encoder)
    metric.update(images, editable)
    torch.testing.assert_close(metric.compute(), edit_locality(images, editable, encoder=encoder))


def test_an_encoder_without_maps_is_refused() -> None:
    with pytest.raises(ValueError, match="`encoder` to be an LpipsEncoder"):
        EditLocality(encoder=CallableEncoder(lambda images: images))


def test_dialogues_count_alike_if_asked_for() -> None:
    images = [torch.full((turns, 3, SIZE, SIZE), 0.5) for turns in (2, 4)]
    images[0][1:] += 0.1
    noop = [[False, *[True] * (len(part) - 1)] for part in images]
    values = []
    for average in ("record", "dialogue"):
        metric = EditLocality(average=average)
        metric.update(images, noop=noop)
        values.append(metric.compute().item())
    assert values == pytest.approx([0.1 / 4, 0.1 / 2], rel=1e-5)
