# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""How a model scores itself against a reference."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor

from imug_metrics.dialogues.arguments import Ids, Numbers, Turns
from imug_metrics.dialogues.columns import score_column
from imug_metrics.dialogues.inputs import PackedInputs, pack_inputs
from imug_metrics.functional.reduce import reduce_values


def self_bias(
    scores: Numbers,
    references: Numbers,
    *,
    dialogue: Ids | None = None,
    turn: Turns | None = None,
    valid: Tensor | None = None,
    lengths: Tensor | None = None,
    reduction: Literal["mean", "none"] = "mean",
) -> Tensor:
    """Self-bias: a model's score of its own output minus the reference score (Xu et al., 2024). 0 is best.

    Args:
        scores: the scores the model gives itself, `[N]` or `[B, T]`; NaN where absent.
        references: scores by people or by a trusted judge, or the truth as 1 and 0, on the same scale and in the same
            shape; NaN where not known.
        dialogue, turn, valid, lengths: as in `align_rows`.
        reduction: `"none"`, or `"mean"`.

    Returns:
        float64 scalar, or values in the shape of the records; above 0 the model flatters itself. Differentiable.

    Raises:
        ValueError: if shapes differ or turns are refused.

    Example:
        >>> self_bias([[0.9, 0.8], [0.7, 1.0]], [[0.5, 0.8], [0.7, 0.6]])
        tensor(0.2000, dtype=torch.float64)
    """
    columns = {"scores": score_column("scores", scores), "references": score_column("references", references)}
    inputs = pack_inputs(columns, dialogue, turn, None, valid, lengths)
    return reduce_values(inputs.unpack(bias_values(inputs)), reduction)


def bias_values(inputs: PackedInputs) -> Tensor:
    """Score less reference of packed records, NaN where either is absent or not finite."""
    scores, references = inputs.columns["scores"], inputs.columns["references"]
    return (scores - references).masked_fill(~(inputs.batch.valid & references.isfinite()), torch.nan)
