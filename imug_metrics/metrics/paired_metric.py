# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""The base class of metrics that compare two arms on the same turns."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from imug_metrics.dialogues.batch import DialogueBatch
from imug_metrics.dialogues.columns import Bounds
from imug_metrics.dialogues.inputs import PackedInputs
from imug_metrics.functional.decay.paired_gain import Arms, arm_columns, packed_arms
from imug_metrics.metrics.dialogue_metric import DialogueMetric
from imug_metrics.metrics.dialogue_sums import Ratio, Terms


class PairedMetric(DialogueMetric):
    """What metrics of two arms share: a difference by record, the mean of each arm, the count of unpaired records."""

    bounds: Bounds | None = None  # of the scores of both arms

    def _read(
        self, scores: Any, baseline: Any, dialogue: Any, turn: Any, subject: Any, valid: Any, lengths: Any
    ) -> tuple[PackedInputs, Arms]:
        inputs = self._pack(arm_columns(scores, baseline, self.bounds), dialogue, turn, subject, valid, lengths)
        return inputs, packed_arms(inputs)

    def _add_arms(
        self,
        batch: DialogueBatch,
        arms: Arms,
        difference: Tensor,
        shares: Callable[[], dict[str, Tensor]] | None = None,
        curve_sums: dict[str, Tensor] | None = None,
        ratios: Mapping[str, Ratio] | None = None,
    ) -> None:
        """Add packed records: the difference of the arms (NaN: not used), and per-record values to take means of.

        With detail also `ratios` of finite values.
        """
        curve_sums = curve_sums or {}
        terms = Terms(curve_sums=curve_sums)
        if self.detail or self.missing == "zero":  # else nothing asks which records are there
            used = difference == difference
            batch = replace(batch, there=used)
        if self.detail:
            means = {"scores": arms.scores, "baseline": arms.baseline, **(shares() if shares else {})}
            terms = Terms(
                averages={name: value.double().masked_fill(~used, torch.nan) for name, value in means.items()},
                ratios={"coverage": (arms.paired, batch.is_record), **(ratios or {})},
                sums={"unpaired": arms.single},
                curve_sums=curve_sums,
            )
        self._add(batch, difference, None, terms)

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
        return {**found, f"{self.name}_unpaired": self._named(self._totals)["unpaired"]}
