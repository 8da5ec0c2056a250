# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""LPIPS as an encoder: its distance is a squared Euclidean one, so every image has an embedding of its own."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from typing_extensions import Unpack

from imug_metrics._optional import require
from imug_metrics.encoders.base import EncoderOptions, ModelEncoder
from imug_metrics.encoders.preprocessing import Preprocessing

TRUNKS = ("alex", "vgg", "squeeze")
"""Networks whose feature maps LPIPS compares, by its names for them."""


class LpipsEncoder(ModelEncoder):
    r"""Images by the weighted feature maps of LPIPS (Zhang et al., CVPR 2018).

    LPIPS is $\sum_l \frac{1}{H_l W_l} \sum_{hw} \sum_c w_{lc} (\hat x_{lhwc} - \hat y_{lhwc})^2$ with unit-normalised
    features and weights that are not negative. The features times $\sqrt{w_{lc} / H_l W_l}$, all layers in a row, are
    therefore embeddings whose squared distance is LPIPS: `lpips_distance`. Their cosine is not LPIPS, though it
    orders most pairs alike; use them where squared distances are asked for. Positions count: a shifted image is another
    image. The embeddings are wide, 31,872 numbers for AlexNet at 64 x 64.

    Args:
        model: ``"alex"``, ``"vgg"`` or ``"squeeze"`` (the trunk's weights are torchvision's, downloaded on first use),
            or a loaded ``lpips.LPIPS``.
        size: Height and width that images are squashed to; 64 is what LPIPS was calibrated on.
        name: Name for tables and reports.
        device: Where to run.
        options: Those of `ModelEncoder`.

    Raises:
        ModuleNotFoundError: If lpips is not installed.
        ValueError: If the trunk is unknown, or the model has negative weights or none.

    Example:
        >>> encoder = LpipsEncoder("alex")  # doctest: +SKIP
        >>> first, second = encoder.encode_images(["a.png", "b.png"]).split(1)  # doctest: +SKIP
        >>> lpips_distance(first, second)  # doctest: +SKIP
        tensor([0.2134])
    """

    preprocessing: Preprocessing

    def __init__(
        self,
        model: str | nn.Module = "alex",
        *,
        size: int = 64,
        name: str | None = None,
        device: torch.device | str | None = None,
        **options: Unpack[EncoderOptions],
    ) -> None:
        module: Any = _load(model) if isinstance(model, str) else model
        if not module.lpips or any(bool((layer.model[-1].weight < 0).any()) for layer in module.lins):
            raise ValueError("Expected argument `model` to have calibrated weights, none of them negative.")
        super().__init__(module, name=name or f"lpips:{module.pnet_type}", device=device, **options)
        self.preprocessing = Preprocessing((size, size), (0.5,) * 3, (0.5,) * 3, resize=(size, size), mode="squash")

    @property
    def map_size(self) -> tuple[int, int]:
        """Height and width of the maps that `distance_map` gives."""
        return self.preprocessing.size

    def distance_map(self, x: Tensor, y: Tensor) -> Tensor:
        """Where in the image the difference lies: the spatial map of LPIPS, from the embeddings that are there.

        Each layer's map is enlarged bilinearly to the size that images are squashed to and all are added, as
        ``lpips.LPIPS(spatial=True)`` does. The mean of the map is near the distance, not equal to it: where a layer's
        side does not divide the image's, cells weigh unequally. A pixel's value comes from all that its features see,
        for AlexNet's last layer the whole image, so differences reach some pixels beyond what was changed.

        Args:
            x: Embeddings ``[n, D]`` by this encoder.
            y: Embeddings ``[n, D]`` of the images to compare with, row by row.

        Returns:
            Distances ``[n, size, size]``, not negative, 0 for equal images; differentiable.

        Raises:
            ValueError: If the embeddings are not as wide as this encoder's.
        """
        sizes = [shape.numel() for shape in self._feature_shapes]
        if x.shape != y.shape or x.shape[1:] != (sum(sizes),):
            raise ValueError(
                f"Expected embeddings [n, {sum(sizes)}] of {self.name!r}, got {[*x.shape]} and {[*y.shape]}."
            )
        maps = []
        for square, shape in zip(torch.split((x - y).square(), sizes, 1), self._feature_shapes):
            cells = square.reshape(-1, *shape).sum(1, keepdim=True) * shape[1:].numel()
            maps.append(F.interpolate(cells, self.preprocessing.size, mode="bilinear", align_corners=False))
        return torch.cat(maps, 1).sum(1)

    @cached_property
    def _feature_shapes(self) -> list[torch.Size]:
        """Channels, height and width of each layer's features, in the order of the embeddings."""
        weights = next(self.model.parameters())
        blank = weights.new_zeros(1, 3, *self.preprocessing.size)
        with torch.no_grad():
            return [features.shape[1:] for features in self.model.net(blank)]

    def _image_forward(self, pixels: Tensor) -> Tensor:
        scaled = self.model.scaling_layer(pixels) if self.model.version == "0.1" else pixels
        maps = zip(self.model.net(scaled), self.model.lins)
        return torch.cat([_weighted(features, layer.model[-1].weight) for features, layer in maps], 1)

    def _settings(self) -> str:
        return f"{super()._settings()} {self.model.version}"


def lpips_distance(x: Tensor, y: Tensor) -> Tensor:
    """LPIPS between images, from their embeddings by `LpipsEncoder`. Lower is more alike, 0 for equal images.

    Args:
        x: Embeddings ``[..., D]``.
        y: Embeddings of the same width; leading dimensions are broadcast.

    Returns:
        Distances ``[...]``, differentiable.

    Example:
        >>> import torch
        >>> lpips_distance(torch.tensor([[0.0, 1.0]]), torch.tensor([[0.5, 1.0]]))
        tensor([0.2500])
    """
    return (x - y).square().sum(-1)


def _weighted(features: Tensor, weight: Tensor) -> Tensor:
    features = features.float()
    unit = features / (features.square().sum(1, keepdim=True).sqrt() + 1e-10)
    return (unit * (weight / (features.shape[2] * features.shape[3])).sqrt()).flatten(1)


def _load(trunk: str) -> nn.Module:
    if trunk not in TRUNKS:
        raise ValueError(f"Expected argument `model` to be one of {', '.join(TRUNKS)}, got {trunk!r}.")
    lpips = require("lpips", extra="lpips", purpose="LpipsEncoder")
    model: nn.Module = lpips.LPIPS(net=trunk, verbose=False)
    return model
