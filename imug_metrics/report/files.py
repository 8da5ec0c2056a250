# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""The machine-readable half of the report: JSON, CSV and JSON lines, each written whole or not at all."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from imug_metrics._files import write_bytes_whole
from imug_metrics.reading.files import Problem
from imug_metrics.report.estimates import curve
from imug_metrics.report.metric_specs import known_metrics, records_by_turn
from imug_metrics.report.tables.csv import csv_text

if TYPE_CHECKING:
    from imug_metrics.suite import ModelScores

VERSIONS: Mapping[str, int] = {"model": 6}
"""Versions of the forms that have changed; a form of which nothing stands here is of version 1."""

PER_TURN_COLUMNS = ("model", "metric", "turn", "value", "lower", "upper", "n")


def write_whole(path: Path, text: str) -> Path:
    r"""Write ``text`` to a temporary name beside ``path`` and rename it, so that no reader ever sees half a file.

    A lone surrogate, which UTF-8 has no bytes for, is written as the escape ``\udXXX``, which JSON reads back.
    """
    return write_bytes_whole(path, text.encode("utf-8", "backslashreplace"))


def to_json(value: Any) -> Any:
    """The value in terms of strict JSON: NaN becomes null, an infinity the text ``"inf"`` or ``"-inf"``.

    Example:
        >>> to_json({"half_life": float("inf"), "slope": float("nan"), "n": (1, 2)})
        {'half_life': 'inf', 'slope': None, 'n': [1, 2]}
    """
    if value is None or isinstance(value, (bool, int, str)):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None if math.isnan(value) else str(value)
    if isinstance(value, Mapping):
        return {str(key): to_json(entry) for key, entry in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [to_json(entry) for entry in value]
    if hasattr(value, "tolist"):  # tensors and arrays, 0-d ones included
        return to_json(value.tolist())
    return str(value)


def schema(kind: str) -> str:
    """What a JSON file of ours says of its own form.

    Example:
        >>> schema("summary")
        'imug_metrics.summary/1'
    """
    return f"imug_metrics.{kind}/{VERSIONS.get(kind, 1)}"


def json_text(kind: str, content: Mapping[str, Any], *, indent: int | None = 2) -> str:
    """Strict JSON that begins with its schema, non-ASCII kept readable.

    Args:
        kind: of the file, see `schema`.
        content: what it holds.
        indent: of the lines; None: all on one line.
    """
    whole = {"schema": schema(kind), **content}
    return json.dumps(to_json(whole), indent=indent, ensure_ascii=False, allow_nan=False) + "\n"


def write_problems(problems: Iterable[Problem], out: Path) -> Path:
    """One problem of the data a line, in problems.jsonl."""
    return write_whole(out / "problems.jsonl", "".join(json.dumps(problem.as_row()) + "\n" for problem in problems))


def items_text(models: Sequence[ModelScores]) -> str:
    """One JSON object a line and record, its model first."""
    rows = ({"model": model.model, **to_json(item)} for model in models for item in model.items)
    # U+2028 and its like would split a line for readers that use str.splitlines: ASCII escapes are safe everywhere
    return "".join(json.dumps(row, allow_nan=False) + "\n" for row in rows)


def per_turn_text(models: Sequence[ModelScores]) -> str:
    """The curves of all models and metrics as CSV; an undefined number is an empty cell."""
    return csv_text(PER_TURN_COLUMNS, (row for model in models for row in per_turn_rows(model)))


def per_turn_rows(model: ModelScores) -> Iterator[tuple[str | float | None, ...]]:
    """A row of `PER_TURN_COLUMNS` for each point of a model's curves; what is undefined is None."""
    columns = {view.key: view.item for view in known_metrics([model])}
    for key in _curve_keys(model.scores):
        counts = records_by_turn(model.items, columns[key]) if columns.get(key) else {}
        for turn, point in curve(model.scores, key).items():
            numbers = (None if math.isnan(x) else x for x in (point.value, point.lower, point.upper))
            yield model.model, key, turn, *numbers, counts.get(turn)


def _curve_keys(scores: Mapping[str, Any]) -> list[str]:
    stems = (name.rpartition("_turn_") for name in scores)
    return list(dict.fromkeys(stem for stem, found, turn in stems if found and turn.isdigit()))
