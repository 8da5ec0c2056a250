# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""What a model's own history adds to its errors, by the same turns on the reference history."""

from __future__ import annotations

from typing import Literal, get_args

import torch
from torch import Tensor

from imug_metrics.dialogues.arguments import Ids, Numbers, Turns
from imug_metrics.dialogues.columns import SHARE, as_numbers
from imug_metrics.dialogues.ids import as_ids, as_integers
from imug_metrics.dialogues.inputs import pack_inputs
from imug_metrics.errors import InputError
from imug_metrics.functional.decay.paired_gain import arm_columns, packed_arms
from imug_metrics.functional.reduce import reduce_values
from imug_metrics.stats.bootstrap import mix_bits
from imug_metrics.stats.running_sums import running_sums

Schedule = Literal["linear", "exponential", "inverse_sigmoid"]
SCHEDULES: tuple[Schedule, ...] = get_args(Schedule)


def exposure_bias(
    scores: Numbers,
    baseline: Numbers,
    *,
    dialogue: Ids | None = None,
    turn: Turns | None = None,
    subject: Ids | None = None,
    valid: Tensor | None = None,
    lengths: Tensor | None = None,
    horizon: int | None = None,
    reduction: Literal["mean", "none"] = "mean",
) -> Tensor:
    """Excess accumulated error in per cent: what a model's own history adds to its errors. Lower is better, 0 is none.

    With losses `L = 1 - s`, `R(T) = sum_{t <= T} mean L_own(t)` and `E(T) = sum_{t <= T} mean L_reference(t)` it is
    `100 * (R(T) / E(T) - 1)` (Arora et al., arXiv 2204.01171, moved from tokens to turns). The means are taken over
    records that both arms have; turns without one are left out of both sums.

    Args:
        scores: `[N]` or `[B, T]` in [0, 1], on the model's own history; NaN where a record is not scored.
        baseline: the same on the reference history.
        dialogue, turn, subject, valid, lengths: as in `align_rows`; `valid` speaks of `scores`.
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
    inputs = pack_inputs(arm_columns(scores, baseline, SHARE), dialogue, turn, subject, valid, lengths)
    arms, turns = packed_arms(inputs), inputs.batch.turn
    last = int(torch.where(arms.paired, turns, 0).max()) if len(turns) else 0
    length = last if horizon is None else horizon
    parts = torch.stack([torch.ones_like(arms.scores), arms.baseline - arms.scores, 1 - arms.baseline], 1)
    by_turn = inputs.batch.by_turn(parts.where(arms.paired[:, None], 0), length)
    count, gap, loss = by_turn.sum(0).unbind(1)
    excess, _ = accumulated_excess(gap, loss, count, count > 0)
    if reduction != "mean":
        return reduce_values(excess.masked_fill(count == 0, torch.nan), reduction)
    return excess[-1] if 0 < length <= last else excess.new_tensor(torch.nan)


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
    own, reference = running_sums(gap * weight), running_sums(loss * weight)
    defined = (reference > 0) & ((count > 0) | ~seen).cummin(-1).values
    excess = 100 * own / torch.where(defined, reference, 1)
    return torch.where(defined, excess, torch.nan), seen.cumsum(-1).to(gap)


def own_history_share(step: Numbers, schedule: Schedule, k: float) -> Tensor:
    """Share of turns put on the model's own history at a step: one minus scheduled sampling's share of the reference.

    The share of the reference at step, turn or epoch i falls from 1, or from near it (Bengio et al., arXiv 1506.03099):

    - `"linear"`: `max(0, 1 - i / k)`, k > 0
    - `"exponential"`: `k^i`, 0 <= k < 1
    - `"inverse_sigmoid"`: `k / (k + exp(i / k))`, k >= 1

    Args:
        step: i, numbers from 0 of any shape.
        schedule: which of the three.
        k: its parameter; the larger, the later the model is on its own.

    Returns:
        float64 in the shape of `step`, from 0 (all on the reference history) to 1 (all on its own).

    Raises:
        ValueError: if a step is below 0 or NaN, `schedule` is unknown, or k is outside its range.

    Example:
        >>> own_history_share([0, 5, 10, 20], "linear", 10)
        tensor([0.0000, 0.5000, 1.0000, 1.0000], dtype=torch.float64)
        >>> own_history_share([0, 1, 2], "exponential", 0.5)
        tensor([0.0000, 0.5000, 0.7500], dtype=torch.float64)
    """
    if schedule not in SCHEDULES:
        raise ValueError(f"Expected argument `schedule` to be one of {SCHEDULES}, got {schedule!r}.")
    known, expected = {
        "linear": (k > 0, "above 0"),
        "exponential": (0 <= k < 1, "from 0 and below 1"),
        "inverse_sigmoid": (k >= 1, "at least 1"),
    }[schedule]
    if not known:
        raise ValueError(f"Expected argument `k` to be {expected}, got {k}.")
    i = torch.as_tensor(step).double()
    if not bool((i >= 0).all()):
        raise ValueError(f"Expected argument `step` to hold numbers from 0, got {float(i[~(i >= 0)][0]):g}.")
    if schedule == "linear":
        return (i / k).clamp(max=1)
    if schedule == "exponential":
        return 1 - k**i
    return torch.sigmoid(i / k - torch.tensor(k, dtype=i.dtype).log())  # 1 - k / (k + e^(i / k)), without overflow


def scheduled_sampling(*, dialogue: Ids, turn: Turns, share: Numbers | float, seed: int = 0) -> Tensor:
    """Which turns to put on the model's own history, drawn at random by dialogue and turn.

    The draw hangs on ids, turn and seed alone: it is the same in any order, on any device and in any number of
    processes. A turn on its own history at one share is so at every larger one, hence runs at several shares differ by
    no more than they have to.

    Args:
        dialogue: ids, `[N]`, or `[B]` or `[B, T]` with padded turns.
        turn: `[N]` or `[B, T]`.
        share: of turns on the model's own history, from 0 to 1, one for all or one a turn; see `own_history_share`.
        seed: any integer; another seed gives another draw.

    Returns:
        bool in the shape of `turn`: True for the model's own history, False for the reference.

    Raises:
        InputError: if shapes differ or a share is outside [0, 1].

    Example:
        >>> scheduled_sampling(dialogue=["a", "a", "b", "b"], turn=[1, 2, 1, 2], share=0.5)
        tensor([False, False, False,  True])
    """
    turns = as_integers("turn", turn)
    ids = as_ids("dialogue", dialogue, tuple(turns.shape), turns.device)
    ids = ids[:, None] if ids.ndim < turns.ndim else ids
    one = isinstance(share, (int, float)) or (isinstance(share, Tensor) and share.ndim == 0)
    shares = torch.as_tensor(share) if one else as_numbers("share", share)
    shares = shares.to(turns.device).double()
    if shares.ndim and shares.shape != turns.shape:
        raise InputError("share", f"to have the shape of `turn`, {[*turns.shape]}", [*shares.shape])
    outside = ~((shares >= 0) & (shares <= 1))
    if bool(outside.any()):
        raise InputError("share", "to lie in 0 to 1", f"{float(shares[outside][0]):g}")
    # The seed is mixed twice, the bootstrap's once: its weights say nothing of these draws.
    salt = mix_bits(mix_bits(torch.tensor(seed, device=turns.device)))
    uniform = (mix_bits(mix_bits(ids + salt) + mix_bits(turns.long())) >> 11) & (2**53 - 1)
    return uniform.double() / 2**53 < shares
