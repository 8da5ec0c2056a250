# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""The report of test-time scaling: strategies side by side as JSON, Markdown and one HTML page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from markupsafe import Markup

from imug_metrics.metrics.scaling.strategy_comparison import StrategyComparison
from imug_metrics.report.files import json_text, write_whole
from imug_metrics.report.metric_specs import Estimate, as_float, curve, estimate, number, span
from imug_metrics.report.pages.render import flat, render
from imug_metrics.report.svg import Line, curves

_NAME = StrategyComparison.name
_GROUPS = ("class", "domain", "turn")

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


def strategy_cells(scaling: Scaling, part: Part) -> list[list[str]]:
    """Cells of a table with a line a strategy, its header first."""
    metric = StrategyComparison(scaling.strategies, baseline=scaling.baseline, costs=part.costs)
    return metric.cells(part.groups["overall"]["all"])


def group_cells(scaling: Scaling, part: Part, group: str) -> list[list[str]]:
    """Cells of a table with a line a group: turns, and every strategy's gain with the bounds that hold at once."""
    others = [name for name in scaling.strategies if name != scaling.baseline]
    lines = [[group, "turns", *others]]
    for value, found in part.groups[group].items():
        gains = [_joint(found, f"{_NAME}_gain_{name}") for name in others]
        lines.append([value or "–", number(as_float(found.get(f"{_NAME}_records")), 0), *gains])
    return lines


def curve_cells(found: Detail) -> list[list[str]]:
    """Cells of a table with a line a k: turns that have k candidates, score of the best, of the pick, and their gap."""
    names = ("oracle", "selected", "gap")
    lines = [["k", "turns", *names]]
    lines.append(["1", _records(found, 1), *[_plain(estimate(found, "best_of_n_single"))] * 2, "–"])
    for k in curve(found, "best_of_n", "oracle"):
        cells = (_plain(estimate(found, f"best_of_n_{name}_{k}")) for name in names)
        lines.append([str(k), _records(found, k), *cells])
    return lines


def _records(found: Detail, k: int) -> str:
    return number(as_float(found.get(f"best_of_n_records_{k}")), 0)


def _joint(found: Detail, key: str) -> str:
    gain = Estimate(*(as_float(found.get(key + end)) for end in ("", "_joint_lower", "_joint_upper")))
    return number(gain.value, 3, signed=True) + (f" ({span(gain, 3)})" if gain.bounded else "")


def _plain(value: Estimate) -> str:
    return number(value.value, 3) + (f" ({span(value, 3)})" if value.bounded else "")


def _tables(scaling: Scaling, part: Part) -> list[tuple[str, list[list[str]]]]:
    """Title and cells of every table of a modality."""
    tables = [("Strategies", strategy_cells(scaling, part))]
    tables += [(f"Gain over {scaling.baseline} by {group}", group_cells(scaling, part, group)) for group in _GROUPS]
    return [*tables, *((f"{name}: best of k candidates", curve_cells(found)) for name, found in part.curves.items())]


def _markdown(scaling: Scaling) -> str:
    lines = ["# Test-time scaling", ""]
    for part in scaling.parts:
        lines += [f"## {part.title}", ""]
        for title, (header, *rows) in _tables(scaling, part):
            ruled = [header, ["---", *["---:"] * (len(header) - 1)], *rows]
            lines += [f"### {_escaped(title)}", "", *(f"| {' | '.join(map(_escaped, row))} |" for row in ruled), ""]
    return "\n".join(lines)


def _escaped(text: str) -> str:
    """Text of a cell: names come from the data and must not end it."""
    return " ".join(text.replace("\\", "\\\\").replace("|", "\\|").replace("<", "&lt;").split())


def _page(scaling: Scaling, head: Mapping[str, Any]) -> str:
    parts = [
        {"title": part.title, "tables": _tables(scaling, part), "panels": _panels(scaling, part)}
        for part in scaling.parts
    ]
    lead = f"{len(scaling.strategies)} strategies on the same turns, compared with {scaling.baseline}"
    return render(
        "scaling.html", title="Test-time scaling", lead=lead, parts=parts, manifest=list(flat(head)),
        version=str(head.get("imug_metrics", "")),
    )  # fmt: skip


def _panels(scaling: Scaling, part: Part) -> list[dict[str, Any]]:
    overall = part.groups["overall"]["all"]
    others = [(i, name) for i, name in enumerate(scaling.strategies) if name != scaling.baseline]
    gains = [Line(name, i, curve(overall, f"{_NAME}_gain_{name}"), {}) for i, name in others]
    panels = [_panel("Gain by turn", gains, reference=0.0, reference_name=scaling.baseline)]
    for name, found in part.curves.items():
        single = estimate(found, "best_of_n_single")
        lines = [
            Line(which, i, {1: single, **points}, {})
            for i, which in enumerate(("oracle", "selected"))
            if (points := curve(found, "best_of_n", which))
        ]
        panels.append(_panel(f"{name}: best of k", lines, reference=single.value, reference_name="mean", axis="k"))
    return [panel for panel in panels if panel["svg"]]


def _panel(label: str, lines: Sequence[Line], **options: Any) -> dict[str, Any]:
    return {"label": label, "svg": Markup(curves(lines, label, **options))}
