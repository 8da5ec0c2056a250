# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""How diverse several samples of one turn are, and whether that falls over turns."""

from dataclasses import replace

from torch import Tensor
from typing_extensions import Unpack

from imug_metrics.dialogues.arguments import Ids, Images, Masks, Turns
from imug_metrics.functional.decay.turn_decay import retention_parts
from imug_metrics.functional.images.sample_diversity import diversity_column
from imug_metrics.functional.images.turn_diversity import HIGHEST, NO_DIVERSITY, DiversityKind, diversity_measure
from imug_metrics.functional.relative_change import relative_change
from imug_metrics.metrics.description import MetricDescription
from imug_metrics.metrics.dialogue_metric import DialogueMetric
from imug_metrics.metrics.dialogue_sums import Terms
from imug_metrics.metrics.options import MetricOptions, within

_ROUNDING = 1e-5  # of cosines of single precision, through the entropy of their eigenvalues


class SampleDiversity(DialogueMetric):
    """Do several samples of one turn grow alike with the turns? Change per turn, in parts of the first's diversity.

    0 is no change, -0.2 says that every turn loses a fifth of the diversity that the first turn has; higher is better.
    The diversity D of a turn is the Vendi score of its samples (Friedman and Dieng, arXiv 2210.02410), an effective
    number of different images from 1 to S. With D_d1 that of the first turn of dialogue d:

        sum_d sum_t (t - mean_d t) (D - mean_d D) / sum_d sum_t (t - mean_d t)^2 (D_d1 - none)

    where `none` is the diversity of equal images, 1, and 0 for distances. It compares the turns of one dialogue, so
    that neither hard dialogues nor long ones make a difference, and it is the same part of what there was as
    `TurnDiversity` has it over dialogues. The functional counterpart, `sample_diversity`, gives the diversity of each
    record. The detail adds

    - `sample_diversity_mean`, `_turn_k`: mean diversity of the samples of a turn, and its curve
    - `sample_diversity_slope`: change of the diversity per turn, within dialogues
    - `sample_diversity_retention`: diversity of last turns in parts of that of turn 1, above `none`, of dialogues with
      both

    As output `compute` gives a float64 scalar, or the dict of `DialogueMetric` with `detail=True`. A turn with fewer
    than two samples has no diversity and lowers the coverage.

    Args:
        kind: `"vendi"`, or `"distance"`: the mean of 1 - cosine over pairs, which does not grow with their number.
        order: of the Vendi score: 1, 2 or inf, see `imug_metrics.stats.vendi.vendi_score`.
        kwargs: those of all metrics, see `MetricOptions`; `missing="zero"` is refused: no samples have it.

    Raises:
        ValueError: if `missing` is `"zero"`, or kind or order are unknown.

    Example:
        >>> import torch
        >>> metric = SampleDiversity()
        >>> shown = torch.tensor([[[0, 1, 2, 3], [0, 1, 0, 1]]])  # four samples are four images, then two
        >>> metric.update(torch.eye(4)[shown])
        >>> metric.compute()
        tensor(-0.6667, dtype=torch.float64)
    """

    name = "sample_diversity"
    description = MetricDescription(
        label="Sample diversity",
        noun="the change of the diversity of samples",
        unit="share of the first turn's diversity per turn",
        measures="slope within dialogues / diversity of the first turn",
        span="unbounded; 0 is no change",
        direction="higher is better; below 0 the samples of a turn grow alike",
        meaning="Which part of the first turn's diversity of samples is lost at each turn.",
        misleads="A turn that leaves little open has little diversity, and rightly so. Samples that miss the prompt "
        "are diverse as well, and a model whose first samples are all alike has nothing to lose.",
    )
    primary = "change"
    curve_of = "diversity of the samples"
    configuration = (*DialogueMetric.configuration, "kind", "order")

    def __init__(self, *, kind: DiversityKind = "vendi", order: float = 1, **kwargs: Unpack[MetricOptions]) -> None:
        if kwargs.get("missing") == "zero":
            raise ValueError("Expected argument `missing` to be 'skip': 0 is less than the diversity of equal images.")
        diversity_measure(kind, order)  # which it refuses where it is unknown
        self.kind, self.order = kind, float(order)
        self.ranges = {}
        self.limits = within((NO_DIVERSITY[kind], HIGHEST[kind]), "mean", "turn_")
        super().__init__(**kwargs)

    def update(
        self,
        images: Images,
        masks: Masks | None = None,
        *,
        dialogue: Ids | None = None,
        turn: Turns | None = None,
        valid: Tensor | None = None,
        lengths: Tensor | None = None,
    ) -> None:
        """Add a batch of whole dialogues.

        Args:
            images: embeddings `[N, S, D]` or `[B, T, S, D]` of S samples of each turn; zero rows, and rows with a
                number that is not finite, are of samples that are not there.
            masks: bool `[N, S]` or `[B, T, S]`, True where the sample is there; None: all are.
            dialogue, turn, valid, lengths: as in every metric, see `DialogueMetric`.

        Raises:
            InputError: if shapes differ or turns are refused.
        """
        column = diversity_column(images, masks, self.kind, self.order)
        inputs = self._pack({"images": column}, dialogue, turn, None, valid, lengths)
        batch, values = inputs.batch, inputs.batch.present(inputs.columns["images"]).detach()
        above = values - NO_DIVERSITY[self.kind]
        above = above.masked_fill(above.abs() < _ROUNDING, 0)  # equal samples have none to lose, however they round
        by_segment = {"change": relative_change(batch, above)}
        if self.detail:
            last, first, _ = retention_parts(replace(batch, there=values == values), above.nan_to_num(0))
            by_segment["retention"] = last, first
        self._add(batch, values, None, Terms(by_segment=by_segment))

    def _ratios(self) -> list[str]:
        return ["change", "retention"]
