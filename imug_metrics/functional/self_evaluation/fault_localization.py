# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Whether the step that a check names is the faulty one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, NamedTuple

import torch
from torch import Tensor

from imug_metrics.dialogues.arguments import Ids, Numbers, Turns
from imug_metrics.dialogues.checks import Check
from imug_metrics.dialogues.columns import Column, score_column
from imug_metrics.dialogues.holders import place_of
from imug_metrics.dialogues.inputs import PackedInputs, pack_inputs
from imug_metrics.errors import InputError
from imug_metrics.functional.answers.point_score import read_items
from imug_metrics.functional.reduce import reduce_values

NamedSteps = Tensor | Sequence[Any]
"""Numbers of steps `[N, K]` or `[B, T, K]`, the most suspect first, or lists of any length; None: no check."""


def fault_localization(
    preds: NamedSteps,
    target: Numbers,
    *,
    dialogue: Ids | None = None,
    turn: Turns | None = None,
    valid: Tensor | None = None,
    lengths: Tensor | None = None,
    reduction: Literal["mean", "none"] = "mean",
) -> Tensor:
    """Share of faulty traces whose faulty step is the first that the check names. Range 0 to 1, higher is better.

    Args:
        preds: numbers of the named steps from 1, `[N, K]` or `[B, T, K]`, the most suspect first, or N lists of any
            length; 0 or NaN in a tensor is none. An empty list names no step, None stands for no check.
        target: `[N]` or `[B, T]`, number of the faulty step; 0 where the trace is sound, NaN where nobody knows.
        dialogue, turn, valid, lengths: as in `align_rows`.
        reduction: `"none"`, or `"mean"`.

    Returns:
        float64 scalar, or values in the shape of the records: 1 where the faulty step comes first, 0 where another one
        or none does; NaN where the trace is sound, or is not known, or was not checked.

    Raises:
        InputError: if a step is no whole number from 0, shapes differ or turns are refused.

    Example:
        >>> places = {"dialogue": [1, 1, 2, 2], "turn": [1, 2, 1, 2]}
        >>> fault_localization([[2, 3], [1], [], [4]], [2, 3, 3, 0], **places, reduction="none")
        tensor([1., 0., 0., nan], dtype=torch.float64)
    """
    inputs = pack_inputs(fault_columns(preds, target), dialogue, turn, None, valid, lengths)
    found = located(inputs)
    return reduce_values(inputs.unpack((found.rank == 1).double().where(found.is_faulty, torch.nan)), reduction)


class Located(NamedTuple):
    """What checks made of packed traces, `[N]`.

    Attributes:
        rank: place of the faulty step among the named ones, from 1; infinite where it is not named.
        is_named: bool, some step is named.
        is_faulty: bool, the trace has a faulty step, and was checked.
        is_sound: bool, it has none, and was checked.
    """

    rank: Tensor
    is_named: Tensor
    is_faulty: Tensor
    is_sound: Tensor


def fault_columns(preds: NamedSteps, target: Numbers) -> dict[str, Column]:
    """Named steps `[N, K]`, 0 where there is none, and faulty steps, with the checks that they are whole numbers."""
    named = read_items(preds, argument="preds")
    steps = named.values.masked_fill(~named.there | named.values.isnan(), 0)
    if steps.shape[-1] == 0:
        steps = steps.new_zeros(len(steps), 1)
    checks = (_step_check("preds", steps, named.shape),)
    faulty = score_column("target", target)
    return {
        "preds": Column(steps, named.shape, named.judged, named.ends, checks),
        "target": faulty._replace(checks=(_step_check("target", faulty.values, faulty.shape),)),
    }


def located(inputs: PackedInputs) -> Located:
    """Where the faulty steps stand among the named ones."""
    steps, faulty = inputs.columns["preds"], inputs.columns["target"]
    hits = (steps == faulty[:, None]) & (steps > 0)
    before = (steps > 0).cumsum(-1)  # 0 among them names nothing
    place = before.gather(-1, hits.to(torch.int64).argmax(-1, keepdim=True))[:, 0].double()
    checked = inputs.batch.valid
    return Located(
        place.where(hits.any(-1), torch.inf), (steps > 0).any(-1), checked & (faulty > 0), checked & (faulty == 0)
    )


def _step_check(argument: str, steps: Tensor, shape: tuple[int, ...]) -> Check:
    wrong = ~((steps >= 0) & (steps == steps.round()) & steps.isfinite()) & ~steps.isnan()

    def error(place: int) -> InputError:
        row = place // max(1, steps[0].numel())
        got = float(steps.flatten()[place])
        return InputError(argument, "to hold numbers of steps, whole and from 0", got, place_of(row, shape))

    return Check(wrong, error)
