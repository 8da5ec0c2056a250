# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""The command `unim`: a model's answers to UniM, scored for structure and, with a judge, for sense and coherence."""

from __future__ import annotations

import math
from argparse import Namespace
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from imug_metrics._version import __version__
from imug_metrics.cli.errors import EXIT_FINE, EXIT_PROBLEMS, UsageError
from imug_metrics.cli.messages import say_problems, write_problems
from imug_metrics.protocols import unim
from imug_metrics.reading.files import Problems
from imug_metrics.reading.tags import MODALITIES
from imug_metrics.report.metric_specs import as_float, estimate, number, span
from imug_metrics.report.sanitize import plain
from imug_metrics.report.unim import Column, shown_columns, write_unim_report

SIDE_BY_SIDE = 2  # scores with their intervals on a terminal of 80 columns


def run(options: Namespace) -> int:
    """`imug-metrics unim`: 0 if all data were fine, 1 if some were missing or malformed."""
    _check(options)
    problems = Problems()
    instances = unim.read_references(options.references, problems)
    if not instances:
        raise UsageError(f"--references: found no instance in {options.references}")
    answers = unim.read_answers(options.outputs, instances, problems)
    scored = unim.score_structure(
        instances,
        answers,
        problems,
        repeated=options.repeated,
        text=options.text,
        need_files=options.need_files,
        supported=options.supports,
    )
    if options.out is not None:
        options.out.mkdir(parents=True, exist_ok=True)
    if options.judge_model is not None:
        scored = unim.with_grades(scored, _grades(options, instances, answers, problems))
    groups = unim.summarize(scored, missing=options.missing, scale=options.scale)
    _table(groups)
    if options.out is not None:
        rows = [problem.as_row() for problem in problems]
        items = [entry.row() for entry in scored]
        manifest = _manifest(options, problems)
        page, *_ = write_unim_report(groups, items, options.out, manifest=manifest, problems=rows, version=__version__)
        write_problems(problems, options.out)
        print(f"Report: {plain(str(page))}")
    say_problems(problems, options.out)
    return EXIT_PROBLEMS if problems.errors else EXIT_FINE


def _check(options: Namespace) -> None:
    for name in ("references", "outputs", "captions", "reference_captions"):
        path = getattr(options, name)
        if path is not None and not path.exists():
            raise UsageError(f"--{name.replace('_', '-')}: expected a file or folder, there is no {path}")
    if (options.judge_url is None) != (options.judge_model is None):
        raise UsageError("--judge-url, --judge-model: expected both or none")
    for name in ("captions", "reference_captions", "retry_errors"):
        if getattr(options, name) and options.judge_model is None:
            raise UsageError(f"--{name.replace('_', '-')}: expected together with --judge-model; structure needs none")
    unknown = sorted(set(options.supports or ()) - set(MODALITIES))
    if unknown:
        raise UsageError(f"--supports: expected modalities of {', '.join(MODALITIES)}, got {unknown[0]!r}")
    references, outputs = options.references.resolve(), options.outputs.resolve()
    if references != outputs and (references in outputs.parents or outputs in references.parents):
        raise UsageError("--outputs: expected files apart from --references; one would be read as the other")
    if options.out is None:
        return
    if options.out.exists() and not options.out.is_dir():
        raise UsageError(f"--out: expected a folder, {options.out} is a file")
    for name, folder in (("references", references), ("outputs", outputs)):
        if folder.is_dir() and options.out.resolve().is_relative_to(folder):
            raise UsageError(f"--out: expected a folder outside of --{name}, where it would be read as records")


def _grades(
    options: Namespace,
    instances: Sequence[unim.Instance],
    answers: Mapping[unim.Key, unim.Answer],
    problems: Problems,
) -> dict[unim.Key, unim.Grades]:
    from imug_metrics.judges import OpenAIJudge
    from imug_metrics.protocols.unim.grading import grade_answers

    captions, of_references = (
        None if path is None else unim.read_captions(path, problems)
        for path in (options.captions, options.reference_captions)
    )
    return grade_answers(
        instances,
        answers,
        OpenAIJudge(options.judge_model, base_url=options.judge_url),
        problems,
        captions=captions,
        reference_captions=of_references,
        journal=None if options.out is None else options.out / "judge.jsonl",
        retry_errors=options.retry_errors,
    )


def _manifest(options: Namespace, problems: Problems) -> dict[str, Any]:
    named = {name: value for name, value in vars(options).items() if name not in ("command", "judge_url")}
    plain_values = {name: str(value) if isinstance(value, Path) else value for name, value in named.items()}
    return {"imug_metrics": __version__, **plain_values, "errors": problems.errors, "problems": len(problems)}


def _table(groups: Sequence[Mapping[str, Any]]) -> None:
    columns = shown_columns(groups)
    for start in range(0, len(columns), SIDE_BY_SIDE):
        _some_columns(groups, columns[start : start + SIDE_BY_SIDE])
    whole = groups[0]
    support = as_float(whole.get("structure_integrity_support"))
    if not math.isnan(support):
        scores = (f"{column.label} {number(as_float(whole.get(column.relative)), 3)}" for column in columns)
        print(f"relative, at a supporting rate of {number(support, 3)}: {', '.join(scores)}")


def _some_columns(groups: Sequence[Mapping[str, Any]], columns: Sequence[Column]) -> None:
    table = Table(box=SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    table.add_column("", min_width=14, overflow="fold")
    table.add_column("Answered", justify="right", no_wrap=True)
    for column in columns:
        table.add_column(column.label, justify="right", no_wrap=True)
        table.add_column("95 % interval", justify="right", no_wrap=True)
    last = ""
    for group in groups:
        if group["by"] != last and last:
            table.add_section()
        last = group["by"]
        label = f"difficulty {group['name']}" if last == "difficulty" else group["name"]
        cells = [cell for column in columns for cell in _cells(group, column.key)]
        answered = f"{group['answered']}/{group['instances']}"
        table.add_row(Text(plain(label), style="bold" if last == "all" else ""), answered, *cells)
    Console().print(table)


def _cells(group: Mapping[str, Any], key: str) -> tuple[str, str]:
    found = estimate(group, key)
    return number(found.value, 3), span(found, 3) or "–"
