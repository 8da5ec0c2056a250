# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""What goes wrong with each model as one call: every failure's figure against the other models."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

from imug_metrics.errors import ArgumentError
from imug_metrics.evaluation.comparison import Run, chosen_models, models_of
from imug_metrics.evaluation.run import run
from imug_metrics.evaluation.settings import Settings
from imug_metrics.report.failures import FailureFigure, failure_figures
from imug_metrics.report.sections.failures import failure_table
from imug_metrics.report.tables.table import Table
from imug_metrics.suite import ModelScores


@dataclass(frozen=True)
class FailureProfile:
    """What `imug_metrics.failure_profile` found out.

    Attributes:
        models: names, which the places in the figures stand for.
        figures: every failure that a model could be judged by, with its figure of every model and who stands out.
        scores: of the models, which the figures are taken from.
    """

    models: tuple[str, ...]
    figures: tuple[FailureFigure, ...]
    scores: tuple[ModelScores, ...]

    def tables(self) -> list[Table]:
        """The figures, failure by failure; empty where no failure could be judged."""
        return [failure_table(self.scores, self.figures)] if self.figures else []

    def table(self) -> str:
        """The table as text."""
        return "\n\n".join(map(str, self.tables()))

    def rows(self) -> list[dict[str, Any]]:
        """One row a failure and model: symptom, key, model, value, bounds, healthy value, and what was found.

        `stands_out` says whether the model is worse than every other one, `fails` whether its interval excludes the
        healthy value, and `p` are by other model the p-values adjusted for all pairs and all failures.
        """
        return [self._row(figure, place) for figure in self.figures for place in range(len(self.models))]

    def _row(self, figure: FailureFigure, place: int) -> dict[str, Any]:
        found, failure = figure.estimates[place], figure.failure
        pairs = zip(combinations(range(len(self.models)), 2), figure.p)
        p = {self.models[first + second - place]: value for (first, second), value in pairs if place in (first, second)}
        return {
            "failure": failure.symptom,
            "key": failure.key,
            "model": self.models[place],
            "value": found.value,
            "lower": found.lower,
            "upper": found.upper,
            "healthy": failure.healthy,
            "fails": figure.fails(place),
            "stands_out": figure.worst == place,
            "paired": figure.paired,
            "p": p,
        }

    def _repr_html_(self) -> str:
        return "".join(table._repr_html_() for table in self.tables())


def failure_profile(*runs: Run | Mapping[str, Any] | ModelScores, models: Sequence[str] = ()) -> FailureProfile:
    """Every failure of long dialogues, its figure of each model, who stands out, and what could not be judged.

    Args:
        runs: evaluations, or folders in which `imug-metrics score` or `Evaluation.save` has kept one; or `ModelScores`,
            as `ImugSuite.scores` gives them; or one mapping by model to records, which are evaluated without an
            encoder, images left out.
        models: names of those to compare; none: all.

    Raises:
        ArgumentError: if an argument is not as expected, or a folder holds no evaluation.

    Example:
        >>> from imug_metrics import Record
        >>> def records(growth):
        ...     return [Record(f"d{d}", turn, "text", "Which?", costs={"seconds": 10 + d % 3 + growth * d * turn})
        ...             for d in range(30) for turn in (1, 2, 3)]
        >>> found = failure_profile({"quick": records(0.0), "slow": records(0.1)})
        >>> [(row["failure"], row["model"], row["fails"]) for row in found.rows() if row["key"].startswith("cost")]
        [('costs ever more seconds', 'quick', False), ('costs ever more seconds', 'slow', True)]
    """
    found = chosen_models(_scores(runs), models, least=1)
    return FailureProfile(tuple(model.model for model in found), tuple(failure_figures(found)), tuple(found))


def _scores(runs: Sequence[Any]) -> list[ModelScores]:
    if runs and all(isinstance(run, ModelScores) for run in runs):
        return [*runs]
    if any(isinstance(run, ModelScores) for run in runs):
        raise ArgumentError("runs", "expected either `ModelScores` or evaluations, got both")
    if len(runs) == 1 and isinstance(runs[0], Mapping):
        runs = [run(Settings(runs[0], leave_images=True))]
    return models_of(runs)
