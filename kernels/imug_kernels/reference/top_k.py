# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""The k largest cosines of each row, kept while tiles of cosines go by.

A cosine is rounded to a multiple of 2**-24. Products of differently cut tiles differ by about 1e-16, so equal pairs
become equal numbers, and a cosine with the row it belongs to fits one integer whose order is the ranking: by falling
cosine, then by rising row number.
"""

from __future__ import annotations

import torch
from torch import Tensor

_GRID = float(1 << 24)
_INDEX_BITS = 31
_LAST_INDEX = (1 << _INDEX_BITS) - 1
EMPTY = -(1 << 62)  # the code of no pair


def round_to_grid(cosine: Tensor) -> Tensor:
    """Round cosines in place to multiples of 2**-24."""
    return cosine.mul_(_GRID).round_().div_(_GRID)


def empty_top_k(rows: int, k: int, device: torch.device) -> Tensor:
    """Return codes ``[N, k]`` of no pairs."""
    return torch.full((rows, k), EMPTY, dtype=torch.int64, device=device)


def pack(cosine: Tensor, index: Tensor) -> Tensor:
    """Return the codes of cosines on the grid with the rows they belong to."""
    return ((cosine * _GRID).long() << _INDEX_BITS) + (_LAST_INDEX - index)


def merge_top_k(codes: Tensor, cosine: Tensor, first: int) -> Tensor:
    """Return the k largest codes ``[a, k]`` of those so far and of a tile whose columns begin at row ``first``.

    What is not finite is no cosine.
    """
    index = torch.arange(first, first + cosine.shape[1], device=codes.device)
    packed = pack(cosine.nan_to_num(0, 0, 0), index).masked_fill_(~cosine.isfinite(), EMPTY)
    return merge_codes(codes, packed.topk(min(codes.shape[1], packed.shape[1]), dim=1).values)


def lowest_cosine(codes: Tensor) -> Tensor:
    """Return the k-th largest cosine ``[a]``, far below any where there are not k of them yet."""
    return (codes[:, -1] >> _INDEX_BITS) / _GRID


def merge_codes(codes: Tensor, others: Tensor) -> Tensor:
    """Return the k largest of ``codes [a, k]`` and some others."""
    return torch.cat([codes, others], 1).topk(codes.shape[1], dim=1).values


def decode_top_k(codes: Tensor, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
    """Return cosines and row numbers; -inf and -1 where there is no pair."""
    empty = codes == EMPTY
    values = ((codes >> _INDEX_BITS).to(dtype) / _GRID).masked_fill_(empty, -torch.inf)
    return values, (_LAST_INDEX - (codes & _LAST_INDEX)).masked_fill_(empty, -1)
