# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""The command `score`: from folders to a report."""

from __future__ import annotations

import json
import platform
from argparse import Namespace
from collections.abc import Sequence
from dataclasses import dataclass, replace
from importlib import metadata
from pathlib import Path
from typing import Any, Literal

from imug_metrics._version import __version__
from imug_metrics.cli.errors import EXIT_FINE, EXIT_PROBLEMS, UsageError
from imug_metrics.cli.inputs import check_folders, chosen_encoder, chosen_models
from imug_metrics.cli.messages import say, say_problems, some, write_problems
from imug_metrics.cli.progress import Progress, progress_bars
from imug_metrics.cli.state import ModelResult, fingerprint, load, save
from imug_metrics.encoders import Encoder
from imug_metrics.protocols import imug
from imug_metrics.report import print_table, write_report
from imug_metrics.report.files import json_text, write_whole
from imug_metrics.report.plain import plain
from imug_metrics.suite import ModelScores, Record, compare_histories, score_records

SCENE_NOTE = (
    "note: the scene encoder knows only rendered scenes of coloured shapes; on other pictures alignment, retrieval, "
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
    judged: Path | None = None
    reference_history: Path | None = None
    missing: Literal["skip", "zero"] = "skip"
    limit: int | None = None
    overwrite: bool = False


def run(options: Namespace) -> int:
    """`imug-metrics score`: 0 if all data were fine, 1 if some were missing or malformed."""
    check_folders(options, ("outputs", "judged", "reference_history"))
    models = chosen_models(options, "outputs")
    if options.limit is not None and options.limit < 1:
        raise UsageError(f"--limit: expected a number of samples from 1, got {options.limit}")
    reference = options.reference_history
    if reference is not None and not set(models) & set(imug.list_models(reference)):
        raise UsageError(f"--reference-history: expected a folder of one of the models ({some(models)}) in {reference}")
    fields = {name: getattr(options, name) for name in Job.__dataclass_fields__ if name != "models"}
    job = Job(models=models, **fields)
    if job.encoder == "scene":
        say(SCENE_NOTE)
    results, problems = score(job)
    for result in results:
        say(f"official scores of {result.scores.model}: {imug.describe_contents(result.contents)}")
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
    encoder = chosen_encoder(job.encoder, job.device)
    job.out.mkdir(parents=True, exist_ok=True)
    results = []
    with progress_bars() as track:
        for model in job.models:
            results.append(_result(job, model, samples, encoder, track(model)))
    problems += [problem for result in results for problem in result.problems]
    _write_official(job, results, imug.read_classes(job.benchmark, imug.Problems()))
    write_problems(problems, job.out)
    scores = [result.scores for result in results]
    page = write_report(scores, job.out, manifest=_manifest(job, encoder, len(samples)))
    print_table(scores)
    print(f"Report: {plain(str(page))}")
    return results, problems


def _result(job: Job, model: str, samples: Sequence[imug.Sample], encoder: Encoder, progress: Progress) -> ModelResult:
    """The result of one model, from an earlier run where nothing it depends on has changed."""
    inputs = [job.benchmark / name for name in (imug.SAMPLES, imug.LINKS, imug.CLASSES)]
    if job.judged is not None:
        inputs += [imug.key_file(job.judged, model), imug.point_file(job.judged, model)]
    settings = {"version": __version__, "encoder": encoder.fingerprint, "missing": job.missing, "limit": job.limit}
    path = job.out / "models" / f"{model}.json"
    folders = [folder for folder in (job.outputs, job.reference_history) if folder is not None]
    settings["outputs"] = [str(folder.resolve()) for folder in folders]
    mark = fingerprint(settings, inputs, *(folder / model for folder in folders))
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
    runs = 1 if job.reference_history is None else 2
    scores = _score_run(job, model, records, encoder, problems, lambda done, total: progress(done, runs * total))
    if job.reference_history is not None:
        costs = _compare(job, scores, samples, encoder, problems, lambda d, n: progress(n + d, 2 * n))
        scores = replace(scores, scores={**scores.scores, **costs})
    texts = imug.score_texts(records)
    contents = imug.official_contents(samples, texts, pictures, keys)
    if contents["dynamic_unresolved"]:
        count = contents["dynamic_unresolved"]
        hint = "have no entry in --judged" if job.judged is not None else "need the recorded judgements of --judged"
        problems.warn(str(job.outputs / model), None, "", f"{count} dynamic answers {hint} and are left out")
    return ModelResult(scores, imug.turn_scores(texts, pictures), imug.text_rows(texts), contents, problems)


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


def _manifest(job: Job, encoder: Encoder, samples: int) -> dict[str, Any]:
    packages = ("torch", "torchmetrics", "numpy", "pillow")
    return {
        "benchmark": str(job.benchmark),
        "outputs": str(job.outputs),
        "judged": None if job.judged is None else str(job.judged),
        "reference_history": None if job.reference_history is None else str(job.reference_history),
        "models": list(job.models),
        "samples": samples,
        "limit": job.limit,
        "missing": job.missing,
        "encoder": {"name": encoder.name, "spec": job.encoder, "fingerprint": encoder.fingerprint},
        "python": platform.python_version(),
        "packages": {name: metadata.version(name) for name in packages},
    }
