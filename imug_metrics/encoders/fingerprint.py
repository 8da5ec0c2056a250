# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Short digests of weights and settings."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

OF_PROCESS = "callable-"
"""What fingerprints begin with that mean nothing in another process."""


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


def function_fingerprint(given: str | None) -> str:
    """Of functions, which cannot be hashed: what the caller gave, or one that means nothing in another process.

    Example:
        >>> function_fingerprint("v2"), function_fingerprint(None).startswith(OF_PROCESS)
        ('v2', True)
    """
    return given or f"{OF_PROCESS}{uuid.uuid4().hex}"


def lasting_fingerprint(encoder: Any) -> str | None:
    """What tells an encoder from others of its name, wherever it is.

    Returns:
        Its fingerprint; None where there is none that lasts: of no encoder, of functions that were given none, and of
        an encoder in training (`differentiable`), which another step makes another one.

    Example:
        >>> from imug_metrics.encoders import CallableEncoder
        >>> lasting_fingerprint(CallableEncoder(len, fingerprint="v2")), lasting_fingerprint(CallableEncoder(len))
        ('v2', None)
    """
    if getattr(encoder, "differentiable", False):
        return None
    found = getattr(encoder, "fingerprint", None)
    return found if isinstance(found, str) and not found.startswith(OF_PROCESS) else None


def weights_version(module: nn.Module) -> tuple[object, ...]:
    """A cheap value that changes whenever a weight is replaced or changed in place, as an optimiser does.

    PyTorch counts most changes. Those it does not, by fused optimisers and through `.data`, show in a few entries of
    each tensor, along its diagonal. It takes 4 ms for a model of 302 tensors.

    Example:
        >>> import torch
        >>> layer = torch.nn.Linear(2, 2)
        >>> before = weights_version(layer)
        >>> _ = layer.weight.data.zero_()
        >>> weights_version(layer) == before
        False
    """
    tensors = [tensor.detach() for tensor in (*module.parameters(), *module.buffers())]
    counted = sum(0 if tensor.is_inference() else tensor._version for tensor in tensors)
    samples: dict[tuple[torch.device, torch.dtype], list[Tensor]] = {}
    for tensor in tensors:
        if type(tensor) is Tensor and tensor.layout == torch.strided and tensor.numel() and not tensor.is_meta:
            samples.setdefault((tensor.device, tensor.dtype), []).append(_some(tensor))
    values = (torch.cat(some).cpu().view(torch.uint8).numpy().tobytes() for some in samples.values())
    return hash(tuple(tensor.data_ptr() for tensor in tensors)), counted, *values


def _some(tensor: Tensor) -> Tensor:
    """Up to 16 entries along the diagonal, without a copy."""
    count = min(16, max(tensor.shape, default=1))
    gaps = ((size - 1) // max(1, count - 1) for size in tensor.shape)
    step = sum(stride * gap for stride, gap in zip(tensor.stride(), gaps))
    return tensor.as_strided((count,), (step,), tensor.storage_offset())
