# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Cosine similarity of packed rows: pair by pair, within segments, by distance, and as a rank.

A packed batch is `rows [N, D]` with `offsets [S + 1]`: segment `s` owns the rows `offsets[s]` to `offsets[s + 1]`
(the cu_seqlens convention of variable-length attention). A dialogue is one such segment; the package knows nothing
else of dialogues. Every function runs in plain PyTorch on any device and in a fused Triton kernel on CUDA.
"""

from imug_kernels.cosine_sum import dialogue_cosine_sum
from imug_kernels.cross import CrossStats, cross_stats
from imug_kernels.curve import delta_curve
from imug_kernels.gram import GramStats, dialogue_gram
from imug_kernels.moments import segment_moments
from imug_kernels.paired import paired_cosine
from imug_kernels.preprocess import preprocess
from imug_kernels.rank import own_rank
from imug_kernels.rbf import rbf_sum
from imug_kernels.segments import SegmentStats, segment_reduce, segment_sum

__all__ = [
    "CrossStats",
    "GramStats",
    "SegmentStats",
    "cross_stats",
    "delta_curve",
    "dialogue_cosine_sum",
    "dialogue_gram",
    "own_rank",
    "paired_cosine",
    "preprocess",
    "rbf_sum",
    "segment_moments",
    "segment_reduce",
    "segment_sum",
]
