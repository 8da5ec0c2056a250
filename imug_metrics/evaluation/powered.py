# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""What people would say of all judged images, from what they say of some and the judge of all."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from imug_metrics.evaluation.human import numbered
from imug_metrics.functional.answers.point_score import point_score
from imug_metrics.protocols.imug.readings import Readings, Unit
from imug_metrics.stats.adjusted_mean import AdjustedMean
from imug_metrics.stats.prediction_powered import prediction_powered_difference, prediction_powered_mean


def powered_scores(readings: Readings) -> dict[str, float]:
    """Scores of judged images by people alone, and by people and the judge together, on the scale of `point_score`.

    Only images that the judge scored under protocol "strict" count, whatever an absent one counts as elsewhere.

    Args:
        readings: the judge's points, and people's scores of some of the same turns.

    Returns:
        `point_score_human` and `point_score_powered` with their intervals by dialogue, `point_score_powered_labelled`
        and `_records` (images that people, and that the judge scored), `_lambda` (how far the judge is followed) and
        `_variance_ratio` to people alone. Empty where people scored no judged image.
    """
    units = sorted(readings.strict_points)
    human = _human(readings, units)
    if bool(human.isnan().all()):
        return {}
    rows = _judge(readings, units), human, _dialogues(units)
    alone, powered = prediction_powered_mean(*rows, power=0.0), prediction_powered_mean(*rows)
    return {
        **_bounded("point_score_human", alone, 0.0),
        **_bounded("point_score_powered", powered, 0.0),
        "point_score_powered_lambda": powered.slopes[0],
        "point_score_powered_labelled": float(powered.scored),
        "point_score_powered_records": float(powered.records),
        "point_score_powered_variance_ratio": powered.variance_ratio,
    }


def powered_difference(first: Readings, second: Readings) -> dict[str, float]:
    """How much higher people would score the first of two models on the turns that the judge scored of both.

    Returns:
        `difference` with `difference_lower` and `difference_upper`, `variance_ratio` to people alone, and `records`.
        Empty where people scored none of these turns of one of the models.
    """
    units = sorted(first.strict_points.keys() & second.strict_points.keys())
    models = (first, second)
    human = [_human(model, units) for model in models]
    if any(bool(scores.isnan().all()) for scores in human):
        return {}
    judge = [_judge(model, units) for model in models]
    found = prediction_powered_difference((judge[0], judge[1]), (human[0], human[1]), _dialogues(units))
    counts = {"variance_ratio": found.variance_ratio, "records": float(found.records)}
    return {**_bounded("difference", found, -1.0), **counts}


def _bounded(name: str, found: AdjustedMean, lowest: float) -> dict[str, float]:
    """The estimate with its bounds, none of which leaves the range up to 1: what the judge adds may take them past."""
    ends = torch.tensor([found.value, found.lower, found.upper], dtype=torch.float64).clamp(lowest, 1.0)
    return dict(zip((name, f"{name}_lower", f"{name}_upper"), ends.tolist(), strict=True))


def _judge(readings: Readings, units: Sequence[Unit]) -> Tensor:
    return point_score([readings.strict_points[unit] for unit in units], reduction="none")


def _human(readings: Readings, units: Sequence[Unit]) -> Tensor:
    return torch.tensor([readings.human.get(unit, math.nan) for unit in units], dtype=torch.float64)


def _dialogues(units: Sequence[Unit]) -> Tensor:
    return numbered("/".join(key) for key, _ in units)
