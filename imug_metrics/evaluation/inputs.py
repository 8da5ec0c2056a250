# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Benchmark and outputs, each read once, with every problem collected."""

from __future__ import annotations

import platform
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from importlib import metadata
from pathlib import Path
from typing import Any

from imug_metrics._version import __version__
from imug_metrics.dialogues.columns import Bounds
from imug_metrics.dialogues.record import Record, as_records, check_record
from imug_metrics.encoders import CachedEncoder, Encoder, load_encoder
from imug_metrics.encoders.devices import check_device
from imug_metrics.encoders.loading import spec_named
from imug_metrics.errors import ArgumentError, InputError
from imug_metrics.evaluation.layouts import check_any_output
from imug_metrics.evaluation.settings import (
    JudgeSettings,
    Missing,
    Settings,
    as_argument,
    join_names,
    readable_benchmark,
)
from imug_metrics.formats import RecordsByModel
from imug_metrics.functional.answers.answer_accuracy import Kind
from imug_metrics.protocols import imug
from imug_metrics.protocols.imug.usage import run_settings
from imug_metrics.reading.fields import meant
from imug_metrics.suite import Given
from imug_metrics.suite.carried import carried_names
from imug_metrics.suite.score_ranges import check_in_range

CHOICES = (
    "for photographs and drawings open_clip:ViT-B-32:laion2b_s34b_b79k (pip install 'imug_metrics[openclip]'; "
    "downloads 600 MB once) or hf:FOLDER-OR-NAME (pip install 'imug_metrics[hf]'); scene, for rendered scenes of the "
    "demo alone"
)
"""Encoders that a newcomer can choose from."""


@dataclass(frozen=True)
class ModelInputs:
    """What one model left.

    Attributes:
        model: its name.
        records: one a turn.
        problems: what is wrong with its files.
        folder: its outputs, where they were read from a folder.
        reference: its records on the reference history, None where they are not compared.
        reference_folder: where those lie.
        made: how the outputs were made, as they say themselves.
    """

    model: str
    records: tuple[Record, ...]
    problems: tuple[imug.Problem, ...] = ()
    folder: Path | None = None
    reference: tuple[Record, ...] | None = None
    reference_folder: Path | None = None
    made: Mapping[str, str | float | None] = field(default_factory=dict)


@dataclass(frozen=True)
class Inputs:
    """Everything that is scored, and what it is scored with.

    Attributes:
        models: in their order.
        benchmark: the questions; None where records were given.
        problems: what is wrong with the benchmark.
        encoder: embeds images and prompts; None: there is none.
        metrics: in place of the standard ones; None: these.
        kind: of answers, for the standard metrics.
        missing: what an absent output counts as.
        judge: whom to ask; None: nobody.
        judged: folder of recorded judgements, or None.
        resume: folder for answers of the judge and for finished models; None: nothing is kept.
        overwrite: whether finished models are scored again.
        manifest: what an evaluation says of all this.
        score_ranges: ends of scores that the records carry, by name.
        keep_states: whether the state of each model is kept beside its scores.
    """

    models: tuple[ModelInputs, ...]
    benchmark: imug.Benchmark | None = None
    problems: tuple[imug.Problem, ...] = ()
    encoder: CachedEncoder | None = None
    metrics: Given | None = None
    missing: Missing = "skip"
    judge: JudgeSettings | None = None
    judged: Path | None = None
    resume: Path | None = None
    overwrite: bool = False
    manifest: Mapping[str, Any] = field(default_factory=dict)
    kind: Kind = "choice"
    score_ranges: Mapping[str, Bounds] = field(default_factory=dict)
    keep_states: bool = False


def read_inputs(settings: Settings) -> Inputs:
    """Read what the settings name, each file once.

    Raises:
        ArgumentError: if there is nothing to score, if turns count from 0, if the encoder does not load or is missing
            for images, or if a range is of no score, or a score outside of its range.
    """
    problems = imug.Problems()
    benchmark, folders = None, list[Path]()
    if settings.benchmark is not None:
        assert settings.outputs is not None
        benchmark = readable_benchmark(settings.benchmark, problems, settings.limit)
        folders = [settings.outputs / name for name in settings.models]
        check_any_output("outputs", folders, benchmark)
    encoder = cached_encoder(settings.encoder, settings.device, settings.cache)  # before what takes longer is read
    if benchmark is None:
        named = {} if settings.records is None else settings.records
        models = tuple(ModelInputs(model, _checked(model, records)) for model, records in named.items())
        problems.extend(named.problems if isinstance(named, RecordsByModel) else ())
        _check_ranges(models, settings.score_ranges or {})
    else:
        models = tuple(_read_model(benchmark, folder, settings.reference_history) for folder in folders)
    if settings.encoder is None and settings.metrics is None:
        models = tuple(_without_images(model, leave=settings.leave_images) for model in models)
    return Inputs(
        models,
        benchmark,
        tuple(problems),
        encoder,
        settings.metrics,
        settings.missing,
        settings.judge,
        settings.judged,
        settings.resume,
        settings.overwrite,
        _manifest(settings, models, 0 if benchmark is None else len(benchmark), encoder),
        settings.kind,
        settings.score_ranges or {},
        settings.keep_states,
    )


def _checked(model: str, records: Iterable[Record]) -> tuple[Record, ...]:
    """The records, each of which is one."""
    try:
        return tuple(check_record(record, row) for row, record in enumerate(as_records(records)))
    except InputError as error:
        raise ArgumentError("records", f"expected {_without_name(error)} of {model}") from error


def _check_ranges(models: Iterable[ModelInputs], ranges: Mapping[str, Bounds]) -> None:
    """Raise for a range of a score that no record carries, and for a score outside of its range."""
    if not ranges:
        return
    models = tuple(models)
    carried, _ = carried_names(record for model in models for record in model.records)
    for name in ranges:
        if name not in carried:
            names = join_names(carried) or "none"
            there = f"scores that records carry ({names})"
            raise ArgumentError("score_ranges", f"expected {there}, got {name!r}{meant(name, carried)}")
    for model in models:
        try:
            check_in_range(model.records, ranges)
        except InputError as error:
            raise ArgumentError("score_ranges", f"expected {_without_name(error)} of {model.model}") from error


def _without_name(error: InputError) -> str:
    """What an error says behind the argument's name."""
    return str(error).partition("` ")[2].rstrip(".")


def _without_images(model: ModelInputs, *, leave: bool) -> ModelInputs:
    """The model, of whose image turns nothing but the scores they bring can be shown; told, or refused."""
    needing = [record for record in model.records if record.modality == "image" and not _has_scores_alone(record)]
    if not needing:
        return model
    if not leave:
        where = f"{model.model}, dialogue {needing[0].dialogue}, turn {needing[0].turn}"
        raise ArgumentError("encoder", f"expected an encoder for images ({where}), got none: {CHOICES}")
    told = f"{len(needing)} of {len(model.records)} turns are images, which were not scored: no encoder was named"
    return replace(model, problems=(*model.problems, imug.Problem(model.model, None, "", told, "warning")))


def _has_scores_alone(record: Record) -> bool:
    return record.image is None and bool(record.scores)


def _manifest(
    settings: Settings, models: Iterable[ModelInputs], samples: int, encoder: CachedEncoder | None
) -> dict[str, Any]:
    folders = {name: getattr(settings, name) for name in ("benchmark", "outputs", "judged", "reference_history")}
    spec = settings.encoder if isinstance(settings.encoder, str) else None
    used = None if encoder is None else {"name": encoder.name, "spec": spec, "fingerprint": encoder.fingerprint}
    packages = ("torch", "torchmetrics", "numpy", "pillow")
    return {
        **{name: None if folder is None else str(folder) for name, folder in folders.items()},
        "judge": None if settings.judge is None else settings.judge.describe(),
        "models": [model.model for model in models],
        **({"runs": runs} if (runs := {model.model: model.made for model in models if model.made}) else {}),
        "samples": samples,
        "limit": settings.limit,
        "missing": settings.missing,
        **({} if settings.kind == "choice" else {"kind": settings.kind}),
        **({"score_ranges": settings.score_ranges} if settings.score_ranges else {}),
        "encoder": used,
        "imug_metrics": __version__,
        "python": platform.python_version(),
        "packages": {name: metadata.version(name) for name in packages},
    }


def _read_model(benchmark: imug.Benchmark, folder: Path, references: Path | None) -> ModelInputs:
    problems = imug.Problems()
    with as_argument("outputs"):
        records = tuple(imug.read_records(benchmark, folder, problems))
    made = run_settings(folder, problems)
    if references is None:
        return ModelInputs(folder.name, records, tuple(problems), folder, made=made)
    other = references / folder.name
    if not other.is_dir():
        problems.warn(other, None, "", "does not exist: no exposure bias for this model")
        return ModelInputs(folder.name, records, tuple(problems), folder, made=made)
    # No resolved keys: the right answer of a dynamic question hangs on the history and differs between the runs.
    with as_argument("reference_history"):
        reference = tuple(imug.read_records(benchmark, other, problems))
    _check_histories(folder, made, other, problems)
    return ModelInputs(folder.name, records, tuple(problems), folder, reference, other, made)


def _check_histories(own: Path, made: Mapping[str, Any], reference: Path, problems: imug.Problems) -> None:
    """Warn where two runs, which are compared by what their histories cost, say of themselves that they had others."""
    other = run_settings(reference, problems)
    if made.get("history") == "reference":
        why = "was run on the reference history: expected a run on its own, to be compared with that"
        problems.warn(own, None, "", why)
    if other.get("isolated") or other.get("history", "reference") != "reference":
        history = "none" if other.get("isolated") else f"{other['history']!r}"
        problems.warn(reference, None, "", f"expected a run on the reference history, its own settings say {history}")


def cached_encoder(encoder: Encoder | str | None, device: str | None, cache: Path | None) -> CachedEncoder | None:
    """The encoder, which sees what two models share once, and nothing that an earlier run has left in the cache.

    Raises:
        ArgumentError: if it does not load, there is no such device, or the cache cannot be written.
        ModuleNotFoundError: if its package is not installed.
    """
    check_device(device)
    if encoder is None:
        return None
    if isinstance(encoder, str):
        with spec_named("encoder"):
            encoder = load_encoder(encoder, device)
    if isinstance(encoder, CachedEncoder):
        return encoder
    try:
        return CachedEncoder(encoder, disk=cache)
    except OSError as error:
        raise ArgumentError("cache", f"expected a folder that can be written, got {cache}: {error.strerror}") from error
