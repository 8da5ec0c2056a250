# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Scores in groups whose keys begin alike: of each model, of each two models."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from imug_metrics.report.metric_specs import ALIGNMENT_GAP, EXPOSURE, known_metrics

if TYPE_CHECKING:
    from imug_metrics.suite import ModelScores

_MORE = ("error", "p", "p_all_metrics", "smallest", "dialogues")


class ScoreGroup(NamedTuple):
    """Scores whose keys begin alike.

    Attributes:
        path: names that the keys begin with, such as that of a model.
        scores: flat, by name.
        primary: names of the estimates that stand for a metric each.
    """

    path: tuple[str, ...]
    scores: Mapping[str, Any]
    primary: Sequence[str]


def model_groups(models: Sequence[ModelScores]) -> list[ScoreGroup]:
    """The scores of each model; primary are those of the report's metrics, and what the model's own history costs.

    Example:
        >>> from imug_metrics.suite import ModelScores
        >>> [group] = model_groups([ModelScores("mine", {"turn_alignment": 0.5}, [])])
        >>> group.path, "turn_alignment" in group.primary
        (('mine',), True)
    """
    return [ScoreGroup((model.model,), model.scores, _primary(model)) for model in models]


def difference_groups(rows: Sequence[Mapping[str, Any]]) -> list[ScoreGroup]:
    """The difference of each two models in each metric, with the bounds that hold for all pairs at once.

    Args:
        rows: as `imug_metrics.report.comparison.comparison_rows` makes them.
    """
    return [_difference(row["metric"], row) for row in rows]


def _primary(model: ModelScores) -> list[str]:
    return [*(view.key for view in known_metrics([model])), EXPOSURE, ALIGNMENT_GAP]


def _difference(metric: str, row: Mapping[str, Any]) -> ScoreGroup:
    scores = {
        metric: row["value"],
        f"{metric}_lower": row["joint_lower"],
        f"{metric}_upper": row["joint_upper"],
        f"{metric}_n": row["records"] or math.nan,  # states do not know on how many a difference rests
    }
    more = {f"{metric}_{name}": row[name] for name in _MORE}
    return ScoreGroup((row["first"], "minus", row["second"]), scores | more, [metric])
