# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Functions and modules as encoders."""

from __future__ import annotations

import copy

import numpy as np
import pytest
import torch
from torch import nn

from imug_metrics.encoders import CallableEncoder


def test_functions_get_what_was_passed_and_arrays_become_float32():
    encoder = CallableEncoder(images=lambda paths: np.array([[len(path), 1] for path in paths], dtype=np.int64))
    assert encoder.dim is None
    embeddings = encoder.encode_images(["a.png", "bb.png"])
    assert embeddings.dtype == torch.float32
    assert embeddings.tolist() == [[5, 1], [6, 1]]
    assert encoder.dim == 2


def test_missing_side_is_a_clear_error():
    encoder = CallableEncoder(texts=lambda texts: torch.ones(len(texts), 2), name="ones")
    with pytest.raises(TypeError, match=r"'ones' has no image side.*embeds images"):
        encoder.encode_images([])
    with pytest.raises(TypeError, match="no text side"):
        CallableEncoder(images=lambda images: images).encode_texts(["a"])


def test_modules_run_in_evaluation_mode_without_gradients():
    module = nn.Sequential(nn.Dropout(0.5), nn.Linear(3, 2))
    pixels = torch.ones(4, 3)
    embeddings = CallableEncoder(images=module).encode_images(pixels)
    assert torch.equal(embeddings, module.eval()(pixels))
    assert not embeddings.requires_grad
    module.train()
    CallableEncoder(images=module).encode_images(pixels)
    assert module.training
    assert CallableEncoder(images=module, differentiable=True).encode_images(pixels).requires_grad


@pytest.mark.parametrize(
    ("result", "shape"),
    [(torch.ones(2), r"\[2\]"), (torch.ones(3, 2), r"\[3, 2\]"), (torch.ones(2, 1, 2), r"\[2, 1, 2\]")],
)
def test_results_are_checked(result, shape):
    with pytest.raises(ValueError, match=rf"`texts` of encoder 'f' to return shape \[2, D\], got {shape}"):
        CallableEncoder(texts=lambda texts: result, name="f").encode_texts(["a", "b"])


def test_fingerprint_is_given_or_unique():
    def make(**options):
        return CallableEncoder(images=len, **options)

    assert make(fingerprint="mine-1").fingerprint == "mine-1"
    assert make().fingerprint != make().fingerprint


def test_arguments_are_checked():
    with pytest.raises(TypeError, match="got neither"):
        CallableEncoder()
    with pytest.raises(TypeError, match="`texts` to be a function, got str"):
        CallableEncoder(texts="clip")


def test_device_scale_and_copies():
    encoder = CallableEncoder(texts=lambda texts: torch.ones(len(texts), 2), logit_scale=10.0, logit_bias=-5.0)
    assert encoder.to("cpu") is encoder
    assert encoder.encode_texts(["a"]).device.type == "cpu"
    assert (encoder.logit_scale, encoder.logit_bias) == (10.0, -5.0)
    assert copy.deepcopy(encoder) is encoder
