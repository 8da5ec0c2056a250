# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""The base class of metrics over instances, of which a model may support only a share."""

from typing import Any

import torch
from torch import Tensor

from imug_metrics.dialogues.columns import SHARE, Column
from imug_metrics.dialogues.ids import as_ids
from imug_metrics.dialogues.inputs import PackedInputs
from imug_metrics.functional.interleaved.coupling import Scale, graded_column
from imug_metrics.metrics.dialogue_metric import DialogueMetric
from imug_metrics.metrics.dialogue_sums import Terms
from imug_metrics.metrics.options import within


class InstanceMetric(DialogueMetric):
    """A metric over single instances: absolute, and relative to what a model supports (UniM, arXiv 2603.05075).

    Flat records without `dialogue` and `turn` are instances of their own, so that intervals are by instance. With a
    supporting rate in [0, 1] for every instance the detail adds `_support`, its mean, and `_relative`, the mean of
    rate * score. How a rate is found is not published; see the page of the protocol.
    """

    plot_lower_bound = 0.0
    plot_upper_bound = 1.0
    ranges = within(SHARE, "mean", "turn_", "support", "relative")

    def _pack_instances(
        self, support: Any, dialogue: Any, turn: Any, valid: Any, lengths: Any, **columns: Column
    ) -> PackedInputs:
        """Pack the arguments of one update."""
        shape = next(iter(columns.values())).shape
        if support is not None:
            columns["support"] = self._shares("support", support)
        places = instance_places(shape, dialogue, turn, self.bootstrap)
        return self._pack(columns, *places, None, valid, lengths, numbered=dialogue is None)

    def _shares(self, argument: str, values: Any, scale: Scale = "share") -> Column:
        """Scores of a scale as rows of shares in [0, 1], NaN where unknown, on the metric's device."""
        column = graded_column(argument, values, scale)
        return column._replace(values=column.values.to(self.device))

    def _add_supported(
        self,
        inputs: PackedInputs,
        values: Tensor,
        expected: Tensor | None = None,
        means: dict[str, Tensor] | None = None,
        **others: Tensor,
    ) -> None:
        """Add scores with their relative versions.

        Args:
            inputs: of the update.
            values: float64 `[N]`, the primary estimate's score of each packed row, NaN where undefined.
            expected: bool `[N]`, rows that would have a value were every output there; None: all.
            means: as in `Terms`.
            others: more scores like `values`, each with a ratio of its name and one of `<name>_relative`.
        """
        batch, rate = inputs.batch, inputs.columns.get("support")
        means = dict(means or {})
        if rate is not None:
            means["support"] = rate if expected is None else rate.where(expected, torch.nan)
        for name, score in {"": values, **others}.items():
            if self.missing == "zero":
                score = score.masked_fill(~batch.valid if expected is None else expected & ~batch.valid, 0)
            means |= {name: score} if name else {}
            means |= {} if rate is None else {f"{name}_relative".lstrip("_"): rate * score}
        self._add(batch, values, expected, Terms(means))

    def _ratios(self) -> list[str]:
        return ["support", "relative"]


def instance_places(shape: tuple[int, ...], dialogue: Any, turn: Any, bootstrap: int = 0) -> tuple[Any, Any]:
    """Dialogue and turn of records.

    Flat records without `dialogue` are instances of their own; with it but without `turn` they are numbered by dialogue
    as they come.

    Args:
        shape: of the records, `(N,)` or `(B, T)`.
        dialogue, turn: as given.
        bootstrap: number of replicates; they draw by id, so that ids cannot be made up.

    Example:
        >>> instance_places((2,), None, None)
        (tensor([0, 1]), tensor([1, 1]))
        >>> instance_places((3,), ["a", "b", "a"], None)[1]
        tensor([1, 1, 2])
    """
    if len(shape) == 1:
        if turn is None:
            turn = torch.ones(shape, dtype=torch.int64) if dialogue is None else _numbered(dialogue)
        dialogue = torch.arange(*shape) if dialogue is None and not bootstrap else dialogue
    return dialogue, turn


def _numbered(dialogue: Any) -> Tensor:
    """How often each id has come so far."""
    ids = as_ids("dialogue", dialogue, (len(dialogue),))
    order = ids.argsort(stable=True)
    ordered, rows = ids[order], torch.arange(len(ids), device=ids.device)
    turns = rows - torch.searchsorted(ordered, ordered) + 1
    return turns.new_zeros(len(ids)).index_copy(0, order, turns)
