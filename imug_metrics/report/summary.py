# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""All that a report says in numbers, as one mapping."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from imug_metrics.metrics.description import MetricDescription
from imug_metrics.report.comparison import comparison_rows
from imug_metrics.report.estimates import estimate
from imug_metrics.report.sections.section import Report
from imug_metrics.suite.unread import answers_read

if TYPE_CHECKING:
    from imug_metrics.suite import ModelScores


def summary(report: Report) -> dict[str, Any]:
    """What summary.json holds, see `imug_metrics.report.write_report`."""
    models, rules = report.models, report.rules
    findings = [{"tone": f.tone, "model": f.model or None, "text": f.text} for f in report.findings]
    scores = {model.model: model.scores for model in models}
    found: dict[str, Any] = {"models": scores, "findings": findings}
    if described := {key: asdict(told) for model in reversed(models) for key, told in _described(model).items()}:
        found["metrics"] = described
    if report.compared:
        found["differences"] = comparison_rows(list(scores), report.compared)
        found["ranks"] = {metric.key: dict(zip(scores, metric.ranks)) for metric in report.compared}
    if reasons := {model.model: dict(model.reasons) for model in models if model.reasons}:
        found["without_interval"] = reasons
    if answers := _answers_read(models):
        found["answers"] = answers
    if rules:
        found["rules"] = {model: {r.name: r.counts[model] for r in rules if model in r.counts} for model in scores}
    if report.judges:
        found["judges"] = dict(report.judges)
    return found


def _answers_read(models: Sequence[ModelScores]) -> dict[str, dict[str, Any]]:
    """How the answers of each model were read; models without any are left out."""
    found = {model.model: answers_read(model.items) for model in models}
    return {
        name: {
            "read": answers.read,
            "unread": answers.unread,
            "examples": {reason: [one._asdict() for one in shown] for reason, shown in answers.examples.items()},
        }
        for name, answers in found.items()
        if answers.answers
    }


def _described(model: ModelScores) -> Mapping[str, MetricDescription]:
    return {key: description for key, description in model.descriptions.items() if estimate(model.scores, key).known}
