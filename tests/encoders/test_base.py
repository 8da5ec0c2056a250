# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""What every encoder around a model does, whichever library the model is of."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest
import torch
from torch import nn
from torchmetrics import Metric

from imug_metrics.encoders.base import ModelEncoder
from imug_metrics.encoders.preprocessing import Preprocessing


class Probe(nn.Module):
    """Mean colour through a linear layer, with a dropout that shows the mode."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.linear = nn.Linear(3, 4)
        self.dropout = nn.Dropout(0.5)
        self.frozen = nn.BatchNorm1d(4).eval()
        self.rows: list[int] = []

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        self.rows.append(len(pixels))
        return self.frozen(self.dropout(self.linear(pixels.mean((2, 3)))))


class ProbeEncoder(ModelEncoder):
    def __init__(self, model: nn.Module | None = None, **options) -> None:
        options = {"name": "probe", "batch_size": 4, **options}
        super().__init__(model or Probe(), **options)
        self.preprocessing = Preprocessing((8, 8), (0.5,) * 3, (0.5,) * 3, resize=(8, 8))

    def _image_forward(self, pixels):
        return self.model(pixels)

    def _tokenize(self, texts):
        return [min(len(text), 20) for text in texts], [len(text) > 20 for text in texts]

    def _text_forward(self, tokens):
        return torch.tensor([[float(length)] * 4 for length in tokens])


class Holder(Metric):
    full_state_update = False

    def __init__(self, encoder):
        super().__init__()
        self.encoder = encoder

    def update(self): ...

    def compute(self): ...


@pytest.fixture
def images() -> torch.Tensor:
    return torch.from_numpy(np.random.default_rng(0).integers(0, 256, (10, 3, 12, 9), dtype=np.uint8))


def test_layouts_agree(images):
    encoder = ProbeEncoder()
    reference = encoder.encode_images(images)
    assert reference.shape == (10, 4)
    assert reference.dtype == torch.float32
    assert not reference.requires_grad
    last = images.permute(0, 2, 3, 1)
    for same in (last, last.numpy(), list(images), list(last.numpy()), (image for image in last.numpy())):
        assert torch.allclose(encoder.encode_images(same), reference, atol=1e-6)
    # Bicubic resizing clips and rounds uint8 only: floats come close, not equal.
    assert torch.allclose(encoder.encode_images(images / 255), reference, atol=1e-2)


def test_batches_have_the_chosen_size(images):
    encoder = ProbeEncoder(batch_size=4)
    encoder.encode_images(images)
    assert encoder.model.rows == [4, 4, 2]
    assert encoder.dim == 4


def test_no_rows_give_no_rows():
    encoder = ProbeEncoder(dim=4)
    assert encoder.encode_images([]).shape == encoder.encode_texts([]).shape == (0, 4)


def test_model_in_training_is_used_in_evaluation_and_given_back(images):
    encoder = ProbeEncoder()
    encoder.model.train()
    encoder.model.frozen.eval()
    assert torch.equal(encoder.encode_images(images), encoder.encode_images(images))
    modes = {name: module.training for name, module in encoder.model.named_modules()}
    assert modes == {"": True, "linear": True, "dropout": True, "frozen": False}


def test_model_is_given_back_after_an_error():
    encoder = ProbeEncoder()
    encoder.model.train()
    with pytest.raises(ValueError, match="row 0"):
        encoder.encode_images(["missing.png"])
    assert encoder.model.training


def test_gradients_only_when_asked(images):
    floats = (images / 255).requires_grad_()
    assert not ProbeEncoder().encode_images(floats).requires_grad
    ProbeEncoder(differentiable=True).encode_images(floats).sum().backward()
    assert floats.grad.abs().sum() > 0


def test_copies_share_the_encoder_and_metrics_do_not_register_it():
    encoder = ProbeEncoder()
    metric = Holder(encoder)
    assert copy.deepcopy(encoder) is encoder
    assert metric.clone().encoder is encoder
    assert list(metric.parameters()) == []
    assert metric.state_dict() == {}
    assert pickle.loads(pickle.dumps(metric)).encoder.fingerprint == encoder.fingerprint


def test_fingerprint_follows_weights_in_place_and_replaced():
    encoder, twin = ProbeEncoder(), ProbeEncoder()
    seen = {encoder.fingerprint}
    assert twin.fingerprint in seen
    optimizer = torch.optim.SGD(encoder.model.parameters(), lr=0.1)
    encoder.model(torch.rand(2, 3, 4, 4)).sum().backward()
    optimizer.step()
    assert encoder.fingerprint not in seen
    seen.add(encoder.fingerprint)
    encoder.model.linear.weight = nn.Parameter(encoder.model.linear.weight.detach() * 2)
    assert encoder.fingerprint not in seen
    seen.add(encoder.fingerprint)
    encoder.model.frozen.running_mean.add_(1)
    assert encoder.fingerprint not in seen


def test_fingerprint_follows_settings_and_architecture():
    encoder, other = ProbeEncoder(), ProbeEncoder()
    other.preprocessing = Preprocessing((8, 8), (0.5,) * 3, (0.25,) * 3, resize=(8, 8))
    third = ProbeEncoder()
    third.model.dropout = nn.Identity()
    assert len({encoder.fingerprint, other.fingerprint, third.fingerprint}) == 3


def test_to_returns_the_encoder_and_device_follows_the_model(images):
    encoder = ProbeEncoder(device="cpu")
    assert encoder.to("cpu") is encoder
    encoder.model.to("meta")
    assert encoder.device == torch.device("meta")


@pytest.mark.parametrize(
    ("texts", "message"),
    [("a star", "got a single string"), (["a star", 3], "got int at row 1"), ([None], "got NoneType at row 0")],
)
def test_texts_are_checked(texts, message):
    with pytest.raises(TypeError, match=f"Expected argument `texts`.*{message}"):
        ProbeEncoder().encode_texts(texts)


def test_batch_size_is_checked():
    with pytest.raises(ValueError, match="`batch_size` to be >= 1, got 0"):
        ProbeEncoder(batch_size=0)


def test_size_limit_reaches_the_decoder(images):
    with pytest.raises(ValueError, match="at most 100 pixels"):
        ProbeEncoder(max_pixels=100).encode_images(list(images))
