# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""The base class of metrics that compare two arms on the same turns."""

from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from imug_metrics.dialogues.batch import DialogueBatch
from imug_metrics.dialogues.inputs import Bounds, PackedInputs
from imug_metrics.functional.decay.paired_gain import Arms, pair_inputs
from imug_metrics.metrics.dialogue_metric import DialogueMetric


class PairedMetric(DialogueMetric):
    """What metrics of two arms share: a difference by record, the mean of each arm, the count of unpaired records."""

    bounds: Bounds | None = None  # of the scores of both arms

    def _read(
        self, scores: Any, baseline: Any, dialogue: Any, turn: Any, subject: Any, valid: Any, lengths: Any
    ) -> tuple[PackedInputs, Arms]:
        if self.bootstrap and dialogue is None:
            raise ValueError("Expected argument `dialogue`: the bootstrap draws by the dialogues' ids.")
        return pair_inputs(scores, baseline, dialogue, turn, subject, valid, lengths, self.validate, self.bounds)

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
        total = batch.sum_segments(weight)
        means = {"scores": arms.scores, "baseline": arms.baseline, **(shares or {})}
        ratios = {n: (batch.sum_segments(weight * v.masked_fill(~used, 0).double()), total) for n, v in means.items()}
        every = torch.ones_like(weight)
        ratios["coverage"] = (batch.sum_segments(arms.paired.double()), batch.sum_segments(every))
        unpaired = {"unpaired": batch.sum_segments(arms.single.double())}
        self._add(replace(batch, valid=used), difference, ratios=ratios, sums={**unpaired, **(sums or {})})

    def _weights(self, batch: DialogueBatch, used: Tensor) -> Tensor:
        """Weight of each packed record in a mean: 1, or 1 over the number of records of its dialogue."""
        weight = used.double()
        if self.average == "record":
            return weight
        count = batch.sum_dialogues(batch.sum_segments(weight))
        return weight / count.clamp_min(1)[batch.owner[batch.segment]]

    def _zero_filled(self, arms: Arms) -> Arms:
        """The arms with absent outputs scored 0 where `missing` says so; pairs are counted as before."""
        if self.missing == "skip":
            return arms
        return arms._replace(scores=arms.scores.nan_to_num(0), baseline=arms.baseline.nan_to_num(0))

    def _ratios(self) -> list[str]:
        return ["scores", "baseline"]

    def _sums(self) -> list[str]:
        return ["unpaired"]

    def _finish(self, found: dict[str, Tensor]) -> dict[str, Tensor]:
        return {**found, f"{self.name}_unpaired": self._named(self.moments[0, 1:])["unpaired"]}
