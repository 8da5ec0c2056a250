# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Plain PyTorch form of `own_rank`: blocks of cosines compared with those of the own partners."""

from __future__ import annotations

import torch
from torch import Tensor

from imug_kernels.checks import check_offset_values
from imug_kernels.dtypes import work_zeros
from imug_kernels.reference.cosine_blocks import Block, cosine_blocks, different


def own_rank(
    x: Tensor, y: Tensor, offsets: Tensor, valid_x: Tensor | None, valid_y: Tensor | None, tie: float
) -> Tensor:
    """Return greater, equal and all candidates of every row, ``[3, N]``."""
    check_offset_values(offsets, len(x))
    ranks = work_zeros(x, 3, len(x))
    for block in cosine_blocks(x, y, offsets, valid_x, valid_y):
        ranks[:, block.rows] = _block_ranks(block, tie)
    return ranks


def _block_ranks(block: Block, tie: float) -> Tensor:
    """Return the three numbers of the block's rows, ``[3, b, r]``."""
    other, candidate = different(block), block.right.valid
    rival = block.right.known[:, None, :] & other
    unknown_candidate = (candidate & ~block.right.known)[:, None, :] & other
    own = block.cosine[:, torch.arange(len(block.local_rows), device=block.cosine.device), block.local_rows]
    ahead = block.cosine - own[:, :, None]
    undefined = ~(block.left.known & candidate[:, block.local_rows])
    unknown = undefined | ~block.right.known[:, block.local_rows] | unknown_candidate.any(2)
    greater = ((ahead > tie) & rival).sum(2).to(own.dtype).masked_fill(unknown, torch.nan)
    equal = ((ahead.abs() <= tie) & rival).sum(2).to(own.dtype).masked_fill(unknown, torch.nan)
    candidates = candidate.sum(1, keepdim=True).to(own.dtype).expand_as(own)
    return torch.stack([greater, equal, candidates.masked_fill(undefined, 0)])
