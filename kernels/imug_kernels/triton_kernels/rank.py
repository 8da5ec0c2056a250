# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Rank of each row's own partner among those of its segment, counted while a tile of cosines is in registers."""

from __future__ import annotations

import torch
import triton
import triton.language as tl
from torch import Tensor

from imug_kernels.triton_kernels.numerics import dot_operands
from imug_kernels.triton_kernels.segment_blocks import launch, openings, program_rows, segment_blocks
from imug_kernels.triton_kernels.tiles import cosine_tile, segment_rows, store_field, valid_rows


@triton.jit
def _rank_kernel(
    X, Y, VALID_X, VALID_Y, OFFSETS, SEGMENT, START, OUT, rows, segments,
    D: tl.constexpr, STRIDE_X: tl.constexpr, STRIDE_Y: tl.constexpr, tie,
    HAS_VALID_X: tl.constexpr, HAS_VALID_Y: tl.constexpr, UPCAST: tl.constexpr, PRECISION: tl.constexpr,
    PACKED: tl.constexpr, BLOCK_M: tl.constexpr, BLOCK_N: tl.constexpr, BLOCK_K: tl.constexpr,
):  # fmt: skip
    segment = tl.load(SEGMENT + tl.program_id(0))
    if segment < 0:
        return
    begin, end, first, finish, origin, opening_m = program_rows(OFFSETS, START, segment, segments, PACKED, BLOCK_M)
    row, local_m, mask_m = segment_rows(VALID_X, begin, origin, end, HAS_VALID_X, BLOCK_M)
    is_single = (begin == first) & (end == finish) & (end - begin <= BLOCK_M)
    has_own = valid_rows(VALID_Y, row, end, HAS_VALID_Y)
    # The own cosine comes from the same arithmetic as those it is compared with, so that duplicates tie exactly.
    own_tile, known_m = cosine_tile(
        X, Y, row, row, mask_m, has_own, D, STRIDE_X, STRIDE_Y, UPCAST, PRECISION, BLOCK_M, BLOCK_N, BLOCK_K
    )
    own = tl.sum(tl.where(local_m[:, None] == local_m[None, :], own_tile, 0.0), 1)
    greater = tl.zeros((BLOCK_M,), tl.float32)
    equal = tl.zeros((BLOCK_M,), tl.float32)
    candidates = tl.zeros((BLOCK_M,), tl.float32)
    nans = tl.where(own != own, 1, 0)
    for start in tl.range(first, finish, BLOCK_N, disable_licm=True):
        column, local_n, mask_n = segment_rows(VALID_Y, start, origin, finish, HAS_VALID_Y, BLOCK_N)
        cosine = own_tile
        if is_single == 0:
            cosine, _known_m = cosine_tile(
                X, Y, row, column, mask_m, mask_n, D, STRIDE_X, STRIDE_Y, UPCAST, PRECISION,
                BLOCK_M, BLOCK_N, BLOCK_K,
            )  # fmt: skip
        ahead = cosine - own[:, None]
        candidate = mask_m[:, None] & mask_n[None, :]
        if PACKED:
            opening_n, _reach = openings(
                OFFSETS, segment, segments, begin, local_n, (finish - begin).to(tl.int32), BLOCK_N
            )
            candidate = candidate & (opening_m == opening_n[None, :])
        rival = candidate & (local_m[:, None] != local_n[None, :])
        greater += tl.sum(tl.where(rival & (ahead > tie), 1.0, 0.0), 1)
        equal += tl.sum(tl.where(rival & (tl.abs(ahead) <= tie), 1.0, 0.0), 1)
        nans += tl.sum(tl.where(rival & (ahead != ahead), 1, 0), 1)
        candidates += tl.sum(tl.where(candidate, 1.0, 0.0), 1)
    defined = known_m & has_own
    known = defined & (nans == 0)
    inside = row < end
    out = store_field(OUT + row, rows, tl.where(known, greater, float("nan")), inside)
    out = store_field(out, rows, tl.where(known, equal, float("nan")), inside)
    store_field(out, rows, tl.where(defined, candidates, 0.0), inside)


def own_rank(
    x: Tensor, y: Tensor, offsets: Tensor, valid_x: Tensor | None, valid_y: Tensor | None, tie: float
) -> Tensor:
    """Return greater, equal and all candidates of every row, float32 ``[3, N]``."""
    out = torch.empty(3, len(x), dtype=torch.float32, device=x.device)
    if out.numel():
        x, y = dot_operands(x, y)
        launch(
            _rank_kernel, segment_blocks("rank", x, offsets), x, Y=y, VALID_X=valid_x, VALID_Y=valid_y, OUT=out,
            rows=len(x), segments=len(offsets) - 1, STRIDE_X=x.stride(0), STRIDE_Y=y.stride(0), tie=tie,
            HAS_VALID_X=valid_x is not None, HAS_VALID_Y=valid_y is not None,
        )  # fmt: skip
    return out
