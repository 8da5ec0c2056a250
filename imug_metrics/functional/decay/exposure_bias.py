# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Two arms on the same records: the gain of one over the other, and what a model's own history costs it."""

from __future__ import annotations

from typing import Any, Literal, NamedTuple

import torch
from torch import Tensor

from imug_metrics.dialogues.batch import align_rows, pack
from imug_metrics.dialogues.inputs import Records, open_records, score_rows
from imug_metrics.functional.reduce import reduce_values

_SHOWN = 5  # unpaired rows that an error names
_ROUNDING = 1e-6  # float32 means of ones may end up this far beyond 1


class Pairs(NamedTuple):
    """Two lists of records brought together.

    Attributes:
        rows: `scores`, `target`, `dialogue`, `turn` (and `subject`), each `[M]`, one row for every record of either
            arm, ordered by dialogue, turn and subject, NaN where an arm lacks it: the arguments of an update.
        scores_only: int64, the rows of `scores` that have no partner.
        target_only: int64, the rows of `target` that have no partner.
    """

    rows: dict[str, Tensor]
    scores_only: Tensor
    target_only: Tensor


class Arms(NamedTuple):
    """Both arms of packed records, float64 `[N]`, NaN where a record is not scored.

    Attributes:
        scores: arm A.
        target: arm B.
        paired: bool, scored in both.
        single: bool, scored in one of them only.
    """

    scores: Tensor
    target: Tensor
    paired: Tensor
    single: Tensor


def paired_gain(
    scores: Any,
    target: Any,
    dialogue: Any = None,
    turn: Any = None,
    *,
    subject: Any = None,
    valid: Tensor | None = None,
    reduction: Literal["mean", "none"] = "mean",
) -> Tensor:
    """Gain of arm A over arm B on the same records: `scores - target`. Above 0 where A is better.

    Any two arms will do: chain-of-thought and plain, after and before verification, interleaved and isolated turns.

    Args:
        scores: `[N]` or `[B, T]`, arm A, higher is better; NaN where a record is not scored.
        target: the same for arm B.
        dialogue, turn, subject, valid: as in `align_rows`; `valid` speaks of arm A.
        reduction: `"none"`, or `"mean"` of the records that both arms have.

    Returns:
        float64 scalar, or values in the shape of the records; NaN where an arm lacks the record. Differentiable.

    Raises:
        ValueError: if shapes differ or turns are refused.

    Example:
        >>> paired_gain([[0.5, 0.75]], [[0.25, float("nan")]], reduction="none")
        tensor([[0.2500,    nan]], dtype=torch.float64)
    """
    records, arms = open_arms(scores, target, dialogue, turn, subject, valid)
    return reduce_values(records.unpack(arms.scores - arms.target), reduction)


def exposure_bias(
    scores: Any,
    target: Any,
    dialogue: Any = None,
    turn: Any = None,
    *,
    subject: Any = None,
    valid: Tensor | None = None,
    horizon: int | None = None,
    reduction: Literal["mean", "none"] = "mean",
) -> Tensor:
    """Excess accumulated error in per cent: what a model's own history adds to its errors. Lower is better, 0 is none.

    With losses `L = 1 - s`, `R(T) = sum_{t <= T} mean L_own(t)` and `E(T) = sum_{t <= T} mean L_reference(t)` it is
    `100 * (R(T) / E(T) - 1)` (Arora et al., arXiv 2204.01171, moved from tokens to turns). The means are taken over
    records that both arms have; turns without one are left out of both sums.

    Args:
        scores: `[N]` or `[B, T]` in [0, 1], on the model's own history; NaN where a record is not scored.
        target: the same on the reference history.
        dialogue, turn, subject, valid: as in `align_rows`; `valid` speaks of
            `scores`.
        horizon: T; None: the last turn that has a pair.
        reduction: `"mean"` for the value at the horizon, `"none"` for the curve over T.

    Returns:
        float64 scalar, or `[T]` for T = 1, 2, ... up to the horizon, NaN at turns without a pair. NaN where `E(T) = 0`
        (a reference arm without any error has nothing to be a multiple of) and where the pairs end before T.
        Differentiable.

    Raises:
        ValueError: if a score is outside [0, 1], shapes differ, turns are refused or the horizon is below 1.

    Example:
        >>> exposure_bias([[0.75, 0.5, 0.25]], [[0.75, 0.75, 0.75]], reduction="none")
        tensor([  0.,  50., 100.], dtype=torch.float64)
    """
    if horizon is not None and horizon < 1:
        raise ValueError(f"Expected argument `horizon` to be >= 1, got {horizon}.")
    records, arms = open_arms(scores, target, dialogue, turn, subject, valid)
    check_shares(records, arms)
    turns, paired = records.batch.turn, arms.paired
    last = int(torch.where(paired, turns, 0).max()) if len(turns) else 0
    length = last if horizon is None else horizon
    place = (turns - 1).clamp(max=length)  # one place more for what lies behind the horizon

    def by_turn(values: Tensor) -> Tensor:
        return values.new_zeros(length + 1).index_add(0, place, values.masked_fill(~paired, 0))[:length]

    count = by_turn(torch.ones_like(arms.scores))
    gap, loss = by_turn(arms.target - arms.scores), by_turn(1 - arms.target)
    excess, _ = accumulated_excess(gap, loss, count, count > 0)
    if reduction != "mean":
        return reduce_values(excess.masked_fill(count == 0, torch.nan), reduction)
    return excess[-1] if 0 < length <= last else excess.new_tensor(torch.nan)


def pair_records(
    scores: Any,
    dialogue: Any,
    turn: Any,
    target: Any,
    target_dialogue: Any,
    target_turn: Any,
    *,
    subject: Any = None,
    target_subject: Any = None,
    unpaired: Literal["raise", "keep"] = "raise",
) -> Pairs:
    """Bring together two arms that come as separate lists, by dialogue and turn (and subject).

    Args:
        scores: `[N]`, arm A.
        dialogue, turn: `[N]`, its places; ids are integers or strings, in both arms alike.
        target: `[M]`, arm B.
        target_dialogue, target_turn: `[M]`, its places.
        subject, target_subject: subjects of both arms, or None.
        unpaired: `"raise"` refuses records that only one arm has, `"keep"` returns them with NaN for the other arm.

    Returns:
        The rows of both arms and what stayed unpaired. A row that is there but whose score is NaN is no unpaired row
        here; the metrics count it as one.

    Raises:
        ValueError: if a record has no partner (the message names the first ones), or an arm's columns differ in length
            or hold a record twice.

    Example:
        >>> pairs = pair_records([0.5, 0.75], ["a", "a"], [1, 2], [0.25], ["a"], [2], unpaired="keep")
        >>> pairs.rows["target"], pairs.scores_only
        (tensor([   nan, 0.2500], dtype=torch.float64), tensor([0]))
    """
    if unpaired not in ("raise", "keep"):
        raise ValueError(f"Expected argument `unpaired` to be 'raise' or 'keep', got {unpaired!r}.")
    if (subject is None) != (target_subject is None):
        raise ValueError("Expected arguments `subject` and `target_subject` together, got only one of them.")
    left, left_places = _read_arm("scores", scores, dialogue, turn, subject)
    right, right_places = _read_arm("target", target, target_dialogue, target_turn, target_subject)
    places, row = torch.unique(torch.cat([left_places, right_places.to(left.device)]), dim=0, return_inverse=True)
    left_row, right_row = row[: len(left)], row[len(left) :]
    columns = [left.new_full((len(places),), torch.nan) for _ in range(2)]
    rows = {
        "scores": columns[0].index_copy(0, left_row, left),
        "target": columns[1].index_copy(0, right_row, right.to(left.device)),
        **dict(zip(("dialogue", "turn", "subject"), places.unbind(1))),
    }
    pairs = Pairs(rows, _not_in(left_row, right_row), _not_in(right_row, left_row))
    if unpaired == "raise":
        _refuse_unpaired("scores", pairs.scores_only, dialogue, turn)
        _refuse_unpaired("target", pairs.target_only, target_dialogue, target_turn)
    return pairs


def open_arms(
    scores: Any, target: Any, dialogue: Any, turn: Any, subject: Any, valid: Any, validate: bool = True
) -> tuple[Records, Arms]:
    """Pack two arms; where a score is not finite, or `valid` is False for arm A, the arm lacks the record."""
    columns = {"scores": score_rows("scores", scores), "target": score_rows("target", target)}
    records = open_records(dialogue, turn, subject, valid, validate=validate, **columns)
    a, b = records.columns["scores"], records.columns["target"].to(records.batch.turn.device)
    first, second = records.batch.valid, b.isfinite()
    a, b = a.masked_fill(~first, torch.nan), b.masked_fill(~second, torch.nan)
    return records, Arms(a, b, first & second, first ^ second)


def check_shares(records: Records, arms: Arms) -> None:
    """Raise ValueError at the first score outside [0, 1]; synchronises a CUDA device with the host once."""
    low, high = -_ROUNDING, 1 + _ROUNDING
    outside = torch.stack([(arm < low) | (arm > high) for arm in (arms.scores, arms.target)])
    if not bool(outside.any()):
        return
    argument, values = ("scores", arms.scores) if bool(outside[0].any()) else ("target", arms.target)
    wrong = outside[0 if argument == "scores" else 1]
    cell = torch.where(wrong, records.batch.order, len(wrong)).argmin()
    value, row = float(values[cell]), int(records.batch.order[cell])
    if records.keep is not None:
        row = int(records.keep.nonzero()[row])
    place = list(divmod(row, records.shape[1])) if len(records.shape) == 2 else row
    raise ValueError(f"Expected argument `{argument}` to lie in [0, 1], got {value:g} at row {place}.")


def accumulated_excess(gap: Tensor, loss: Tensor, count: Tensor, seen: Tensor) -> tuple[Tensor, Tensor]:
    """Excess accumulated error in per cent for every horizon, and the number of turns that it rests on.

    `R(T) / E(T) - 1` equals the accumulated gap over `E(T)`, which loses no digits where the arms are close.

    Args:
        gap: sums of `L_own - L_reference` by turn, `[..., T]`.
        loss: sums of `L_reference` by turn.
        count: numbers of pairs by turn.
        seen: bool `[T]`, turns that count; others are left out. Where one of them has no pair, later values are NaN.

    Example:
        >>> sums = (torch.tensor([0.0, 1.0]), torch.tensor([1.0, 1.0]), torch.tensor([2.0, 2.0]))
        >>> accumulated_excess(*sums, torch.tensor([True, True]))[0]
        tensor([ 0., 50.])
    """
    weight = torch.where(count > 0, seen / torch.where(count > 0, count, 1), 0)
    own, reference = (gap * weight).cumsum(-1), (loss * weight).cumsum(-1)
    defined = (reference > 0) & ((count > 0) | ~seen).cummin(-1).values
    excess = 100 * own / torch.where(defined, reference, 1)
    return torch.where(defined, excess, torch.nan), seen.cumsum(-1).to(gap)


def _read_arm(argument: str, values: Any, dialogue: Any, turn: Any, subject: Any) -> tuple[Tensor, Tensor]:
    """One arm's values `[N]` and its places `[N, 2]`, or `[N, 3]` with subjects."""
    rows = score_rows(argument, values)
    try:
        if len(rows.shape) != 1:
            raise ValueError(f"Expected argument `{argument}` to have shape [N], got {list(rows.shape)}.")
        ids, turns, subjects, _, _ = align_rows(rows.shape, dialogue, turn, subject, device=rows.values.device)
        pack(ids, turns, subject=subjects)
    except ValueError as error:
        raise ValueError(f"In the arm of `{argument}`: {error}") from error
    return rows.values, torch.stack([ids, turns] if subjects is None else [ids, turns, subjects], 1)


def _not_in(rows: Tensor, others: Tensor) -> Tensor:
    return (~torch.isin(rows, others)).nonzero()[:, 0]


def _refuse_unpaired(argument: str, unpaired: Tensor, dialogue: Any, turn: Any) -> None:
    if not len(unpaired):
        return
    shown = unpaired[:_SHOWN].tolist()
    named = ", ".join(f"row {row} (dialogue {_plain(dialogue[row])!r}, turn {_plain(turn[row])})" for row in shown)
    more = f" and {len(unpaired) - len(shown)} more" if len(unpaired) > len(shown) else ""
    raise ValueError(f"Expected every record in both arms, got `{argument}` alone at {named}{more}.")


def _plain(value: Any) -> Any:
    return value.item() if hasattr(value, "item") else value
