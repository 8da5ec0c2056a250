# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""What trackers are given of results: which scores under which keys."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Literal, TypeAlias

from imug_metrics.errors import ArgumentError
from imug_metrics.metrics.exports import finite_scores
from imug_metrics.metrics.options import INTERVAL
from imug_metrics.report.tables.table import Table
from imug_metrics.report.trackers.groups import ScoreGroup
from imug_metrics.report.trackers.keys import tracker_key
from imug_metrics.report.trackers.trackable import Trackable

Detail: TypeAlias = Literal["primary", "interval", "full"]
Scores: TypeAlias = "Mapping[str, Any] | Trackable"

_ENDINGS: Mapping[str, tuple[str, ...]] = {"primary": ("",), "interval": INTERVAL, "full": ()}


def tracked_scores(scores: Scores, *, prefix: str = "", detail: Detail = "interval") -> dict[str, float]:
    """The numbers that a tracker is given, by key; what is undefined or infinite is left out.

    Args:
        scores: what `compute()` of a metric or a suite gave; an `Evaluation`, whose keys are `<model>/<score>`; or a
            `Comparison`, whose keys are `<first>/minus/<second>/<score>`.
        prefix: of all keys, such as `"val/"`.
        detail: `"primary"` for one number a metric, `"interval"` for it, `_lower`, `_upper` and `_n`, `"full"` for all.

    Raises:
        ArgumentError: if an argument is not as expected, or two scores have one name.

    Example:
        >>> from imug_metrics import TurnDecay
        >>> metric = TurnDecay(detail=True)
        >>> metric.update([[0.9, 0.8], [0.7, 0.3]])
        >>> sorted(tracked_scores(metric.compute(), prefix="val/"))
        ['val/turn_decay', 'val/turn_decay_lower', 'val/turn_decay_n', 'val/turn_decay_upper']
    """
    if detail not in _ENDINGS:
        raise ArgumentError("detail", f"expected one of {', '.join(_ENDINGS)}, got {detail!r}")
    found: dict[str, float] = {}
    for group in _groups(scores):
        for name, value in finite_scores(_chosen(group, detail)).items():
            whole = prefix + "/".join((*group.path, name))
            if whole in found:
                raise ArgumentError("scores", f"expected names that differ, got {whole!r} twice")
            found[whole] = value
    return {tracker_key(name): value for name, value in found.items()}


def tracked_tables(scores: Scores, *, prefix: str = "") -> dict[str, Table]:
    """The tables that a tracker is given, by key; of a flat dict there is none."""
    tables = scores._tracked_tables() if isinstance(scores, Trackable) else []
    return {tracker_key(f"{prefix}{table.name}"): table for table in tables if any(table.rows)}


def _groups(scores: Scores) -> list[ScoreGroup]:
    if isinstance(scores, Trackable):
        return scores._score_groups()
    if isinstance(scores, Mapping):
        return [ScoreGroup((), scores, _primary(scores))]
    expected = 'a dict of scores (a metric gives one with detail="interval"), an Evaluation or a Comparison'
    raise ArgumentError("scores", f"expected {expected}, got {type(scores).__name__}")


def _primary(scores: Iterable[str]) -> list[str]:
    """Names that are no estimate of a metric beside its primary one; a metric that gives others gives `<name>_n`."""
    names = [str(name) for name in scores]
    detailed = {name.removesuffix("_n") for name in names if name.endswith("_n")} & {*names}
    return [name for name in names if name in detailed or not any(name.startswith(f"{of}_") for of in detailed)]


def _chosen(group: ScoreGroup, detail: Detail) -> Mapping[str, Any]:
    if detail == "full":
        return group.scores
    names = (f"{name}{ending}" for name in group.primary for ending in _ENDINGS[detail])
    return {name: group.scores[name] for name in names if name in group.scores}
