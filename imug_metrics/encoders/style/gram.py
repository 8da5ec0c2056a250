# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Gram matrices of feature maps as an encoder of style."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from typing_extensions import Unpack

from imug_metrics.encoders.base import EncoderOptions, ModelEncoder
from imug_metrics.encoders.fingerprint import function_fingerprint
from imug_metrics.encoders.preprocessing import Preprocessing

Scaling = Literal["layer", "root", "gatys"]
SCALINGS: tuple[Scaling, ...] = ("layer", "root", "gatys")
_LEAST = 1e-12  # keeps the derivative of the square root finite


class GramEncoder(ModelEncoder):
    r"""Images by how often features occur together, wherever they do: the style of Gatys et al. (CVPR 2016).

    With the maps $F_l$ of layer $l$, $C_l$ channels by $M_l$ positions, the descriptor holds the upper triangles of
    $G_l = F_l F_l^\top$, all layers in a row: of `gram_descriptors`, which says how they are scaled. What is where in
    the image is forgotten; what is in it is not, so that contents differ too.

    Args:
        maps: A function or ``torch.nn.Module`` from images ``[B, 3, size, size]`` in [0, 1] to a list of feature maps
            ``[B, C, h, w]``, such as `FilterBank`.
        size: Height and width that images are squashed to.
        scaling: ``"layer"``, ``"root"`` or ``"gatys"``, see `gram_descriptors`.
        layers: Which of the maps are read, by their places from 0; None: all.
        name: Name for tables and reports.
        fingerprint: Identifies a function, for caches and states that outlive the process; a module is known by its
            weights.
        device: Where to run.
        options: Those of `ModelEncoder`.

    Raises:
        TypeError: If `maps` cannot be called.
        ValueError: If the scaling is unknown, or a layer is below 0.

    Example:
        >>> import torch
        >>> from imug_metrics.encoders.style import FilterBank, GramEncoder
        >>> encoder = GramEncoder(FilterBank(), size=64)
        >>> encoder.encode_images(torch.rand(2, 3, 64, 64)).shape
        torch.Size([2, 480])
    """

    preprocessing: Preprocessing

    def __init__(
        self,
        maps: nn.Module | Callable[[Tensor], Sequence[Tensor]],
        *,
        size: int = 256,
        scaling: Scaling = "layer",
        layers: Sequence[int] | None = None,
        name: str | None = None,
        fingerprint: str | None = None,
        device: torch.device | str | None = None,
        **options: Unpack[EncoderOptions],
    ) -> None:
        if not callable(maps):
            raise TypeError(f"Expected argument `maps` to be a function or a module, got {type(maps).__name__}.")
        if scaling not in SCALINGS:
            raise ValueError(f"Expected argument `scaling` to be one of {SCALINGS}, got {scaling!r}.")
        if layers is not None and (not layers or min(layers) < 0):
            raise ValueError(f"Expected argument `layers` to hold places of maps, from 0, got {layers!r}.")
        self.scaling, self.layers = scaling, None if layers is None else tuple(layers)
        self._of_function = None if isinstance(maps, nn.Module) else function_fingerprint(fingerprint)
        module = maps if isinstance(maps, nn.Module) else _Called(maps)
        name = name or f"gram:{getattr(maps, '__name__', type(maps).__name__)}"
        super().__init__(module, name=name, device=device, **options)
        self.preprocessing = Preprocessing((size, size), (0.0,) * 3, (1.0,) * 3, resize=(size, size), mode="squash")

    @property
    def fingerprint(self) -> str:
        """Digest of what makes the maps, of preprocessing and of scaling."""
        own = super().fingerprint
        return own if self._of_function is None else f"{self._of_function}-{own}"

    def _image_forward(self, pixels: Tensor) -> Tensor:
        maps = self.model(pixels)
        if not isinstance(maps, (list, tuple)) or not all(_is_map(found, len(pixels)) for found in maps):
            raise ValueError(f"Expected {self.name!r} to give a list of maps [{len(pixels)}, C, h, w], got another.")
        layers = range(len(maps)) if self.layers is None else self.layers
        if max(layers, default=0) >= len(maps):
            raise ValueError(f"Expected {self.name!r} to give a map at every place of `layers`, got {len(maps)} maps.")
        chosen = [maps[layer] for layer in layers]
        with torch.autocast(pixels.device.type, enabled=False):  # a sum over all positions is beyond half precision
            return gram_descriptors(chosen, self.scaling)

    def _settings(self) -> str:
        return f"{super()._settings()} {self.scaling} {self.layers}"


def gram_descriptors(maps: Sequence[Tensor], scaling: Scaling = "layer") -> Tensor:
    r"""Upper triangles of the Gram matrices of feature maps, side by side.

    Entries off the diagonal are times $\sqrt 2$, so that products and distances are those of whole matrices. With L
    layers,

    - `"layer"`: each layer's part has length $1/\sqrt L$: the cosine of two descriptors is the mean over layers of the
      cosines of their Gram matrices, and contrast does not count
    - `"root"`: the same after square roots of all entries, with their signs, so that the strongest do not drown the
      others (Lin et al., ICCV 2015)
    - `"gatys"`: each is divided by $2 C_l M_l \sqrt L$: the squared distance of two descriptors is the style loss
      $\sum_l \frac{1}{L} \frac{1}{4 C_l^2 M_l^2} \sum_{ij} (G_{lij} - A_{lij})^2$

    Args:
        maps: L floating maps `[B, C, h, w]`.
        scaling: see above.

    Returns:
        float32 `[B, D]`, D the sum of C (C + 1) / 2; differentiable.

    Example:
        >>> gram_descriptors([torch.tensor([[[[1.0, 2.0]], [[2.0, 0.0]]]])], "gatys")
        tensor([[0.6250, 0.3536, 0.5000]])
    """
    return torch.cat([_triangle(found.float(), scaling) for found in maps], 1) / math.sqrt(len(maps))


def _triangle(maps: Tensor, scaling: Scaling) -> Tensor:
    rows = maps.flatten(2)
    channels, positions = rows.shape[1:]
    first, second = torch.triu_indices(channels, channels, device=maps.device)
    found = (rows @ rows.mT / positions)[:, first, second] * torch.where(first == second, 1.0, math.sqrt(2))
    if scaling == "gatys":
        return found / (2 * channels)
    return F.normalize(found / (found.abs() + _LEAST).sqrt() if scaling == "root" else found, dim=1)


def _is_map(found: Any, rows: int) -> bool:
    return isinstance(found, Tensor) and found.ndim == 4 and len(found) == rows


class _Called(nn.Module):
    """A function as a module."""

    def __init__(self, function: Callable[[Tensor], Sequence[Tensor]]) -> None:
        super().__init__()
        self.function = function

    def forward(self, pixels: Tensor) -> Sequence[Tensor]:
        return self.function(pixels)
