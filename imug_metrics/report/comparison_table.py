# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Who differs from whom as tables of a screen: differences of pairs, and the ranks that every model can have."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from imug_metrics.report.comparison import MetricComparison
from imug_metrics.report.metric_specs import Estimate, number, span
from imug_metrics.report.tables.table import Cell, Mark, Table
from imug_metrics.stats.comparison import PairedDifference

MOST_PAIRS = 10
"""Pairs of a metric that are all shown; of more, those of the models in the first place."""

Marks = Mapping[str, Mapping[str, Sequence[Mark]]]


def comparison_tables(
    models: Sequence[str],
    metrics: Sequence[MetricComparison],
    marks: Marks,
    *,
    level: float = 0.95,
    power: float = 0.8,
) -> list[Table]:
    """The differences of pairs, then the ranks.

    Args:
        models: names, by the places in the differences.
        metrics: what was compared.
        marks: by the metrics' keys and model, what must be known of an estimate; its sign stands by the model's name.
        level, power: of the comparison.
    """
    return [_pairs(models, metrics, marks, level, power), _ranks(models, metrics, marks, level)]


def p_text(p: float) -> str:
    """A p-value for reading.

    Example:
        >>> p_text(0.0004), p_text(0.0312), p_text(float("nan"))
        ('<0.001', '0.031', '–')
    """
    return "<0.001" if p < 0.001 else number(p, 3)


def joint(pair: PairedDifference) -> Estimate:
    """The difference with the bounds that hold for all pairs."""
    return Estimate(pair.value, pair.joint_lower, pair.joint_upper)


def _pairs(
    models: Sequence[str], metrics: Sequence[MetricComparison], marks: Marks, level: float, power: float
) -> Table:
    sections = []
    for metric in metrics:
        label = f"{metric.view.label}{', change a turn' if metric.slope else ''}"
        rows = [[Cell(label, "bold"), *[Cell("")] * 5]]
        shown = [(pair, p) for pair, p in zip(metric.differences, metric.p, strict=True) if _is_shown(pair, metric)]
        rows += [_pair(models, pair, p, _signs(models, marks.get(metric.key, {}))) for pair, p in shown]
        sections.append(rows)
    share = f"{100 * level:g} %"
    header = ("\nDifference", "\n", f"{share},\nall pairs", "p, all\nmetrics", "Seen\nfrom", "Dia-\nlogues")
    caption = [
        f"paired by dialogue and turn; {share} intervals that hold for all pairs of a metric; p: Holm over metrics",
        f"seen from: the smallest difference that these dialogues show with power {100 * power:g} %",
        *_legend(models, metrics, marks),
    ]
    if any(len(metric.differences) > MOST_PAIRS for metric in metrics):
        caption.append("only pairs with a model that can be the first; all pairs: comparison.json")
    return Table(header, sections, "Who differs from whom", tuple(caption))


def _is_shown(pair: PairedDifference, metric: MetricComparison) -> bool:
    firsts = {place for place, rank in enumerate(metric.ranks) if rank[0] == 1}
    return len(metric.differences) <= MOST_PAIRS or pair.first in firsts or pair.second in firsts


def _pair(models: Sequence[str], pair: PairedDifference, p: float, signs: Sequence[str]) -> list[Cell]:
    found = joint(pair)
    names = [f"{models[place]}{signs[place]}" for place in (pair.first, pair.second)]
    text = number(pair.value, 3, signed=True)
    value = Cell(text, "bold") if pair.leader is not None else Cell(text, "dim")
    bounds = span(found, 3) or (pair.reason and "no interval") or "–"
    smallest, dialogues = number(pair.smallest, 3), str(pair.dialogues)
    return [Cell(f"  {names[0]} − {names[1]}"), value, Cell(bounds), Cell(p_text(p)), Cell(smallest), Cell(dialogues)]


def _ranks(models: Sequence[str], metrics: Sequence[MetricComparison], marks: Marks, level: float) -> Table:
    rows = []
    for place, model in enumerate(models):
        cells = [Cell(model, "bold")]
        for metric in metrics:
            low, high = metric.ranks[place]
            sign = _signs(models, marks.get(metric.key, {}))[place]
            text = str(low) if low == high else f"{low}–{high}"
            cells.append(Cell(f"{text}{sign}", "warn" if sign else "good" if (low, high) == (1, 1) else ""))
        rows.append(cells)
    labels = [f"{metric.view.label}{' a turn' if metric.slope else ''}" for metric in metrics]
    header = ("\nModel", *("\n".join(label.replace(", ", " ").split(" ", 1)) for label in labels))
    caption = f"ranks that each model can have, {100 * level:g} % sure for all models of a metric; 1: the highest score"
    return Table(header, [rows], "Ranks", (caption,))


def _signs(models: Sequence[str], marks: Mapping[str, Sequence[Mark]]) -> list[str]:
    """What stands behind each model's name."""
    signs = ["".join(dict.fromkeys(mark.sign for mark in marks.get(model, ()))) for model in models]
    return [f" {sign}" if sign else "" for sign in signs]


def _legend(models: Sequence[str], metrics: Sequence[MetricComparison], marks: Marks) -> list[str]:
    """What the signs mean, each model and metric once."""
    lines = []
    for metric in metrics:
        for model in models:
            told = marks.get(metric.view.key, {}).get(model, ()) if metric.slope else ()  # of the score itself, above
            new = [mark for mark in marks.get(metric.key, {}).get(model, ()) if mark not in told]
            lines += [f"{mark.sign}  {model}, {metric.view.label}: {mark.text}" for mark in new]
    return lines
