# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Models compared from the states of their metrics alone, which the bootstrap pairs: no record is needed."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations

import torch
from torch import Tensor

from imug_metrics.metrics.dialogue_metric import DialogueMetric
from imug_metrics.stats.comparison import PairedDifference, replicated_differences


def metric_differences(
    metrics: Mapping[str, DialogueMetric], level: float | None = None, *, power: float = 0.8
) -> list[PairedDifference]:
    """Every two models' primary estimates, compared from the states of one metric of each.

    The replicates of `bootstrap` draw dialogues by their ids, so those of two models drew the same dialogues: their
    differences are paired, over batches, processes and merged states. Each model's estimate is of the records that it
    has: where one leaves turns out that another one answers, compare rows (`imug_metrics.compare`), which are paired by
    turn as well, or count what is absent (`missing="zero"`).

    Args:
        metrics: by model, metrics of the same class, options and seed, with `bootstrap` above 0, that saw the same
            dialogues.
        level: probability that the intervals cover; None: that of the metrics.
        power: of the smallest difference.

    Returns:
        A difference for each two models, in the order of `itertools.combinations`.

    Raises:
        ValueError: if there are fewer than two, if they differ in class or options, keep no replicates, or have not
            seen the same dialogues.

    Example:
        >>> from imug_metrics import AnswerAccuracy
        >>> keys, names = [["A"]] * 12, [f"dialogue {place}" for place in range(12)]
        >>> metrics = {}
        >>> for model, wrong in (("steady", 1), ("fading", 8)):
        ...     metrics[model] = AnswerAccuracy(bootstrap=500)
        ...     metrics[model].update([["B"]] * wrong + [["A"]] * (12 - wrong), keys, dialogue=names)
        >>> [found] = metric_differences(metrics)
        >>> round(found.value, 3), found.leader
        (0.583, 0)
    """
    names, chosen = list(metrics), list(metrics.values())
    if len(chosen) < 2:
        raise ValueError(f"Expected argument `metrics` to hold two models or more, got {names}.")
    for name, metric in metrics.items():
        _check_alike(name, metric, names[0], chosen[0])
    pairs = list(combinations(range(len(chosen)), 2))
    values = torch.stack([metric._primary_of(metric._totals) for metric in chosen])
    drawn = torch.stack([metric._primary_of(metric.replicates) for metric in chosen])
    effective = torch.stack([_effective(metric) for metric in chosen])
    level = chosen[0].level if level is None else level
    low, high = chosen[0]._ends(chosen[0].primary)
    return replicated_differences(values, drawn, effective, pairs, level, power=power, widest=high - low)


def _check_alike(name: str, metric: DialogueMetric, first_name: str, first: DialogueMetric) -> None:
    if type(metric) is not type(first) or not metric.config.equal(first.config):
        raise ValueError(
            f"Expected argument `metrics` to hold one metric with equal options, {name!r} has another "
            f"than {first_name!r}."
        )
    if not metric.bootstrap:
        raise ValueError(
            f"Expected argument `metrics` to hold metrics with `bootstrap` above 0, {name!r} has no "
            f"replicates: compare rows of records instead."
        )
    if not metric.fingerprint.equal(first.fingerprint):
        seen = [int(each.fingerprint[0]) for each in (metric, first)]
        raise ValueError(
            f"Expected argument `metrics` to hold metrics of the same dialogues: {name!r} has scores of "
            f"{seen[0]} and {first_name!r} of {seen[1]}, not all of them the same."
        )


def _effective(metric: DialogueMetric) -> Tensor:
    """Effective dialogues: a sum of Poisson draws has the sum of the squared weights as its variance."""
    column = int(metric._support([metric.primary])[0])
    return metric._totals[column] ** 2 / metric.replicates[:, column].var().clamp_min(1e-300)
