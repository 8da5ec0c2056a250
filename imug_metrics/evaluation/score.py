# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""The command `score`: from folders to a report."""

from __future__ import annotations

import platform
from argparse import Namespace
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from importlib import metadata
from pathlib import Path
from typing import Any, Literal

from imug_metrics._version import __version__
from imug_metrics.cli.errors import EXIT_FINE, EXIT_PROBLEMS, UsageError
from imug_metrics.cli.inputs import check_folders, chosen_encoder, chosen_models
from imug_metrics.cli.messages import say, say_problems, some, write_problems
from imug_metrics.cli.progress import Progress, progress_bars
from imug_metrics.encoders import CachedEncoder, Encoder
from imug_metrics.evaluation.judging import Judging, chosen_judging, judge_readings
from imug_metrics.evaluation.official import with_official_answers, with_points, write_official
from imug_metrics.evaluation.result import ModelResult, fingerprint, load, save
from imug_metrics.protocols import imug
from imug_metrics.protocols.imug.differences import count_differences
from imug_metrics.protocols.imug.readings import Readings, recorded_readings, with_keys
from imug_metrics.report import RuleRow, print_table, write_report
from imug_metrics.report.sanitize import plain
from imug_metrics.suite import ModelScores, Record, compare_histories, score_records

PROMPTS_NOTE = (
    "note: the judge is not given the official instructions: its points and keys are no official numbers. Name a "
    "checkout of IMUG-Bench with --official-prompts"
)
SCENE_NOTE = (
    "note: the scene encoder knows only rendered scenes of coloured shapes; on other images alignment, retrieval, "
    "consistency and copies mean little. Name another one, for example --encoder open_clip:ViT-B-32:laion2b_s34b_b79k"
)


@dataclass(frozen=True)
class Job:
    """What is scored, and how."""

    benchmark: Path
    outputs: Path
    models: Sequence[str]
    out: Path
    encoder: str = "scene"
    device: str | None = None
    cache: Path | None = None
    judged: Path | None = None
    reference_history: Path | None = None
    missing: Literal["skip", "zero"] = "skip"
    limit: int | None = None
    overwrite: bool = False
    judging: Judging | None = None


def run(options: Namespace) -> int:
    """`imug-metrics score`: 0 if all data were fine, 1 if some were missing or malformed."""
    check_folders(options, ("outputs", "judged", "reference_history"))
    models = chosen_models(options, "outputs")
    if options.limit is not None and options.limit < 1:
        raise UsageError(f"--limit: expected a number of samples from 1, got {options.limit}")
    reference = options.reference_history
    if reference is not None and not set(models) & set(imug.list_models(reference)):
        raise UsageError(f"--reference-history: expected a folder of one of the models ({some(models)}) in {reference}")
    judging = chosen_judging(options, models)
    named = set(Job.__dataclass_fields__) - {"models", "judging"}
    job = Job(models=models, judging=judging, **{name: getattr(options, name) for name in named})
    if job.encoder == "scene":
        say(SCENE_NOTE)
    if judging is not None and not getattr(judging.prompts, "known", False):
        say(PROMPTS_NOTE)
    results, problems = score(job)
    for result in results:
        _say_result(result, job)
    say_problems(problems, job.out)
    return EXIT_PROBLEMS if problems.errors else EXIT_FINE


def score(job: Job) -> tuple[list[ModelResult], imug.Problems]:
    """Score every model of a job, write the report and print the table.

    Returns:
        The models' results, and what is wrong in the data; problems.jsonl lists it.
    """
    problems = imug.Problems()
    samples = imug.read_benchmark(job.benchmark, problems, limit=job.limit)
    if not samples:
        raise UsageError(f"--benchmark: found no sample that can be read in {job.benchmark / imug.SAMPLES}")
    encoder = _remembering(chosen_encoder(job.encoder, job.device), job.cache)
    job.out.mkdir(parents=True, exist_ok=True)
    results = []
    with progress_bars() as track:
        for model in job.models:
            results.append(_result(job, model, samples, encoder, track))
    # The dialogues' files are read for judging and for scoring: what is wrong with them is said once.
    problems += [problem for result in results for problem in result.problems]
    problems = imug.Problems(dict.fromkeys(problems))
    write_official(job.out / "official", results, imug.read_classes(job.benchmark, imug.Problems()))
    write_problems(problems, job.out)
    scores = [result.scores for result in results]
    judges = {result.scores.model: result.judge for result in results if result.judge}
    rules = [
        RuleRow(**asdict(rule), counts={r.scores.model: r.rules[rule.name] for r in results if rule.name in r.rules})
        for rule in imug.RULES
    ]
    page = write_report(scores, job.out, manifest=_manifest(job, encoder, len(samples)), rules=rules, judges=judges)
    print_table(scores, judges=judges)
    print(f"Report: {plain(str(page))}")
    return results, problems


def _remembering(encoder: Encoder, folder: Path | None) -> CachedEncoder:
    """The encoder, which sees what two models share once, and nothing that an earlier run has left in the folder."""
    try:
        return CachedEncoder(encoder, disk=folder)
    except OSError as error:
        raise UsageError(f"--cache: expected a folder that can be written, got {folder}: {error.strerror}") from error


def _result(
    job: Job,
    model: str,
    samples: Sequence[imug.Sample],
    encoder: Encoder,
    track: Callable[[str], Progress],
) -> ModelResult:
    """The result of one model, from an earlier run where nothing it depends on has changed."""
    problems = imug.Problems()
    records = list(imug.read_records(samples, job.outputs / model, problems))
    readings, judge = _readings(job, model, samples, records, problems, track)
    path = job.out / "models" / f"{model}.json"
    mark = _mark(job, model, encoder, readings)
    kept = None if job.overwrite else load(path, mark)
    progress = track(model)
    if kept is not None:
        progress(len(samples), len(samples))
    else:
        kept = _score_model(job, model, samples, records, readings, encoder, progress)
        save(path, kept, mark)
    if job.judging is not None and readings is not None:
        _write_judgements(job.out / "official", model, readings)
    return replace(kept, judge=judge, problems=imug.Problems([*problems, *kept.problems]))


def _readings(
    job: Job,
    model: str,
    samples: Sequence[imug.Sample],
    records: Sequence[Record],
    problems: imug.Problems,
    track: Callable[[str], Progress],
) -> tuple[Readings | None, dict[str, Any]]:
    """Keys and points of one model from the judge or from records, and what is said of the judge."""
    folder = job.outputs / model
    if job.judged is not None:
        return recorded_readings(job.benchmark, samples, records, folder, job.judged, problems), {}
    if job.judging is None:
        return None, {}
    show, done = track(f"{model}: judge"), 0

    def count() -> None:
        nonlocal done
        done += 1
        show(done, None)

    journal = job.out / "judge" / f"{model}.jsonl"
    return judge_readings(job.judging, job.benchmark, samples, records, folder, journal, problems, count)


def _mark(job: Job, model: str, encoder: Encoder, readings: Readings | None) -> str:
    """Digest of all that the scores of a model depend on."""
    inputs = [job.benchmark / name for name in (imug.SAMPLES, imug.LINKS, imug.CLASSES)]
    folders = [folder for folder in (job.outputs, job.reference_history) if folder is not None]
    settings = {
        "version": __version__,
        "encoder": encoder.fingerprint,
        "missing": job.missing,
        "limit": job.limit,
        "outputs": [str(folder.resolve()) for folder in folders],
        "readings": None if readings is None else readings.digest(),
        "judged": job.judged is not None,
    }
    return fingerprint(settings, inputs, *(folder / model for folder in folders))


def _score_model(
    job: Job,
    model: str,
    samples: Sequence[imug.Sample],
    records: Sequence[Record],
    readings: Readings | None,
    encoder: Encoder,
    progress: Progress,
) -> ModelResult:
    problems = imug.Problems()
    known = Readings() if readings is None else readings
    official = with_keys(records, known.keys, samples)
    strict = with_keys(records, known.strict_keys, samples)
    runs = 1 if job.reference_history is None else 2
    scores = _score_run(job, model, strict, encoder, problems, lambda done, total: progress(done, runs * total))
    if known.keys != known.strict_keys:
        scores = with_official_answers(scores, official)
    scores = with_points(scores, samples, strict, known, job.missing)
    if job.reference_history is not None:
        costs = _compare(job, scores, samples, encoder, problems, lambda d, n: progress(n + d, 2 * n))
        scores = replace(scores, scores={**scores.scores, **costs})
    texts = imug.score_texts(official)
    contents = imug.official_contents(samples, texts, known.images, known.keys)
    if contents["dynamic_unresolved"]:
        problems.warn(str(job.outputs / model), None, "", _unresolved(contents["dynamic_unresolved"], job))
    rules = count_differences(job.benchmark, samples, official, readings)
    turns = imug.turn_scores(texts, known.images)
    return ModelResult(scores, turns, imug.text_rows(texts), contents, problems, rules)


def _unresolved(count: int, job: Job) -> str:
    if job.judged is not None:
        hint = "have no entry in --judged"
    elif job.judging is None:
        hint = "need a judge (--judge-url) or recorded judgements (--judged)"
    else:
        hint = "were not resolved by the judge"
    return f"{count} dynamic answers {hint} and are left out"


def _score_run(
    job: Job, model: str, records: Sequence[Record], encoder: Encoder, problems: imug.Problems, progress: Progress
) -> ModelScores:
    def unreadable(record: Record, reason: str) -> None:
        problems.error(str(record.image), None, f"turn {record.turn}", reason)

    return score_records(
        records, model=model, encoder=encoder, missing=job.missing, unreadable=unreadable, progress=progress
    )


def _compare(
    job: Job,
    own: ModelScores,
    samples: Sequence[imug.Sample],
    encoder: Encoder,
    problems: imug.Problems,
    progress: Progress,
) -> dict[str, float]:
    """What the model's own history costs it against its run on the reference history."""
    assert job.reference_history is not None
    folder = job.reference_history / own.model
    if not folder.is_dir():
        problems.warn(folder, None, "", "does not exist: no exposure bias for this model")
        return {}
    # No resolved keys: the right answer of a dynamic question hangs on the history and differs between the runs.
    records = list(imug.read_records(samples, folder, problems))
    reference = _score_run(job, own.model, records, encoder, problems, progress)
    return compare_histories(records, own.items, reference.items, missing=job.missing)


def _write_judgements(folder: Path, model: str, readings: Readings) -> None:
    if readings.keys or readings.images or readings.failures:
        imug.write_keys(folder, model, readings.keys)
        imug.write_points(folder, model, readings.images)


def _say_result(result: ModelResult, job: Job) -> None:
    say(f"official scores of {result.scores.model}: {imug.describe_contents(result.contents)}")
    failed = sum(result.judge.get("failures", {}).values())
    if failed:
        kinds = ", ".join(f"{count} {kind}" for kind, count in result.judge["failures"].items())
        asked_all = job.judging is None or job.judging.retry_errors
        again = "" if asked_all else "; a rerun asks again where no reply came, and with --retry-errors everywhere"
        say(f"judge of {result.scores.model}: {failed} judgements failed ({kinds}){again}")


def _manifest(job: Job, encoder: Encoder, samples: int) -> dict[str, Any]:
    packages = ("torch", "torchmetrics", "numpy", "pillow")
    return {
        "benchmark": str(job.benchmark),
        "outputs": str(job.outputs),
        "judged": None if job.judged is None else str(job.judged),
        "judge": None if job.judging is None else job.judging.settings(),
        "reference_history": None if job.reference_history is None else str(job.reference_history),
        "models": list(job.models),
        "samples": samples,
        "limit": job.limit,
        "missing": job.missing,
        "encoder": {"name": encoder.name, "spec": job.encoder, "fingerprint": encoder.fingerprint},
        "python": platform.python_version(),
        "packages": {name: metadata.version(name) for name in packages},
    }
