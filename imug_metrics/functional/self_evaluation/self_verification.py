# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""A model's verdicts on its own work against the truth."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor

from imug_metrics.dialogues.arguments import Ids, Labels, Turns
from imug_metrics.dialogues.columns import Column
from imug_metrics.dialogues.inputs import PackedInputs, pack_inputs
from imug_metrics.functional.labels import agreement, binary_column
from imug_metrics.functional.reduce import reduce_values
from imug_metrics.stats import within_sums
from imug_metrics.stats.logistic import logistic_slope

Scale = Literal["rate", "logit"]


def self_verification(
    preds: Labels,
    target: Labels,
    *,
    dialogue: Ids | None = None,
    turn: Turns | None = None,
    valid: Tensor | None = None,
    lengths: Tensor | None = None,
    reduction: Literal["mean", "none"] = "mean",
) -> Tensor:
    """Balanced accuracy of verdicts: 1 - (false-accept rate + false-reject rate) / 2. Range 0 to 1, higher is better.

    A judge that accepts everything, or rejects everything, or guesses, has 0.5.

    Args:
        preds: the model's verdicts `[N]` or `[B, T]`: 1 accepts, 0 rejects; NaN or None where there is none.
        target: the truth in the same form: 1 where the work is right, 0 where it is wrong; NaN or None where not known.
        dialogue, turn, valid, lengths: as in `align_rows`.
        reduction: `"mean"` for balanced accuracy, `"none"` for 1 where a verdict is right and 0 where it is wrong.

    Returns:
        float64 scalar, NaN unless there is right and wrong work; or values in the shape of the records, NaN where
        verdict or truth is absent.

    Raises:
        ValueError: if a verdict or truth is neither 1 nor 0, shapes differ or turns are refused.

    Example:
        >>> self_verification([1, 1, 0, 1], [1, 0, 0, 1], dialogue=[0, 0, 1, 1], turn=[1, 2, 1, 2])
        tensor(0.7500, dtype=torch.float64)
    """
    inputs = pack_inputs(verdict_columns(preds, target), dialogue, turn, None, valid, lengths)
    right = verdict_values(inputs)
    if reduction != "mean":
        return reduce_values(inputs.unpack(right), reduction)
    errors, truth = 1 - right, inputs.columns["target"]
    return 1 - (errors[truth == 0].nanmean() + errors[truth == 1].nanmean()) / 2


def permissiveness_drift(
    preds: Labels,
    target: Labels,
    *,
    dialogue: Ids | None = None,
    turn: Turns | None = None,
    valid: Tensor | None = None,
    lengths: Tensor | None = None,
    scale: Scale = "rate",
) -> Tensor:
    """How much more readily wrong work is accepted per turn: slope of the false-accept rate. Positive: more lenient.

    - `rate`: least squares within dialogues (fixed effects) of accept (1) or reject (0) on the turn, over wrong work
    - `logit`: slope of the log-odds of accepting, by logistic regression on the turn over all wrong work; the size of
      a change near 0 and 1 is told better, but dialogues are pooled

    Args:
        preds, target, dialogue, turn, valid, lengths: as in `self_verification`.
        scale: see above.

    Returns:
        float64 scalar; NaN where no dialogue has two wrong turns (`rate`), or where one turn parts what was accepted
        from what was rejected (`logit`).

    Raises:
        ValueError: if the scale is unknown, a verdict or truth is neither 1 nor 0, shapes differ or turns are refused.

    Example:
        >>> permissiveness_drift([[0, 0, 1], [0, 1, 1]], [[0, 0, 0], [0, 0, 0]])
        tensor(0.5000, dtype=torch.float64)
    """
    if scale not in ("rate", "logit"):
        raise ValueError(f"Expected argument `scale` to be 'rate' or 'logit', got {scale!r}.")
    inputs = pack_inputs(verdict_columns(preds, target), dialogue, turn, None, valid, lengths)
    accepted, batch = false_accepts(verdict_values(inputs), inputs.columns["target"]), inputs.batch
    wrong, accepted = ~accepted.isnan(), accepted.nan_to_num(0)
    if scale == "rate":
        xy, xx = within_sums(batch.turns_from_least, accepted, wrong, batch.offsets)
        return torch.where(xx.sum() > 0, xy.sum() / xx.sum(), torch.nan)
    by_turn = batch.by_turn(torch.stack([accepted, wrong.double()], 1), max(batch.last_turn(), 1))
    return logistic_slope(*by_turn.sum(0).unbind(1))


def verdict_columns(preds: Labels, target: Labels) -> dict[str, Column]:
    """Verdicts and truth as columns of 1, 0 and NaN."""
    return {"preds": binary_column("preds", preds), "target": binary_column("target", target)}


def verdict_values(inputs: PackedInputs) -> Tensor:
    """1 where a packed verdict is right, 0 where it is wrong, NaN where it or the truth is absent."""
    right = agreement(inputs.columns["preds"], inputs.columns["target"])
    return inputs.batch.present(right)


def false_accepts(right: Tensor, truth: Tensor) -> Tensor:
    """1 where wrong work `[N]` was accepted, 0 where it was rejected, NaN elsewhere."""
    return (1 - right).masked_fill(truth != 0, torch.nan)
