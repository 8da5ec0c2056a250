# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Reports: scores of one or more models as JSON, CSV and JSON lines, one self-contained HTML page, a terminal table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from imug_metrics._version import __version__
from imug_metrics.metrics.description import MetricDescription
from imug_metrics.report.comparison import compare_models, comparison_rows
from imug_metrics.report.files import items_text, json_text, per_turn_text, write_whole
from imug_metrics.report.findings import Finding, find
from imug_metrics.report.judging import RuleRow
from imug_metrics.report.metric_specs import check_models, estimate
from imug_metrics.report.pages.page import page
from imug_metrics.report.readings import readings_json
from imug_metrics.report.sections import SECTIONS, Build, Report
from imug_metrics.report.table import score_tables

if TYPE_CHECKING:
    from imug_metrics.suite import ModelScores

__all__ = ["Finding", "RuleRow", "find", "score_tables", "write_report"]


def write_report(
    models: Sequence[ModelScores],
    out: Path | str,
    *,
    manifest: Mapping[str, Any],
    rules: Sequence[RuleRow] = (),
    judges: Mapping[str, Mapping[str, Any]] | None = None,
    sections: Sequence[Build] = SECTIONS,
) -> Path:
    """Write the scores of all models into one folder.

    - ``summary.json``: ``models`` (flat scores by model, NaN as null, infinities as ``"inf"``), ``findings``, for two
      models or more ``differences`` and ``ranks``, ``without_interval`` (why a score has none, by model and name), and
      where they are given ``metrics`` (how to read each, by what its scores begin with), ``rules`` (counts by model)
      and ``judges``. ``answers`` has by model how many answers were ``read`` by which rule, how many were ``unread``
      for which reason, and up to three ``examples`` of each reason.
    - ``per_turn.csv``: model, metric, turn, value, lower, upper, n; undefined cells are empty.
    - ``items.jsonl``: one record a line, its model first.
    - ``manifest.json``: the given manifest and the library's version.
    - ``report.html``: one page of under 5 MB without scripts or links to other files.

    Each file is written under a temporary name and renamed; files of an earlier report are replaced.

    Args:
        models: scores of at least one model, names unique.
        out: the folder; made where it does not exist.
        manifest: what the caller wants on record: versions, encoder, arguments, seed, counts.
        rules: rules in which two protocols differ, with the turns of each model that they touch.
        judges: by model, what is known of its judge: `answers` (how many), `failures` (counts by kind) and `agreement`
            (by unit, the results of `imug_metrics.stats.agreement.agreement`); with repeats `repeats`, with people's
            scores `differences`.
        sections: what makes each section of the page, see `imug_metrics.report.sections`.

    Returns:
        The path of ``report.html``.

    Raises:
        ValueError: ``models`` is empty or names a model twice.

    Example:
        >>> import tempfile
        >>> from imug_metrics.suite import ModelScores
        >>> scores = ModelScores("steady", {"turn_alignment": 0.5}, [])
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = write_report([scores], Path(folder), manifest={"seed": 0})
        ...     sorted(file.name for file in path.parent.iterdir())
        ['items.jsonl', 'manifest.json', 'per_turn.csv', 'report.html', 'summary.json']
    """
    check_models(models)
    out = Path(out)
    out.mkdir(parents=True, exist_ok=True)
    compared = compare_models(models)
    findings = [{"tone": f.tone, "model": f.model or None, "text": f.text} for f in find(models, judges, compared)]
    scores = {model.model: model.scores for model in models}
    summary: dict[str, Any] = {"models": scores, "findings": findings}
    if described := {key: asdict(found) for model in reversed(models) for key, found in _described(model).items()}:
        summary["metrics"] = described
    if compared:
        summary["differences"] = comparison_rows(list(scores), compared)
        summary["ranks"] = {metric.key: dict(zip(scores, metric.ranks)) for metric in compared}
    if reasons := {model.model: dict(model.reasons) for model in models if model.reasons}:
        summary["without_interval"] = reasons
    if answers := readings_json(models):
        summary["answers"] = answers
    if rules:
        summary["rules"] = {model: {r.name: r.counts[model] for r in rules if model in r.counts} for model in scores}
    if judges:
        summary["judges"] = dict(judges)
    write_whole(out / "summary.json", json_text("summary", summary))
    write_whole(out / "per_turn.csv", per_turn_text(models))
    write_whole(out / "items.jsonl", items_text(models))
    write_whole(out / "manifest.json", json_text("manifest", {"imug_metrics": __version__, **manifest}))
    report = Report(models, manifest, compared, rules, judges or {})
    return write_whole(out / "report.html", page(report, __version__, sections))


def _described(model: ModelScores) -> Mapping[str, MetricDescription]:
    found: Mapping[str, MetricDescription] = getattr(model, "descriptions", {})
    return {key: description for key, description in found.items() if estimate(model.scores, key).known}
