# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""One metric by class, domain, modality or any other group of records."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn import ModuleDict
from torchmetrics.wrappers.abstract import WrapperMetric

from imug_metrics.metrics.dialogue_metric import DialogueMetric


class Breakdown(WrapperMetric):
    """A metric for every group of records, as sums of its own, beside that of all.

    Each group keeps the metric's own state, so intervals by dialogue, merging and distributed training work as for the
    metric itself, and `compute` gives the same numbers that the metric would give on the group's records alone.

    As input to `forward` and `update` the wrapper accepts what the metric does, flat (one entry a record), and

    - `group`: the group of each record, `[N]` names or integers

    Records of a group that was not named are in the metric of all and in no other. Groups may divide a dialogue
    (modalities do); what compares turns with each other then compares those of one group.

    As output `compute` gives a dict: what the metric gives under its own name, and once more for each group, where the
    group's name in square brackets follows the metric's: `answer_accuracy[Cooking]`, `answer_accuracy[Cooking]_slope`.

    Args:
        metric: the metric, with the options of your choice. It is copied; what it has seen is not.
        groups: names of the groups, known in advance so that all processes of a segment have the same.

    Raises:
        ValueError: if a group is named twice or not at all, or `group` has not one entry a record.
        TypeError: if `metric` is no `DialogueMetric`.

    Example:
        >>> from imug_metrics import AnswerAccuracy
        >>> metric = Breakdown(AnswerAccuracy(), groups=["Cooking", "Physics"])
        >>> metric.update(["A", "B", "C"], ["A", "A", "C"], dialogue=[1, 1, 2], turn=[1, 2, 1],
        ...               group=["Cooking", "Cooking", "Physics"])
        >>> {name: round(float(value), 2) for name, value in metric.compute().items()}
        {'answer_accuracy': 0.67, 'answer_accuracy[Cooking]': 0.5, 'answer_accuracy[Physics]': 1.0}
    """

    full_state_update = False

    def __init__(self, metric: DialogueMetric, groups: Sequence[str | int]) -> None:
        super().__init__()
        if not isinstance(metric, DialogueMetric):
            raise TypeError(f"Expected argument `metric` to be a DialogueMetric, got {type(metric).__name__}.")
        self.groups = [str(group) for group in groups]
        if not self.groups or len(set(self.groups)) != len(self.groups):
            raise ValueError(f"Expected argument `groups` to be names that differ, at least one, got {list(groups)}.")
        self.whole = metric.clone()
        self.whole.reset()
        # By number, since the names of modules may hold no dots.
        self.parts = ModuleDict({str(place): self.whole.clone() for place in range(len(self.groups))})

    def update(self, *args: Any, group: Sequence[Any] | Tensor, **kwargs: Any) -> None:
        """Add a batch of whole dialogues."""
        self._each("update", args, kwargs, group)

    def forward(self, *args: Any, group: Sequence[Any] | Tensor, **kwargs: Any) -> dict[str, Tensor]:
        """Add a batch and return its own values."""
        return self._named(self._each("forward", args, kwargs, group))

    def compute(self) -> dict[str, Tensor]:
        """What the metric gives, of all records and of each group."""
        return self._named([metric.compute() for metric in self._metrics()])

    def reset(self) -> None:
        """Forget all records."""
        for metric in self._metrics():
            metric.reset()

    def _metrics(self) -> list[DialogueMetric]:
        return [self.whole, *self.parts.values()]

    def _each(self, method: str, args: tuple[Any, ...], kwargs: dict[str, Any], group: Any) -> list[Any]:
        """Call a method of every metric with its records; the metric of all comes first and refuses what is wrong."""
        names = [str(name) for name in (group.tolist() if isinstance(group, Tensor) else group)]
        _check_rows(names, {**{f"{place + 1}": value for place, value in enumerate(args)}, **kwargs})
        found = [getattr(self.whole, method)(*args, **kwargs)]
        for name, metric in zip(self.groups, self.parts.values()):
            rows = [row for row, other in enumerate(names) if other == name]
            some = tuple(_take(value, rows) for value in args)
            found.append(getattr(metric, method)(*some, **{key: _take(v, rows) for key, v in kwargs.items()}))
        return found

    def _named(self, found: list[Any]) -> dict[str, Tensor]:
        name = self.whole.name
        named = {}
        for label, result in zip(["", *(f"[{group}]" for group in self.groups)], found):
            values = result if isinstance(result, dict) else {name: result}
            named |= {f"{name}{label}{key.removeprefix(name)}": value for key, value in values.items()}
        return named


def _is_column(value: Any) -> bool:
    return (isinstance(value, Tensor) and value.ndim > 0) or isinstance(value, (list, tuple))


def _check_rows(names: list[str], columns: dict[str, Any]) -> None:
    for key, value in columns.items():
        if key == "links" and value is not None:
            raise ValueError("Expected argument `links` to be None: row numbers do not survive a division into groups.")
        if _is_column(value) and len(value) != len(names):
            raise ValueError(
                f"Expected argument `group` to have one entry for each of argument {key}, [{len(value)}], got "
                f"[{len(names)}]. Give records flat."
            )


def _take(value: Any, rows: list[int]) -> Any:
    if not _is_column(value):
        return value
    if isinstance(value, Tensor):
        return value[torch.tensor(rows, dtype=torch.int64, device=value.device)]
    return [value[row] for row in rows]
