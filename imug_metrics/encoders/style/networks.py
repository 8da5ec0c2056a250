# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Feature maps of trained networks for `GramEncoder`: VGG-19 as Gatys et al. read it, and models of timm."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from imug_metrics._optional import require
from imug_metrics.encoders.timm import TimmEncoder

_MEAN, _STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # of ImageNet
_WIDTHS = ((64, 64), (128, 128), (256,) * 4, (512,) * 4, (512,))  # of convolutions between poolings, up to the fifth
_TAPS = (1, 6, 11, 20, 29)  # relu1_1, relu2_1, relu3_1, relu4_1, relu5_1


class NetworkMaps(nn.Module):
    """Feature maps of pixels that are normalised as in the network's training.

    Args:
        network: from normalised images to a list of maps; or a model of timm, whose stages are taken.
        mean, std: of the channels.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, network: nn.Module, mean: Sequence[float] = _MEAN, std: Sequence[float] = _STD) -> None:
        super().__init__()
        self.network: Any = network
        for name, values in (("mean", mean), ("std", std)):
            self.register_buffer(name, torch.tensor([*values]).view(-1, 1, 1))

    def forward(self, pixels: Tensor) -> list[Tensor]:
        """Maps of images `[B, 3, H, W]` in [0, 1]."""
        normal = (pixels - self.mean) / self.std
        stages = getattr(self.network, "forward_intermediates", None)
        return list(self.network(normal) if stages is None else stages(normal, intermediates_only=True))


class Vgg19(nn.Sequential):
    """The convolutions of VGG-19 (Simonyan and Zisserman, ICLR 2015) under torchvision's names, with five taps."""

    def __init__(self) -> None:
        layers: list[nn.Module] = []
        channels = 3
        for place, block in enumerate(_WIDTHS):
            layers += [nn.MaxPool2d(2)] if place else []
            for width in block:
                layers += [nn.Conv2d(channels, width, 3, padding=1), nn.ReLU()]
                channels = width
        super().__init__(*layers)

    def forward(self, pixels: Tensor) -> list[Tensor]:
        """Maps of the first rectified convolution of each block."""
        found = []
        for place, layer in enumerate(self):
            pixels = layer(pixels)
            if place in _TAPS:
                found.append(pixels)
        return found


def vgg19_maps(weights: str = "") -> NetworkMaps:
    """VGG-19 with torchvision's weights of ImageNet, or those of a file with the same names.

    Args:
        weights: a file of the whole state of torchvision's `vgg19`, or of its `features`; empty: downloaded.
    """
    if weights:
        state = torch.load(weights, map_location="cpu", weights_only=True)
    else:
        models = require("torchvision.models", purpose="gram:vgg19")
        state = models.VGG19_Weights.IMAGENET1K_V1.get_state_dict(progress=False)
    network = Vgg19()
    state = {name.removeprefix("features."): value for name, value in state.items()}
    network.load_state_dict({name: state[name] for name in network.state_dict()})
    return NetworkMaps(network.eval())


def timm_maps(model: str | nn.Module, weights: str = "") -> tuple[NetworkMaps, int]:
    """The stages of a model of timm, and the height of the images that it was trained on.

    Args:
        model: its name, or a loaded model.
        weights: a file of weights; empty: timm's own.

    Raises:
        TypeError: if the model does not give its stages.
    """
    module: Any = TimmEncoder(model, weights or None).model
    if not hasattr(module, "forward_intermediates"):
        raise TypeError(f"{type(module).__name__} does not give the maps of its stages.")
    config = module.pretrained_cfg
    return NetworkMaps(module, config["mean"], config["std"]), config["input_size"][1]
