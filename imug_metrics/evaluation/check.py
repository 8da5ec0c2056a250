# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Every problem of a benchmark, of outputs and of judgements, without scoring any of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from imug_metrics.errors import ArgumentError
from imug_metrics.evaluation.settings import check_folders, chosen_models
from imug_metrics.protocols import imug
from imug_metrics.protocols.imug.check import check_benchmark, check_judged, check_outputs
from imug_metrics.protocols.imug.check.fields import check_benchmark_fields, check_judged_fields, check_result_fields
from imug_metrics.reading.fields import meant
from imug_metrics.report.files import write_problems


@dataclass(frozen=True)
class DataCheck:
    """What `check_data` found out.

    Attributes:
        problems: each with file, line and field.
        samples: how many there are.
        turns: how many these have.
        models: those that were looked at.
    """

    problems: imug.Problems
    samples: int
    turns: int
    models: tuple[str, ...]

    def report(self, out: Path | str) -> Path:
        """Write problems.jsonl into a folder; returns its path."""
        out = Path(out)
        out.mkdir(parents=True, exist_ok=True)
        return write_problems(self.problems, out)


def check_data(
    benchmark: Path | str,
    *,
    outputs: Path | str | None = None,
    judged: Path | str | None = None,
    models: Sequence[str] = (),
    out: Path | None = None,
) -> DataCheck:
    """List what cannot be read, is missing, repeated or of no use, unknown fields, broken images and dead links.

    Args:
        benchmark: folder in the layout of IMUG-Bench.
        outputs: folder of one folder a model; None: not looked at.
        judged: folder of recorded judgements; None: not looked at.
        models: those to check; none: all.
        out: where the list will be written, which must not lie in what is read; None: nowhere.

    Raises:
        ArgumentError: if an argument is not as expected.
    """
    benchmark = Path(benchmark)
    outputs, judged = (None if folder is None else Path(folder) for folder in (outputs, judged))
    check_folders(benchmark, {"outputs": outputs, "judged": judged}, out)
    names = _models(models, outputs, judged)
    problems = imug.Problems()
    try:
        samples = check_benchmark(benchmark, problems)
    except ArgumentError as error:  # whatever else there is to say follows from it
        problems.error(benchmark, None, "turn", error.message)
        return DataCheck(problems, 0, 0, ())
    check_benchmark_fields(benchmark, samples, problems)
    for model in names:
        if outputs is not None:
            check_outputs(samples, outputs / model, problems)
            check_result_fields(samples, outputs / model, problems)
        if judged is not None:
            check_judged(samples, judged, model, problems)
            check_judged_fields(judged, model, problems)
    return DataCheck(problems, len(samples), sum(len(sample.tasks) for sample in samples), names)


def _models(chosen: Sequence[str], outputs: Path | None, judged: Path | None) -> tuple[str, ...]:
    """The models of the outputs, else those of the judgements."""
    if outputs is not None:
        return chosen_models(chosen, {"outputs": outputs})
    if judged is None:
        if chosen:
            raise ArgumentError("model", "expected together with outputs or judgements")
        return ()
    there = [
        name
        for name in imug.list_models(judged)
        if imug.key_file(judged, name).is_file() or imug.point_file(judged, name).is_file()
    ]
    if absent := [name for name in chosen if name not in there]:
        hint = meant(absent[0], there)
        raise ArgumentError("model", f"expected a model with judgements in {judged}, got {absent[0]!r}{hint}")
    return tuple(chosen) or tuple(there)
