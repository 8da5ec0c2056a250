# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""What self-correction makes of answers."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor

from imug_metrics.dialogues.arguments import Ids, Labels, Turns
from imug_metrics.dialogues.columns import Column, check_shapes
from imug_metrics.dialogues.inputs import pack_inputs
from imug_metrics.functional.labels import agreement, binary_column, label_columns
from imug_metrics.functional.reduce import reduce_values


def self_correction(
    preds: Labels,
    before: Labels,
    target: Labels | None = None,
    *,
    dialogue: Ids | None = None,
    turn: Turns | None = None,
    valid: Tensor | None = None,
    lengths: Tensor | None = None,
    reduction: Literal["mean", "none"] = "mean",
) -> Tensor:
    """Gain in accuracy by self-correction, after minus before. Range -1 to 1, higher is better.

    Args:
        preds: answers after self-correction `[N]` or `[B, T]`: 1 right and 0 wrong, or any labels with a `target` (a
            tensor, or lists of integers or strings); NaN or None where absent.
        before: answers before it, in the same form.
        target: right answers, in the same form.
        dialogue, turn, valid, lengths: as in `align_rows`.
        reduction: `"none"`, or `"mean"`.

    Returns:
        float64 scalar, or values in the shape of the records: 1 for an answer that became right, -1 for one that became
        wrong, 0 otherwise; NaN where either is absent.

    Raises:
        ValueError: if labels are neither 1 nor 0 and no target is given, shapes differ or turns are refused.

    Example:
        >>> self_correction([1, 1, 0, 1], [0, 1, 1, 0], dialogue=[0, 0, 1, 1], turn=[1, 2, 1, 2])
        tensor(0.2500, dtype=torch.float64)
    """
    inputs = pack_inputs(correction_columns(preds, before, target), dialogue, turn, None, valid, lengths)
    after = inputs.batch.present(inputs.columns["preds"])
    return reduce_values(inputs.unpack(after - inputs.columns["before"]), reduction)


def relative_correction(before: Tensor, after: Tensor) -> Tensor:
    """Relative self-correction score (arXiv 2412.19513), from the accuracies before and after.

    `(Acc2 - Acc1^2) / (2 Acc1 (1 - Acc1))`: 0.5 where accuracy stays, higher is better. Not bound to [0, 1]; NaN where
    the accuracy before is 0 or 1.

    Example:
        >>> relative_correction(torch.tensor(0.5), torch.tensor(0.75))
        tensor(1.)
    """
    spread = 2 * before * (1 - before)
    return torch.where(spread > 0, (after - before * before) / torch.where(spread > 0, spread, 1), torch.nan)


def correction_columns(preds: Labels, before: Labels, target: Labels | None) -> dict[str, Column]:
    """1 where an answer is right, 0 where it is wrong, NaN where it is absent or its key: after (`preds`) and before.

    With a target the first column says which answers are there, of which one without a key is none.
    """
    if target is None:
        return {"preds": binary_column("preds", preds), "before": binary_column("before", before)}
    rows = label_columns(preds=preds, before=before, target=target)
    check_shapes(**rows)
    key, given = rows.pop("target").values, rows["preds"]._replace(argument="preds")
    return {"given": given} | {name: row._replace(values=agreement(row.values, key)) for name, row in rows.items()}
