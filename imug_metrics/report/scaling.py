# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""The report of test-time scaling: strategies side by side as JSON, Markdown and one HTML page."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from markupsafe import Markup

from imug_metrics._numbers import number
from imug_metrics.metrics.scaling.strategy_comparison import StrategyComparison
from imug_metrics.report.estimates import Estimate, as_float, curve, estimate
from imug_metrics.report.files import json_text, write_whole
from imug_metrics.report.pages.render import render
from imug_metrics.report.sections.section import Figure, Panels, Section
from imug_metrics.report.sections.source import manifest_table
from imug_metrics.report.svg import Line, curves
from imug_metrics.report.tables.cells import count_cell, estimate_cell
from imug_metrics.report.tables.names import file_names
from imug_metrics.report.tables.table import Cell, Table

_NAME = StrategyComparison.name
_GROUPS = ("class", "domain", "turn")

READING = """A gain is the mean of a strategy's score less the baseline's over the turns that both have. “All at once”
bounds cover the gains of all strategies together. A gain per turn above 0 says that the strategy helps most late in a
dialogue. Best of k is the mean over all ways to take k of the candidates: “oracle” takes the truly best, “selected” the
one that the run's own scores put first. Turns with fewer than k candidates say nothing of k: where the number of turns
falls with k, the points of a curve rest on different turns."""

Detail = Mapping[str, Any]


@dataclass(frozen=True)
class Part:
    """The strategies on the turns of one modality.

    Attributes:
        key: short name.
        title: for reading.
        costs: kinds of cost.
        groups: results of `compare_strategies`.
        curves: by strategy that has candidates, the detail of `BestOfN`, and `best_of_n_records_{k}`, the number of
            turns with k candidates.
        random: by strategy, at how many turns a random candidate had to count.
    """

    key: str
    title: str
    costs: tuple[str, ...]
    groups: Mapping[str, Mapping[str, Detail]]
    curves: Mapping[str, Detail]
    random: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Scaling:
    """All strategies by name, the one that the others are compared with, and what was found by modality."""

    strategies: tuple[str, ...]
    baseline: str
    parts: tuple[Part, ...]


def write_scaling(scaling: Scaling, out: Path, head: Mapping[str, Any]) -> Path:
    """Write scaling.json, scaling.md and scaling.html into `out`.

    Args:
        scaling: what was found.
        out: an existing folder.
        head: what was run; shown as it is.

    Returns:
        The HTML page.
    """
    found = {part.key: {**part.groups, "best_of_n": part.curves, "random_picks": part.random} for part in scaling.parts}
    write_whole(out / "scaling.json", json_text("scaling", {**head, **found}))
    write_whole(out / "scaling.md", _markdown(scaling))
    return write_whole(out / "scaling.html", _page(scaling, head))


def strategy_table(scaling: Scaling, part: Part, name: str = "", columns: int | None = None) -> Table:
    """One row a strategy: coverage, score, gain, and what was paid for it.

    Args:
        scaling, part: what was found.
        name: what the table's files are called; empty: it has none.
        columns: how many of the columns are taken; None: all.
    """
    overall = part.groups["overall"]["all"]
    metric = StrategyComparison(scaling.strategies, baseline=scaling.baseline, costs=part.costs)
    header, *lines = metric.cells(overall)
    rows = [
        [_strategy_cell(overall, *entry) for entry in zip(header[:columns], line, _keys(line[0], part.costs))]
        for line in lines
    ]
    return Table(tuple(header[:columns]), [rows], f"{part.title}: strategies", name=name, sortable=True)


def _keys(strategy: str, costs: Sequence[str]) -> list[str]:
    """The names of the numbers in a row of `StrategyComparison.cells`; empty where a cell is words."""
    gain = f"gain_{strategy}"
    paid = (key for kind in costs for key in (f"cost_{kind}_{strategy}", f"per_{kind}_{strategy}", ""))
    return ["", f"coverage_{strategy}", f"score_{strategy}", gain, "", f"{gain}_p", f"{gain}_slope", *paid]


def _strategy_cell(overall: Detail, heading: str, text: str, key: str) -> Cell:
    if not key:
        return Cell(text)
    joint = "_joint" if heading == "gain" else ""
    lower, upper = (as_float(overall.get(f"{_NAME}_{key}{joint}_{end}")) for end in ("lower", "upper"))
    return Cell(text, value=as_float(overall.get(f"{_NAME}_{key}")), lower=lower, upper=upper)


def group_table(scaling: Scaling, part: Part, group: str, name: str) -> Table:
    """One row a group: turns, and every strategy's gain with the bounds that hold for all strategies at once."""
    others = [strategy for strategy in scaling.strategies if strategy != scaling.baseline]
    rows = [
        [
            Cell(value or "–"),
            count_cell(as_float(found.get(f"{_NAME}_records"))),
            *(_gain(found, one) for one in others),
        ]
        for value, found in part.groups[group].items()
    ]
    title = f"{part.title}: gain over {scaling.baseline} by {group}"
    return Table((group, "turns", *others), [rows], title, name=name, sortable=True)


def curve_table(part: Part, strategy: str, name: str) -> Table:
    """One row a k: turns that have k candidates, score of the best, of the pick, and their gap."""
    found = part.curves[strategy]
    single = estimate_cell(estimate(found, "best_of_n_single"), 3)
    rows = [[Cell("1", value=1), _records(found, 1), single, single, Cell("–", value=math.nan)]]
    for k in curve(found, "best_of_n", "oracle"):
        cells = (estimate_cell(estimate(found, f"best_of_n_{which}_{k}"), 3) for which in ("oracle", "selected", "gap"))
        rows.append([Cell(str(k), value=k), _records(found, k), *cells])
    title = f"{part.title}, {strategy}: best of k candidates"
    return Table(("k", "turns", "oracle", "selected", "gap"), [rows], title, name=name)


def _records(found: Detail, k: int) -> Cell:
    return count_cell(as_float(found.get(f"best_of_n_records_{k}")))


def _count(found: Detail, key: str) -> Cell:
    return count_cell(as_float(found.get(f"{_NAME}_{key}")))


def _gain(found: Detail, strategy: str) -> Cell:
    ends = ("", "_joint_lower", "_joint_upper")
    gain = Estimate(*(as_float(found.get(f"{_NAME}_gain_{strategy}{end}")) for end in ends))
    return estimate_cell(gain, 3)._replace(text=number(gain.value, 3, signed=True))


def _tables(scaling: Scaling, part: Part) -> list[Table]:
    """Every table of a modality."""
    start = f"{file_names([part.key])[0]}_"
    runs = file_names(part.curves, f"{start}best_of_k_")
    return [
        strategy_table(scaling, part, f"{start}strategies"),
        *(group_table(scaling, part, group, f"{start}by_{group}") for group in _GROUPS),
        *(curve_table(part, strategy, name) for strategy, name in zip(part.curves, runs, strict=True)),
    ]


def _markdown(scaling: Scaling) -> str:
    lines = ["# Test-time scaling", ""]
    for part in scaling.parts:
        lines += [f"## {part.title}", "", *(table.to_markdown() for table in _tables(scaling, part))]
    return "\n".join(lines)


def _page(scaling: Scaling, head: Mapping[str, Any]) -> str:
    sections = [
        *(
            Section(name, part.title, "", [Panels(_figures(scaling, part, name)), *_tables(scaling, part)])
            for name, part in zip(file_names(part.key for part in scaling.parts), scaling.parts, strict=True)
        ),
        Section("notes", "How to read it", READING),
        Section("source", "What was run", parts=[manifest_table(head)]),
    ]
    return render(
        "page.html",
        title="Test-time scaling",
        lead=f"{len(scaling.strategies)} strategies on the same turns, compared with {scaling.baseline}",
        sections=sections,
        files="scaling.json, scaling.md",
        version=str(head.get("imug_metrics", "")),
    )


def _figures(scaling: Scaling, part: Part, start: str) -> list[Figure]:
    overall = part.groups["overall"]["all"]
    others = [(i, name) for i, name in enumerate(scaling.strategies) if name != scaling.baseline]
    gains = [Line(name, i, curve(overall, f"{_NAME}_gain_{name}"), {}) for i, name in others]
    drawn = curves(gains, f"{part.title}: gain by turn", reference=0.0, reference_name=scaling.baseline)
    figures = [Figure(Markup(drawn), "Gain by turn", f"over {scaling.baseline}", f"{start}_gain_by_turn")]
    runs = file_names(part.curves, f"{start}_curve_")
    figures += [_best_of_k(part, *entry) for entry in zip(part.curves.items(), runs, strict=True)]
    return [figure for figure in figures if figure.svg]


def _best_of_k(part: Part, run: tuple[str, Detail], file: str) -> Figure:
    name, found = run
    single = estimate(found, "best_of_n_single")
    lines = [
        Line(which, i, {1: single, **points}, {})
        for i, which in enumerate(("oracle", "selected"))
        if (points := curve(found, "best_of_n", which))
    ]
    title = f"{part.title}, {name}: best of k"
    drawn = curves(lines, title, reference=single.value, reference_name="mean", axis="k")
    return Figure(Markup(drawn), f"{name}: best of k", "", file)
