# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""One metric by class, domain, modality or any other group of records."""

import inspect
from collections.abc import Collection, Mapping, Sequence
from copy import deepcopy
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor
from torch.nn import ModuleDict
from torchmetrics import Metric
from torchmetrics.wrappers.abstract import WrapperMetric

from imug_metrics.dialogues.cells import read_entries
from imug_metrics.dialogues.holders import is_integer, shown
from imug_metrics.errors import InputError
from imug_metrics.metrics.description import MetricDescription
from imug_metrics.metrics.dialogue_metric import DialogueMetric
from imug_metrics.metrics.logged_metric import LoggedMetric
from imug_metrics.metrics.plotting import Plot, plot_groups, plot_steps
from imug_metrics.metrics.saved_metric import SavedMetric, own_state, restored_metric
from imug_metrics.metrics.state import all_or_none, check_state
from imug_metrics.metrics.state_file import SavedState


class Breakdown(SavedMetric, WrapperMetric, LoggedMetric):
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
        groups: names of the groups, known in advance so that all processes have the same.

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

    full_state_update = True  # its state is that of its metrics, which a wrapper such as `Running` would not see

    def __init__(self, metric: DialogueMetric, groups: Sequence[str | int]) -> None:
        super().__init__()
        if not isinstance(metric, DialogueMetric):
            raise TypeError(f"Expected argument `metric` to be a DialogueMetric, got {type(metric).__name__}.")
        self.groups = [str(group) for group in groups]
        if not self.groups or len(set(self.groups)) != len(self.groups):
            raise ValueError(f"Expected argument `groups` to be names that differ, at least one, got {list(groups)}.")
        self.whole = deepcopy(metric)
        self.whole.reset()
        self.parts = ModuleDict({_module_name(group): deepcopy(self.whole) for group in self.groups})
        for part in self._metrics().values():
            part._looks_for_repeats = part is self.whole  # which has all records

    def update(self, *args: Any, group: Sequence[Any] | Tensor, **kwargs: Any) -> None:
        """Add a batch of whole dialogues; one that is refused changes nothing.

        Args:
            args, kwargs: those of the metric, flat: one entry a record.
            group: the group of each record, `[N]` names or integers.

        Raises:
            InputError: if `group` has not one entry a record, a group is neither a name nor an integer, or as the
                metric's own `update`.
        """
        self._each("update", args, kwargs, group)

    def forward(self, *args: Any, group: Sequence[Any] | Tensor, **kwargs: Any) -> dict[str, Tensor]:
        """Add a batch and return its own values."""
        return self._named(self._each("forward", args, kwargs, group))

    def compute(self) -> dict[str, Tensor]:
        """What the metric gives, of all records and of each group."""
        return self._named([metric.compute() for metric in self._metrics().values()])

    def plot(self, val: Any = None, ax: Any = None) -> Plot:
        """Draw the primary estimate of all records and of each group in rows, with its interval where there is one.

        Args:
            val: a result of `compute()` or `forward()`, or a list of them, which are drawn over steps; None: computed
                now.
            ax: a matplotlib axis; None: a new figure.

        Returns:
            Figure and axis.

        Raises:
            ArgumentError: if `val` is an empty list.
            ModuleNotFoundError: if matplotlib is not installed.
        """
        name = str(self.whole.name)
        keys = {"all records": name, **{group: f"{name}[{group}]" for group in self.groups}}
        shown = self.compute() if val is None else val
        if isinstance(shown, Sequence):
            return plot_steps(self.whole, shown, ax, keys)
        return plot_groups(self.whole, shown, ax, keys)

    @property
    def primary_keys(self) -> list[str]:
        """The metric's name, and those of its groups, under which primary estimates stand in a result."""
        name = str(self.whole.name)
        return [name, *(f"{name}[{group}]" for group in self.groups)]

    def describe(self) -> MetricDescription:
        """How to read the metric of which this is a breakdown."""
        found: MetricDescription = self.whole.describe()
        return found

    def reset(self) -> None:
        """Forget all records."""
        super().reset()
        for metric in self._metrics().values():
            metric.reset()

    @property
    def metric_state(self) -> dict[str, list[Tensor] | Tensor]:
        """The states of all its metrics, named as in `state_dict`."""
        return {
            f"{prefix}{name}": value
            for prefix, metric in self._metrics().items()
            for name, value in metric.metric_state.items()
        }

    def merge_state(self, incoming_state: dict[str, Any] | Metric) -> None:
        """Add what another breakdown of the same metric and groups has seen.

        Args:
            incoming_state: the other breakdown, or its `metric_state`.

        Raises:
            ValueError: if metric or groups differ, or it is no such state. Nothing is added then.
        """
        others = self._mergeable(incoming_state)
        for prefix, metric in self._metrics().items():
            metric.merge_state(others[prefix])

    def check_mergeable(self, incoming_state: dict[str, Any] | Metric) -> None:
        """Raise ValueError where `merge_state` does."""
        self._mergeable(incoming_state)

    def persistent(self, mode: bool = False) -> None:
        """Whether the states of all its metrics are part of `state_dict`."""
        for metric in self._metrics().values():
            metric.persistent(mode)

    def sync(self, *args: Any, **kwargs: Any) -> None:
        """Gather the states of all its metrics from all processes, as `torchmetrics.Metric.sync` does for one."""
        for metric in self._metrics().values():
            metric.sync(*args, **kwargs)
        self._is_synced = self.whole._is_synced

    def unsync(self, should_unsync: bool = True) -> None:
        """Go back to the states of this process."""
        for metric in self._metrics().values():
            metric.unsync(should_unsync)
        self._is_synced = self.whole._is_synced

    @property
    def update_called(self) -> bool:
        """Whether there has been a batch."""
        return self.whole.update_called

    @property
    def update_count(self) -> int:
        """How many batches there have been."""
        return self.whole.update_count

    def _metrics(self) -> dict[str, DialogueMetric]:
        """The metric of all records and that of each group, by the prefix of their states."""
        parts = cast("dict[str, DialogueMetric]", dict(self.parts.items()))
        return {_WHOLE: self.whole, **{f"parts.{name}.": part for name, part in parts.items()}}

    def _mergeable(self, incoming: dict[str, Any] | Metric) -> Mapping[str, Any]:
        """Of another breakdown what is merged into each metric, by prefix; ValueError unless all of it can be."""
        states = self._checked(incoming.metric_state if isinstance(incoming, Metric) else incoming)
        others: Mapping[str, Any] = incoming._metrics() if isinstance(incoming, Breakdown) else states
        for prefix, metric in self._metrics().items():
            metric.check_mergeable(others[prefix])
        return others

    def _saved(self) -> SavedState:
        """What travels: the metric with what it was made with, the groups, and all states."""
        saved = super()._saved()
        whole = own_state("metric", self.whole).content
        saved.content.update({"arguments": {"groups": self.groups}, "others": [], "metric": whole})
        return saved

    @classmethod
    def _arguments_of(cls, saved: SavedState, given: Mapping[str, Any], classes: Collection[type]) -> dict[str, Any]:
        """What to make it with; arguments that are given again are those of its metric."""
        found = super()._arguments_of(saved, {}, classes)
        groups = found.get("groups")
        if not isinstance(groups, list):
            raise InputError("data", "to hold groups as list", type(groups).__name__)
        parts = [f"parts.{_module_name(str(group))}.packed" for group in groups]
        if not saved.tensors.keys() >= {*parts}:
            raise InputError("data", "to hold a state of each group", f"{len(parts)} groups")
        tensors = {key.removeprefix(_WHOLE): part for key, part in saved.tensors.items() if key.startswith(_WHOLE)}
        whole = SavedState(saved.get("metric", dict), tensors)
        return {**found, "metric": restored_metric(whole, DialogueMetric, classes, given)}

    def _restore(self, saved: SavedState, updates: int) -> None:
        states = self._checked(saved.tensors)
        for prefix, metric in self._metrics().items():
            metric._restore(SavedState(saved.get("metric", dict), states[prefix]), updates)

    def _each(self, method: str, args: tuple[Any, ...], kwargs: dict[str, Any], group: Any) -> list[Any]:
        """Call a method of every metric with its records."""
        if kwargs.get("links") is not None:
            expected = "to be None, since row numbers do not survive a division into groups"
            raise InputError("links", expected, shown(kwargs["links"]))
        names = _group_names(group)
        whole, *parts = self._metrics().values()
        rows = _Rows(names, self.groups)
        with all_or_none([whole, *parts]):
            found = [getattr(whole, method)(*args, **kwargs)]  # which says what is wrong with its arguments
            named = dict(zip(inspect.signature(type(whole).update).parameters, (self, *args)))
            _check_rows(names, {key: value for key, value in (named | kwargs).items() if key != "self"})
            for place, metric in enumerate(parts):
                mine = {key: rows.take(value, place) for key, value in kwargs.items()}
                found.append(getattr(metric, method)(*(rows.take(value, place) for value in args), **mine))
        return found

    def _named(self, found: list[Any]) -> dict[str, Tensor]:
        name = str(self.whole.name)
        named: dict[str, Tensor] = {}
        for own, result in zip(self.primary_keys, found, strict=True):
            values = result if isinstance(result, dict) else {name: result}
            named |= {f"{own}{key.removeprefix(name)}": value for key, value in values.items()}
        return named

    def _checked(self, state: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
        """The states of its metrics, by prefix, from one state.

        Raises:
            ValueError: if one of them is not a state of its metric, or there are others.
        """
        metrics = self._metrics()
        states: dict[str, dict[str, Any]] = {prefix: {} for prefix in metrics}
        for key, value in state.items():
            path, _, name = key.rpartition(".")
            if f"{path}." not in metrics:
                raise ValueError(f"Expected the state of a Breakdown by the groups {self.groups}, got {key}.")
            states[f"{path}."][name] = value
        for prefix, metric in metrics.items():
            check_state(metric, states[prefix])
        return states

    def _load_from_state_dict(
        self,
        state_dict: dict[str, Any],
        prefix: str,
        local_metadata: dict[str, Any],
        strict: bool,
        missing_keys: list[str],
        unexpected_keys: list[str],
        error_msgs: list[str],
    ) -> None:
        """Let its metrics take over their states if all of them are right, and none otherwise."""
        super()._load_from_state_dict(
            state_dict, prefix, local_metadata, strict, missing_keys, unexpected_keys, error_msgs
        )
        found = {key.removeprefix(prefix): value for key, value in state_dict.items() if key.startswith(prefix)}
        if not found:
            return
        try:
            self._checked(found)
        except ValueError as error:
            error_msgs.append(str(error))
            for key in found:
                del state_dict[prefix + key]

    def _filter_kwargs(self, **kwargs: Any) -> dict[str, Any]:
        """What a collection hands on: the arguments of the metric, and the groups."""
        return {**self.whole._filter_kwargs(**kwargs), **{key: kwargs[key] for key in ("group",) if key in kwargs}}


_WHOLE = "whole."  # before the states of the metric of all records


def _module_name(group: str) -> str:
    """The name of a group's metric among the modules, which hold no dots and none of a dict's own names."""
    return f"[{group.replace('%', '%25').replace('.', '%2E')}]"


def _group_names(group: Any) -> list[str]:
    """The groups of all records as names."""
    entries = read_entries("group", group)
    for row, entry in enumerate(entries):
        if not isinstance(entry, str) and not is_integer(entry):
            raise InputError("group", "to hold names or integers", shown(entry), row)
    return [str(entry) for entry in entries]


def _is_column(value: Any) -> bool:
    """Whether an argument has an entry for each record: a tensor, an array or a list."""
    if isinstance(value, (list, tuple, range)):
        return True
    return hasattr(value, "__array__") and getattr(value, "ndim", 1) > 0


def _check_rows(names: list[str], columns: Mapping[str, Any]) -> None:
    for key, value in columns.items():
        if isinstance(value, Mapping):
            _check_rows(names, {f"{key}[{name!r}]": column for name, column in value.items()})
        if isinstance(value, Tensor) and value.is_nested:
            expected = "to be flat, one entry a record, where records are divided by `group`"
            raise InputError(key, expected, "a nested tensor")
        if _is_column(value) and len(value) != len(names):
            expected = f"to have one entry for each of `{key}`, [{len(value)}] (give records flat)"
            raise InputError("group", expected, f"[{len(names)}]")


class _Rows:
    """The rows of each group, brought to a device once however many columns live there."""

    def __init__(self, names: list[str], groups: list[str]) -> None:
        by_name: dict[str, list[int]] = {}
        for row, name in enumerate(names):
            by_name.setdefault(name, []).append(row)
        self.listed = [by_name.get(group, []) for group in groups]
        self.on: dict[torch.device, Sequence[Tensor]] = {}

    def take(self, value: Any, place: int) -> Any:
        """The part of a group in an argument; what is no column stays whole."""
        if isinstance(value, Mapping):
            return {name: self.take(column, place) for name, column in value.items()}
        if not _is_column(value):
            return value
        if isinstance(value, (list, tuple, range)):
            return [value[row] for row in self.listed[place]]
        if not isinstance(value, Tensor):
            return value.__array__()[np.array(self.listed[place], np.int64)]
        if value.device not in self.on:
            order = torch.tensor([row for rows in self.listed for row in rows], dtype=torch.int64)
            self.on[value.device] = torch.split(order.to(value.device), [*map(len, self.listed)])
        return value[self.on[value.device][place]]
