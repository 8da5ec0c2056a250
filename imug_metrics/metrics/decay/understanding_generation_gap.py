# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Understanding and generation side by side, over the turns of the same dialogues."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor
from typing_extensions import Unpack

from imug_metrics.dialogues.arguments import Ids, Labels, Numbers, Turns
from imug_metrics.dialogues.columns import Bounds
from imug_metrics.functional.decay.modality import MODALITIES
from imug_metrics.functional.decay.understanding_generation_gap import gap_columns, modality_scores
from imug_metrics.metrics.description import MetricDescription
from imug_metrics.metrics.dialogue_metric import DialogueMetric
from imug_metrics.metrics.dialogue_sums import Terms
from imug_metrics.metrics.options import MetricOptions, check_range, within
from imug_metrics.metrics.plotting import Plot, plot_curves
from imug_metrics.stats import component_weights, unpack_moments


class UnderstandingGenerationGap(DialogueMetric):
    """How far is understanding (text turns) ahead of generation (image turns), and which decays faster? 0 is no gap.

        mean score of text turns - mean score of image turns

    Neither direction is better. Both modalities must be scored on one scale. The functional counterpart is
    `understanding_generation_gap`. The detail adds

    - `_within`: the same from dialogues that have both, each compared with itself (fixed effects of dialogues), where
      the benchmark asks harder dialogues for images
    - `_text`, `_image`: the two means, with their curves `_text_turn_k` and `_image_turn_k`
    - `_text_slope`, `_image_slope`: change per turn of each, within dialogues
    - `_slope_difference`: text slope - image slope; above 0 generation decays faster than understanding
    - `_mean`, `_slope`, `_turn_k`: of all turns together

    As output `compute` gives a float64 scalar, or the dict of `DialogueMetric` with `detail=True`. The interval of a
    difference is that of the difference itself, since both sides come from the same dialogues; its degrees of freedom
    are those of the side with fewer dialogues.

    Args:
        score_range: ends that scores cannot leave, such as (0, 1): bounds then keep to what can be; None: not known.
        kwargs: those of all metrics, see `MetricOptions`.

    Example:
        >>> import torch
        >>> metric = UnderstandingGenerationGap(detail=True)
        >>> scores = torch.tensor([[0.9, 0.7, 0.9, 0.5], [0.8, 0.6, 0.6, 0.2]])
        >>> metric.update(scores, [["text", "image"] * 2] * 2)
        >>> found = metric.compute()
        >>> [round(float(found[f"understanding_generation_gap{end}"]), 3) for end in ("", "_slope_difference")]
        [0.3, 0.1]
    """

    name = "understanding_generation_gap"
    description = MetricDescription(
        label="Gap",
        noun="the gap of answers and images",
        unit="score",
        measures="mean of the answers minus mean of the images",
        span="that of a difference of scores",
        direction="0 is balance; above 0 the answers are ahead",
        meaning="How much better the model answers than it draws.",
        misleads="It is a difference of two scales: without scores of one meaning it is one of units, and guessing "
        "lifts the answers alone.",
    )
    primary = "gap"
    higher_is_better = None
    configuration = (*DialogueMetric.configuration, "score_range")

    def __init__(self, *, score_range: Bounds | None = None, **kwargs: Unpack[MetricOptions]) -> None:
        self.score_range = check_range("score_range", score_range)
        if self.score_range is not None:
            widest = self.score_range[1] - self.score_range[0]
            means = [f"{name}{end}" for name in MODALITIES for end in ("", "_turn_")]
            slopes = [f"{name}_slope" for name in MODALITIES]
            self.ranges = within(self.score_range, "mean", "turn_", *means)
            self.limits = within((-widest, widest), "gap", "within", *slopes)
            self.limits = self.limits | within((-2 * widest, 2 * widest), "slope_difference")
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
                bools that are True for images.
            dialogue, turn, valid, lengths: as in every metric, see `DialogueMetric`.

        Raises:
            ValueError: if shapes differ, or turns or modalities are refused.
        """
        zero = self.missing == "zero"
        inputs = self._pack(
            gap_columns(scores, modality, zero=zero, bounds=self.score_range), dialogue, turn, None, valid, lengths
        )
        scored = inputs.batch.present(inputs.columns["scores"])
        if zero:
            scored = inputs.batch.zero_filled(scored)
        found = modality_scores(inputs, scored)
        terms = Terms(means=found)
        if self.detail:
            is_text = (inputs.columns["modality"] == 0).double()
            slopes = {f"{name}_slope": (None, values) for name, values in found.items()}
            terms = Terms(means=found, slopes={**slopes, "within": (is_text, scored)}, curves=found)
        self._add(inputs.batch, scored, None, terms)

    def _draw(self, val: Mapping[str, Any], behind: Mapping[str, Any], ax: Any) -> Plot:
        """The curves of text and image turns."""
        overs = {name: f"{name}_turn" for name in MODALITIES}
        return plot_curves(self, val, overs, behind, ax, y="mean score", slope="slope_difference")

    def _needed(self) -> list[str]:
        return [f"{name}.{part}" for name in MODALITIES for part in ("num", "den")]

    def _ratios(self) -> list[str]:
        curves = [f"{name}_turn_{k}" for name in MODALITIES for k in self._turns()]
        return [*MODALITIES, *(f"{name}_slope" for name in MODALITIES), "within", *curves]

    def _derived(self, sums: dict[str, Tensor]) -> dict[str, Tensor]:
        def ratio(name: str) -> Tensor:
            count = sums[f"{name}.den"]
            return torch.where(count > 0, sums[f"{name}.num"] / torch.where(count > 0, count, 1), torch.nan)

        gap = {"gap": ratio("text") - ratio("image")}
        return gap | ({"slope_difference": ratio("text_slope") - ratio("image_slope")} if self.detail else {})

    def _supports(self) -> dict[str, str]:
        """A difference has the clusters of its weaker side."""
        weights = component_weights(unpack_moments(self.moments), torch.arange(len(self._components)))
        effective = self._named(weights.effective)

        def fewer(end: str) -> str:
            return min((f"{name}{end}.den" for name in MODALITIES), key=lambda name: float(effective[name]))

        return {"gap": fewer(""), "slope_difference": fewer("_slope")}
