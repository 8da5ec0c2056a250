# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""The errors that a model's own history adds."""

import math

import torch
from torch import Tensor
from typing_extensions import Unpack

from imug_metrics.dialogues.arguments import Ids, Numbers, Turns
from imug_metrics.dialogues.columns import SHARE
from imug_metrics.functional.decay.exposure_bias import accumulated_excess
from imug_metrics.metrics.description import MetricDescription
from imug_metrics.metrics.dialogue_metric import DialogueMetric
from imug_metrics.metrics.options import MetricOptions, within
from imug_metrics.metrics.paired_metric import PairedMetric


class ExposureBias(PairedMetric):
    """What does building on its own outputs add to a model's errors? Excess in per cent; lower is better, 0 is none.

    Two arms of the same model on the same turns: on its *own* history (free-running) and on the *reference* history.
    With losses `L = 1 - s`, `R(T) = sum_{t <= T} mean L_own(t)` and `E(T)` the same on the reference history, the
    excess is `100 * (R(T) / E(T) - 1)` (Arora et al., arXiv 2204.01171, moved from tokens to turns): 0 where the
    history does not matter, 50 where half as many errors again have piled up by turn T. The functional counterpart is
    `exposure_bias`.

    The means are taken over pairs; turns without any are left out of both sums. The excess is NaN where `E(T) = 0` (a
    reference arm without errors has nothing to be a multiple of) and where the pairs end before T. The clusters of its
    interval are the dialogues that have a pair at turn T: the fewest. The detail adds

    - `exposure_bias_excess_k`: the excess at T = k, the course of the primary estimate; NaN at turns without a pair
    - `exposure_bias_accumulated`: `n R(T) / E(T)`, n the number of turns in the sums; n where history does not matter
    - `exposure_bias_mean`, `exposure_bias_turn_k`: the gap `s_reference - s_own`, overall and at turn k
    - `exposure_bias_slope`: change of the gap per turn within dialogues; above 0 where errors compound
    - `exposure_bias_scores`, `exposure_bias_baseline`: mean of each arm over the pairs
    - `exposure_bias_unpaired`, `exposure_bias_coverage`: records that one arm alone has; share that both have

    As output `compute` gives a float64 scalar, or the dict of `DialogueMetric` with `detail=True`.

    Args:
        horizon: T, at most `max_turns`; None: the last turn up to `max_turns` that has a pair. Few dialogues may reach
            it: compare models at a horizon that is set.
        kwargs: see `MetricOptions`. With `missing="zero"` a record scores 0 in an arm that lacks it. With
            `validate` scores outside [0, 1] are refused, which costs another synchronisation of a CUDA device.

    Raises:
        ValueError: if an argument is outside its range.

    Example:
        >>> import torch
        >>> metric = ExposureBias(detail=True)
        >>> metric.update(torch.tensor([[0.75, 0.5], [0.75, 0.0]]), torch.full((2, 2), 0.75))
        >>> found = metric.compute()
        >>> [float(found[f"exposure_bias{key}"]) for key in ("", "_excess_1", "_accumulated", "_slope")]
        [100.0, 0.0, 4.0, 0.5]
    """

    name = "exposure_bias"
    description = MetricDescription(
        label="Exposure bias",
        noun="exposure bias",
        unit="%",
        measures="excess accumulated error over the horizon",
        span="per cent, from -100",
        direction="lower is better; 0 where its own history costs nothing",
        meaning="How much more error piles up on the model's own history than on the reference history.",
        misleads="A ratio: large and uncertain where the reference run hardly errs. The gap is the steadier number, "
        "and the reference must be right.",
    )
    curve_of = "gap, reference − own (score)"
    level_of_curve = (0.0, "no cost")
    primary = "excess"
    higher_is_better = False
    configuration = (*DialogueMetric.configuration, "horizon")
    bounds = SHARE
    ranges = (
        within(SHARE, "scores", "baseline")
        | within((-1.0, 1.0), "mean", "turn_")
        | within((-100.0, math.inf), "excess", "excess_")
        | within((0.0, math.inf), "accumulated")
    )

    def __init__(self, horizon: int | None = None, **kwargs: Unpack[MetricOptions]) -> None:
        self.horizon = horizon
        super().__init__(**kwargs)
        multiples = ("excess", "accumulated", *(f"excess_{k}" for k in self._turns()))
        self.events = dict.fromkeys(multiples, ("mean",))  # dialogues in which the arms differ at all
        if horizon is not None and (not isinstance(horizon, int) or not 1 <= horizon <= self.max_turns):
            raise ValueError(
                f"Expected argument `horizon` to be from 1 to `max_turns`, {self.max_turns}, got {horizon}."
            )

    def update(
        self,
        scores: Numbers,
        baseline: Numbers,
        *,
        dialogue: Ids | None = None,
        turn: Turns | None = None,
        subject: Ids | None = None,
        valid: Tensor | None = None,
        lengths: Tensor | None = None,
    ) -> None:
        """Add a batch of whole dialogues.

        Args:
            scores: `[N]` or `[B, T]` in [0, 1], on the model's own history, higher is better; NaN where not scored.
            baseline: of the same shape, on the reference history.
            dialogue, turn, subject, valid, lengths: as in every metric, see `DialogueMetric`; `valid` speaks of
                `scores`.

        Raises:
            ValueError: if a score is outside [0, 1], shapes differ or turns are refused.
        """
        inputs, arms = self._read(scores, baseline, dialogue, turn, subject, valid, lengths)
        arms = self._zero_filled(arms)
        gap = arms.baseline - arms.scores
        # Sums of the own arm's losses would do as well, but only these are exactly 0 for a reference without errors.
        loss = (1 - arms.baseline).masked_fill(gap.isnan(), 0)
        self._add_arms(inputs.batch, arms, gap, curve_sums={"loss": loss})

    def _needed(self) -> list[str]:
        return [name for k in self._turns() for name in (f"turn_{k}.num", f"turn_{k}.den", f"loss_{k}")]

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
        at = {f"excess_{k}": course[..., k - 1] for k in self._turns()} if self.detail else {}
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
        kept = self._named(self._totals)
        seen = torch.stack([kept[f"turn_{k}.den"] for k in self._turns()]) > 0
        turns = torch.arange(self.max_turns, device=seen.device)
        return seen, (turns * seen).max() if self.horizon is None else turns[self.horizon - 1]
