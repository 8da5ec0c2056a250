# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Cosine similarity of packed rows: pair by pair, within segments, by distance, and as a rank.

A packed batch is `rows [N, D]` with `offsets [S + 1]`: segment `s` owns the rows `offsets[s]` to `offsets[s + 1]`
(the cu_seqlens convention of variable-length attention). A dialogue is one such segment; the package knows nothing
else of dialogues. Every function is plain PyTorch today and runs on any device PyTorch runs on.
"""

from imug_kernels.paired import paired_cosine
from imug_kernels.ragged import GramStats, delta_curve, dialogue_gram, own_rank
from imug_kernels.segments import segment_sum

__all__ = ["GramStats", "delta_curve", "dialogue_gram", "own_rank", "paired_cosine", "segment_sum"]
