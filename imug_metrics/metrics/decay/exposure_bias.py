# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Two arms on the same turns: the gain of one over the other, and the errors that a model's own history adds."""

from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from imug_metrics.dialogues.batch import DialogueBatch
from imug_metrics.dialogues.inputs import Records
from imug_metrics.functional.decay.exposure_bias import Arms, accumulated_excess, check_shares, open_arms
from imug_metrics.metrics.dialogue_metric import DialogueMetric


class _PairedMetric(DialogueMetric):
    """What metrics of two arms share: a difference by record, the mean of each arm, the count of unpaired records."""

    def _read(
        self, scores: Any, target: Any, dialogue: Any, turn: Any, subject: Any, valid: Any
    ) -> tuple[Records, Arms]:
        if self.bootstrap and dialogue is None:
            raise ValueError("Expected argument `dialogue`: the bootstrap draws by the dialogues' ids.")
        return open_arms(scores, target, dialogue, turn, subject, valid, self.validate)

    def _add_arms(
        self,
        batch: DialogueBatch,
        arms: Arms,
        difference: Tensor,
        shares: dict[str, Tensor] | None = None,
        sums: dict[str, Tensor] | None = None,
    ) -> None:
        """Add packed records: the difference of the arms (NaN: not used), and per-record values to take means of."""
        used = ~difference.isnan()
        weight = self._weights(batch, used)
        total = batch.sum_runs(weight)
        means = {"scores": arms.scores, "target": arms.target, **(shares or {})}
        ratios = {n: (batch.sum_runs(weight * v.masked_fill(~used, 0).double()), total) for n, v in means.items()}
        every = torch.ones_like(weight)
        ratios["coverage"] = (batch.sum_runs(arms.paired.double()), batch.sum_runs(every))
        unpaired = {"unpaired": batch.sum_runs(arms.single.double())}
        self._add(replace(batch, valid=used), difference, ratios=ratios, sums={**unpaired, **(sums or {})})

    def _weights(self, batch: DialogueBatch, used: Tensor) -> Tensor:
        """Weight of each packed record in a mean: 1, or 1 over the number of records of its dialogue."""
        weight = used.double()
        if self.average == "record":
            return weight
        count = batch.sum_dialogues(batch.sum_runs(weight))
        return weight / count.clamp_min(1)[batch.owner[batch.run]]

    def _zero_filled(self, arms: Arms) -> Arms:
        """The arms with absent outputs scored 0 where `missing` says so; pairs are counted as before."""
        if self.missing == "skip":
            return arms
        return arms._replace(scores=arms.scores.nan_to_num(0), target=arms.target.nan_to_num(0))

    def _ratios(self) -> list[str]:
        return ["scores", "target"]

    def _sums(self) -> list[str]:
        return ["unpaired"]

    def _finish(self, found: dict[str, Tensor]) -> dict[str, Tensor]:
        return {**found, f"{self.name}_unpaired": self._named(self.moments[0, 1:])["unpaired"]}


class PairedGain(_PairedMetric):
    """Gain of arm A over arm B on the same records: mean of `scores - target`. Above 0 where A is better.

    Any two arms of one metric: chain-of-thought against plain, after against before verification, interleaved against
    isolated turns, one model against another. Pairing takes the difficulty of the records out of the comparison, so its
    interval is that of the difference and not that of two separate means. The functional twin is
    `paired_gain`;
    `pair_records` pairs arms that come as two lists.

    A record that one arm lacks is unpaired: it is counted and never used (but see `missing`). The detail adds

    - `paired_gain_scores`, `paired_gain_target`: mean of each arm over the pairs; their difference is the gain
    - `paired_gain_slope`: change of the gain per turn within dialogues; above 0 where A's lead grows
    - `paired_gain_turn_k`: gain at turn k
    - `paired_gain_better`, `paired_gain_worse`, `paired_gain_equal`: shares of the pairs; they add to 1
    - `paired_gain_unpaired`: number of records that one arm alone has
    - `paired_gain_coverage`: share of all records given that both arms have

    As input to `forward` and `update` the metric accepts

    - `scores`: `[N]` or `[B, T]`, arm A, higher is better; NaN where a record is not scored
    - `target`: the same for arm B
    - `dialogue`, `turn`, `subject`, `valid`: see `align_rows`; `valid` speaks of
      arm A

    As output `compute` gives a float64 scalar, or with `detail=True` the dict of
    `DialogueMetric`.

    Args:
        margin: gains up to this size, either way, count as equal.
        kwargs: those of `DialogueMetric`. With `missing="zero"` a record scores 0 in an arm that lacks it.

    Raises:
        ValueError: if an argument is outside its range, or an update's shapes or turns are refused.

    Example:
        >>> import torch
        >>> metric = PairedGain(detail=True)
        >>> metric.update(torch.tensor([[0.9, 0.8], [0.6, 0.7]]), torch.tensor([[0.8, 0.4], [0.6, 0.4]]))
        >>> found = metric.compute()
        >>> [round(float(found[f"paired_gain{key}"]), 3) for key in ("", "_slope", "_turn_2", "_better")]
        [0.2, 0.3, 0.35, 0.75]
    """

    name = "paired_gain"
    configuration = (*DialogueMetric.configuration, "margin")

    def __init__(self, margin: float = 0.0, **kwargs: Any) -> None:
        if not margin >= 0:
            raise ValueError(f"Expected argument `margin` to be at least 0, got {margin}.")
        self.margin = margin
        super().__init__(**kwargs)

    def update(
        self,
        scores: Any,
        target: Any,
        dialogue: Any = None,
        turn: Any = None,
        subject: Any = None,
        valid: Tensor | None = None,
    ) -> None:
        """Add a batch of whole dialogues."""
        records, arms = self._read(scores, target, dialogue, turn, subject, valid)
        arms = self._zero_filled(arms)
        gain = arms.scores - arms.target
        shares = {"better": gain > self.margin, "worse": gain < -self.margin, "equal": gain.abs() <= self.margin}
        self._add_arms(records.batch, arms, gain, shares)

    def _ratios(self) -> list[str]:
        return [*super()._ratios(), "better", "worse", "equal"]


class ExposureBias(_PairedMetric):
    """Excess accumulated error in per cent: what building on its own outputs adds to a model's errors. Lower is better.

    Two arms of the same model on the same turns: on its *own* history (free-running) and on the *reference* history.
    With losses `L = 1 - s`, `R(T) = sum_{t <= T} mean L_own(t)` and `E(T)` the same on the reference history, the
    excess is `100 * (R(T) / E(T) - 1)` (Arora et al., arXiv 2204.01171, moved from tokens to turns): 0 where the
    history does not matter, 50 where half as many errors again have piled up by turn T. The functional twin is
    `exposure_bias`.

    The means are taken over pairs; turns without any are left out of both sums. The excess is NaN where `E(T) = 0` (a
    reference arm without errors has nothing to be a multiple of) and where the pairs end before T. The clusters of its
    interval are the dialogues that have a pair at turn T: the fewest. The detail adds

    - `exposure_bias_excess_k`: the excess at T = k, the course of the headline, for turns that have a pair
    - `exposure_bias_accumulated`: `n R(T) / E(T)`, n the number of turns in the sums; n where history does not matter
    - `exposure_bias_mean`, `exposure_bias_turn_k`: the gap `s_reference - s_own`, overall and at turn k
    - `exposure_bias_slope`: change of the gap per turn within dialogues; above 0 where errors compound
    - `exposure_bias_scores`, `exposure_bias_target`: mean of each arm over the pairs
    - `exposure_bias_unpaired`, `exposure_bias_coverage`: records that one arm alone has; share that both have

    As input to `forward` and `update` the metric accepts

    - `scores`: `[N]` or `[B, T]` in [0, 1], on the model's own history, higher is better; NaN where not scored
    - `target`: the same on the reference history
    - `dialogue`, `turn`, `subject`, `valid`: see `align_rows`; `valid` speaks of
      `scores`

    As output `compute` gives a float64 scalar, or with `detail=True` the dict of
    `DialogueMetric`.

    Args:
        horizon: T, at most `max_turns`; None: the last turn up to `max_turns` that has a pair. Few dialogues may reach
            it: compare models at a horizon that is set.
        kwargs: those of `DialogueMetric`. With `missing="zero"` a record scores 0 in an arm that lacks it. With
            `validate` scores outside [0, 1] are refused, which costs another synchronisation of a CUDA device.

    Raises:
        ValueError: if an argument is outside its range, a score is outside [0, 1], or an update's shapes or turns are
            refused.

    Example:
        >>> import torch
        >>> metric = ExposureBias(detail=True)
        >>> metric.update(torch.tensor([[0.75, 0.5], [0.75, 0.0]]), torch.full((2, 2), 0.75))
        >>> found = metric.compute()
        >>> [float(found[f"exposure_bias{key}"]) for key in ("", "_excess_1", "_accumulated", "_slope")]
        [100.0, 0.0, 4.0, 0.5]
    """

    name = "exposure_bias"
    headline = "excess"
    higher_is_better = False
    configuration = (*DialogueMetric.configuration, "horizon")
    curves = ("turn_", "excess_")

    def __init__(self, horizon: int | None = None, *, max_turns: int = 16, **kwargs: Any) -> None:
        if horizon is not None and (not isinstance(horizon, int) or not 1 <= horizon <= max_turns):
            raise ValueError(f"Expected argument `horizon` to be from 1 to `max_turns`, {max_turns}, got {horizon}.")
        self.horizon = horizon
        super().__init__(max_turns=max_turns, **kwargs)

    def update(
        self,
        scores: Any,
        target: Any,
        dialogue: Any = None,
        turn: Any = None,
        subject: Any = None,
        valid: Tensor | None = None,
    ) -> None:
        """Add a batch of whole dialogues."""
        records, arms = self._read(scores, target, dialogue, turn, subject, valid)
        if self.validate:
            check_shares(records, arms)
        arms = self._zero_filled(arms)
        gap = arms.target - arms.scores
        # Sums of the own arm's losses would do as well, but only these are exactly 0 for a reference without errors.
        loss = (1 - arms.target).masked_fill(gap.isnan(), 0)
        turns = torch.arange(1, self.max_turns + 1, device=loss.device)
        by_turn = records.batch.sum_runs(torch.where(records.batch.turn[:, None] == turns, loss[:, None], 0))
        sums = {f"loss_{k}": column for k, column in zip(self._turns(), by_turn.unbind(1))}
        self._add_arms(records.batch, arms, gap, sums=sums)

    def _turns(self) -> range:
        return range(1, self.max_turns + 1)

    def _sums(self) -> list[str]:
        return [*super()._sums(), *(f"loss_{k}" for k in self._turns())]

    def _derived(self, sums: dict[str, Tensor]) -> dict[str, Tensor]:
        gap, count = (torch.stack([sums[f"turn_{k}.{part}"] for k in self._turns()], -1) for part in ("num", "den"))
        loss = torch.stack([sums[f"loss_{k}"] for k in self._turns()], -1)
        seen, horizon = self._reach()
        excess, rests_on = accumulated_excess(gap, loss, count, seen)
        chosen = excess.index_select(-1, horizon[None])[..., 0]
        if self.horizon is not None:
            chosen = chosen.masked_fill(~seen[self.horizon - 1 :].any(), torch.nan)
        course = excess.masked_fill(~seen, torch.nan)
        at = {f"excess_{k}": course[..., k - 1] for k in self._turns()}
        return {"excess": chosen, "accumulated": rests_on[horizon] * (1 + chosen / 100), **at}

    def _supports(self) -> dict[str, str]:
        """The fewest dialogues stand behind the last turn, and its term is the least certain of the sums."""
        seen, horizon = self._reach()
        turns = torch.arange(1, self.max_turns + 1, device=seen.device)
        last = max(int((turns * seen)[: int(horizon) + 1].max()), 1)
        at = {f"excess_{k}": f"turn_{k}.den" for k in self._turns()}
        return {"excess": f"turn_{last}.den", "accumulated": f"turn_{last}.den", **at}

    def _reach(self) -> tuple[Tensor, Tensor]:
        """Which turns have a pair, bool `[max_turns]`, by all data and not by a replicate; and the horizon - 1."""
        kept = self._named(self.moments[0, 1:])
        seen = torch.stack([kept[f"turn_{k}.den"] for k in self._turns()]) > 0
        turns = torch.arange(self.max_turns, device=seen.device)
        return seen, (turns * seen).max() if self.horizon is None else turns[self.horizon - 1]
