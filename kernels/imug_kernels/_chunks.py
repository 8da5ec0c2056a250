# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Rows of tensors as cache-sized float64 chunks, in an order of the caller's choice."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

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


def tracks_gradients(*tensors: Tensor) -> bool:
    """Return whether autograd records what is made of any of the tensors."""
    return torch.is_grad_enabled() and any(tensor.requires_grad for tensor in tensors)


def add_pieces(zeros: Tensor, pieces: Iterable[tuple[Tensor, Tensor]], tracked: bool) -> Tensor:
    """Add ``values [R, ...]`` to rows ``index [R]`` of ``zeros`` (used up) for every piece; no row twice in a piece.

    Without gradients every piece is added as it comes. Held together until the end, the small pieces would lie between
    the freed temporaries of their chunks, keep the allocator from using those again, and memory would grow with N.
    """
    if not tracked:
        for index, values in pieces:
            zeros[index] += values
        return zeros
    held = list(pieces)
    if not held:
        return zeros
    return zeros.index_add(0, torch.cat([index for index, _ in held]), torch.cat([values for _, values in held]))


def widen_chunks(chunks: Iterable[Tensor], tracked: bool) -> Iterator[Tensor]:
    """Yield chunks in working precision; the first is the longest.

    Without gradients they share one buffer, so each is gone when the next comes: fresh memory for every chunk costs up
    to ten times the arithmetic when the allocator gives it back to the system in between.
    """
    buffer = None
    for chunk in chunks:
        dtype = work_dtype(chunk.device)
        if tracked:
            yield chunk.to(dtype)
            continue
        if buffer is None:
            buffer = torch.empty(chunk.shape, dtype=dtype, device=chunk.device)
        yield buffer[: len(chunk)].copy_(chunk)


def gather_chunks(rows: Tensor, chunks: Sequence[Tensor]) -> Iterator[Tensor]:
    """Yield ``rows`` at each index tensor of ``chunks``, one after the other.

    With gradients all rows are gathered at once: the backward of a gather allocates the gradient of the whole
    tensor, which must not happen once a chunk.
    """
    if tracks_gradients(rows) and chunks:
        yield from torch.split(rows.index_select(0, torch.cat(list(chunks))), [len(chunk) for chunk in chunks])
    else:
        for chunk in chunks:
            yield rows.index_select(0, chunk)
