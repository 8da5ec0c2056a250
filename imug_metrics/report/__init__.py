# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Reports: scores of one or more models as JSON, CSV and JSON lines, one self-contained HTML page, a terminal table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from imug_metrics._version import __version__
from imug_metrics.reading.files import Problem
from imug_metrics.report.comparison import compare_models
from imug_metrics.report.files import items_text, json_text, per_turn_text, write_whole
from imug_metrics.report.findings import Finding, find
from imug_metrics.report.judging import RuleRow
from imug_metrics.report.metric_specs import MetricSpec, check_models
from imug_metrics.report.pages.page import page
from imug_metrics.report.sections import (
    SECTIONS,
    Figure,
    Folded,
    Fragment,
    Panels,
    Report,
    Section,
    SectionBuilder,
    Text,
    build_sections,
    tables_of,
)
from imug_metrics.report.sections.samples import samples_text
from imug_metrics.report.summary import summary
from imug_metrics.report.tables.saving import table_texts, write_tables
from imug_metrics.report.tables.table import Cell, Mark, Table
from imug_metrics.report.terminal_tables import score_tables

if TYPE_CHECKING:
    from imug_metrics.suite import ModelScores

__all__ = [
    "SECTIONS",
    "Cell",
    "Figure",
    "Finding",
    "Folded",
    "Fragment",
    "Mark",
    "MetricSpec",
    "Panels",
    "Report",
    "RuleRow",
    "Section",
    "SectionBuilder",
    "Table",
    "Text",
    "find",
    "score_tables",
    "write_report",
]


def write_report(
    models: Sequence[ModelScores],
    out: Path | str,
    *,
    manifest: Mapping[str, Any],
    rules: Sequence[RuleRow] = (),
    judges: Mapping[str, Mapping[str, Any]] | None = None,
    problems: Sequence[Problem] = (),
    sections: Sequence[SectionBuilder] = SECTIONS,
) -> Path:
    """Write the scores of all models into one folder.

    - ``summary.json``: ``models`` (flat scores by model, NaN as null, infinities as ``"inf"``), ``findings``, for two
      models or more ``differences`` and ``ranks``, ``without_interval`` (why a score has none, by model and name), and
      where they are given ``metrics`` (how to read each, by what its scores begin with), ``rules`` (counts by model)
      and ``judges``. ``answers`` has by model how many answers were ``read`` by which rule, how many were ``unread``
      for which reason, and up to three ``examples`` of each reason.
    - ``per_turn.csv``: model, metric, turn, value, lower, upper, n; undefined cells are empty.
    - ``samples.csv``: a row a dialogue and model: what went wrong, the mean of each metric, groups.
    - ``items.jsonl``: one record a line, its model first.
    - ``manifest.json``: the given manifest and the library's version.
    - ``tables/``: every table of the page that has a name, as ``.csv`` (exact values with bounds), ``.md``, ``.tex``.
    - ``report.html``: one page of under 5 MB that needs no other file.

    Each file is written under a temporary name and renamed; files of an earlier report are replaced.

    Args:
        models: scores of at least one model, names unique.
        out: the folder; made where it does not exist.
        manifest: what the caller wants on record: versions, encoder, arguments, seed, counts.
        rules: rules in which two protocols differ, with the turns of each model that they touch.
        judges: by model, what is known of its judge: `answers` (how many), `failures` (counts by kind) and `agreement`
            (by unit, the results of `imug_metrics.stats.agreement.agreement`); with repeats `repeats`, with people's
            scores `differences`.
        problems: what was wrong with the data; the page lists them.
        sections: what makes each section of the page, from top to bottom, such as ``[*SECTIONS, mine]``: functions from
            a `Report` to a `Section`, or to None where there is nothing to show.

    Returns:
        The path of ``report.html``.

    Raises:
        ValueError: ``models`` is empty or names a model twice.
        ArgumentError: if what makes a section returns anything else; if a section or a table has a name that no anchor
            or file can have, or that another one has. Nothing is written then, nor if a section raises.

    Example:
        >>> import tempfile
        >>> from imug_metrics.suite import ModelScores
        >>> scores = ModelScores("steady", {"turn_alignment": 0.5}, [])
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = write_report([scores], Path(folder), manifest={"seed": 0})
        ...     sorted(file.name for file in path.parent.iterdir())
        ['items.jsonl', 'manifest.json', 'per_turn.csv', 'report.html', 'samples.csv', 'summary.json', 'tables']
    """
    check_models(models)
    report = Report(models, manifest, compare_models(models), rules, judges or {}, problems)
    built = build_sections(report, sections)
    tables = table_texts(table for section in built for table in tables_of(section.parts))
    texts = {  # all made before any is written: what fails here leaves an earlier report as it was
        "summary.json": json_text("summary", summary(report)),
        "per_turn.csv": per_turn_text(models),
        "samples.csv": samples_text(report),
        "items.jsonl": items_text(models),
        "manifest.json": json_text("manifest", {"imug_metrics": __version__, **manifest}),
        "report.html": page(report, __version__, built),
    }
    out = Path(out)
    out.mkdir(parents=True, exist_ok=True)
    write_tables(out / "tables", tables)
    for name, text in texts.items():
        write_whole(out / name, text)
    return out / "report.html"
