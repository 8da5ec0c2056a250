# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Does a trace keep to its form?"""

import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from typing_extensions import Unpack

from imug_metrics.dialogues.arguments import Ids, Turns
from imug_metrics.dialogues.columns import SHARE
from imug_metrics.functional.answers.point_score import Items
from imug_metrics.functional.self_evaluation.step_names import StepNames
from imug_metrics.functional.self_evaluation.trace_compliance import check_steps, compliant, form_columns
from imug_metrics.metrics.description import MetricDescription
from imug_metrics.metrics.dialogue_metric import DialogueMetric
from imug_metrics.metrics.dialogue_sums import Terms
from imug_metrics.metrics.options import MetricOptions, within


class TraceCompliance(DialogueMetric):
    """Does a trace keep to its form? Share of traces that do, 0 to 1; higher is better.

    A trace does where every expected step is there, each once and in the expected order, and everything it cites is
    there; other steps may stand between. UniM (arXiv 2603.05075) asks for a structured report of this kind. The share
    of whole traces is the primary estimate since it needs no weights: a mean of the parts would let order pay for a
    step that is missing. The functional counterpart is `trace_compliance`. The detail adds

    - `trace_compliance_turn_k`, `_slope`: the share at turn k, and its slope within dialogues
    - `trace_compliance_present`: mean over traces of the share of expected steps that are there
    - `trace_compliance_ordered`: mean over traces of the share of pairs of these steps that are in order; two of one
      name are not. A trace with fewer than two of them does not count
    - `trace_compliance_resolved`: share of all citations that lead to evidence or to an earlier step
    - `trace_compliance_cites`: mean number of citations of a trace

    As output `compute` gives a float64 scalar, or the dict of `DialogueMetric` with `detail=True`.

    Args:
        steps: the expected steps in their order, such as `imug_metrics.traces.STEPS`: different texts, or numbers.
        kwargs: those of all metrics, see `MetricOptions`; `average` concerns the primary estimate alone. With
            `missing="zero"` an absent trace does not keep to its form.

    Raises:
        ValueError: if an argument is outside its range.

    Example:
        >>> metric = TraceCompliance(("task", "inference", "conclusion"), detail=True)
        >>> written = [["task", "inference", "conclusion"], ["conclusion", "task"]]
        >>> metric.update(written, [[1, 1], [0]], dialogue=["a", "a"], turn=[1, 2])
        >>> found = metric.compute()
        >>> ends = ("", "_present", "_ordered", "_resolved")
        >>> [round(float(found[f"trace_compliance{end}"]), 2) for end in ends]
        [0.5, 0.83, 0.5, 0.67]
    """

    name = "trace_compliance"
    description = MetricDescription(
        label="Trace compliance",
        noun="compliance of traces",
        unit="share",
        measures="share of traces that keep to their form",
        span="0 to 1",
        direction="higher is better",
        meaning="Share of chains of evidence that have every expected step, in order, and cite only what is there.",
        misleads="It is form alone: a trace that says nothing, or cites nothing, can keep to it. Read it with the "
        "support of the claims.",
    )
    configuration = (*DialogueMetric.configuration, "steps")
    plot_lower_bound = 0.0
    plot_upper_bound = 1.0
    ranges = within(SHARE, "mean", "turn_", "present", "ordered", "resolved") | within((0.0, math.inf), "cites")

    def __init__(self, steps: Sequence[Any], **kwargs: Unpack[MetricOptions]) -> None:
        self.steps = check_steps(steps)
        super().__init__(**kwargs)

    def update(
        self,
        preds: StepNames,
        items: Items | None = None,
        *,
        dialogue: Ids | None = None,
        turn: Turns | None = None,
        valid: Tensor | None = None,
        lengths: Tensor | None = None,
    ) -> None:
        """Add a batch of whole dialogues.

        Args:
            preds: names of the steps of each trace in the order in which they were written: N lists, or one list of
                these a dialogue; None: no trace.
            items: of each citation of a trace, 1 where it leads somewhere and 0 where it does not, in lists of any
                length in the form of `preds`, empty for a trace that cites nothing; None in place of a list: not known,
                which lowers the coverage. None: not checked.
            dialogue, turn, valid, lengths: as in every metric, see `DialogueMetric`.

        Raises:
            InputError: if the arguments differ in shape or hold anything else, or turns are refused.
        """
        inputs = self._pack(form_columns(preds, items, self.steps, self.detail), dialogue, turn, None, valid, lengths)
        batch, columns = inputs.batch, dict(inputs.columns)
        columns["preds"] = batch.present(columns["preds"])
        kept = compliant(columns)
        self._add(batch, kept, None, self._terms(columns, kept) if self.detail else None)

    def _terms(self, columns: dict[str, Tensor], kept: Tensor) -> Terms:
        """The parts of the form, of the traces that are scored."""
        skipped = kept.isnan()
        means = {name: columns[key].masked_fill(skipped, torch.nan) for name, key in _PARTS.items()}
        if "count" not in columns:
            return Terms(means)
        resolved, cites = (columns[key].masked_fill(skipped, 0) for key in ("total", "count"))
        means["cites"] = columns["count"].masked_fill(skipped, torch.nan)
        return Terms(means, ratios={"resolved": (resolved, cites)})

    def _ratios(self) -> list[str]:
        return [*_PARTS, "resolved", "cites"]


_PARTS = {"present": "preds", "ordered": "ordered"}
