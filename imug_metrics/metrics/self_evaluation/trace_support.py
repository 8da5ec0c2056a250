# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Do the claims of a chain of evidence follow from what they cite?"""

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from imug_metrics.dialogues.arguments import Ids, Turns
from imug_metrics.dialogues.columns import SHARE
from imug_metrics.functional.answers.point_score import Items, read_items
from imug_metrics.functional.self_evaluation.trace_support import support_check
from imug_metrics.metrics.description import MetricDescription
from imug_metrics.metrics.dialogue_sums import Terms
from imug_metrics.metrics.item_metric import ItemMetric
from imug_metrics.metrics.naming import rename
from imug_metrics.metrics.options import within


class TraceSupport(ItemMetric):
    """Share of the claims of a trace that what they cite supports. Range 0 to 1, higher is better.

    A trace is a chain of evidence behind one output, whose claims cite evidence and earlier steps (UniM, arXiv
    2603.05075). For traces d, t with claims of support `s` in [0, 1] it is the mean over traces of

        (s_1 + ... + s_n) / n

    as in FActScore (arXiv 2305.14251), where a text is split into facts. `imug_metrics.traces.support_records` makes
    the supports of traces: a claim that cites nothing, or what is not there, has 0. The functional counterpart is
    `trace_support`. The detail adds

    - `trace_support_turn_k`, `trace_support_slope`: by turn, and the slope within dialogues
    - `trace_support_full`: share of traces all of whose claims are supported
    - `trace_support_claim`: mean over claims, where a trace with more of them weighs more
    - `trace_support_claims`: mean number of claims of a trace that has any

    As output `compute` gives a float64 scalar, or the dict of `DialogueMetric` with `detail=True`. A trace with a claim
    that is NaN counts as absent, one without claims does not count.

    Args:
        kwargs: those of all metrics, see `MetricOptions`.

    Raises:
        ValueError: if an argument is outside its range.

    Example:
        >>> metric = TraceSupport(detail=True)
        >>> metric.update([[1, 1, 0, 1], [1, 0], None], dialogue=["a", "a", "b"], turn=[1, 2, 1])
        >>> found = metric.compute()
        >>> float(found["trace_support"]), round(float(found["trace_support_claim"]), 2)
        (0.625, 0.67)
    """

    name = "trace_support"
    description = MetricDescription(
        label="Support of claims",
        noun="support of claims",
        unit="share",
        measures="mean over the traces that were looked at",
        span="0 to 1",
        direction="higher is better",
        meaning="Share of what a chain of evidence claims that follows from the evidence and the steps it cites.",
        misleads="A claim may follow from evidence that is wrong itself, and few, careful claims are easier to support "
        "than many: it says nothing of whether the output is right.",
    )
    plot_lower_bound = 0.0
    plot_upper_bound = 1.0
    ranges = within(SHARE, "mean", "turn_", "point", "full") | within((0.0, math.inf), "claims")

    def update(
        self,
        items: Items,
        masks: Tensor | Sequence[Any] | None = None,
        *,
        dialogue: Ids | None = None,
        turn: Turns | None = None,
        valid: Tensor | None = None,
        lengths: Tensor | None = None,
    ) -> None:
        """Add a batch of whole dialogues.

        Args:
            items: support of each claim from 0 to 1, `[N, P]` or `[B, T, P]`, or N lists of any length (or one list of
                these a dialogue), where None stands for a trace that was not looked at and an empty list for one
                without claims, which does not count.
            masks: bool in the form of `items`, the cells that are claims; None: all are.
            dialogue, turn, valid, lengths: as in every metric, see `DialogueMetric`.

        Raises:
            InputError: if shapes differ or a support is outside of [0, 1].
        """
        claims = read_items(items, masks)
        self._add_items(claims, 1.0, support_check(claims), dialogue, turn, valid, lengths)

    def _terms(self, columns: dict[str, Tensor], scores: Tensor) -> Terms:
        """With the number of claims of a trace."""
        terms = super()._terms(columns, scores)
        claims = columns["count"].masked_fill(scores.isnan(), torch.nan)
        return replace(terms, means={**terms.means, "claims": claims})

    def _ratios(self) -> list[str]:
        return [*super()._ratios(), "claims"]

    def _finish(self, found: dict[str, Tensor]) -> dict[str, Tensor]:
        return rename(found, self.name, {"point": "claim"})
