# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""The page's sections on protocols and judges: rules that differ, the judge itself, and means by class and domain."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from imug_metrics.report.metric_specs import as_float, estimate, known_metrics, number, span

if TYPE_CHECKING:
    from imug_metrics.suite import ModelScores

PAIRS = (
    ("Answers", "answer_accuracy", "answer_accuracy_imug"),
    ("Judged points", "point_score", "point_score_imug"),
)
"""What is scored under both protocols: the strict score, then the official one."""

_GROUP = re.compile(r"(.+)\[(class|domain)=(.*)\]", re.DOTALL)
_AGREEMENT = (("alpha", 2), ("spread", 2), ("human_pearson", 2), ("human_spearman", 2))


@dataclass(frozen=True)
class RuleRow:
    """One rule in which the protocols differ.

    Attributes:
        name, official, strict, why: in words.
        counts: by model, how many turns it touches; a model is absent where that cannot be counted.
    """

    name: str
    official: str
    strict: str
    why: str
    counts: Mapping[str, int] = field(default_factory=dict)


def is_grouped(key: str) -> bool:
    """Whether a score belongs to one class or domain.

    Example:
        >>> is_grouped("answer_accuracy[class=Hybrid]_lower"), is_grouped("answer_accuracy_lower")
        (True, False)
    """
    return "[class=" in key or "[domain=" in key


def by_group(models: Sequence[ModelScores]) -> list[dict[str, Any]]:
    """For each score that is broken down: its values by class and by domain, a column a model.

    Example:
        >>> from types import SimpleNamespace
        >>> scores = {"answer_accuracy[class=Hybrid]": 0.5, "answer_accuracy[class=Hybrid]_n": 4.0}
        >>> [group] = by_group([SimpleNamespace(model="mine", scores=scores, items=[])])
        >>> group["label"], group["class"]
        ('Answers', [('Hybrid', [{'value': '0.50', 'interval': '', 'count': '4'}])])
    """
    found = []
    for view in known_metrics(models):
        names: dict[str, dict[str, None]] = {"class": {}, "domain": {}}
        for model in models:
            for key in model.scores:
                match = _GROUP.fullmatch(key)
                if match and match[1] == view.key:
                    names[match[2]][match[3]] = None
        if any(names.values()):
            rows = {
                kind: [(name, _cells(models, view.key, kind, name)) for name in sorted(names[kind])] for kind in names
            }
            found.append({"label": view.label, **rows})
    return found


def both_protocols(models: Sequence[ModelScores]) -> list[dict[str, Any]]:
    """One row a model: each score under protocol "strict", under the official rule, and the difference."""
    rows = []
    for index, model in enumerate(models):
        cells = []
        for _, strict, official in shown_pairs(models):
            ours, theirs = as_float(model.scores.get(strict)), as_float(model.scores.get(official))
            cells.append((number(ours), number(theirs), number(ours - theirs, signed=True)))
        rows.append({"name": model.model, "colour": index, "cells": cells})
    return rows


def shown_pairs(models: Sequence[ModelScores]) -> list[tuple[str, str, str]]:
    """Those of `PAIRS` that a model has a value for under either protocol."""
    return [pair for pair in PAIRS if any(estimate(model.scores, key).known for model in models for key in pair[1:])]


def judge_rows(models: Sequence[ModelScores], judges: Mapping[str, Mapping[str, Any]]) -> list[dict[str, Any]]:
    """One row a judged model: what the judge said, how far it can be trusted, and what people make of the same images.

    Args:
        models: with the scores `point_score_human` and `point_score_powered` where people scored images.
        judges: by model, what is known of the judge: `answers`, `failures` by kind, `agreement` with itself and with
            people, and if there are any `repeats` and `differences`; see `imug_metrics.evaluation`.

    Returns:
        By row `name`, `colour`, `answers`, `failed`, `kinds` and `agreements`, and

        - `people`: cells `human` (people alone) and `powered` (with the judge's help), each `value` and `interval`,
          the counts `labelled` and `records`, `power` (lambda) and `worth`, a sentence; None without people
        - `repeats`: the variances `dialogue`, `record` and `repeat`, `widths` as pairs of a number of repeats and the
          interval's relative width, `best` number of repeats, and `advice`,
          a sentence; None where the judge was asked once
        - `differences`: cells `model`, `value` and `interval` of how much higher people score this model than another

    Example:
        >>> from types import SimpleNamespace
        >>> mine = SimpleNamespace(model="mine", scores={}, items=[])
        >>> [row] = judge_rows([mine], {"mine": {"answers": 9, "failures": {"image: busy": 1}, "agreement": {}}})
        >>> row["answers"], row["failed"], row["kinds"]
        ('9', 1, '1 image: busy')
    """
    rows = []
    for index, model in enumerate(models):
        judge = judges.get(model.model)
        if judge is None:
            continue
        failures = judge.get("failures", {})
        agreements = [(name, _agreement(values)) for name, values in judge.get("agreement", {}).items()]
        rows.append(
            {
                "name": model.model,
                "colour": index,
                "answers": f"{judge['answers']:,}",
                "failed": sum(failures.values()),
                "kinds": ", ".join(f"{count} {kind}" for kind, count in failures.items()),
                "agreements": agreements,
                "people": _people(model.scores),
                "repeats": _repeats(judge.get("repeats") or {}),
                "differences": _differences(judge.get("differences") or {}),
            }
        )
    return rows


def _people(scores: Mapping[str, Any]) -> dict[str, Any] | None:
    alone, powered = estimate(scores, "point_score_human"), estimate(scores, "point_score_powered")
    if not alone.known:
        return None
    found = {
        name: number(as_float(scores.get(f"point_score_powered_{key}")), digits)
        for name, key, digits in (("labelled", "labelled", 0), ("records", "records", 0), ("power", "lambda", 2))
    }
    ratio = as_float(scores.get("point_score_powered_variance_ratio"))
    worth = "the judge does not help: people's scores stand alone"
    if 0 < ratio < 1:
        more = number(as_float(scores.get("point_score_powered_labelled")) / ratio, 0)
        worth = f"with the judge's help {found['labelled']} images scored by people count as much as {more}"
    return {
        "human": {"value": number(alone.value), "interval": span(alone)},
        "powered": {"value": number(powered.value), "interval": span(powered)},
        **found,
        "worth": worth,
    }


def _repeats(repeats: Mapping[str, Any]) -> dict[str, Any] | None:
    if not repeats:
        return None
    widths = {count: as_float(width) for count, width in repeats["width"].items()}
    share = as_float(repeats["share"])
    advice = "too few repeats, or images a dialogue, to tell the judge's noise from the rest"
    if not math.isnan(share):
        three, never = (number(100 * (1 - widths[count]), 0) for count in ("3", "inf"))
        advice = f"the judge's noise is {number(100 * share, 0)} % of the mean's variance: asking 3 times shortens the "
        advice += f"interval by {three} %, a judge without noise by {never} %"
    return {
        **{level: number(as_float(repeats["variance"].get(level)), 3) for level in ("dialogue", "record", "repeat")},
        "widths": [("∞" if count == "inf" else count, number(width)) for count, width in widths.items()],
        "best": number(as_float(repeats["best"]), 1),
        "advice": advice,
    }


def _differences(differences: Mapping[str, Mapping[str, Any]]) -> list[dict[str, str]]:
    found = {model: estimate(values, "difference") for model, values in differences.items()}
    return [
        {"model": model, "value": number(value.value, signed=True), "interval": span(value)}
        for model, value in found.items()
    ]


def _agreement(values: Mapping[str, float]) -> dict[str, dict[str, str]]:
    found = {}
    for key, digits in _AGREEMENT:
        value = estimate(values, key)
        count = as_float(values.get("human_units" if key.startswith("human") else "units"))
        shown = {"value": number(value.value, digits), "interval": span(value, digits), "n": number(count, 0)}
        found[key] = shown if value.known else {"value": "–", "interval": "", "n": ""}
    return found


def _cells(models: Sequence[ModelScores], key: str, kind: str, name: str) -> list[dict[str, str]]:
    cells = []
    for model in models:
        stem = f"{key}[{kind}={name}]"
        value, count = estimate(model.scores, stem), as_float(model.scores.get(f"{stem}_n"))
        cells.append({"value": number(value.value), "interval": span(value), "count": number(count, 0)})
    return cells
