# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""GramEncoder: closed forms, what makes it another encoder, and what it refuses."""

from __future__ import annotations

import pickle

import pytest
import torch
from torch import Tensor, nn

from imug_metrics import StyleDrift
from imug_metrics.encoders import CachedEncoder, load_encoder
from imug_metrics.encoders.fingerprint import lasting_fingerprint
from imug_metrics.encoders.style import FilterBank, GramEncoder, gram_descriptors


def images(count: int = 3, size: int = 32) -> Tensor:
    return torch.rand(count, 3, size, size, generator=torch.Generator().manual_seed(0))


def two_maps(pixels: Tensor) -> list[Tensor]:
    return [pixels, nn.functional.avg_pool2d(pixels, 2)[:, :2]]


def grams(maps: Tensor) -> Tensor:
    rows = maps.double().flatten(2)
    return rows @ rows.mT


def test_products_of_descriptors_are_those_of_whole_matrices() -> None:
    maps = two_maps(images())
    found = gram_descriptors(maps, "layer").double()
    expected = 0
    for layer in maps:
        whole = nn.functional.normalize(grams(layer).flatten(1), dim=1)
        expected = expected + whole @ whole.mT / 2
    torch.testing.assert_close(found @ found.mT, expected, rtol=1e-6, atol=1e-6)
    assert found.shape == (3, 6 + 3)


def test_squared_distances_are_the_style_loss_of_gatys() -> None:
    maps = two_maps(images())
    x, y = gram_descriptors(maps, "gatys")[:2]
    expected = sum(
        (grams(layer)[0] - grams(layer)[1]).square().sum() / (4 * layer.shape[1] ** 2 * layer[0, 0].numel() ** 2) / 2
        for layer in maps
    )
    torch.testing.assert_close((x - y).double().square().sum(), expected, rtol=1e-5, atol=0)


def test_roots_are_taken_with_their_signs_before_layers_are_scaled() -> None:
    maps = [layer - 0.5 for layer in two_maps(images())]
    found = gram_descriptors(maps, "root")
    expected = gram_descriptors(maps, "gatys")
    for part, other in zip(found.split([6, 3], 1), expected.split([6, 3], 1)):
        roots = other.sign() * other.abs().sqrt()
        torch.testing.assert_close(part * 2**0.5, nn.functional.normalize(roots, dim=1), rtol=1e-4, atol=1e-5)


def test_layers_are_chosen_by_their_places() -> None:
    found = GramEncoder(two_maps, size=32, layers=[1]).encode_images(images())
    torch.testing.assert_close(found, gram_descriptors(two_maps(images())[1:]))


def test_where_things_are_does_not_count() -> None:
    maps = two_maps(images())
    moved = [layer.flip(3).roll(3, 2) for layer in maps]
    torch.testing.assert_close(gram_descriptors(moved), gram_descriptors(maps), rtol=1e-5, atol=1e-6)


def test_a_function_and_a_module_give_the_same_but_only_a_module_is_known_elsewhere() -> None:
    class Maps(nn.Module):
        def forward(self, pixels: Tensor) -> list[Tensor]:
            return two_maps(pixels)

    of_function, of_module = GramEncoder(two_maps, size=32), GramEncoder(Maps(), size=32)
    assert of_function.encode_images(images()).equal(of_module.encode_images(images()))
    assert of_function.name == "gram:two_maps"
    assert lasting_fingerprint(of_function) is None
    assert lasting_fingerprint(of_module) == GramEncoder(Maps(), size=32).fingerprint
    assert lasting_fingerprint(GramEncoder(two_maps, fingerprint="v1")).startswith("v1-")


def test_size_scaling_and_scales_make_another_encoder() -> None:
    options = [{}, {"size": 128}, {"scaling": "gatys"}, {"scaling": "root"}, {"layers": (0, 1)}]
    made = [GramEncoder(FilterBank(), **given) for given in options] + [GramEncoder(FilterBank(scales=2))]
    assert len({encoder.fingerprint for encoder in made}) == 6
    assert GramEncoder(FilterBank()).fingerprint == made[0].fingerprint
    assert load_encoder("gram:filters").fingerprint == made[3].fingerprint


def test_batches_forms_and_copies_do_not_change_what_an_image_gives() -> None:
    encoder = GramEncoder(FilterBank(), size=32, batch_size=2)
    pixels = (images(5) * 255).to(torch.uint8)
    found = encoder.encode_images(pixels)
    assert found.shape == (5, encoder.dim) == (5, 21 + 3 * 153)
    torch.testing.assert_close(encoder.encode_images([*pixels.movedim(1, -1).numpy()]), found)
    torch.testing.assert_close(pickle.loads(pickle.dumps(encoder)).encode_images(pixels), found)
    torch.testing.assert_close(CachedEncoder(encoder).encode_images([*pixels]), found)


def test_half_precision_stays_near() -> None:
    exact = GramEncoder(FilterBank(), size=32).encode_images(images())
    found = GramEncoder(FilterBank(), size=32, dtype="bf16").encode_images(images())
    assert found.dtype == torch.float32
    assert torch.cosine_similarity(found, exact).min() > 0.999


@pytest.mark.parametrize("scaling", ["layer", "root", "gatys"])
def test_style_can_be_a_loss_of_pixels(scaling: str) -> None:
    encoder = GramEncoder(FilterBank(), size=16, scaling=scaling, differentiable=True)
    pixels = images(4, 16).requires_grad_()
    metric = StyleDrift(encoder=encoder)
    (gradient,) = torch.autograd.grad(metric(pixels.view(2, 2, 3, 16, 16)), pixels)
    assert gradient.isfinite().all()
    assert gradient.abs().sum() > 0


def test_texts_other_maps_and_other_options_are_refused() -> None:
    with pytest.raises(TypeError, match="no text side"):
        GramEncoder(FilterBank()).encode_texts(["a watercolour"])
    with pytest.raises(TypeError, match="`maps` to be a function or a module, got str"):
        GramEncoder("filters")
    with pytest.raises(ValueError, match="`scaling` to be one of"):
        GramEncoder(FilterBank(), scaling="l2")
    for layers in ([], [-1]):
        with pytest.raises(ValueError, match="`layers` to hold places of maps"):
            GramEncoder(two_maps, layers=layers)
    for encoder in (GramEncoder(two_maps, layers=[2]), GramEncoder(lambda pixels: [])):
        with pytest.raises(ValueError, match=r"a map at every place of `layers`, got \d maps"):
            encoder.encode_images(images())
    for wrong in (lambda pixels: pixels, lambda pixels: [pixels.mean((2, 3))], lambda pixels: [pixels[:1]]):
        with pytest.raises(ValueError, match=r"to give a list of maps \[3, C, h, w\]"):
            GramEncoder(wrong).encode_images(images())


def test_what_moves_about_has_no_slope_and_what_fades_has() -> None:
    first = nn.functional.interpolate(images(8, 8), size=(32, 32), mode="bilinear")
    grey = first.mean(1, keepdim=True).expand_as(first)
    moved = torch.stack([first.roll((3 * turn, 5 * turn), (2, 3)) for turn in range(5)], 1)
    faded = torch.stack([torch.lerp(first, grey, 0.2 * turn) for turn in range(5)], 1)
    found = {}
    for name, lines in (("moved", moved), ("faded", faded)):
        metric = StyleDrift(encoder=GramEncoder(FilterBank(), size=32, scaling="root"), detail=True)
        metric.update(lines)
        found[name] = {key: float(value) for key, value in metric.compute().items()}
    assert found["faded"]["style_drift_slope_lower"] > 5 * abs(found["moved"]["style_drift_slope"])
