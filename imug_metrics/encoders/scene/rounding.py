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

MOST_LEVELS = 7
"""The largest code: two of them have to fit into a byte."""

_BASE = 2 * MOST_LEVELS + 1
_UP = 0.3  # from 0.7 of a step on it counts as one: more codes are 0, and the stream is shorter


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

        Few codes are large, so that Huffman's code needs fewer bits than a fixed width: two codes share a byte, which
        loses less to whole numbers of bits, and rows come in the order of their scales, in which neighbours spread
        alike and blocks of the stream find a code of their own. Nothing repeats, and looking for repetitions makes the
        stream longer.
        """
        rows = self.codes.flatten(1)[_order(self.scales)].flatten() + MOST_LEVELS
        pairs = np.append(rows.numpy().astype(np.uint8), np.zeros(rows.numel() % 2, np.uint8)).reshape(-1, 2)
        packer = zlib.compressobj(9, strategy=zlib.Z_HUFFMAN_ONLY)
        stream = packer.compress((pairs[:, 0] * _BASE + pairs[:, 1]).tobytes()) + packer.flush()
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
            bytes_ = zlib.decompressobj().decompress(stream.numpy().tobytes(), size // 2 + 2)
        except zlib.error as error:
            raise ValueError(f"Expected a zlib stream of {size} codes, got one that breaks: {error}.") from error
        if len(bytes_) != (size + 1) // 2 or scales.shape != shape[:1]:
            raise ValueError(f"Expected {size} codes and {shape[0]} scales, got others.")
        pairs = np.stack(np.divmod(np.frombuffer(bytes_, np.uint8), _BASE), -1).astype(np.int8)
        rows = torch.from_numpy(pairs.reshape(-1)[:size] - MOST_LEVELS).reshape(shape)
        return cls(rows[_order(scales).argsort()], scales)


def _order(scales: Tensor) -> Tensor:
    return scales.float().argsort(stable=True)


def round_weight(weight: Tensor, levels: int) -> Rounded:
    """Round a weight: the largest value of a row becomes ``levels``, and what is below 0.7 of a step 0.

    A quantiser with a dead zone: more codes are 0 than if all were rounded to the nearest, and the stream is shorter.

    Args:
        weight: Floating point, ``[rows, ...]`` with two or more axes.
        levels: The largest code, from 1 to 7.

    Returns:
        Codes and scales; rounding them again changes nothing.

    Raises:
        ValueError: If there are more levels.

    Example:
        >>> round_weight(torch.tensor([[0.5, -1.0], [3.0, 0.0]]), levels=4).codes
        tensor([[ 2, -4],
                [ 4,  0]], dtype=torch.int8)
    """
    if not 1 <= levels <= MOST_LEVELS:
        raise ValueError(f"Expected `levels` from 1 to {MOST_LEVELS}, got {levels}.")
    rows = weight.float().flatten(1)
    scales = (rows.abs().amax(1) / levels).half()
    steps = scales.float().masked_fill(scales == 0, 1.0)[:, None]
    codes = (rows.sign() * (rows / steps).abs().add(_UP).floor().clamp_max(levels)).to(torch.int8)
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
