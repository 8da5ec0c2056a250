# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Benchmark and outputs, each read once, with every problem collected."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from imug_metrics.dialogues.record import Record
from imug_metrics.encoders import CachedEncoder, Encoder, load_encoder
from imug_metrics.errors import ArgumentError
from imug_metrics.evaluation.settings import Settings, join_names
from imug_metrics.protocols import imug


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
    """

    model: str
    records: tuple[Record, ...]
    problems: tuple[imug.Problem, ...] = ()
    folder: Path | None = None
    reference: tuple[Record, ...] | None = None
    reference_folder: Path | None = None


@dataclass(frozen=True)
class Inputs:
    """Everything that is scored.

    Attributes:
        models: in their order.
        benchmark: the questions; None where records were given.
        problems: what is wrong with the benchmark.
    """

    models: tuple[ModelInputs, ...]
    benchmark: imug.Benchmark | None = None
    problems: tuple[imug.Problem, ...] = ()


def read_inputs(settings: Settings) -> Inputs:
    """Read what the settings name.

    Raises:
        ArgumentError: if there is nothing to score.
    """
    if settings.benchmark is None:
        named = {} if settings.records is None else settings.records
        return Inputs(tuple(ModelInputs(model, tuple(records)) for model, records in named.items()))
    assert settings.outputs is not None
    problems = imug.Problems()
    benchmark = imug.read_benchmark(settings.benchmark, problems, limit=settings.limit)
    if not benchmark:
        where = settings.benchmark / imug.SAMPLES
        raise ArgumentError("benchmark", f"found no sample that can be read in {where}")
    names = settings.model_names()
    reference = settings.reference_history
    if reference is not None and not set(names) & set(imug.list_models(reference)):
        expected = f"expected a folder of one of the models ({join_names(names)}) in {reference}"
        raise ArgumentError("reference_history", expected)
    models = tuple(_read_model(benchmark, settings.outputs / name, reference) for name in names)
    return Inputs(models, benchmark, tuple(problems))


def _read_model(benchmark: imug.Benchmark, folder: Path, references: Path | None) -> ModelInputs:
    problems = imug.Problems()
    records = tuple(imug.read_records(benchmark, folder, problems))
    if references is None:
        return ModelInputs(folder.name, records, tuple(problems), folder)
    other = references / folder.name
    if not other.is_dir():
        problems.warn(other, None, "", "does not exist: no exposure bias for this model")
        return ModelInputs(folder.name, records, tuple(problems), folder)
    # No resolved keys: the right answer of a dynamic question hangs on the history and differs between the runs.
    reference = tuple(imug.read_records(benchmark, other, problems))
    return ModelInputs(folder.name, records, tuple(problems), folder, reference, other)


def cached_encoder(encoder: Encoder | str | None, device: str | None, cache: Path | None) -> CachedEncoder | None:
    """The encoder, which sees what two models share once, and nothing that an earlier run has left in the cache.

    Raises:
        ArgumentError: if it does not load, or the cache cannot be written.
        ModuleNotFoundError: if its package is not installed.
    """
    if encoder is None:
        return None
    if isinstance(encoder, str):
        with _named("encoder", f"{encoder} does not load"):
            encoder = load_encoder(encoder, device)
    if isinstance(encoder, CachedEncoder):
        return encoder
    try:
        return CachedEncoder(encoder, disk=cache)
    except OSError as error:
        raise ArgumentError("cache", f"expected a folder that can be written, got {cache}: {error.strerror}") from error


@contextmanager
def _named(argument: str, message: str) -> Iterator[None]:
    """Errors of model libraries, which raise nearly anything for a wrong name or device, as that of an argument."""
    try:
        yield
    except ModuleNotFoundError:
        raise
    except Exception as error:
        raise ArgumentError(argument, f"{message}: {error}") from error
