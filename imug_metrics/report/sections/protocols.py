# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""The same outputs under the official rule and under the strict reading, and the rules in which these differ."""

from __future__ import annotations

from collections.abc import Sequence

from imug_metrics._numbers import number
from imug_metrics.report.estimates import as_float
from imug_metrics.report.judging import RuleRow, shown_pairs
from imug_metrics.report.sections.section import Folded, Part, Report, Section
from imug_metrics.report.tables.table import Cell, Table

ABOUT = """Two readings of the same outputs. The official one is that of the released tools, number for number. The
strict one corrects what is plainly wrong in it. Difference: strict minus official. Below: the rules that touch
turns of these models, and how many."""


def protocols(report: Report) -> Section | None:
    """The section of both protocols."""
    if not report.rules:
        return None
    loud = [rule for rule in report.rules if any(rule.counts.values())]
    quiet = [rule for rule in report.rules if not any(rule.counts.values())]
    parts: list[Part] = [protocol_table(report), _rules(report, loud, "Rules that differ", "rules")]
    if quiet:
        listed = _rules(report, quiet, "Rules without effect here", "rules_without_effect")
        parts.append(Folded(f"{len(quiet)} more rules touch no turn here, or none that can be counted", [listed]))
    return Section("rules", "Official rule and strict reading", ABOUT, parts)


def protocol_table(report: Report) -> Table:
    """One row a model: each score under both protocols, and the difference."""
    pairs = shown_pairs(report.models)
    rows = [
        [report.name(place), *(cell for _, strict, official in pairs for cell in _pair(model.scores, strict, official))]
        for place, model in enumerate(report.models)
    ]
    parts = ("strict", "official", "difference")
    header = ("Model", *(f"{label}, {part}" for label, _, _ in pairs for part in parts))
    return Table(header, [rows], "Strict reading and official rule", name="protocols")


def _pair(scores: dict[str, float], strict: str, official: str) -> list[Cell]:
    ours, theirs = as_float(scores.get(strict)), as_float(scores.get(official))
    away = ours - theirs
    return [
        *(Cell(number(value), value=value) for value in (ours, theirs)),
        Cell(number(away, signed=True), value=away),
    ]


def _rules(report: Report, rules: Sequence[RuleRow], title: str, name: str) -> Table:
    models = [model.model for model in report.models]
    rows = [
        [
            *map(Cell, (rule.name, rule.official, rule.strict, rule.why)),
            *(Cell(str(rule.counts.get(model, "–")), value=_count(rule, model)) for model in models),
        ]
        for rule in rules
    ]
    return Table(("Rule", "Official", "Strict", "Why", *models), [rows], title, name=name)


def _count(rule: RuleRow, model: str) -> float:
    return as_float(rule.counts.get(model))
