# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""The command `infer`: from a model and a benchmark to outputs that the other commands read."""

from __future__ import annotations

import shlex
from argparse import Namespace
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import fields
from functools import partial
from pathlib import Path

from imug_metrics.cli.exit_codes import EXIT_FAILED, EXIT_FINE, EXIT_PROBLEMS
from imug_metrics.cli.messages import named_as, print_note, report_problems
from imug_metrics.cli.progress import progress_bars
from imug_metrics.errors import ArgumentError
from imug_metrics.inference import Inference, SpendLimits, infer
from imug_metrics.inference.contexts import parse_contexts
from imug_metrics.inference.model import Model
from imug_metrics.inference.models.specs import default_name, load_model, takes_url
from imug_metrics.inference.roles import load_roles, parse_roles
from imug_metrics.inference.run_folder import RunFolder
from imug_metrics.inference.strategies.spec import parse_strategy
from imug_metrics.inference.tokens import token_counter
from imug_metrics.inference.turn import Strategy
from imug_metrics.judges import OpenAIJudge
from imug_metrics.judges.journal import Journal
from imug_metrics.protocols.imug.usage import usage_folder
from imug_metrics.reading.files import Problems
from imug_metrics.report.sanitize import plain

_FLAGS = {
    "contexts": "context",
    "url": "model_url",
    "judge": "judge_url",
    "roles": "role",
    **{limit.name: f"max_{limit.name}" for limit in fields(SpendLimits)},
}


def run(options: Namespace) -> int:
    """`imug-metrics infer`: 0 if all dialogues were answered, 1 if some cannot be, 3 if the run had to stop."""
    specs = [spec for specs in options.model for spec in specs]
    roles = [role for roles in options.role or () for role in roles]
    with named_as(**_FLAGS), _strategy(options) as strategy, progress_bars() as show:
        found = infer(
            load_model(specs, url=options.model_url, temperature=options.temperature, device=options.device),
            options.benchmark,
            options.out,
            name=options.name or default_name(specs[0]),
            history=options.history,
            references=options.references,
            isolated=options.isolated,
            strategy=strategy,
            samples=options.samples,
            seed=options.seed,
            contexts=() if options.context is None else parse_contexts(options.context),
            counter=token_counter(options.tokenizer, options.image_tokens),
            concurrency=options.concurrency,
            limits=SpendLimits(options.max_requests, options.max_tokens, options.max_seconds),
            retry_errors=options.retry_errors,
            overwrite=options.overwrite,
            limit=options.limit,
            progress=show,
            roles=load_roles(parse_roles(roles), partial(_role_model, options)),
        )
    folders = [Path(arm.outputs) / arm.models[0] for arm in found.arms.values() or [found]]
    _tell(found, folders)
    if found.stopped is None and any(folder.is_dir() for folder in folders):
        print(f"Next: {plain(_next(found, options))}")
    if found.stopped is not None:
        print_note(f"stopped: {found.stopped}; the same command goes on from here")
    if not options.retry_errors and any(problem.message.startswith("the turn failed") for problem in found.problems):
        print_note("turns that failed stay so; the same command with --retry-errors asks them again")
    if found.stopped is not None:
        return EXIT_FAILED
    return EXIT_PROBLEMS if Problems(found.problems).errors else EXIT_FINE


@contextmanager
def _strategy(options: Namespace) -> Iterator[Strategy]:
    """The strategy that the options name, with whom its selectors ask."""
    may_ask = "judge" in options.strategy or options.strategy.startswith("adaptive:")  # a policy's file may name it
    if (options.judge_url or options.judge_model) and not may_ask:
        raise ArgumentError("judge_url", "expected together with a strategy that selects by judge")
    with ExitStack() as opened:
        judge = journal = None
        if options.judge_url or options.judge_model:
            judge = _judge(options)
            options.out.mkdir(parents=True, exist_ok=True)
            journal = opened.enter_context(Journal(options.out / ".judge.jsonl"))
        yield parse_strategy(
            options.strategy, judge=judge, encoder=options.encoder, device=options.device, journal=journal
        )


def _role_model(options: Namespace, spec: str) -> Model:
    """The model of a role, reached like the model itself where it is of a kind that is reached so."""
    url = options.model_url if takes_url(spec) else None
    return load_model(spec, url=url, temperature=options.temperature, device=options.device)


def _judge(options: Namespace) -> OpenAIJudge:
    try:
        return OpenAIJudge(options.judge_model, base_url=options.judge_url)
    except ValueError as error:
        raise ArgumentError(("judge_url", "judge_model"), str(error)) from error


def _tell(found: Inference, folders: list[Path]) -> None:
    """What was spent and where the outputs are, and what is wrong."""
    spent = ", ".join(f"{amount:,.{'0f' if amount >= 1000 else '4g'}} {name}" for name, amount in found.spent.items())
    print(f"Spent: {spent}")
    for folder in folders:
        print(f"Outputs: {plain(str(folder))}")
        traces = RunFolder(usage_folder(folder)).traces
        if traces.is_file():
            print(f"Traces: {plain(str(traces))}")
    report_problems(Problems(found.problems), usage_folder(folders[0]) if len(folders) == 1 else None)


def _next(found: Inference, options: Namespace) -> str:
    """The command that scores the outputs, the first of them where there are several."""
    folder = Path(next(iter(found.arms.values()), found).outputs)
    benchmark = f"--benchmark {shlex.quote(str(options.benchmark))}"
    if options.context is not None and len(found.arms) > options.samples:
        command = f"context {benchmark} --outputs {shlex.quote(str(folder.parent))}"
    else:
        command = f"score {benchmark} --outputs {shlex.quote(str(folder))} --out SCORES"
    others = "" if options.samples == 1 else ", each sample by itself; then imug-metrics repeats on their scores"
    return f"imug-metrics {command}{others}"
