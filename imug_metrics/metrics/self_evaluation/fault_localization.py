# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Does a check name the faulty step?"""

import torch
from torch import Tensor

from imug_metrics.dialogues.arguments import Ids, Numbers, Turns
from imug_metrics.dialogues.columns import SHARE
from imug_metrics.functional.self_evaluation.fault_localization import NamedSteps, fault_columns, located
from imug_metrics.metrics.description import MetricDescription
from imug_metrics.metrics.dialogue_metric import DialogueMetric
from imug_metrics.metrics.dialogue_sums import Terms
from imug_metrics.metrics.options import within

_PARTS = ("reciprocal_rank", "missed", "false_alarm")


class FaultLocalization(DialogueMetric):
    """Share of faulty traces whose faulty step is the first that the check names. Range 0 to 1, higher is better.

    A check of a chain of evidence names the steps that it holds to be faulty, the most suspect first, or none (UniM,
    arXiv 2603.05075). Over the traces with a faulty step, which somebody planted or found,

        accuracy = P(the first named step is the faulty one)

    where a check that names none is wrong: one that accepts everything has 0, not nothing. The functional counterpart
    is `fault_localization`. The detail adds

    - `fault_localization_turn_k`, `fault_localization_slope`: by turn, and the slope within dialogues
    - `fault_localization_reciprocal_rank`: mean over faulty traces of 1 / place of the faulty step among the named
      ones, 0 where it is not named (mean reciprocal rank)
    - `fault_localization_missed`: share of faulty traces of which no step is named; 1 exposes a check that accepts all
    - `fault_localization_false_alarm`: share of sound traces of which a step is named; 1 exposes one that rejects all

    As output `compute` gives a float64 scalar, or the dict of `DialogueMetric` with `detail=True`. The coverage is of
    faulty traces, and of those of which nobody knows.

    Args:
        kwargs: those of all metrics, see `MetricOptions`. With `missing="zero"` a faulty trace without a check counts
            as wrong.

    Raises:
        ValueError: if an argument is outside its range.

    Example:
        >>> metric = FaultLocalization(detail=True)
        >>> metric.update([[2, 3], [1, 3], [], [4]], target=[2, 3, 3, 0], dialogue=[1, 1, 2, 2], turn=[1, 2, 1, 2])
        >>> found = metric.compute()
        >>> [round(float(found[f"fault_localization{key}"]), 2) for key in ("", "_reciprocal_rank", "_missed")]
        [0.33, 0.5, 0.33]
    """

    name = "fault_localization"
    description = MetricDescription(
        label="Fault localization",
        noun="accuracy of fault localization",
        unit="share",
        measures="share of the faulty traces whose faulty step is named first",
        span="0 to 1",
        direction="higher is better",
        meaning="How often a check of a chain of evidence names the step that is faulty.",
        misleads="With four steps a check that names one at random is right in a quarter; and planted faults may be "
        "easier to see than those that a model makes.",
    )
    plot_lower_bound = 0.0
    plot_upper_bound = 1.0
    ranges = within(SHARE, "mean", "turn_", *_PARTS)

    def update(
        self,
        preds: NamedSteps,
        target: Numbers,
        *,
        dialogue: Ids | None = None,
        turn: Turns | None = None,
        valid: Tensor | None = None,
        lengths: Tensor | None = None,
    ) -> None:
        """Add a batch of whole dialogues.

        Args:
            preds: numbers of the named steps from 1, `[N, K]` or `[B, T, K]`, the most suspect first, or N lists of any
                length (or one list of these a dialogue); 0 or NaN in a tensor is none. An empty list names no step,
                None stands for no check.
            target: `[N]` or `[B, T]`, number of the faulty step; 0 where the trace is sound, NaN where nobody knows,
                which lowers the coverage.
            dialogue, turn, valid, lengths: as in every metric, see `DialogueMetric`.

        Raises:
            InputError: if a step is no whole number from 0, shapes differ or turns are refused.
        """
        inputs = self._pack(fault_columns(preds, target), dialogue, turn, None, valid, lengths)
        found = located(inputs)

        def over(values: Tensor, rows: Tensor) -> Tensor:
            return values.double().where(rows, torch.nan)

        means = {}
        if self.detail:
            means = {
                "reciprocal_rank": over(1 / found.rank, found.is_faulty),
                "missed": over(~found.is_named, found.is_faulty),
                "false_alarm": over(found.is_named, found.is_sound),
            }
        target = inputs.columns["target"]
        expected = (target > 0) | (target.isnan() & inputs.batch.valid)
        self._add(inputs.batch, over(found.rank == 1, found.is_faulty), expected, Terms(means))

    def _ratios(self) -> list[str]:
        return [*_PARTS]
