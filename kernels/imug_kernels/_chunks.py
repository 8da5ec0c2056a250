# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Rows of tensors as cache-sized float64 chunks, in an order of the caller's choice."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor


def work_dtype(device: torch.device) -> torch.dtype:
    """Return the precision of all arithmetic: float64, or float32 on a device that has no float64 (Apple's MPS).

    In float64 a cosine differs by about 1e-15 between one batch split and another, so no score depends on how rows
    were batched; float32 matrix products differ by 1e-7 and, on CUDA, by 1e-3 once TF32 is allowed.
    """
    return torch.float32 if device.type == "mps" else torch.float64


def unit_rows(rows: Tensor, eps: float) -> Tensor:
    """Divide each last-axis row by ``max(|row|, eps)`` in working precision."""
    rows = rows.to(work_dtype(rows.device))
    lengths: Tensor = torch.linalg.vector_norm(rows, dim=-1, keepdim=True)
    return rows / lengths.clamp_min(eps)


def gather_chunks(rows: Tensor, chunks: Sequence[Tensor]) -> Iterator[Tensor]:
    """Yield ``rows`` at each index tensor of ``chunks``, one after the other.

    With gradients all rows are gathered at once: the backward of a gather allocates the gradient of the whole
    tensor, which must not happen once a chunk.
    """
    if torch.is_grad_enabled() and rows.requires_grad and chunks:
        yield from torch.split(rows.index_select(0, torch.cat(list(chunks))), [len(chunk) for chunk in chunks])
    else:
        for chunk in chunks:
            yield rows.index_select(0, chunk)
