# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Maps of networks against their own libraries, with random weights; and encoders of style by name."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
import torch

from imug_metrics.encoders import load_encoder
from imug_metrics.encoders.style import GramEncoder, gram_descriptors
from imug_metrics.encoders.style.networks import Vgg19, timm_maps, vgg19_maps
from imug_metrics.errors import ArgumentError


@pytest.fixture(scope="module")
def pixels() -> torch.Tensor:
    return torch.rand(2, 3, 64, 64, generator=torch.Generator().manual_seed(0))


@pytest.fixture(scope="module")
def vgg_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.manual_seed(0)
    path = tmp_path_factory.mktemp("vgg") / "vgg19.pth"
    state = {f"features.{name}": value for name, value in Vgg19().state_dict().items()}
    torch.save({**state, "classifier.0.bias": torch.zeros(4)}, path)
    return path


def test_the_five_layers_of_gatys_are_torchvisions(vgg_file: Path, pixels: torch.Tensor) -> None:
    vgg = pytest.importorskip("torchvision.models.vgg", reason="torchvision is not installed")
    features = vgg.make_layers(vgg.cfgs["E"])[:30].eval()
    maps = vgg19_maps(str(vgg_file))
    features.load_state_dict(maps.network.state_dict())
    mean, std = (torch.tensor(row).view(-1, 1, 1) for row in ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)))
    layer, expected = (pixels - mean) / std, []
    with torch.no_grad():
        for place, step in enumerate(features):
            layer = step(layer)
            if place in (1, 6, 11, 20, 29):
                expected.append(layer.clone())
        found = maps(pixels)
    assert [one.shape[1] for one in found] == [64, 128, 256, 512, 512]
    for one, other in zip(found, expected, strict=True):
        torch.testing.assert_close(one, other)


def test_vgg_comes_by_its_name_and_a_file_with_or_without_the_rest_of_the_model(
    vgg_file: Path, pixels: torch.Tensor, tmp_path: Path
) -> None:
    encoder = load_encoder(f"gram:vgg19:{vgg_file}")
    assert isinstance(encoder, GramEncoder)
    torch.save(vgg19_maps(str(vgg_file)).network.state_dict(), tmp_path / "features.pth")
    assert load_encoder(f"gram:vgg19:{tmp_path / 'features.pth'}").fingerprint == encoder.fingerprint
    assert encoder.encode_images(pixels[:1]).shape == (1, 2080 + 8256 + 32896 + 2 * 131328)


def test_stages_of_timm_are_those_of_its_own_features(pixels: torch.Tensor) -> None:
    timm = pytest.importorskip("timm", reason="timm is not installed")
    torch.manual_seed(0)
    model = timm.create_model("test_efficientnet", pretrained=False).eval()
    features = timm.create_model("test_efficientnet", pretrained=False, features_only=True).eval()
    features.load_state_dict(model.state_dict(), strict=False)
    maps, size = timm_maps(model)
    config = model.pretrained_cfg
    mean, std = (torch.tensor(config[name]).view(-1, 1, 1) for name in ("mean", "std"))
    with torch.no_grad():
        expected = features((pixels - mean) / std)
        found = maps(pixels)
    for one, other in zip(found, expected, strict=True):
        torch.testing.assert_close(one, other)
    assert size == config["input_size"][1]


def test_a_model_of_timm_comes_by_its_name_and_a_file(pixels: torch.Tensor, tmp_path: Path) -> None:
    timm = pytest.importorskip("timm", reason="timm is not installed")
    for name in ("test_efficientnet", "test_vit"):
        torch.manual_seed(0)
        model = timm.create_model(name, pretrained=False).eval()
        torch.save(model.state_dict(), tmp_path / f"{name}.pth")
        encoder = load_encoder(f"gram:timm:{name}:{tmp_path / f'{name}.pth'}", batch_size=1)
        maps, size = timm_maps(model)
        assert encoder.name == f"gram:timm:{name}"
        assert encoder.preprocessing.size == (size, size)
        assert encoder.fingerprint == GramEncoder(maps, size=size).fingerprint
        resized = encoder.preprocessing(pixels)
        with torch.no_grad():
            torch.testing.assert_close(encoder.encode_images(pixels), gram_descriptors(maps(resized)))


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ("gram:filter", "did you mean gram:filters?"),
        ("gram:filters:3", "expected gram:filters, gram:vgg19"),
        ("gram:vgg", "did you mean gram:vgg19?"),
        ("gram:vgg19:/no/file.pth", "/no/file.pth does not exist"),
        ("gram:timm", "gram:timm:MODEL"),
        ("gram:timm:efficientnet_bO", "timm knows no model 'efficientnet_bO'; did you mean"),
        ("gran:filters", "did you mean gram:...?"),
    ],
)
def test_what_a_name_is_not(spec: str, said: str) -> None:
    pytest.importorskip("timm", reason="timm is not installed")
    with pytest.raises(ArgumentError) as error:
        load_encoder(spec)
    assert said in str(error.value)


def test_the_weights_of_vgg_need_torchvision(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torchvision.models", None)
    with pytest.raises(ModuleNotFoundError, match=r"gram:vgg19 needs torchvision"):
        load_encoder("gram:vgg19")


def test_a_model_without_stages_is_refused() -> None:
    timm = pytest.importorskip("timm", reason="timm is not installed")
    model = timm.create_model("test_efficientnet", pretrained=False)
    bare = torch.nn.Sequential(model)
    bare.pretrained_cfg = model.pretrained_cfg
    with pytest.raises(TypeError, match="does not give the maps of its stages"):
        timm_maps(bare)
