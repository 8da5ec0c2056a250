# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""One metric by class, domain, modality or any other group of records."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn import ModuleDict
from torchmetrics import Metric
from torchmetrics.wrappers.abstract import WrapperMetric

from imug_metrics.metrics.dialogue_metric import DialogueMetric
from imug_metrics.metrics.state import all_or_none, check_state


class Breakdown(WrapperMetric):
    """A metric for every group of records, as sums of its own, beside that of all.

    Each group keeps the metric's own state, so intervals by dialogue, merging, checkpoints and distributed training
    work as for the metric itself, and `compute` gives the same numbers that the metric would give on the group's
    records alone.

    Records of a group that was not named are in the metric of all and in no other. Groups may divide a dialogue
    (modalities do); what compares turns with each other then compares those of one group.

    As output `compute` gives a dict: what the metric gives under its own name, and once more for each group, where the
    group's name in square brackets follows the metric's: `answer_accuracy[Cooking]`, `answer_accuracy[Cooking]_slope`.

    Args:
        metric: the metric, with the options of your choice. It is copied; what it has seen is not.
        groups: names of the groups, known in advance so that all processes of a run have the same.

    Raises:
        ValueError: if a group is named twice or not at all.
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
        """Add a batch of whole dialogues; one that is refused changes nothing.

        Args:
            args, kwargs: those of the metric, flat: one entry a record.
            group: the group of each record, `[N]` names or integers.

        Raises:
            ValueError: if `group` has not one entry a record, or as the metric's own `update`.
            TypeError: if a group is neither a name nor an integer.
        """
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

    def merge_state(self, incoming_state: dict[str, Any] | Metric) -> None:
        """Add what another breakdown of the same metric and groups has seen.

        Raises:
            ValueError: if it is none. Nothing is added then.
        """
        if not isinstance(incoming_state, Breakdown) or incoming_state.groups != self.groups:
            raise ValueError(f"Expected a Breakdown by the groups {', '.join(self.groups)}.")
        pairs = list(zip(self._metrics(), incoming_state._metrics(), strict=True))
        for own, other in pairs:
            check_state(own, other.metric_state)
        for own, other in pairs:
            own.merge_state(other)

    def persistent(self, mode: bool = False) -> None:
        """Whether the states of all its metrics are part of `state_dict`."""
        for metric in self._metrics():
            metric.persistent(mode)

    @property
    def update_called(self) -> bool:
        """Whether there has been a batch."""
        return self.whole.update_called

    @property
    def update_count(self) -> int:
        """How many batches there have been."""
        return self.whole.update_count

    def _metrics(self) -> list[DialogueMetric]:
        return [self.whole, *self.parts.values()]  # type: ignore[list-item]  # a ModuleDict is typed by its base

    def _each(self, method: str, args: tuple[Any, ...], kwargs: dict[str, Any], group: Any) -> list[Any]:
        """Call a method of every metric with its records."""
        names = _group_names(group)
        _check_rows(names, {**{f"{place + 1}": value for place, value in enumerate(args)}, **kwargs})
        with all_or_none(self._metrics()):
            found = [getattr(self.whole, method)(*args, **kwargs)]
            for name, metric in zip(self.groups, self.parts.values(), strict=True):
                rows = [row for row, other in enumerate(names) if other == name]
                mine = tuple(_take(value, rows) for value in args)
                found.append(getattr(metric, method)(*mine, **{key: _take(v, rows) for key, v in kwargs.items()}))
        return found

    def _named(self, found: list[Any]) -> dict[str, Tensor]:
        name = str(self.whole.name)
        named: dict[str, Tensor] = {}
        for label, result in zip(["", *(f"[{group}]" for group in self.groups)], found, strict=True):
            values = result if isinstance(result, dict) else {name: result}
            named |= {f"{name}{label}{key.removeprefix(name)}": value for key, value in values.items()}
        return named


def _group_names(group: Any) -> list[str]:
    """The groups of all records as names."""
    entries = group.tolist() if hasattr(group, "tolist") else list(group)
    for row, entry in enumerate(entries):
        if isinstance(entry, bool) or not isinstance(entry, (str, int)):
            raise TypeError(f"Expected argument `group` to hold names or integers, got {entry!r} at row {row}.")
    return [str(entry) for entry in entries]


def _is_column(value: Any) -> bool:
    """Whether an argument has an entry for each record: a tensor, an array, a list or the like."""
    if isinstance(value, Tensor):
        return value.ndim > 0
    return hasattr(value, "__len__") and hasattr(value, "__getitem__") and not isinstance(value, (str, bytes, dict))


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
    if hasattr(value, "dtype") and hasattr(value, "ndim") and not hasattr(value, "iloc"):
        return value[rows]
    entries = list(value)
    return [entries[row] for row in rows]
