# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""What does it cost a model that a turn asks for another modality than the one before?"""

from types import MappingProxyType

import torch
from torch import Tensor
from typing_extensions import Unpack

from imug_metrics._constants import constant
from imug_metrics.dialogues.arguments import Ids, Labels, Numbers, Turns
from imug_metrics.dialogues.batch import DialogueBatch
from imug_metrics.dialogues.columns import SHARE, Bounds, score_column
from imug_metrics.functional.decay.modality import with_modality
from imug_metrics.functional.decay.switch_cost import (
    DIRECTIONS,
    Switches,
    cross_count,
    cross_products,
    switch_effects,
    switch_weights,
    switches,
)
from imug_metrics.metrics.description import MetricDescription
from imug_metrics.metrics.dialogue_metric import DialogueMetric
from imug_metrics.metrics.dialogue_sums import Terms
from imug_metrics.metrics.options import MetricOptions, check_range, within
from imug_metrics.stats import REASONS, Interval, Moments, Weights
from imug_metrics.stats.intervals import COLLINEAR, NO_SWITCH

_EFFECTS = ("cost", *DIRECTIONS)
_STEPS = tuple(f"step_{name}" for name in (*DIRECTIONS, "same"))


class SwitchCost(DialogueMetric):
    """How much lower is the score right after a change of modality? Negative where a switch costs something.

    Least squares with an effect of every dialogue d and every turn t, of the modality, and of the switch:

        s_dt = a_d + b_t + m [image asked for] + c [other modality than the record before] + error

    The primary estimate is c, in the unit of the scores: higher is better, and 0 is no cost. Dialogues that are harder,
    turns that come late and images that score lower than words do not move it. The first record of a dialogue is no
    switch. The interval is cluster-robust (Liang and Zeger, Biometrika 73, 1986). The functional counterpart is
    `switch_cost`. The detail adds

    - `switch_cost_to_image`, `_to_text`: the same with an effect of its own in each direction
    - `switch_cost_step_switch`, `_step_same`: mean change of the score from the record before, across a switch and
      without one, and `_step`, the first less the second: negative where scores fall faster across switches. Across
      switches it is the mean of `_step_to_image` and `_step_to_text`, so that what one modality scores less than the
      other cancels
    - `switch_cost_switches`: share of switches among the scored records that have one before, and `_switch_n`, their
      number
    - `switch_cost_mean`, `_slope`, `_turn_k`: of all scores

    As output `compute` gives a float64 scalar, or the dict of `DialogueMetric` with `detail=True`. NaN where no data
    could tell: where all dialogues change modality at the same turns, turn and switch are one thing. The state grows
    with the square of `max_turns`, with detail with its fourth power (0.5 MB at 16); later turns share one effect.

    Args:
        score_range: ends that scores cannot leave, such as (0, 1): bounds of means then keep to them, and other scores
            are refused. None: not known.
        kwargs: those of all metrics, see `MetricOptions`.

    Raises:
        ValueError: if an argument is outside its range.

    Example:
        >>> metric = SwitchCost(detail=True)
        >>> modality = [["text", "image", "image"], ["text", "text", "image"], ["text", "text", "text"]]
        >>> metric.update([[0.9, 0.5, 0.6], [0.8, 0.7, 0.4], [0.7, 0.6, 0.6]], modality, dialogue=["a", "b", "c"])
        >>> found = metric.compute()
        >>> [round(float(found[f"switch_cost{end}"]), 2) for end in ("", "_step_same", "_switches")]
        [-0.1, -0.03, 0.33]
    """

    name = "switch_cost"
    description = MetricDescription(
        label="Switch cost",
        noun="the cost of a switch",
        unit="score",
        measures="change of the score right after a change of modality",
        span="unbounded; the score's own unit",
        direction="higher is better; negative where a switch costs something",
        meaning="How much the score changes at turns that ask for another modality than the turn before; dialogue, "
        "turn and modality are held fixed.",
        misleads="Where a benchmark asks for something else after a switch, such as harder tasks, it is of that too; "
        "and where all dialogues switch at the same turns it cannot be told.",
    )
    curve_of = "mean score"
    primary = "cost"
    configuration = (*DialogueMetric.configuration, "score_range")
    ranges = within(SHARE, "switches")
    fitted = MappingProxyType({"cost": 2, **dict.fromkeys(DIRECTIONS, 3)})  # the modality, and what else is switched

    def __init__(self, *, score_range: Bounds | None = None, **kwargs: Unpack[MetricOptions]) -> None:
        self.score_range = check_range("score_range", score_range)
        if self.score_range is not None:
            low, high = self.score_range
            if kwargs.get("missing") == "zero":  # which an absent score counts as, whatever the range
                low, high = min(low, 0.0), max(high, 0.0)
            self.ranges = self.ranges | within((low, high), "mean", "turn_")
            steepest = high - low
            self.limits = within((-steepest, steepest), *_STEPS, "step_switch") | within(
                (-2 * steepest, 2 * steepest), "step"
            )
        super().__init__(**kwargs)

    def update(
        self,
        scores: Numbers,
        modality: Labels,
        *,
        dialogue: Ids | None = None,
        turn: Turns | None = None,
        valid: Tensor | None = None,
        lengths: Tensor | None = None,
    ) -> None:
        """Add a batch of whole dialogues.

        Args:
            scores: `[N]` or `[B, T]`, higher is better; NaN where a turn could not be scored.
            modality: what each record had to be answered with, in the scores' shape: `"text"` or `"image"` in lists, or
                bools that are True for images. A record without a score still says what the next one follows; where it
                says nothing, the next one is not scored either.
            dialogue, turn, valid, lengths: as in every metric, see `DialogueMetric`.

        Raises:
            InputError: if shapes differ, or turns or modalities are refused.
        """
        zero = self.missing == "zero"
        columns = with_modality("scores", score_column("scores", scores, self.score_range), modality, zero=zero)
        inputs = self._pack(columns, dialogue, turn, None, valid, lengths)
        batch, values = inputs.batch, inputs.batch.present(inputs.columns["scores"])
        found = switches(batch, batch.zero_filled(values) if zero else values, inputs.columns["modality"])
        products = cross_products(batch, found, self.max_turns)
        means = self._means(batch, found) if self.detail else {}
        self._add(batch, found.scores, None, Terms(means=means, by_segment={"cross": products}))

    def _means(self, batch: DialogueBatch, found: Switches) -> dict[str, Tensor]:
        """Changes of the score from the record before, by whether the modality has changed, and which have."""
        first = batch.is_first()
        step = (found.scores - found.scores.roll(1)).masked_fill(first, torch.nan)
        sides = found.change[:, None] == constant(_changes, like=step)
        steps = step[:, None].where(sides, torch.nan)
        switched = found.change.abs().masked_fill(first | (found.scores != found.scores), torch.nan)
        return {**dict(zip(_STEPS, steps.unbind(1))), "switches": switched}

    def _needed(self) -> list[str]:
        return self._sums()

    def _ratios(self) -> list[str]:
        return [*_STEPS, "switches"] if self.detail else []

    def _sums(self) -> list[str]:
        return [f"cross_{k}" for k in range(1, cross_count(self.max_turns) + 1)]

    def _derived(self, sums: dict[str, Tensor]) -> dict[str, Tensor]:
        effects = switch_effects(torch.stack([sums[name] for name in self._sums()], -1), self.max_turns)
        if not self.detail:
            return {"cost": effects["cost"]}
        to_image, to_text, same = (_ratio(sums, name) for name in _STEPS)
        across = (to_image + to_text) / 2
        return {**effects, "step_switch": across, "step": across - same}

    def _weights(self, names: list[str], moments: Moments) -> Weights:
        """Of an effect, what is left of the switches of each dialogue; of steps, the side with fewest dialogues."""
        found = super()._weights(names, moments)
        total, squares = found.total.clone(), found.squares.clone()
        first = self._components.index("cross_1")
        totals, products = moments.totals[first:], moments.products[first:, first:]
        for name, weights in switch_weights(totals, self.max_turns).items():
            row = names.index(name)
            total[row], squares[row] = weights @ totals, weights @ products @ weights
        for name, sides in (("step_switch", _STEPS[:2]), ("step", _STEPS)):
            rows = [names.index(side) for side in sides]
            fewest = rows[int(found.effective[rows].argmin())]
            total[names.index(name)], squares[names.index(name)] = found.total[fewest], found.squares[fewest]
        return Weights(total, squares)

    def _intervals(self, moments: Moments) -> tuple[list[str], Interval]:
        """With the reason of effects that are undefined, with switches or without."""
        names, found = super()._intervals(moments)
        seen = self._named(moments.totals)["switches.num"] > 0
        reason = torch.where(seen, REASONS.index(COLLINEAR), REASONS.index(NO_SWITCH))
        is_effect = torch.tensor([name in _EFFECTS for name in names], device=found.value.device)
        return names, found._replace(reason=torch.where(found.value.isnan() & is_effect, reason, found.reason))

    def _finish(self, found: dict[str, Tensor]) -> dict[str, Tensor]:
        return {**found, f"{self.name}_switch_n": self._named(self._totals)["switches.num"]}


def _changes(device: torch.device) -> Tensor:
    """The change of the modality at each kind of step."""
    return torch.tensor([1.0, -1.0, 0.0], dtype=torch.float64, device=device)


def _ratio(sums: dict[str, Tensor], name: str) -> Tensor:
    count = sums[f"{name}.den"]
    return torch.where(count > 0, sums[f"{name}.num"] / torch.where(count > 0, count, 1), torch.nan)
