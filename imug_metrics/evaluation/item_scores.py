# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Scores of single records, read from the items.jsonl of a finished run."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

from imug_metrics.errors import ArgumentError
from imug_metrics.evaluation.layouts import misfit
from imug_metrics.reading.fields import nearest
from imug_metrics.reading.files import Problems, kind, read_jsonl
from imug_metrics.report.metric_specs import METRICS, MetricSpec

ITEMS = "items.jsonl"

_FIELDS = {"points", *(spec.item for spec in METRICS)}  # fields of their own, however near to another
ItemScores: TypeAlias = "dict[tuple[str, int], float]"
"""By dialogue and turn, the score of a record."""


def metric_spec(key: str) -> MetricSpec:
    """The metric of a key such as "answer_accuracy".

    Raises:
        ArgumentError: if none that scores single records has this key.

    Example:
        >>> metric_spec("turn_alignment").item
        'alignment'
    """
    found = {spec.key: spec for spec in METRICS}.get(key)
    if found is None:
        raise ArgumentError("metric", f"expected one of {', '.join(spec.key for spec in METRICS)}, got {key!r}")
    return found


def read_item_scores(results: Path, metric: MetricSpec) -> dict[str, ItemScores]:
    """What every model scores at each turn; turns without a score are left out.

    Args:
        results: folder that `imug-metrics score --out` has written, with its items.jsonl.
        metric: whose scores.

    Returns:
        By model, in the order of the file. A model all of whose turns are without a score is there, and empty.

    Raises:
        ArgumentError: if the file cannot be read, a row is not as expected or comes twice; the message names it.
    """
    path, problems = results / ITEMS, Problems()
    if not path.is_file():
        expected = f"expected a folder with {ITEMS}, as `imug-metrics score` writes it"
        raise ArgumentError("results", f"{expected}, got {misfit(results, 'results')}")
    found: dict[str, ItemScores] = {}
    seen: set[tuple[str, str, int]] = set()
    lines: dict[bool, int] = {}
    for line, row in read_jsonl(path, problems):
        model, dialogue, turn, value = _entry(row, metric, f"{path}:{line}")
        scores = found.setdefault(model, {})
        if row["modality"] != metric.modality:
            continue
        if (model, dialogue, turn) in seen:
            raise ArgumentError(
                "results", f"{path}:{line}: expected each turn once, got turn {turn} of {dialogue!r} again"
            )
        seen.add((model, dialogue, turn))
        lines.setdefault(metric.item in row, line)
        if value is not None:
            scores[dialogue, turn] = value
    if len(lines) == 2:
        found_in = f"line {lines[True]} has `{metric.item}` and line {lines[False]} does not"
        raise ArgumentError("results", f"{path}: expected the same fields in every row: {found_in}")
    if problems:
        raise ArgumentError("results", str(problems[0]))
    return found


def _entry(row: Mapping[str, Any], metric: MetricSpec, where: str) -> tuple[str, str, int, float | None]:
    names = ("model", "dialogue", "turn", "modality", metric.item)
    _check_names(row, names, where)
    model, dialogue, turn, modality, value = (row.get(name) for name in names)
    if not isinstance(model, str):
        raise ArgumentError("results", f"{where}: model: expected text, got {kind(model)}")
    if isinstance(dialogue, bool) or not isinstance(dialogue, (str, int)):
        raise ArgumentError("results", f"{where}: dialogue: expected text or a whole number, got {kind(dialogue)}")
    if isinstance(turn, bool) or not isinstance(turn, int):
        raise ArgumentError("results", f"{where}: turn: expected a whole number, got {kind(turn)}")
    if modality not in ("text", "image"):
        raise ArgumentError("results", f"{where}: modality: expected 'text' or 'image', got {modality!r}"[:300])
    known = isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
    if value is not None and not known:
        raise ArgumentError("results", f"{where}: {metric.item}: expected a number or null, got {value!r}"[:300])
    return model, str(dialogue), turn, None if value is None else float(value)


def _check_names(row: Mapping[str, Any], names: Sequence[str], where: str) -> None:
    """Raise where a field is missing; the last, the score, may be, unless another seems to be meant for it."""
    for name in names:
        others = [one for one in row if one not in names and one not in _FIELDS]
        near = None if name in row else next((one for one in others if nearest(one, [name])), None)
        if near is not None or (name not in row and name != names[-1]):
            hint = "" if near is None else f"; is it {near[:80]!r}?"
            raise ArgumentError("results", f"{where}: expected a field `{name}`, the row has none{hint}")
