# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Structure of interleaved answers in seven modalities."""

from collections.abc import Collection, Sequence
from typing import Any

import torch
from torch import Tensor
from typing_extensions import Unpack

from imug_metrics.dialogues.inputs import Column
from imug_metrics.functional.interleaved.structure_integrity import check_reading, checked_counts, score_counts
from imug_metrics.functional.interleaved.tag_counts import count_column
from imug_metrics.metrics.instance_metric import InstanceMetric
from imug_metrics.metrics.options import MetricOptions
from imug_metrics.reading.tags import MODALITIES, Repeated, TextType


class StructureIntegrity(InstanceMetric):
    """StS and LeS of UniM: does an answer hold the asked modalities, and as many items. Range 0 to 1, higher is better.

    The functional counterpart is `structure_integrity`, which has the
    formulas. `compute()` gives the strict score. The detail adds

    - `structure_integrity_lenient`: LeS, the share of the reference's modality types that are there
    - `structure_integrity_text`, `_image`, ... `_threeD`: mean F1 of each modality, over the answers where it is asked
      or given; left out where it never is
    - `structure_integrity_relative`, `_lenient_relative`, `_support`: mean of support * score by instance and the mean
      support, where a `support` was given

    As input to `forward` and `update` the metric accepts

    - `preds`, `target`: answers and references: texts with placeholders, lists of (modality, id) tuples, or counts
      `[N, 7]` or `[B, T, 7]`; None or NaN for an absent one
    - `dialogue`, `turn`, `valid`: see `align_rows`; without them each of `[N]`
      answers is an instance of its own
    - `support`: `[N]` or `[B, T]` in [0, 1], the supporting rate of each instance
    - `available`: by answer, the names of the items whose file is there; None: not checked

    As output `compute` gives a float64 scalar, or the dict of `DialogueMetric`
    with `detail=True`; `average` concerns the headline alone.

    Args:
        repeated, text, empty: as in the functional counterpart.
        kwargs: see `MetricOptions`. With `missing="zero"` an absent answer scores 0, also in the F1 of what its
            reference holds.

    Raises:
        ValueError: if an argument is unknown, shapes differ, or counts or supporting rates are outside their range.
        TypeError: if an answer has none of the forms.

    Example:
        >>> metric = StructureIntegrity(detail=True)
        >>> metric.update(["A <image1> and <image2>.", "<code1>"], ["See <image1>, hear <audio1>.", "<code4>"])
        >>> found = metric.compute()
        >>> [round(float(found[f"structure_integrity{key}"]), 3) for key in ("", "_lenient", "_image")]
        [0.667, 0.75, 0.667]
    """

    name = "structure_integrity"
    configuration = (*InstanceMetric.configuration, "repeated", "text", "empty")
    curves = (*InstanceMetric.curves, "lenient_relative", *MODALITIES)

    def __init__(
        self,
        *,
        repeated: Repeated = "once",
        text: TextType = "tags",
        empty: float = 1.0,
        **kwargs: Unpack[MetricOptions],
    ) -> None:
        check_reading(repeated, text, empty)
        self.repeated, self.text, self.empty = repeated, text, empty
        super().__init__(**kwargs)

    def update(
        self,
        preds: Any,
        target: Any,
        dialogue: Any = None,
        turn: Any = None,
        valid: Tensor | None = None,
        support: Any = None,
        available: Sequence[Collection[str] | None] | None = None,
    ) -> None:
        """Add a batch of whole dialogues."""
        answers = count_column("preds", preds, repeated=self.repeated, text=self.text, available=available)
        references = count_column("target", target, repeated=self.repeated, text=self.text)
        columns = {"preds": self._known("preds", answers), "target": self._known("target", references)}
        inputs = self._pack_instances(dialogue, turn, valid, support, **columns)
        batch, counts = inputs.batch, inputs.columns
        given = counts["preds"].masked_fill(~batch.valid[:, None], torch.nan)
        scores = score_counts(given, counts["target"], self.empty)
        f1 = scores.f1
        if self.missing == "zero":
            f1 = f1.masked_fill((counts["target"] > 0) & ~batch.valid[:, None], 0)
        by_modality = {name: batch.mean_parts(part) for name, part in zip(MODALITIES, f1.unbind(1))}
        asked = ~counts["target"].isnan().any(1)
        self._add_supported(inputs, scores.strict, asked, by_modality, lenient=scores.lenient)

    def _ratios(self) -> list[str]:
        return [*super()._ratios(), "lenient", "lenient_relative", *MODALITIES]

    def _known(self, argument: str, rows: Column) -> Column:
        return rows._replace(values=checked_counts(argument, rows, self.validate).to(self.device))
