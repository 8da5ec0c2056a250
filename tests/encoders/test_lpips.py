# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""LPIPS embeddings against the library's own distance, with random trunks and the calibrated weights."""

from __future__ import annotations

import pytest
import torch

from imug_metrics.encoders import LpipsEncoder, load_encoder
from imug_metrics.encoders.lpips import lpips_distance

lpips = pytest.importorskip("lpips", reason="lpips is not installed")


@pytest.fixture(scope="module", params=["alex", "squeeze"])
def model(request: pytest.FixtureRequest) -> torch.nn.Module:
    torch.manual_seed(0)
    return lpips.LPIPS(net=request.param, pnet_rand=True, verbose=False)


def test_squared_distance_of_embeddings_is_lpips(model):
    encoder = LpipsEncoder(model, batch_size=3)
    generator = torch.Generator().manual_seed(0)
    x, y = (torch.rand(5, 3, 64, 64, generator=generator) for _ in range(2))
    with torch.no_grad():
        expected = model(2 * x - 1, 2 * y - 1).flatten()
    found = lpips_distance(encoder.encode_images(x), encoder.encode_images(y))
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-6)
    matrix = lpips_distance(encoder.encode_images(x)[:, None], encoder.encode_images(x)[None])
    assert matrix.diagonal().abs().max() == 0
    assert torch.allclose(matrix, matrix.T)


@pytest.mark.parametrize("size", [64, 72])
def test_the_map_is_that_of_the_library(model, size):
    encoder = LpipsEncoder(model, size=size)
    x, y = torch.rand(2, 3, 3, size, size, generator=torch.Generator().manual_seed(1)).unbind()
    model.spatial = True
    try:
        with torch.no_grad():
            expected = model(2 * x - 1, 2 * y - 1)[:, 0]
    finally:
        model.spatial = False
    first, second = encoder.encode_images(x), encoder.encode_images(y)
    found = encoder.distance_map(first, second)
    assert found.shape == (3, size, size)
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-6)
    assert encoder.distance_map(first, first).abs().max() == 0
    # Enlarging weighs the cells of a layer nearly alike, so the mean of the map is nearly the distance.
    torch.testing.assert_close(found.mean((1, 2)), lpips_distance(first, second), rtol=0.02, atol=0)


def test_the_map_is_large_where_the_images_differ(model):
    encoder = LpipsEncoder(model)
    x = torch.rand(1, 3, 64, 64, generator=torch.Generator().manual_seed(2))
    y = x.clone()
    y[..., :24, :24] = 0.5
    found = encoder.distance_map(encoder.encode_images(x), encoder.encode_images(y))[0]
    assert found[:24, :24].mean() > 4 * found[40:, 40:].mean()


def test_maps_of_other_embeddings_are_refused(model):
    encoder = LpipsEncoder(model)
    with pytest.raises(ValueError, match=r"Expected embeddings \[n, \d+\] of 'lpips:.*', got \[2, 8\] and \[2, 8\]"):
        encoder.distance_map(torch.rand(2, 8), torch.rand(2, 8))


def test_photographs_of_any_size_are_squashed_to_one(model, assorted):
    encoder = LpipsEncoder(model)
    embeddings = encoder.encode_images(assorted)
    assert embeddings.shape == (len(assorted), encoder.dim)
    assert encoder.name == f"lpips:{model.pnet_type}"
    assert LpipsEncoder(model, size=96).fingerprint != encoder.fingerprint
    with pytest.raises(TypeError, match="no text side"):
        encoder.encode_texts(["a star"])


def test_distances_have_gradients(model):
    encoder = LpipsEncoder(model, differentiable=True)
    x, y = torch.rand(1, 3, 64, 64, requires_grad=True), torch.rand(1, 3, 64, 64)
    first, second = encoder.encode_images(x), encoder.encode_images(y)
    for distance in (lpips_distance(first, second), encoder.distance_map(first, second)):
        (gradient,) = torch.autograd.grad(distance.sum(), x, retain_graph=True)
        assert gradient.abs().sum() > 0


def test_models_without_calibrated_weights_are_refused():
    with pytest.raises(ValueError, match="calibrated weights"):
        LpipsEncoder(lpips.LPIPS(net="alex", lpips=False, pnet_rand=True, verbose=False))
    negative = lpips.LPIPS(net="alex", pnet_rand=True, verbose=False)
    with torch.no_grad():
        negative.lin0.model[-1].weight[0, 0] = -1
    with pytest.raises(ValueError, match="none of them negative"):
        LpipsEncoder(negative)


def test_unknown_trunks_are_refused():
    with pytest.raises(ValueError, match=r"lpips:TRUNK.*'lpips:resnet'"):
        load_encoder("lpips:resnet")
