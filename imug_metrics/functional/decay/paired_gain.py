# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Two arms on the same records: the gain of one over the other."""

from __future__ import annotations

from typing import Any, Literal, NamedTuple, cast

import torch
from torch import Tensor

from imug_metrics.dialogues.alignment import align_rows
from imug_metrics.dialogues.arguments import Ids, Numbers, Turns
from imug_metrics.dialogues.columns import Bounds, Column, score_column
from imug_metrics.dialogues.inputs import PackedInputs, pack_inputs
from imug_metrics.dialogues.packing import pack
from imug_metrics.errors import InputError
from imug_metrics.functional.reduce import reduce_values

SHOWN_ROWS = 5  # unpaired rows that an error names


class Pairs(NamedTuple):
    """Two lists of records brought together.

    Attributes:
        rows: `scores`, `baseline`, `dialogue`, `turn` (and `subject`), each `[M]`, one row for every record of either
            arm, ordered by dialogue, turn and subject, NaN where an arm lacks it: the arguments of an update.
        scores_only: int64, the rows of `scores` that have no partner.
        baseline_only: int64, the rows of `baseline` that have no partner.
    """

    rows: dict[str, Tensor]
    scores_only: Tensor
    baseline_only: Tensor


class Arms(NamedTuple):
    """Both arms of packed records, float64 `[N]`, NaN where a record is not scored.

    Attributes:
        scores: arm A.
        baseline: arm B.
        in_scores: bool, arm A has the record.
        in_baseline: bool, arm B has it.
    """

    scores: Tensor
    baseline: Tensor
    in_scores: Tensor
    in_baseline: Tensor

    @property
    def paired(self) -> Tensor:
        """Bool, scored in both."""
        return self.in_scores & self.in_baseline

    @property
    def single(self) -> Tensor:
        """Bool, scored in one of them only."""
        return self.in_scores ^ self.in_baseline


def paired_gain(
    scores: Numbers,
    baseline: Numbers,
    *,
    dialogue: Ids | None = None,
    turn: Turns | None = None,
    subject: Ids | None = None,
    valid: Tensor | None = None,
    lengths: Tensor | None = None,
    reduction: Literal["mean", "none"] = "mean",
) -> Tensor:
    """Gain of arm A over arm B on the same records: `scores - baseline`. Above 0 where A is better.

    Any two arms will do: chain-of-thought and plain, after and before verification, interleaved and isolated turns.

    Args:
        scores: `[N]` or `[B, T]`, arm A, higher is better; NaN where a record is not scored.
        baseline: the same for arm B.
        dialogue, turn, subject, valid, lengths: as in `align_rows`; `valid` speaks of arm A.
        reduction: `"none"`, or `"mean"` of the records that both arms have.

    Returns:
        float64 scalar, or values in the shape of the records; NaN where an arm lacks the record. Differentiable.

    Raises:
        ValueError: if shapes differ or turns are refused.

    Example:
        >>> paired_gain([[0.5, 0.75]], [[0.25, float("nan")]], reduction="none")
        tensor([[0.2500,    nan]], dtype=torch.float64)
    """
    inputs = pack_inputs(arm_columns(scores, baseline), dialogue, turn, subject, valid, lengths)
    arms = packed_arms(inputs)
    return reduce_values(inputs.unpack(arms.scores - arms.baseline), reduction)


def pair_records(
    scores: Numbers,
    *,
    dialogue: Ids,
    turn: Turns,
    baseline: Numbers,
    baseline_dialogue: Ids,
    baseline_turn: Turns,
    subject: Ids | None = None,
    baseline_subject: Ids | None = None,
    unpaired: Literal["raise", "keep"] = "raise",
) -> Pairs:
    """Bring together two arms that come as separate lists, by dialogue and turn (and subject).

    Args:
        scores: `[N]`, arm A.
        dialogue, turn: `[N]`, its places; ids are integers or strings, in both arms alike.
        baseline: `[M]`, arm B.
        baseline_dialogue, baseline_turn: `[M]`, its places.
        subject, baseline_subject: subjects of both arms, or None.
        unpaired: `"raise"` refuses records that only one arm has, `"keep"` returns them with NaN for the other arm.

    Returns:
        The rows of both arms and what stayed unpaired. A row that is there but whose score is NaN is no unpaired row
        here; the metrics count it as one.

    Raises:
        InputError: if a record has no partner (the message names the first ones), or an arm's columns differ in length
            or hold a record twice.

    Example:
        >>> pairs = pair_records(
        ...     [0.5, 0.75], dialogue=["a", "a"], turn=[1, 2],
        ...     baseline=[0.25], baseline_dialogue=["a"], baseline_turn=[2], unpaired="keep",
        ... )
        >>> pairs.rows["baseline"], pairs.scores_only
        (tensor([   nan, 0.2500], dtype=torch.float64), tensor([0]))
    """
    if unpaired not in ("raise", "keep"):
        raise ValueError(f"Expected argument `unpaired` to be 'raise' or 'keep', got {unpaired!r}.")
    if (subject is None) != (baseline_subject is None):
        alone = "subject" if baseline_subject is None else "baseline_subject"
        raise InputError(alone, "to come with that of the other arm, `subject` and `baseline_subject` together", "one")
    left, left_places = _read_arm("scores", scores, dialogue, turn, subject)
    right, right_places = _read_arm("baseline", baseline, baseline_dialogue, baseline_turn, baseline_subject)
    places, row = torch.unique(torch.cat([left_places, right_places.to(left.device)]), dim=0, return_inverse=True)
    left_row, right_row = row[: len(left)], row[len(left) :]
    columns = [left.new_full((len(places),), torch.nan) for _ in range(2)]
    rows = {
        "scores": columns[0].index_copy(0, left_row, left),
        "baseline": columns[1].index_copy(0, right_row, right.to(left.device)),
        **dict(zip(("dialogue", "turn", "subject"), places.unbind(1))),
    }
    pairs = Pairs(rows, _not_in(left_row, right_row), _not_in(right_row, left_row))
    if unpaired == "raise":
        _refuse_unpaired("scores", pairs.scores_only, dialogue, turn)
        _refuse_unpaired("baseline", pairs.baseline_only, baseline_dialogue, baseline_turn)
    return pairs


def arm_columns(scores: Numbers, baseline: Numbers, bounds: Bounds | None = None) -> dict[str, Column]:
    """Two arms as rows, with the check of their bounds."""
    arms = {"scores": scores, "baseline": baseline}
    return {name: score_column(name, values, bounds) for name, values in arms.items()}


def packed_arms(inputs: PackedInputs) -> Arms:
    """Packed arms; where a score is not finite, or `valid` is False for arm A, the arm lacks the record."""
    a, b = inputs.batch.present(inputs.columns["scores"]), inputs.columns["baseline"]
    return Arms(a, b, inputs.batch.valid, b == b)


def _read_arm(argument: str, values: Numbers, dialogue: Ids, turn: Turns, subject: Ids | None) -> tuple[Tensor, Tensor]:
    """One arm's values `[N]` and its places `[N, 2]`, or `[N, 3]` with subjects."""
    rows = score_column(argument, values)
    if len(rows.shape) != 1:
        raise InputError(argument, "to have shape [N]", list(rows.shape))
    try:
        places = align_rows(rows.shape, dialogue, turn, subject, like=rows.values, of=f"`{argument}`")
        ids, turns, subjects = places.dialogue, cast("Tensor", places.turn), places.subject
        pack(ids, turns, subject=subjects, name=places.name)
    except InputError as error:
        arm = "" if argument == "scores" else f"{argument}_"
        raise InputError(f"{arm}{error.argument}", error.expected, error.got, error.row) from None
    return rows.values, torch.stack([ids, turns] if subjects is None else [ids, turns, subjects], 1)


def _not_in(rows: Tensor, others: Tensor) -> Tensor:
    return (~torch.isin(rows, others)).nonzero()[:, 0]


def _refuse_unpaired(argument: str, unpaired: Tensor, dialogue: Ids, turn: Turns) -> None:
    if not len(unpaired):
        return
    shown = unpaired[:SHOWN_ROWS].tolist()
    named = ", ".join(f"row {row} (dialogue {_plain(dialogue[row])!r}, turn {_plain(turn[row])})" for row in shown)
    more = f" and {len(unpaired) - len(shown)} more" if len(unpaired) > len(shown) else ""
    raise InputError(argument, "to have every record that the other arm has", f"`{argument}` alone at {named}{more}")


def _plain(value: Any) -> Any:
    return value.item() if hasattr(value, "item") else value
