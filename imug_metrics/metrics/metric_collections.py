# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""A `MetricCollection` whose states travel as bytes, and are added to those of another one."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any, cast

from torchmetrics import Metric, MetricCollection

from imug_metrics.errors import InputError
from imug_metrics.metrics.saved_metric import check_own, own_state, restored_metric
from imug_metrics.metrics.state import all_or_none
from imug_metrics.metrics.state_file import SavedState, join_states, part_states, read_state, write_state

if TYPE_CHECKING:
    from imug_metrics.metrics.additive_metric import AdditiveMetric

_DEFAULT = "the default"

Arguments = Mapping[str, Mapping[str, Any]]
"""By a metric's name the arguments that did not travel."""


def collection_to_bytes(collection: MetricCollection) -> bytes:
    """The states of a collection of this package's metrics, as `to_bytes` gives that of one.

    Raises:
        InputError: if one of them is a metric of another package.

    Example:
        >>> from imug_metrics import TurnDecay
        >>> collection = MetricCollection([TurnDecay()], prefix="val/")
        >>> collection.update(scores=[[0.9, 0.8]], dialogue=["a"])
        >>> collection_from_bytes(collection_to_bytes(collection)).compute()
        {'val/TurnDecay': tensor(-0.1000, dtype=torch.float64)}
    """
    metrics = collection.items(keep_base=True, copy_state=True)
    groups = collection._enable_compute_groups
    saved = join_states(
        "MetricCollection",
        {name: own_state(name, metric) for name, metric in metrics},
        ends=[collection.prefix, collection.postfix],
        compute_groups=groups if isinstance(groups, bool) else [list(group) for group in groups],
    )
    return write_state(saved)


def collection_from_bytes(
    data: bytes | bytearray | memoryview,
    *,
    classes: Collection[type[Metric]] = (),
    arguments: Arguments | None = None,
) -> MetricCollection:
    """The collection that `collection_to_bytes` was given, on the CPU.

    Args:
        data: the bytes, which may come from anywhere.
        classes: metrics of your own that they may name.
        arguments: by a metric's name the arguments that did not travel, see `from_bytes` of every metric.

    Raises:
        InputError: as `from_bytes` of a metric.
    """
    saved = read_state(data)
    if saved.get("class", str) != "MetricCollection":
        raise InputError("data", "to be the state of MetricCollection", f"that of {saved.content['class'][:80]}")
    metrics: Any = restored_metrics(saved, classes, arguments or {})
    prefix, postfix = saved_ends(saved)
    try:
        return MetricCollection(
            metrics, prefix=prefix, postfix=postfix, compute_groups=saved.get("compute_groups", bool, list)
        )
    except (ValueError, TypeError, KeyError) as error:
        raise InputError("data", "to be the state of a MetricCollection", repr(str(error))[:300]) from error


def merge_collections(first: MetricCollection, other: MetricCollection) -> None:
    """Add the states of another collection to those of the first, all of them or none.

    Args:
        first: changed in place.
        other: of the same names, classes and configurations.

    Raises:
        InputError: if names, classes or configurations differ, or a metric is one of another package. Nothing is added
            then.

    Example:
        >>> from imug_metrics import TurnDecay
        >>> first, other = MetricCollection([TurnDecay()]), MetricCollection([TurnDecay()])
        >>> first.update(scores=[[0.9, 0.8]], dialogue=["a"])
        >>> other.update(scores=[[0.9, 0.6]], dialogue=["b"])
        >>> merge_collections(first, other)
        >>> first.compute()
        {'TurnDecay': tensor(-0.2000, dtype=torch.float64)}
    """
    mine = dict(first.items(keep_base=True, copy_state=True))
    merge_metrics(mine, dict(other.items(keep_base=True, copy_state=True)))


def merge_metrics(mine: Mapping[str, Metric], others: Mapping[str, Metric]) -> None:
    """Add the states of metrics to those of the same names, all or none; see `merge_collections`."""
    check_mergeable(mine, others)
    with all_or_none(mine.values()):
        for name, metric in mine.items():
            metric.merge_state(others[name])


def check_mergeable(mine: Mapping[str, Metric], others: Mapping[str, Metric]) -> None:
    """Raise unless metrics of the same names are of the same class and configuration."""
    if mine.keys() != others.keys():
        apart = sorted(mine.keys() ^ others.keys())
        raise InputError("other", "to hold the same metrics", f"{', '.join(apart)[:300]} in one alone")
    for name, metric in mine.items():
        check_own(name, metric)
        if type(metric) is not type(others[name]):
            raise InputError("other", f"to hold a {type(metric).__name__} as {name}", type(others[name]).__name__)
        try:
            cast("AdditiveMetric", metric).check_mergeable(others[name])
        except ValueError as error:
            raise InputError(
                "other", f"to hold {name} as it is here", _difference(metric, others[name], error)
            ) from error


def restored_metrics(saved: SavedState, classes: Collection[type[Metric]], arguments: Arguments) -> dict[str, Metric]:
    """The metrics of several saved states, by name.

    Raises:
        InputError: if names repeat, or as `from_bytes` of a metric.
    """
    parts = part_states(saved)
    unknown = sorted(arguments.keys() - parts.keys())
    if unknown:
        raise InputError("arguments", f"to name metrics of the data, which are {', '.join(parts)[:300]}", unknown[0])
    return {name: restored_metric(part, Metric, classes, arguments.get(name, {})) for name, part in parts.items()}


def saved_ends(saved: SavedState) -> tuple[str | None, str | None]:
    """Prefix and postfix of a collection."""
    ends = saved.get("ends", list)
    if len(ends) != 2 or not all(end is None or isinstance(end, str) for end in ends):
        raise InputError("data", "to hold a prefix and a postfix", "something else")
    return ends[0], ends[1]


def _difference(metric: Any, other: Any, error: ValueError) -> str:
    """In which arguments a metric differs from the other one, or else what the error says."""
    mine, theirs = metric._made_with.plain, other._made_with.plain
    apart = [name for name in {**mine, **theirs} if mine.get(name) != theirs.get(name)]
    told = (f"{name}={theirs.get(name, _DEFAULT)!r}, here {mine.get(name, _DEFAULT)!r}" for name in apart)
    return ", ".join(told)[:300] or str(error)
