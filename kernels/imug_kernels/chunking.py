# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Rows of tensors as cache-sized float64 chunks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import torch
from torch import Tensor

# Elements worked on at a time: 2 MiB in float64. Measured fastest among 2**13 to 2**20 on a CPU with 1 MiB of L2 cache,
# where smaller chunks pay for launching and larger ones for memory.
CHUNK_ELEMENTS = 1 << 18


def work_dtype(device: torch.device) -> torch.dtype:
    """Return the precision of all arithmetic: float64, or float32 on a device that has no float64 (Apple's MPS).

    In float64 a cosine differs by about 1e-15 between one batch split and another, so no score depends on how rows
    were batched; float32 matrix products differ by 1e-7 and, on CUDA, by 1e-3 once TF32 is allowed.
    """
    return torch.float32 if device.type == "mps" else torch.float64


def widen_chunks(chunks: Iterable[Tensor]) -> Iterator[Tensor]:
    """Yield chunks in working precision; the first is the longest, and each is gone when the next comes.

    They share one buffer: fresh memory for every chunk costs up to ten times the arithmetic when the allocator gives it
    back to the system in between.
    """
    buffer = None
    for chunk in chunks:
        if buffer is None:
            buffer = torch.empty(chunk.shape, dtype=work_dtype(chunk.device), device=chunk.device)
        yield buffer[: len(chunk)].copy_(chunk)
