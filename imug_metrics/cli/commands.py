# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""The commands `score` and `demo`: from folders to a report."""

from __future__ import annotations

import json
import platform
import sys
from argparse import Namespace
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any, Literal

from imug_metrics._version import __version__
from imug_metrics.cli.errors import EXIT_FINE, EXIT_PROBLEMS, UsageError
from imug_metrics.cli.state import ModelResult, fingerprint, load, save
from imug_metrics.demo import write_demo_benchmark
from imug_metrics.encoders import Encoder, load_encoder
from imug_metrics.protocols import imug
from imug_metrics.report import print_table, write_report
from imug_metrics.report.files import json_text, write_whole
from imug_metrics.suite import Record, score_records

SCENE_NOTE = (
    "note: the scene encoder knows only rendered scenes of coloured shapes; on other pictures alignment, retrieval, "
    "consistency and copies mean little. Name another one, for example --encoder open_clip:ViT-B-32:laion2b_s34b_b79k"
)

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Job:
    """What is scored, and how."""

    benchmark: Path
    outputs: Path
    models: Sequence[str]
    out: Path
    encoder: str = "scene"
    device: str | None = None
    judged: Path | None = None
    missing: Literal["skip", "zero"] = "skip"
    limit: int | None = None
    overwrite: bool = False


def run_score(options: Namespace) -> int:
    """`imug-metrics score`: 0 if all data were fine, 1 if some were missing or malformed."""
    _check_folders(options)
    named = [name for names in options.model or () for name in names]
    there = imug.list_models(options.outputs)
    for name in named:
        if name not in there:
            raise UsageError(f"--model: expected a folder in {options.outputs} ({_some(there)}), got {name!r}")
    if not there:
        raise UsageError(f"--outputs: expected a folder that holds one folder a model, {options.outputs} holds none")
    if options.limit is not None and options.limit < 1:
        raise UsageError(f"--limit: expected a number of samples from 1, got {options.limit}")
    fields = {name: getattr(options, name) for name in Job.__dataclass_fields__ if name != "models"}
    job = Job(models=list(dict.fromkeys(named)) or there, **fields)
    if job.encoder == "scene":
        _say(SCENE_NOTE)
    results, problems = score(job)
    for result in results:
        _say(f"official scores of {result.scores.model}: {imug.describe_contents(result.contents)}")
    _say_problems(problems, job.out)
    return EXIT_PROBLEMS if problems.errors else EXIT_FINE


def run_demo(options: Namespace) -> int:
    """`imug-metrics demo`: the outputs it scores lack some on purpose, so 0 when it has finished."""
    if options.dialogues < 1:
        raise UsageError(f"--dialogues: expected a number from 1, got {options.dialogues}")
    if options.out.exists() and not options.out.is_dir():
        raise UsageError(f"--out: expected a folder, {options.out} is a file")
    try:
        paths = write_demo_benchmark(options.out, dialogues=options.dialogues, seed=options.seed)
    except FileExistsError as error:
        raise UsageError(f"--out: {error}") from error
    _, problems = score(Job(paths.benchmark, paths.outputs, paths.models, options.out))
    _say(f"{len(problems)} outputs are missing on purpose: {options.out / 'problems.jsonl'}")
    return EXIT_FINE


def score(job: Job) -> tuple[list[ModelResult], imug.Problems]:
    """Score every model of a job, write the report and print the table.

    Returns:
        The models' results, and what is wrong in the data; problems.jsonl lists it.
    """
    problems = imug.Problems()
    samples = imug.read_benchmark(job.benchmark, problems, limit=job.limit)
    if not samples:
        raise UsageError(f"--benchmark: found no sample that can be read in {job.benchmark / imug.SAMPLES}")
    encoder = _load(job)
    job.out.mkdir(parents=True, exist_ok=True)
    results = []
    with _progress() as track:
        for model in job.models:
            results.append(_result(job, model, samples, encoder, track(model)))
    problems += [problem for result in results for problem in result.problems]
    _write_official(job, results, imug.read_classes(job.benchmark, imug.Problems()))
    lines = (json.dumps(problem.as_row()) + "\n" for problem in problems)
    write_whole(job.out / "problems.jsonl", "".join(lines))
    scores = [result.scores for result in results]
    page = write_report(scores, job.out, manifest=_manifest(job, encoder, len(samples)))
    print_table(scores)
    print(f"Report: {page}")
    return results, problems


def _result(
    job: Job, model: str, samples: Sequence[imug.Sample], encoder: Encoder, progress: Progress
) -> ModelResult:
    """The result of one model, from an earlier run where nothing it depends on has changed."""
    inputs = [job.benchmark / name for name in (imug.SAMPLES, imug.LINKS, imug.CLASSES)]
    if job.judged is not None:
        inputs += [imug.key_file(job.judged, model), imug.point_file(job.judged, model)]
    settings = {"version": __version__, "encoder": encoder.fingerprint, "missing": job.missing, "limit": job.limit}
    path = job.out / "models" / f"{model}.json"
    mark = fingerprint({**settings, "outputs": str(job.outputs.resolve())}, inputs, job.outputs / model)
    kept = None if job.overwrite else load(path, mark)
    if kept is not None:
        progress(len(samples), len(samples))
        return kept
    result = _score_model(job, model, samples, encoder, progress)
    save(path, result, mark)
    return result


def _score_model(
    job: Job, model: str, samples: Sequence[imug.Sample], encoder: Encoder, progress: Progress
) -> ModelResult:
    problems = imug.Problems()
    keys, pictures = {}, []
    if job.judged is not None:
        keys = imug.read_keys(job.judged, model, problems)
        pictures = imug.read_points(job.judged, model, problems)
    if job.limit is not None:
        wanted = {sample.key for sample in samples}
        pictures = [picture for picture in pictures if picture.key in wanted]
    records = list(imug.read_records(samples, job.outputs / model, problems, keys=keys))

    def unreadable(record: Record, reason: str) -> None:
        problems.error(str(record.image), None, f"turn {record.turn}", reason)

    scores = score_records(
        records, model=model, encoder=encoder, missing=job.missing, unreadable=unreadable, progress=progress
    )
    texts = imug.score_texts(records)
    contents = imug.official_contents(samples, texts, pictures, keys)
    if contents["dynamic_unresolved"]:
        count = contents["dynamic_unresolved"]
        hint = "have no entry in --judged" if job.judged is not None else "need the recorded judgements of --judged"
        problems.warn(str(job.outputs / model), None, "", f"{count} dynamic answers {hint} and are left out")
    return ModelResult(scores, imug.turn_scores(texts, pictures), imug.text_rows(texts), contents, problems)


def _write_official(job: Job, results: Sequence[ModelResult], classes: dict[str, str]) -> None:
    folder = job.out / "official"
    folder.mkdir(exist_ok=True)
    summary = imug.summarize({result.scores.model: result.turns for result in results}, classes)
    write_whole(folder / "summary.json", json.dumps(summary, indent=2, ensure_ascii=False))
    write_whole(folder / "summary.md", imug.to_markdown(summary))
    write_whole(folder / "contents.json", json_text({result.scores.model: result.contents for result in results}))
    for result in results:
        model = result.scores.model
        path = folder / model / "score_mcq" / f"{model}_mcq_score.jsonl"
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in result.text_rows))


def _load(job: Job) -> Encoder:
    try:
        return load_encoder(job.encoder, job.device)
    except ModuleNotFoundError:
        raise
    except Exception as error:  # model libraries raise nearly anything for a wrong name or device
        raise UsageError(f"--encoder: {job.encoder} does not load: {error}") from error


def _check_folders(options: Namespace) -> None:
    for name in ("benchmark", "outputs", "judged"):
        path = getattr(options, name)
        if path is not None and not path.is_dir():
            raise UsageError(f"--{name}: expected an existing folder, got {path}")
    if not (options.benchmark / imug.SAMPLES).is_file():
        raise UsageError(f"--benchmark: expected a folder with {imug.SAMPLES}, {options.benchmark} has none")
    if options.out.exists() and not options.out.is_dir():
        raise UsageError(f"--out: expected a folder, {options.out} is a file")
    if options.out.resolve().is_relative_to(options.outputs.resolve()):
        raise UsageError(f"--out: expected a folder outside of {options.outputs}, where it would pass for a model")


@contextmanager
def _progress() -> Iterator[Callable[[str], Progress]]:
    """Progress bars on standard error, one a model; none where it is no terminal."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bars

    columns = (TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    console = Console(stderr=True)
    with Bars(*columns, console=console, disable=not console.is_terminal) as bars:

        def track(model: str) -> Progress:
            task = bars.add_task(model, total=None)
            return lambda done, total: bars.update(task, completed=done, total=total)

        yield track


def _manifest(job: Job, encoder: Encoder, samples: int) -> dict[str, Any]:
    packages = ("torch", "torchmetrics", "numpy", "pillow")
    return {
        "benchmark": str(job.benchmark),
        "outputs": str(job.outputs),
        "judged": None if job.judged is None else str(job.judged),
        "models": list(job.models),
        "samples": samples,
        "limit": job.limit,
        "missing": job.missing,
        "encoder": {"name": encoder.name, "spec": job.encoder, "fingerprint": encoder.fingerprint},
        "python": platform.python_version(),
        "packages": {name: metadata.version(name) for name in packages},
    }


def _say_problems(problems: imug.Problems, out: Path) -> None:
    if not problems:
        return
    errors = [problem for problem in problems if problem.level == "error"]
    _say(f"{len(errors)} errors and {len(problems) - len(errors)} warnings in the data: {out / 'problems.jsonl'}")
    for problem in errors[:3]:
        place = f"{problem.file}:{problem.line}" if problem.line is not None else problem.file
        _say("  " + ": ".join(part for part in (place, problem.field, problem.message) if part))


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:5]) + (", ..." if len(names) > 5 else "")


def _say(message: str) -> None:
    print(message, file=sys.stderr)
