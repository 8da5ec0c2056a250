# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Tables of exact numbers, under the names that files and scores have."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from imug_metrics._numbers import number
from imug_metrics.metrics.options import INTERVAL
from imug_metrics.report.estimates import as_float
from imug_metrics.report.files import PER_TURN_COLUMNS, per_turn_rows
from imug_metrics.report.metric_specs import shown_metrics
from imug_metrics.report.tables.table import Cell, Table

if TYPE_CHECKING:
    from imug_metrics.suite import ModelScores


def leaderboard(models: Sequence[ModelScores]) -> Table:
    """One row a model: its metrics, each with its interval and its number of records, under the scores' names.

    Example:
        >>> from imug_metrics.suite import ModelScores
        >>> scores = {"turn_alignment": 0.5, "turn_alignment_lower": 0.4, "turn_alignment_upper": float("nan")}
        >>> leaderboard([ModelScores("mine", scores, [])]).records()
        [{'model': 'mine', 'turn_alignment': 0.5, 'turn_alignment_lower': 0.4, 'turn_alignment_upper': None}]
    """
    names = [f"{view.key}{ending}" for view in shown_metrics(models) for ending in INTERVAL]
    names = [name for name in names if any(name in model.scores for model in models)]
    rows = [(model.model, *(as_float(model.scores.get(name)) for name in names)) for model in models]
    return exact_table("leaderboard", ("model", *names), rows)


def per_turn_table(models: Sequence[ModelScores]) -> Table:
    """The curves of all models and metrics, as per_turn.csv has them.

    Example:
        >>> from imug_metrics.suite import ModelScores
        >>> [row] = per_turn_table([ModelScores("mine", {"turn_alignment_turn_2": 0.5}, [])]).records()
        >>> row["metric"], row["turn"], row["value"], row["lower"]
        ('turn_alignment', 2, 0.5, None)
    """
    rows = (row for model in models for row in per_turn_rows(model))
    return exact_table("per_turn", PER_TURN_COLUMNS, rows)


def exact_table(name: str, columns: Sequence[str], rows: Iterable[Iterable[Any]]) -> Table:
    """A table of texts and numbers as they are, where None is an undefined number.

    Example:
        >>> exact_table("t", ("a", "b", "c"), [("x", 1, None)]).records()
        [{'a': 'x', 'b': 1, 'c': None}]
    """
    return Table(tuple(columns), [[[_cell(entry) for entry in row] for row in rows]], name=name)


def _cell(entry: Any) -> Cell:
    if isinstance(entry, (str, int)):
        return Cell(str(entry), value=entry)
    return Cell(number(as_float(entry), 3), value=as_float(entry))
