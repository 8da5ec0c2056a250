# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Short digests of weights and settings."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

import torch
from torch import Tensor, nn


def digest_text(*parts: str) -> str:
    """Digest of strings.

    Returns:
        16 hexadecimal digits.

    Example:
        >>> digest_text("a", "b") == digest_text("ab")
        False
    """
    digest = hashlib.blake2b(digest_size=8)
    for part in parts:
        digest.update(len(part).to_bytes(8, "little") + part.encode())
    return digest.hexdigest()


def digest_weights(tensors: Mapping[str, Tensor]) -> str:
    """Digest of named tensors: names, dtypes, shapes and every value; the device does not matter.

    Returns:
        16 hexadecimal digits.

    Example:
        >>> import torch
        >>> digest_weights({"w": torch.zeros(2)}) == digest_weights({"w": torch.ones(2)})
        False
    """
    digest = hashlib.blake2b(digest_size=8)
    for name in sorted(tensors):
        tensor = tensors[name].detach().cpu().contiguous()
        digest.update(f"{name} {tensor.dtype} {list(tensor.shape)}".encode())
        digest.update(tensor.reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()


def weights_version(module: nn.Module) -> tuple[int, int]:
    """A cheap value that changes whenever a weight is replaced or changed in place, as an optimiser does.

    Example:
        >>> import torch
        >>> layer = torch.nn.Linear(2, 2)
        >>> before = weights_version(layer)
        >>> _ = torch.nn.init.zeros_(layer.weight)
        >>> weights_version(layer) == before
        False
    """
    tensors = [*module.parameters(), *module.buffers()]
    return hash(tuple(t.data_ptr() for t in tensors)), sum(0 if t.is_inference() else t._version for t in tensors)
