# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""How a model scores itself against a reference."""

from __future__ import annotations

from typing import Any, Literal

from torch import Tensor

from imug_metrics.dialogues.inputs import pack_inputs, score_column
from imug_metrics.functional.reduce import reduce_values


def self_bias(
    scores: Any,
    target: Any,
    dialogue: Any = None,
    turn: Any = None,
    *,
    valid: Tensor | None = None,
    reduction: Literal["mean", "none"] = "mean",
) -> Tensor:
    """Self-bias: a model's score of its own output minus the reference score (Xu et al., 2024). 0 is best.

    Args:
        scores: the scores the model gives itself, `[N]` or `[B, T]`; NaN where absent.
        target: reference scores (a human's, a trusted judge's, or the truth as 1 and 0), on the same scale.
        dialogue, turn, valid: as in `align_rows`.
        reduction: `"none"`, or `"mean"`.

    Returns:
        float64 scalar, or values in the shape of the records; above 0 the model flatters itself. Differentiable.

    Raises:
        ValueError: if shapes differ or turns are refused.

    Example:
        >>> self_bias([[0.9, 0.8], [0.7, 1.0]], [[0.5, 0.8], [0.7, 0.6]])
        tensor(0.2000, dtype=torch.float64)
    """
    rows = {"scores": score_column("scores", scores), "target": score_column("target", target)}
    inputs = pack_inputs(dialogue, turn, None, valid, validate=True, **rows)
    bias = (inputs.columns["scores"] - inputs.columns["target"]).masked_fill(~inputs.batch.valid, float("nan"))
    return reduce_values(inputs.unpack(bias), reduction)
