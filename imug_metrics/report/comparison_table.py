# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Who differs from whom as tables: differences of pairs, and the ranks that every model can have."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from imug_metrics._numbers import number
from imug_metrics.report.comparison import MetricComparison
from imug_metrics.report.estimates import Estimate, span
from imug_metrics.report.tables.cells import count_cell
from imug_metrics.report.tables.table import Cell, Mark, Table, Tone, legend, name_cell
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
    names = [name_cell(model, place) for place, model in enumerate(models)]
    pairs = pair_table(names, metrics, marks, level=level, power=power, most=MOST_PAIRS)
    return [pairs, rank_table(names, metrics, marks, level=level)]


def pair_table(
    names: Sequence[Cell],
    metrics: Sequence[MetricComparison],
    marks: Marks,
    *,
    level: float = 0.95,
    power: float = 0.8,
    most: int | None = None,
) -> Table:
    """One group a metric, one row a pair.

    Args:
        names: cells of the models' names.
        metrics, marks, level, power: see `comparison_tables`.
        most: pairs of a metric that are all shown; of more, those with a model that can be the first. None: all.
    """
    share = f"{100 * level:g} %"
    groups = []
    for metric in metrics:
        named = _named(names, marks.get(metric.key, {}))
        shown = [
            (pair, p) for pair, p in zip(metric.differences, metric.p, strict=True) if _is_shown(pair, metric, most)
        ]
        groups.append([_pair(_label(metric), row == 0, named, *found) for row, found in enumerate(shown)])
    header = (
        "Metric",
        "First",
        "Second",
        "Differ-\nence",
        f"{share},\nall pairs",
        "p, all\nmetrics",
        "Seen\nfrom",
        "Dia-\nlogues",
    )
    caption = [
        "; ".join(["difference: first minus second, paired by dialogue and turn", *_lower_is_better(metrics)]),
        f"{share} intervals that hold for all pairs of a metric; p: Holm over metrics",
        f"seen from: the smallest difference that these dialogues show with power {100 * power:g} %",
        *_legend(names, metrics, marks),
    ]
    if most is not None and any(len(metric.differences) > most for metric in metrics):
        caption.append("only pairs with a model that can be the first; all pairs: comparison.json")
    return Table(header, groups, "Who differs from whom", tuple(caption), name="differences")


def rank_table(
    names: Sequence[Cell], metrics: Sequence[MetricComparison], marks: Marks, *, level: float = 0.95
) -> Table:
    """One row a model: the ranks that it can have in every metric.

    Args:
        names, metrics, marks, level: see `pair_table`.
    """
    rows = [[name, *(_rank(name, place, metric, marks) for metric in metrics)] for place, name in enumerate(names)]
    header = ("Model", *map(_label, metrics))
    ranked = f"ranks that each model can have, {100 * level:g} % sure for all models of a metric; 1: the best score"
    caption = (ranked, *_lower_is_better(metrics))
    return Table(header, [rows], "Ranks", caption, name="ranks", compact=True)


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


def _lower_is_better(metrics: Sequence[MetricComparison]) -> list[str]:
    """The metrics in which a negative difference speaks for the first model."""
    labels = dict.fromkeys(metric.view.label for metric in metrics if metric.view.higher_is_better is False)
    return [f"lower is better: {', '.join(labels)}"] if labels else []


def _label(metric: MetricComparison) -> str:
    return f"{metric.view.label}, change per turn" if metric.slope else metric.view.label


def _is_shown(pair: PairedDifference, metric: MetricComparison, most: int | None) -> bool:
    firsts = {place for place, rank in enumerate(metric.ranks) if rank[0] == 1}
    return most is None or len(metric.differences) <= most or pair.first in firsts or pair.second in firsts


def _named(names: Sequence[Cell], marks: Mapping[str, Sequence[Mark]]) -> list[Cell]:
    """The models' names, each with what must be known of its score of this metric."""
    return [name._replace(marks=tuple(marks.get(str(name.content), ()))) for name in names]


def _pair(label: str, shown: bool, names: Sequence[Cell], pair: PairedDifference, p: float) -> list[Cell]:
    found = joint(pair)
    tone: Tone = "bold" if pair.leader is not None else "dim"
    text = number(pair.value, 3, signed=True)
    return [
        Cell(label if shown else "", value=label),
        names[pair.first],
        names[pair.second],
        Cell(text, tone, "", pair.value, pair.joint_lower, pair.joint_upper),
        Cell(span(found, 3) or (pair.reason and "no interval") or "–", "dim"),
        Cell(p_text(p), value=p),
        Cell(number(pair.smallest, 3), value=pair.smallest),
        count_cell(pair.dialogues),
    ]


def _rank(name: Cell, place: int, metric: MetricComparison, marks: Marks) -> Cell:
    low, high = metric.ranks[place]
    told = tuple(marks.get(metric.key, {}).get(str(name.content), ()))
    tone: Tone = "warn" if told else "good" if (low, high) == (1, 1) else ""
    return Cell(str(low) if low == high else f"{low}–{high}", tone, "", None, low, high, marks=told)


def _legend(names: Sequence[Cell], metrics: Sequence[MetricComparison], marks: Marks) -> list[str]:
    """What the signs mean, each model and metric once."""
    lines = []
    for metric in metrics:
        for name in (str(cell.content) for cell in names):
            told = marks.get(metric.view.key, {}).get(name, ()) if metric.slope else ()  # of the score itself, above
            new = [mark for mark in marks.get(metric.key, {}).get(name, ()) if mark not in told]
            lines += legend({f"{name}, {metric.view.label}": new})
    return lines
