# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Folders in the layout of IMUG-Bench: outputs of one model or several, with the questions beside them or given."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from imug_metrics.errors import ArgumentError
from imug_metrics.formats.protocol import Head, ReadOptions, RecordAt
from imug_metrics.protocols import imug
from imug_metrics.protocols.imug.outputs import question_folder
from imug_metrics.reading.files import Problems

_BENCHMARK, _OUTPUTS, _MODELS = "benchmark", "outputs", "model_outputs"
_LOOKED_AT = 1_000  # samples whose folders are looked for


class ImugReader:
    """Outputs in the layout of IMUG-Bench.

    Either the folder of one model, or one that holds such folders, with `benchmark=`; or a folder that holds both
    `benchmark` and `outputs`, as `imug-metrics demo` writes it.
    """

    name = "imug"

    def recognises(self, head: Head) -> bool:
        """A folder with both, or with folders of questions three or four levels deep."""
        if head.start or not head.path.is_dir():
            return False
        return _has_both(head.path) or any(_has_questions(head.path, levels) for levels in (3, 4))

    def read(self, path: Path, options: ReadOptions, problems: Problems) -> Iterator[RecordAt]:
        """One record for each turn of each sample and model, see `imug.read_records`.

        Raises:
            ArgumentError: of `benchmark`, if it is needed and not given, or holds no questions; of `path`, if it holds
                no answers to them; of `model`, if the turns of the answers count from 0.
        """
        folder, root = _folders(path, options)
        benchmark = _benchmark(root, problems)
        models = _models(folder, benchmark)
        if not models:
            where = question_folder(folder / "MODEL", benchmark[0].key)
            raise ArgumentError("path", f"{folder} holds no answers to {root}; the first would lie in {where}")
        for model in models:
            for record in imug.read_records(benchmark, model, problems):
                yield RecordAt(record, None, model.name, model)


def _folders(path: Path, options: ReadOptions) -> tuple[Path, Path]:
    """Where the outputs lie, and the questions."""
    if options.benchmark is not None:
        return (path / _OUTPUTS if _has_both(path) else path), options.benchmark
    if _has_both(path):
        return path / _OUTPUTS, path / _BENCHMARK
    cure = "name the folder of the questions, which holds data/benchmark.jsonl"
    raise ArgumentError("benchmark", f"{path} holds outputs in the layout of IMUG-Bench without questions: {cure}")


def _benchmark(root: Path, problems: Problems) -> imug.Benchmark:
    try:
        benchmark = imug.read_benchmark(root, problems)
    except FileNotFoundError as error:
        raise ArgumentError("benchmark", f"expected a folder with {imug.SAMPLES}: {error}") from error
    if not benchmark:
        reason = problems.first_error(root / imug.SAMPLES)
        raise ArgumentError("benchmark", f"found no sample that can be read in {root / imug.SAMPLES}{reason}")
    return benchmark


def _models(folder: Path, benchmark: imug.Benchmark) -> list[Path]:
    """Folders of models: the folder itself, or those in it that hold answers."""
    if _answers(folder, benchmark):
        return [folder]
    for outputs in (folder, folder / _MODELS):
        if outputs.is_dir():
            found = [outputs / name for name in imug.list_models(outputs)]
            if models := [model for model in found if _answers(model, benchmark)]:
                return models
    return []


def _answers(model: Path, benchmark: imug.Benchmark) -> bool:
    return any(question_folder(model, sample.key).is_dir() for sample in islice(benchmark, _LOOKED_AT))


def _has_both(path: Path) -> bool:
    return (path / _BENCHMARK / imug.SAMPLES).is_file() and (path / _OUTPUTS).is_dir()


def _has_questions(path: Path, levels: int) -> bool:
    """Whether folders of questions lie so many levels deep."""
    pattern = "/".join([*["*"] * (levels - 1), "question_*"])
    return next((found for found in path.glob(pattern) if found.is_dir()), None) is not None
