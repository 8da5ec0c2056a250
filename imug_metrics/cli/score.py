# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""The command `score`: from files or folders to scores and a report."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Sequence
from pathlib import Path

from imug_metrics.cli.exit_codes import EXIT_FINE, EXIT_PROBLEMS
from imug_metrics.cli.messages import named_as, print_note, report_problems
from imug_metrics.cli.own_data import chosen, settings_of_files
from imug_metrics.cli.progress import progress_bars
from imug_metrics.cli.tables import print_tables
from imug_metrics.encoders.devices import check_device
from imug_metrics.encoders.downloads import brief_downloads, why_not_downloaded
from imug_metrics.errors import ArgumentError
from imug_metrics.evaluation import Evaluation, JudgeSettings, Settings, read_human
from imug_metrics.evaluation import run as evaluate_settings
from imug_metrics.evaluation.settings import check_folders, chosen_models
from imug_metrics.judges import Judge, OpenAIJudge, TransformersJudge
from imug_metrics.protocols import imug
from imug_metrics.report.sanitize import plain

PROMPTS_NOTE = (
    "note: the judge is not given the official instructions: its points and keys are no official numbers. Name a "
    "checkout of IMUG-Bench with --official-prompts"
)
SCENE_NOTE = (
    "note: the scene encoder knows only rendered scenes of coloured shapes; on other images alignment, retrieval, "
    "consistency and copies mean little. Name another one, for example --encoder open_clip:ViT-B-32:laion2b_s34b_b79k"
)
_JUDGES = ("judge_url", "judge_model", "judge_local")


def run(options: Namespace) -> int:
    """`imug-metrics score`: 0 if all data were fine, 1 if some were missing or malformed."""
    if options.figures and options.out is None:
        raise ArgumentError("figures", "expected together with --out")
    with named_as(score_ranges="score_range"):
        settings = settings_of_files(options) if options.files else _settings(options)
    if settings.encoder == "scene":
        print_note(SCENE_NOTE)
    if settings.judge is not None and not getattr(settings.judge.instructions, "known", False):
        print_note(PROMPTS_NOTE)
    with named_as(score_ranges="score_range"):
        evaluation = score(settings, options.out, figures=options.figures)
    if options.state is not None:
        print_note(f"states: {evaluation.save_states(options.state)}")
    for result in evaluation.results:
        if result.official is not None:
            print_note(f"official scores of {result.model}: {imug.describe_contents(result.official.contents)}")
        answers = result.scores.answers_read
        if answers.unread:
            see = "" if options.out is None else f"; see {options.out / 'report.html'}"
            print_note(f"{result.model}: {answers}{see}")
        _report_failures(result.model, result.judge.get("failures", {}), settings)
    report_problems(evaluation.problems, options.out)
    return EXIT_PROBLEMS if evaluation.problems.errors else EXIT_FINE


def score(settings: Settings, out: Path | None, *, figures: bool = False) -> Evaluation:
    """Score what the settings name, print the tables and write report and figures; None: nowhere."""
    with progress_bars() as show:
        evaluation = evaluate_settings(settings, show)
    if out is not None:
        evaluation.save(out)
        page = evaluation.report(out)
        drawn = evaluation.write_figures(out) if figures else []
    print_tables(evaluation.tables())
    if out is not None:
        print(f"Report: {plain(str(page))}")
        if drawn:
            print(f"Figures: {len(drawn)} files in {plain(str(drawn[0].parent))}")
    return evaluation


def _settings(options: Namespace) -> Settings:
    _check_benchmark(options)
    folders = {name: getattr(options, name) for name in ("outputs", "judged", "reference_history")}
    check_folders(options.benchmark, folders, options.out)
    models = chosen_models(chosen(options.model), {"outputs": options.outputs})
    named = ("device", "cache", "missing", "limit", "overwrite")
    return Settings(
        benchmark=options.benchmark,
        models=models,
        judge=_judge_settings(options, models),
        encoder=options.encoder or "scene",
        resume=options.out,
        **folders,
        **{name: getattr(options, name) for name in named},
    )


def _check_benchmark(options: Namespace) -> None:
    """Raise unless a benchmark is named whole, and nothing that belongs to files of one's own."""
    if options.benchmark is None and options.outputs is None:
        taken = {name: flag for flag in ("model", "score_range") for name in chosen(getattr(options, flag))}
        swallowed = [(name, flag.replace("_", "-")) for name, flag in taken.items() if Path(name).is_file()]
        hint = "; is {} one? Name it before --{}".format(*swallowed[0]) if swallowed else ""
        message = f"expected files of your own data, or --benchmark and --outputs{hint}"
        raise ArgumentError("FILE", message)
    for name, other in (("benchmark", "outputs"), ("outputs", "benchmark")):
        if getattr(options, name) is None:
            raise ArgumentError(name, f"expected together with --{other}")
    for name in ("format", "columns", "images", "score_range", "state"):
        if getattr(options, name) is not None:
            raise ArgumentError(name, "expected together with FILE, not with --benchmark")
    if options.kind != "choice":
        raise ArgumentError("kind", "expected together with FILE: answers to a benchmark are choices")
    if options.out is None and any(getattr(options, flag) for flag in _JUDGES):
        raise ArgumentError("out", "expected a folder, which keeps the answers of the judge")


def _judge_settings(options: Namespace, models: Sequence[str]) -> JudgeSettings | None:
    """The judge that the options name, or None."""
    if not any(getattr(options, flag) for flag in _JUDGES):
        for name in ("official_prompts", "human"):
            if getattr(options, name) is not None:
                raise ArgumentError(name, "expected together with --judge-url or --judge-local")
        return None
    if options.judge_local and (options.judge_url or options.judge_model):
        raise ArgumentError("judge_local", "expected without --judge-url and --judge-model")
    return JudgeSettings(
        _judge(options),
        _prompts(options.official_prompts),
        options.judge_protocol,
        options.repeats,
        options.retry_errors,
        None if options.human is None else read_human(options.human, models),
    )


def _judge(options: Namespace) -> Judge:
    check_device(options.device)
    try:
        if options.judge_local:
            with brief_downloads():
                return TransformersJudge(options.judge_local, device=options.device)
        return OpenAIJudge(options.judge_model, base_url=options.judge_url, concurrency=options.judge_concurrency)
    except ModuleNotFoundError:
        raise
    except (ValueError, OSError) as error:
        why = why_not_downloaded(error) if options.judge_local else None
        cure = "fetch it elsewhere and name its folder, with config.json and weights"
        message = str(error) if why is None else f"{options.judge_local} could not be downloaded: {why}; {cure}"
        raise ArgumentError("judge_local" if options.judge_local else _JUDGES[:2], message) from error


def _prompts(folder: Path | None) -> imug.Prompts:
    try:
        return imug.OwnPrompts() if folder is None else imug.OfficialPrompts(folder)
    except (OSError, ValueError) as error:
        raise ArgumentError("official_prompts", str(error)) from error


def _report_failures(model: str, failures: dict[str, int], settings: Settings) -> None:
    if not failures:
        return
    kinds = ", ".join(f"{count} {kind}" for kind, count in failures.items())
    asked_all = settings.judge is None or settings.judge.retry_errors
    again = "" if asked_all else "; a rerun asks again where no reply came, and with --retry-errors everywhere"
    print_note(f"judge of {model}: {sum(failures.values())} judgements failed ({kinds}){again}")
