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
from imug_metrics.encoders.fingerprint import weights_version
from imug_metrics.encoders.preprocessing import Preprocessing
from imug_metrics.encoders.texts import fitting_pieces


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
    encoder, other = ProbeEncoder(), ProbeEncoder()
    seen = {encoder.fingerprint}
    assert other.fingerprint in seen
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


@pytest.mark.parametrize(
    "change",
    [
        lambda weight: torch.optim.AdamW([weight], fused=True).step(),
        lambda weight: weight.data.mul_(0.99),
        lambda weight: weight.data.copy_(weight.data.flip(0)),
    ],
    ids=["a fused optimiser", "a moving average", "a copy"],
)
def test_fingerprint_follows_changes_that_pytorch_does_not_count(change):
    encoder = ProbeEncoder()
    before, weight = encoder.fingerprint, encoder.model.linear.weight
    weight.grad = torch.ones_like(weight)
    counted = weight._version
    change(weight)
    assert weight._version == counted, "otherwise this would be no test"
    assert encoder.fingerprint != before


@pytest.mark.parametrize("make", [lambda: torch.zeros(3, 5, 2, 2), lambda: torch.zeros(()), lambda: torch.zeros(0, 4)])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.int64, torch.bool])
def test_weights_of_any_shape_type_and_memory_format_have_a_version(make, dtype):
    layer = nn.Module()
    layer.register_buffer("table", make().to(dtype))
    if layer.table.ndim == 4:
        layer.table = layer.table.to(memory_format=torch.channels_last)
    before = weights_version(layer)
    assert weights_version(layer) == before
    layer.table.data.fill_(1)
    assert (weights_version(layer) != before) == (layer.table.numel() > 0)


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


class Memory(nn.Module):
    """A device of limited memory: raises where more rows arrive than it holds."""

    def __init__(self, rows: int) -> None:
        super().__init__()
        self.inner, self.holds, self.seen = Probe(), rows, []

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        self.seen.append(len(pixels))
        if len(pixels) > self.holds:
            raise torch.cuda.OutOfMemoryError("fake")
        return self.inner(pixels)


def test_out_of_memory_halves_the_batches_and_is_remembered(images):
    expected = ProbeEncoder().encode_images(images)
    encoder = ProbeEncoder(Memory(rows=3), batch_size=8)
    with pytest.warns(UserWarning, match="Out of memory: batches of 'probe' are of [42] now"):
        found = encoder.encode_images(images)
    assert torch.allclose(found, expected, atol=1e-6)
    assert encoder.model.seen == [8, 4, 2, 2, 2, 2, 2]
    assert encoder.batch_size == 2
    encoder.encode_images(list(images))
    assert encoder.model.seen[7:] == [2, 2, 2, 2, 2]


def test_one_image_that_does_not_fit_raises(images):
    encoder = ProbeEncoder(Memory(rows=0), batch_size=2)
    with pytest.warns(UserWarning, match="1 now"), pytest.raises(torch.cuda.OutOfMemoryError):
        encoder.encode_images(images)


def test_retries_do_not_count_a_cut_text_twice():
    class Forgetful(ProbeEncoder):
        def _text_forward(self, tokens):
            if len(tokens) > 1:
                raise torch.cuda.OutOfMemoryError("fake")
            return super()._text_forward(tokens)

    encoder = Forgetful()
    with pytest.warns(UserWarning, match="Out of memory"):
        encoder.encode_texts(["a" * 30, "b", "c" * 30])
    assert encoder.truncated_texts == 2


@pytest.mark.parametrize("dtype", ["bf16", "fp16", torch.bfloat16])
def test_autocast_leaves_weights_and_results_in_float32(images, dtype):
    full, half = ProbeEncoder(), ProbeEncoder(dtype=dtype)
    inside = []
    half.model.linear.register_forward_hook(lambda module, inputs, output: inside.append(output.dtype))
    found = half.encode_images(images)
    assert set(inside) == {torch.float16 if dtype == "fp16" else torch.bfloat16}
    assert found.dtype == half.model.linear.weight.dtype == torch.float32
    assert torch.cosine_similarity(found, full.encode_images(images)).min() > 0.999
    assert half.fingerprint != full.fingerprint


def test_a_model_of_lower_precision_gets_pixels_of_its_own(images):
    encoder = ProbeEncoder(Probe().to(torch.bfloat16))
    assert encoder.encode_images(images).dtype == torch.float32


def test_compiled_models_give_the_same(images):
    plain, compiled = ProbeEncoder(), ProbeEncoder(compile={"backend": "aot_eager"})
    assert torch.allclose(compiled.encode_images(images), plain.encode_images(images), atol=1e-6)
    assert compiled.fingerprint == plain.fingerprint
    assert torch.allclose(
        pickle.loads(pickle.dumps(compiled)).encode_images(images), plain.encode_images(images), atol=1e-6
    )
    assert ProbeEncoder(compile=True)._compile == {}


def test_channels_last_reaches_the_model(images):
    encoder, layouts = ProbeEncoder(channels_last=True), []
    encoder.model.register_forward_pre_hook(
        lambda module, inputs: layouts.append(inputs[0].is_contiguous(memory_format=torch.channels_last))
    )
    assert torch.allclose(encoder.encode_images(images), ProbeEncoder().encode_images(images), atol=1e-6)
    assert layouts == [True] * 3


def test_the_preprocessing_in_use_is_shown():
    assert "preprocessing='imug_kernels'" in repr(ProbeEncoder())


class Words(ProbeEncoder):
    """Texts as directions that turn with their first word; at most three words."""

    def _tokenize(self, texts):
        return [text.split()[:3] for text in texts], [len(text.split()) > 3 for text in texts]

    def _text_forward(self, tokens):
        angles = torch.tensor([float(words[0]) for words in tokens])
        return 7 * torch.stack([angles.cos(), angles.sin()], 1)


def test_long_texts_are_averaged_piece_by_piece():
    text = "0 0 0 1 1 1"
    cut, averaged = Words(), Words(long_text="average")
    assert torch.allclose(cut.encode_texts([text]), 7 * torch.tensor([[1.0, 0.0]]))
    assert (cut.truncated_texts, averaged.truncated_texts) == (1, 0)
    found = averaged.encode_texts(["0 1", text, "1 0"])
    expected = 7 * (torch.tensor([1.0, 0.0]) + torch.tensor([0.5403, 0.8415])) / 2
    assert torch.allclose(found[1], expected, atol=1e-2)
    # Texts that fit keep their embeddings, whatever stands beside them.
    assert torch.allclose(found[[0, 2]], cut.encode_texts(["0 1", "1 0"]), atol=1e-5)
    assert averaged.truncated_texts == 0
    assert averaged.fingerprint != cut.fingerprint


@pytest.mark.parametrize(
    ("options", "message"),
    [({"dtype": "int8"}, "`dtype`.*'int8'"), ({"long_text": "drop"}, "`long_text`.*'drop'")],
)
def test_options_are_checked(options, message):
    with pytest.raises(ValueError, match=message):
        ProbeEncoder(**options)


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        ("one two three four", ["one two", "three four"]),
        ("abcdefghijklmnop", ["abcdefgh", "ijklmnop"]),
        ("红色的圆圈在左边蓝色的方块在右边", ["红色的圆圈在左边", "蓝色的方块在右边"]),
        (" one  two ", ["one", "two"]),
        ("a " * 8, ["a a a a", "a a a a"]),
    ],
)
def test_texts_are_halved_between_words(text, pieces):
    assert fitting_pieces([text], [True], lambda texts: [False] * len(texts)) == (pieces, [0, 0])


def test_a_text_that_never_fits_ends_in_single_characters():
    pieces, rows = fitting_pieces(["abc"], [True], lambda texts: [True] * len(texts))
    assert (pieces, rows) == (["a", "b", "c"], [0, 0, 0])
