# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""A weight as small whole numbers and a scale a row (symmetric quantisation by output channel), and as fewer bytes."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn


class Rounded(NamedTuple):
    """A weight of two or more axes: ``codes * scales``, row by row.

    Args:
        codes: Whole numbers, int8, of the shape of the weight.
        scales: One a row (output channel), float16 ``[rows]``.
    """

    codes: Tensor
    scales: Tensor

    def weight(self) -> Tensor:
        """The weight, float32. Both factors and their product are exact in it."""
        return self.codes.float() * self.scales.float().reshape(-1, *[1] * (self.codes.dim() - 1))

    def deflated(self) -> Tensor:
        """The codes as a zlib stream, uint8 ``[bytes]``.

        Few codes are large, so that Huffman's code needs fewer bits than a fixed width: about 2.7 for 11 values.
        Nothing repeats, and looking for repetitions makes the stream longer.
        """
        packer = zlib.compressobj(9, strategy=zlib.Z_HUFFMAN_ONLY)
        stream = packer.compress(self.codes.contiguous().numpy().tobytes()) + packer.flush()
        return torch.from_numpy(np.frombuffer(stream, np.uint8).copy())

    @classmethod
    def inflated(cls, stream: Tensor, scales: Tensor, shape: torch.Size) -> Rounded:
        """From the stream that ``deflated`` made of codes of this shape.

        Raises:
            ValueError: If the stream is broken, or of another length.

        Example:
            >>> rounded = round_weight(torch.tensor([[0.5, -1.0], [3.0, 0.1]]), levels=5)
            >>> again = Rounded.inflated(rounded.deflated(), rounded.scales, torch.Size([2, 2]))
            >>> torch.equal(again.weight(), rounded.weight())
            True
        """
        size = shape.numel()
        try:
            codes = zlib.decompressobj().decompress(stream.numpy().tobytes(), size + 1)
        except zlib.error as error:
            raise ValueError(f"Expected a zlib stream of {size} codes, got one that breaks: {error}.") from error
        if len(codes) != size or scales.shape != shape[:1]:
            raise ValueError(f"Expected {size} codes and {shape[0]} scales, got others.")
        return cls(torch.from_numpy(np.frombuffer(codes, np.int8).copy()).reshape(shape), scales)


def round_weight(weight: Tensor, levels: int) -> Rounded:
    """Round a weight: the largest value of a row becomes ``levels``, and the others the nearest whole number.

    Args:
        weight: Floating point, ``[rows, ...]`` with two or more axes.
        levels: The largest code, from 1 to 127.

    Returns:
        Codes and scales; rounding them again changes nothing.

    Example:
        >>> round_weight(torch.tensor([[0.5, -1.0], [3.0, 0.0]]), levels=4).codes
        tensor([[ 2, -4],
                [ 4,  0]], dtype=torch.int8)
    """
    rows = weight.float().flatten(1)
    scales = (rows.abs().amax(1) / levels).half()
    steps = scales.float().masked_fill(scales == 0, 1.0)[:, None]
    codes = (rows / steps).round().clamp(-levels, levels).to(torch.int8)
    return Rounded(codes.reshape(weight.shape), scales)


@contextmanager
def rounded_weights(model: nn.Module, levels: int) -> Iterator[None]:
    """Within it the weights of a model are rounded; afterwards they are what they were.

    Gradients taken within it and applied afterwards train a model for its rounded weights (straight-through estimate,
    Bengio et al. 2013, arXiv:1308.3432).

    Args:
        model: The model.
        levels: See ``round_weight``.

    Example:
        >>> layer = nn.Linear(2, 1)
        >>> with rounded_weights(layer, levels=1):
        ...     len(layer.weight.abs().unique()) <= 2
        True
    """
    exact = {weight: weight.detach().clone() for weight in model.parameters() if weight.dim() >= 2}
    with torch.no_grad():
        for weight in exact:
            weight.copy_(round_weight(weight, levels).weight())
    try:
        yield
    finally:
        with torch.no_grad():
            for weight, value in exact.items():
                weight.copy_(value)
