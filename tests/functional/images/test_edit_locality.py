# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""edit_locality against measures of crops, a plain loop, and the dilution of masks that are multiplied."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor
from torchmetrics.functional.image import peak_signal_noise_ratio, structural_similarity_index_measure

from imug_metrics.errors import InputError
from imug_metrics.functional import edit_locality
from imug_metrics.functional.images import edit_locality as module
from imug_metrics.functional.images import edit_pairs
from imug_metrics.functional.images.difference_maps import SSIM_REACH, ssim_map

SIZE = 24


def drawn(*shape: int, seed: int = 0) -> Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed))


def edited(turns: int = 2, seed: int = 0) -> Tensor:
    """A dialogue `[T, 3, H, W]` that changes everywhere from turn to turn."""
    steps = 0.2 * torch.randn(turns, 3, SIZE, SIZE, generator=torch.Generator().manual_seed(seed)).cumsum(0)
    return (drawn(1, 3, SIZE, SIZE, seed=seed + 1) + steps).clamp(0, 1)


def right_part(turns: int, start: int) -> Tensor:
    """Masks of the columns from `start` on."""
    return (torch.arange(SIZE) >= start).expand(turns, SIZE, SIZE).clone()


def last(images: Tensor, editable: Any = None, **options: Any) -> float:
    """The value of the last turn of one dialogue."""
    given = None if editable is None else editable[None]
    return edit_locality(images[None], given, reduction="none", **options)[0, -1].item()


@pytest.mark.parametrize("start", [8, 15, 24])
def test_outside_of_a_rectangle_is_what_the_measures_give_of_the_crop(start: int) -> None:
    images, editable = edited(), right_part(2, start)
    x, y = images[1:, ..., :start].double(), images[:1, ..., :start].double()
    assert last(images, editable) == pytest.approx((x - y).abs().mean().item(), rel=1e-6)
    expected = peak_signal_noise_ratio(x, y, data_range=1.0).item()
    assert last(images, editable, measure="psnr") == pytest.approx(expected, rel=1e-6)
    _, similarity = structural_similarity_index_measure(x, y, data_range=1.0, return_full_image=True)
    kept = similarity if start == SIZE else similarity[..., :-SSIM_REACH]  # whole windows, at edges of images mirrored
    assert last(images, editable, measure="ssim") == pytest.approx(kept.mean().item(), abs=1e-4)


def test_inside_of_a_rectangle_is_the_rest() -> None:
    images, editable = edited(), right_part(2, 10)
    difference = (images[1] - images[0]).double()[..., 10:]
    assert last(images, editable, region="inside") == pytest.approx(difference.abs().mean().item(), rel=1e-6)
    found = last(images, editable, region="inside", measure="ssim")
    assert found == pytest.approx(ssim_map(images[1:], images[:1])[..., 10 + SSIM_REACH :].mean().item(), rel=1e-6)


@pytest.mark.parametrize(("kept", "diluted"), [(0.9, 20.5), (0.5, 23.0), (0.1, 30.0)])
def test_a_small_region_is_not_diluted_by_zeros(kept: float, diluted: float) -> None:
    images = torch.full((2, 3, 40, 40), 0.5)
    images[1] += 0.1  # everywhere: 20 dB
    editable = (torch.arange(40) >= 40 * kept).expand(2, 40, 40)
    assert last(images, editable, measure="psnr") == pytest.approx(20, abs=1e-4)
    zeroed = images * ~editable[:, None]
    assert peak_signal_noise_ratio(zeroed[1], zeroed[0], data_range=1.0).item() == pytest.approx(diluted, abs=0.05)


@pytest.mark.parametrize("measure", ["l1", "mse", "psnr", "ssim"])
def test_a_region_that_is_too_small_is_undefined(measure: Any) -> None:
    images, editable = edited(), right_part(2, 2)  # 48 pixels are left
    assert math.isnan(last(images, editable, measure=measure))
    assert math.isnan(last(images, right_part(2, 0), measure=measure, min_region=1))
    assert math.isnan(last(images, editable, measure=measure, min_region=48)) == (measure == "ssim")  # no whole window


def test_equal_images_have_no_difference_and_a_psnr_that_ends() -> None:
    images = edited()[:1].expand(2, -1, -1, -1)
    found = {name: last(images, right_part(2, 12), measure=name) for name in ("l1", "mse", "psnr", "ssim")}
    assert found == {"l1": 0, "mse": 0, "psnr": 100, "ssim": 1}


def test_shares_of_pixels_count_as_shares() -> None:
    images, editable = edited(), drawn(2, SIZE, SIZE, seed=5)
    difference, kept = (images[1] - images[0]).abs().mean(0).double(), 1 - editable[1].double()
    assert last(images, editable) == pytest.approx(((kept * difference).sum() / kept.sum()).item(), rel=1e-5)


def test_the_first_image_is_held_against_all_that_might_have_changed() -> None:
    images, editable = edited(3), torch.zeros(3, SIZE, SIZE, dtype=torch.bool)
    editable[1, :6], editable[2, -6:] = True, True
    expected = (images[2] - images[0]).double()[:, 6:-6].abs().mean().item()
    assert last(images, editable, against="first") == pytest.approx(expected, rel=1e-6)
    editable[0] = True  # how the first came to be says nothing of what came after
    assert last(images, editable, against="first") == pytest.approx(expected, rel=1e-6)


def test_a_turn_of_unknown_extent_leaves_later_ones_without_a_union() -> None:
    images, masks = [*edited(4)], [None, None, *right_part(2, 12)]
    found = edit_locality([images], [masks], reduction="none")[0]
    assert found.isnan().tolist() == [True, True, False, False]
    assert edit_locality([images], [masks], against="first", reduction="none").isnan().all()


def test_an_image_is_not_compared_with_the_one_before_the_previous() -> None:
    images, editable = edited(4), right_part(4, 12)
    whole = edit_locality(images[None], editable[None], against="first", reduction="none")[0]
    images[1, 0, 0, 0] = torch.nan  # which makes it absent
    for given, masks in ((images[None], editable[None]), ([[images[0], None, *images[2:]]], editable[None])):
        found = edit_locality(given, masks, reduction="none")[0]
        assert found.isnan().tolist() == [True, True, True, False]
        found = edit_locality(given, masks, against="first", reduction="none")[0]
        torch.testing.assert_close(found[2:], whole[2:])  # what it might have changed is known all the same


def test_a_turn_that_asks_for_no_change_may_change_nothing() -> None:
    images, noop = edited(3), torch.tensor([[False, False, True]])
    expected = (images[2] - images[1]).double().abs().mean().item()
    assert last(images, noop=noop) == pytest.approx(expected, rel=1e-6)
    assert last(images, right_part(3, 3), noop=noop) == pytest.approx(expected, rel=1e-6)
    assert math.isnan(last(images, right_part(3, 3), noop=noop, region="inside"))


def naive(images: Tensor, editable: Tensor, noop: Tensor, places: list[tuple[int, int, int]], against: str) -> Tensor:
    """L1 by a loop over flat records (dialogue, subject, turn), NaN for masks that are not known."""
    found = torch.full((len(places),), torch.nan, dtype=torch.float64)
    for row, (dialogue, subject, turn) in enumerate(places):
        segment = [place for place in range(len(places)) if places[place][:2] == (dialogue, subject)]
        segment = sorted((place for place in segment if places[place][2] <= turn), key=lambda place: places[place][2])
        if len(segment) == 1:
            continue
        since = segment[1:] if against == "first" else segment[-1:]
        masks = [torch.zeros_like(editable[0]) if noop[place] else editable[place] for place in since]
        kept = 1 - torch.stack(masks).amax(0).double()  # NaN stays
        other = segment[0] if against == "first" else segment[-2]
        found[row] = (kept * (images[row] - images[other]).abs().mean(0).double()).sum() / kept.sum()
    return found


@pytest.mark.parametrize("held", ["tensors", "lists"])
@pytest.mark.parametrize("at_once", [1, 3, 100])
@pytest.mark.parametrize("against", ["previous", "first"])
def test_flat_records_of_several_subjects_equal_a_plain_loop(
    monkeypatch: pytest.MonkeyPatch, held: str, at_once: int, against: Any
) -> None:
    monkeypatch.setattr(edit_pairs, "_AT_ONCE", at_once * SIZE * SIZE)
    monkeypatch.setattr(edit_pairs, "_LISTED_AT_ONCE", at_once)
    generator = torch.Generator().manual_seed(4)
    places = [(d, s, t) for d in (5, 3, 9) for s in (1, 2) for t in range(1, 2 + (d * s) % 5)]
    places = [places[int(k)] for k in torch.randperm(len(places), generator=generator)]
    images = drawn(len(places), 3, SIZE, SIZE, seed=6)
    editable = (drawn(len(places), SIZE, SIZE, seed=7) < 0.2).float()
    noop = drawn(len(places), seed=8) < 0.2
    editable[drawn(len(places), seed=9) < 0.1, 3, 3] = torch.nan
    dialogue, subject, turn = map(torch.tensor, zip(*places))
    expected = naive(images, editable, noop, places, against)
    given = (images, editable) if held == "tensors" else ([*images], [*editable])
    found = edit_locality(
        *given, noop=noop, dialogue=dialogue, subject=subject, turn=turn, against=against, min_region=1,
        reduction="none",
    )  # fmt: skip
    assert 5 < expected.isfinite().sum() < len(places) - 5
    torch.testing.assert_close(found, expected, rtol=1e-6, atol=1e-6, equal_nan=True)


FORMS: dict[str, Callable[[Tensor], Any]] = {
    "bytes": lambda x: x,
    "levels": lambda x: x.float() / 255,
    "channels last": lambda x: x.permute(0, 2, 3, 1),
    "array": lambda x: x.permute(0, 2, 3, 1).numpy(),
    "arrays": lambda x: [image.permute(1, 2, 0).numpy() for image in x],
    "images": lambda x: [Image.fromarray(image.permute(1, 2, 0).numpy()) for image in x],
    "tensors": list,
    "numbers": lambda x: (x.double() / 255).tolist(),
}


@pytest.mark.parametrize("measure", ["l1", "psnr", "ssim"])
@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("masks", ["tensor", "images"])
def test_images_come_in_any_form(form: str, masks: str, measure: Any) -> None:
    levels, editable = (255 * edited(3)).byte(), right_part(3, 14)
    given: Any = editable if masks == "tensor" else [Image.fromarray(mask.numpy()) for mask in editable]
    where: dict[str, Any] = {"dialogue": [1] * 3, "turn": [1, 2, 3], "measure": measure, "reduction": "none"}
    expected = edit_locality(levels, editable, **where)
    found = edit_locality(FORMS[form](levels), given, **where)
    torch.testing.assert_close(found, expected, rtol=1e-6, atol=1e-6, equal_nan=True)


@pytest.mark.parametrize("against", ["previous", "first"])
def test_images_of_another_size_are_resized_to_what_they_are_compared_with(against: Any) -> None:
    small, large = torch.full((3, 16, 16), 0.25), torch.full((3, 32, 48), 0.75)
    mask = torch.zeros(8, 8)
    mask[:4] = 1
    found = edit_locality([[small, large, small]], [[None, mask, mask]], against=against, reduction="none")[0]
    assert found[1:].tolist() == pytest.approx([0.5, 0.5 if against == "previous" else 0])


def test_a_smooth_image_is_the_same_at_half_its_size() -> None:
    ramp = torch.linspace(0, 1, 64).expand(3, 64, 64)
    half = torch.nn.functional.interpolate(ramp[None], (32, 32), mode="area")[0]
    for first, second in ((ramp, half), (half, ramp)):
        found = edit_locality([[first, second]], noop=[[False, True]])
        assert found.item() < 0.01


def test_masks_of_another_size_follow_by_area() -> None:
    images, editable = edited(), torch.zeros(2, 2, 2)
    editable[1, 0, 0], editable[1, 1, 1] = 1, 0.5
    weights = 1 - editable[1].double().repeat_interleave(12, 0).repeat_interleave(12, 1)
    difference = (images[1] - images[0]).abs().mean(0).double()
    expected = pytest.approx(((weights * difference).sum() / weights.sum()).item(), rel=1e-6)
    assert last(images, editable) == expected
    assert edit_locality([[*images]], [[*editable]]).item() == expected


@pytest.mark.parametrize("measure", ["l1", "mse", "psnr", "ssim"])
def test_only_what_is_outside_has_a_gradient(measure: Any) -> None:
    images, editable = edited(3), right_part(3, 14)
    images[1, 0, 0, 0] = torch.nan
    whole = torch.cat([images, edited(3, seed=7)]).view(2, 3, 3, SIZE, SIZE).requires_grad_()
    edit_locality(whole, editable.expand(2, -1, -1, -1), measure=measure).backward()
    assert whole.grad is not None
    assert whole.grad.isfinite().all()
    assert not whole.grad[0].any()  # without its second image this dialogue has no value
    assert whole.grad[1, ..., :14].any()
    assert not whole.grad[1, ..., 14:].any()


def test_files_are_read_and_unreadable_ones_named(tmp_path: Path) -> None:
    levels = (255 * edited()).byte()
    paths = [tmp_path / f"{turn}.png" for turn in (1, 2)]
    for path, image in zip(paths, levels):
        Image.fromarray(image.permute(1, 2, 0).numpy()).save(path)
    mask = tmp_path / "mask.png"
    Image.fromarray((right_part(1, 9)[0].numpy() * 255).astype(np.uint8)).save(mask)
    expected = last(levels, right_part(2, 9))
    assert edit_locality([paths], [[None, mask]]).item() == pytest.approx(expected)
    (tmp_path / "2.png").write_bytes(b"no image")
    with pytest.raises(InputError, match=r"`images` to name readable image files.*at row \[0, 1\]"):
        edit_locality([paths], [[None, mask]])


@pytest.mark.parametrize(
    ("images", "editable", "message"),
    [
        (torch.zeros(2, 3, 4), None, r"`images` to be images \[N, 3, H, W\] or"),
        (torch.zeros(2, 4, 8, 8), None, r"`images` to be images .* got \[2, 4, 8, 8\]"),
        (torch.zeros(2, 3, 8, 8, dtype=torch.int32), None, "`images` to be uint8 or floating point, got int32"),
        (torch.full((2, 3, 8, 8), 255.0), None, r"`images` to lie in \[0, 1\].* got values from 255 to 255 at row 0"),
        ([torch.zeros(3, 8, 8), torch.full((3, 8, 8), 3.0)], None, r"`images` to lie in \[0, 1\] .*at row 1"),
        ([torch.zeros(3, 8, 8), 3], None, "`images` to hold tensors, arrays, PIL images, .* got 3 at row 1"),
        (torch.zeros(2, 3, 8, 8), torch.zeros(2, 64), r"`editable` to be masks \[N, H, W\] or"),
        (torch.zeros(2, 3, 8, 8), torch.full((2, 8, 8), 2.0), r"`editable` to lie in \[0, 1\] .* at row 0"),
        (torch.zeros(2, 3, 8, 8), [None, torch.full((8, 8), 2.0)], r"`editable` to lie in \[0, 1\] .* at row 1"),
        (torch.zeros(2, 3, 8, 8), [None, torch.zeros(8)], r"`editable` to have shape \[H, W\], got"),
        (torch.zeros(2, 3, 8, 8), torch.zeros(3, 8, 8), r"`editable` to have one entry for each of `images`"),
    ],
)
def test_what_is_wrong_is_said_by_name_and_row(images: Any, editable: Any, message: str) -> None:
    editable = torch.zeros(2, 8, 8) if editable is None else editable
    with pytest.raises(InputError, match=message):
        edit_locality(images, editable, dialogue=[1, 1], turn=[1, 2])


@pytest.mark.parametrize("option", [{"measure": "l2"}, {"region": "all"}, {"against": "last"}, {"measure": "lpips"}])
def test_unknown_options_are_refused(option: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=f"`{'encoder' if option.get('measure') == 'lpips' else next(iter(option))}`"):
        edit_locality(edited()[None], right_part(2, 4)[None], **option)


def test_something_has_to_say_what_may_change() -> None:
    with pytest.raises(InputError, match="`editable` to be given, or `noop`"):
        edit_locality(edited()[None])


def test_pairs_of_one_size_are_compared_together(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[int] = []

    def counted(x: Tensor, y: Tensor) -> Tensor:
        calls.append(len(x))
        return (x - y).abs().mean(1)

    monkeypatch.setitem(module._MAPS, "l1", counted)
    images = edited(8)
    edit_locality([[*images], [*images]], noop=torch.ones(2, 8, dtype=torch.bool))
    assert calls == [7, 7]
    calls.clear()
    edit_locality(images[None], noop=torch.ones(1, 8, dtype=torch.bool))
    assert calls == [8]


def test_every_image_of_a_list_is_decoded_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    opened: list[Any] = []
    real = Image.open
    monkeypatch.setattr(
        Image, "open", lambda source, *more, **options: opened.append(source) or real(source, *more, **options)
    )
    paths = [tmp_path / f"{turn}.png" for turn in range(20)]
    for path, image in zip(paths, (255 * edited(20)).byte()):
        Image.fromarray(image.permute(1, 2, 0).numpy()).save(path)
    for against in ("previous", "first"):
        opened.clear()
        edit_locality([paths], noop=torch.ones(1, 20, dtype=torch.bool), against=against)
        assert len(opened) == 20


@pytest.mark.parametrize("listed", [False, True])
def test_a_mask_of_columns_and_rows_is_refused(listed: bool) -> None:
    """Resized it would fit, and tell of other places than were meant."""
    images, masks = torch.zeros(1, 2, 3, 12, 20), torch.zeros(1, 2, 20, 12)
    if listed:
        images, masks = [[*images[0]]], [[None, masks[0, 1].numpy()]]
    with pytest.raises(InputError, match=r"`editable` to be \[H, W\] as its image is, got \[20, 12\] \(write `mask.T`"):
        edit_locality(images, masks, lengths=torch.tensor([2]))
    turned = [[images[0][0].mT, images[0][1]]] if listed else images
    fitting = masks if listed else masks.mT
    assert edit_locality(turned, fitting, lengths=torch.tensor([2])) == 0, "an image of another size than before"
