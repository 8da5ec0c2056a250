# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""The command `judge`: checklists asked of judges, and judges held against each other."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path
from typing import Any

from imug_metrics.cli.exit_codes import EXIT_FINE, EXIT_PROBLEMS
from imug_metrics.cli.messages import named_as, report_problems
from imug_metrics.cli.own_data import FLAGS, chosen, parse_columns
from imug_metrics.cli.progress import progress_bars
from imug_metrics.cli.tables import print_tables
from imug_metrics.errors import ArgumentError
from imug_metrics.evaluation import Judging, JuryEvaluation, evaluate_jury, judge_benchmark, judge_outputs
from imug_metrics.evaluation.checklist_file import read_checklist
from imug_metrics.evaluation.files import read_files
from imug_metrics.evaluation.judged_outputs import outputs_of_records, outputs_of_specv
from imug_metrics.evaluation.judgement_rows import read_judgements
from imug_metrics.evaluation.settings import Progress, check_folders, chosen_models, readable_benchmark
from imug_metrics.judges import Judge, OpenAIJudge
from imug_metrics.reading.files import Problems
from imug_metrics.report.sanitize import plain

_ASKED = ("files", "benchmark", "specv")


def run(options: Namespace) -> int:
    """`imug-metrics judge`: 0 if all was judged and read, 1 if some is missing or malformed."""
    _check(options)
    problems = Problems()
    with named_as(judges="judge_model", form="ask", families="family"), progress_bars() as show:
        found = _asked(options, problems, show) if _asks(options) else _recorded(options, problems)
    if options.out is not None:
        page = found.report(options.out)
    print_tables(found.tables())
    for finding in found.findings:
        print(plain(f"{finding.model} {finding.text}".strip()))
    if options.out is not None:
        print(f"Report: {plain(str(page))}")
    report_problems(problems, options.out)
    failed = any(told.failed for told in found.summary.answering.values())
    return EXIT_PROBLEMS if problems.errors or failed else EXIT_FINE


def _check(options: Namespace) -> None:
    """Raise unless the options name one thing to judge, and all that it takes."""
    given = [name for name in _ASKED if getattr(options, name)]
    if len(given) > 1:
        raise ArgumentError((given[1],), f"expected without {_flag(given[0])}")
    if not given and not options.judgements:
        raise ArgumentError("FILE", "expected outputs, --judgements, --benchmark with --outputs, or --specv")
    if _asks(options):
        for name in ("judge_model", "out"):
            if not getattr(options, name):
                raise ArgumentError(name, "expected: whom to ask, and a folder that keeps the answers")
    elif options.judge_model:
        raise ArgumentError("judge_model", "expected together with outputs to be judged")
    if options.files and options.checklist is None:
        raise ArgumentError("checklist", "expected together with FILE: a table of items")
    if options.checklist is not None and not options.files:
        raise ArgumentError("checklist", "expected together with FILE; others have items of their own")
    if (options.benchmark is None) != (options.outputs is None):
        raise ArgumentError(("benchmark", "outputs"), "expected both or none")
    if options.ask != "yes_no" and options.benchmark is None:
        raise ArgumentError("ask", "expected together with --benchmark, whose evaluation points have both forms")
    if options.ask != "yes_no" and options.both_orders:
        raise ArgumentError("both_orders", "expected without --ask points and both: points are asked in one order")


def _asks(options: Namespace) -> bool:
    return any(getattr(options, name) for name in _ASKED)


def _recorded(options: Namespace, problems: Problems) -> JuryEvaluation:
    return evaluate_jury(
        [Path(file) for file in chosen(options.judgements)],
        columns=parse_columns(options.columns or ()),
        people=chosen(options.people),
        families=_families(options),
        best=options.best,
        problems=problems,
    )


def _asked(options: Namespace, problems: Problems, show: Progress) -> JuryEvaluation:
    recorded = [Path(file) for file in chosen(options.judgements)]
    columns = {} if options.files else parse_columns(options.columns or ())
    judging = Judging(
        _judges(options),
        options.out,
        options.repeats,
        options.both_orders,
        options.retry_errors,
        read_judgements(recorded, columns, problems),
        chosen(options.people),
        _families(options),
        options.best,
    )
    told: dict[str, Any] = {"problems": problems, "progress": show}
    if options.benchmark is not None:
        check_folders(options.benchmark, {"outputs": options.outputs}, options.out)
        models = chosen_models(chosen(options.model), {"outputs": options.outputs})
        benchmark = readable_benchmark(options.benchmark, problems, options.limit)
        folders = [options.outputs / model for model in models]
        return judge_benchmark(benchmark, folders, judging, form=options.ask, **told)
    if options.specv is not None:
        with named_as(tracks="track"):
            outputs, items = _of_specv(options, problems)
        return judge_outputs(outputs, items, judging, **told)
    reading = {"format": options.format, "columns": parse_columns(options.columns or ()), "images": options.images}
    with named_as(**FLAGS):
        records = read_files(options.files, models=chosen(options.model), **reading)
    problems.extend(records.problems)
    items = read_checklist(options.checklist, problems)
    return judge_outputs(outputs_of_records(records), items, judging, **told)


def _of_specv(options: Namespace, problems: Problems) -> tuple[Any, Any]:
    try:
        return outputs_of_specv(options.specv, chosen(options.model), chosen(options.track), problems)
    except FileNotFoundError as error:
        raise ArgumentError("specv", str(error)) from error


def _judges(options: Namespace) -> list[Judge]:
    names = chosen(options.judge_model)
    urls: list[str | None] = [*chosen(options.judge_url)] or [None]
    urls = urls * len(names) if len(urls) == 1 else urls
    if len(urls) != len(names):
        raise ArgumentError(("judge_url", "judge_model"), "expected one server, or one for each judge")
    try:
        return [
            OpenAIJudge(name, base_url=url, concurrency=options.judge_concurrency) for name, url in zip(names, urls)
        ]
    except ModuleNotFoundError:
        raise
    except ValueError as error:
        raise ArgumentError(("judge_url", "judge_model"), str(error)) from error


def _families(options: Namespace) -> dict[str, str]:
    found = {}
    for text in chosen(options.family):
        name, there, family = text.partition("=")
        if not there or not name or not family:
            raise ArgumentError("family", f"expected NAME=FAMILY, got {text!r}")
        found[name] = family
    return found


def _flag(name: str) -> str:
    return "FILE" if name == "files" else f"--{name}"
