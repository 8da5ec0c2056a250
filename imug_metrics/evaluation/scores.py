# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Every model's scores, from its records and from what was said of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType

from torchmetrics import Metric

from imug_metrics._version import __version__
from imug_metrics.dialogues.columns import Bounds
from imug_metrics.dialogues.record import Record, image_name
from imug_metrics.encoders import CachedEncoder
from imug_metrics.evaluation.inputs import Inputs, ModelInputs
from imug_metrics.evaluation.model_result import ModelResult, OfficialScores, fingerprint, read_result, write_result
from imug_metrics.evaluation.official import with_official_answers, with_points
from imug_metrics.evaluation.readings import JudgedInputs, ModelReadings
from imug_metrics.evaluation.settings import Missing, Progress
from imug_metrics.functional.answers.answer_accuracy import Kind
from imug_metrics.protocols import imug
from imug_metrics.protocols.imug.differences import count_differences
from imug_metrics.protocols.imug.readings import Readings, with_keys
from imug_metrics.protocols.imug.usage import usage_folder
from imug_metrics.suite import Given, ModelScores, compare_histories, named_metrics, score_records
from imug_metrics.suite.carried import carried_names
from imug_metrics.suite.standard import standard_metrics


def score_models(judged: JudgedInputs, progress: Progress) -> tuple[ModelResult, ...]:
    """The result of every model, from an earlier run where nothing it depends on has changed.

    Args:
        judged: what is scored, and what was said of it.
        progress: called with the dialogues done, of a model.
    """
    pairs = zip(judged.inputs.models, judged.readings, strict=True)
    return tuple(_result(judged.inputs, model, read, progress) for model, read in pairs)


def _result(inputs: Inputs, model: ModelInputs, read: ModelReadings, progress: Progress) -> ModelResult:
    """The result of one model: as an earlier run has kept it, or new, and then kept."""
    show = _labelled(progress, model.model)
    path = None if inputs.resume is None else inputs.resume / "models" / f"{model.model}.json"
    mark = _mark(inputs, model, read)
    found = None
    if path is not None and mark and not inputs.overwrite:
        found = read_result(path, mark)
    if found is None:
        scorer = _Scorer(
            inputs.benchmark,
            inputs.encoder,
            inputs.metrics,
            inputs.missing,
            inputs.kind,
            inputs.score_ranges,
            keep_states=inputs.keep_states,
        )
        found = scorer.score(model, read.readings, show)
    else:
        show(len(model.records), len(model.records))
    problems = tuple(dict.fromkeys((*model.problems, *read.problems, *found.problems)))
    result = replace(found, judge=read.judge, problems=problems, fingerprint=mark)
    if path is not None:
        write_result(path, result)
    return result


class _Scorer:
    """What the models are scored with."""

    def __init__(
        self,
        benchmark: imug.Benchmark | None,
        encoder: CachedEncoder | None,
        metrics: Given | None,
        missing: Missing,
        kind: Kind = "choice",
        score_ranges: Mapping[str, Bounds] = MappingProxyType({}),
        *,
        keep_states: bool = False,
    ) -> None:
        self.benchmark, self.encoder, self.metrics, self.missing = benchmark, encoder, metrics, missing
        self.kind: Kind = kind
        self.score_ranges, self.keep_states = score_ranges, keep_states

    def score(
        self, model: ModelInputs, readings: Readings | None, progress: Callable[[int, int | None], None]
    ) -> ModelResult:
        """The result of one model, without the problems and the judge of its inputs."""
        problems = imug.Problems()
        if self.benchmark is None:
            return ModelResult(self._run(model.model, model.records, problems, progress), problems=tuple(problems))
        known = Readings() if readings is None else readings
        official = with_keys(model.records, known.keys, self.benchmark)
        strict = with_keys(model.records, known.strict_keys, self.benchmark)
        scores = self._run(model.model, strict, problems, progress)
        if known.keys != known.strict_keys:
            scores = with_official_answers(scores, official)
        scores = with_points(scores, self.benchmark, strict, known, self.missing)
        if model.reference is not None:
            scores = self._compared(scores, model, problems, progress)
        texts = imug.score_texts(official)
        contents = imug.official_contents(self.benchmark, texts, known.images, known.keys)
        if contents["dynamic_unresolved"]:
            problems.warn(str(model.folder), None, "", _unresolved(contents["dynamic_unresolved"], readings))
        turns, rows = imug.turn_scores(texts, known.images), imug.text_rows(texts)
        rules = count_differences(self.benchmark, official, readings)
        return ModelResult(scores, OfficialScores(tuple(turns), tuple(rows), contents, rules), tuple(problems))

    def _run(
        self,
        model: str,
        records: Sequence[Record],
        problems: imug.Problems,
        progress: Callable[[int, int | None], None],
    ) -> ModelScores:
        def unreadable(record: Record, reason: str) -> None:
            problems.error(str(image_name(record.image)), None, f"turn {record.turn}", reason)

        carried, _ = carried_names(records)  # of another model's scores this one may have none
        return score_records(
            records,
            model=model,
            encoder=self.encoder,
            metrics=None if self.metrics is None else _fresh(self.metrics),
            kind=self.kind,
            missing=self.missing,
            score_ranges={name: ends for name, ends in self.score_ranges.items() if name in carried},
            unreadable=unreadable,
            progress=progress,
            keep_state=self.keep_states,
        )

    def _compared(
        self,
        scores: ModelScores,
        model: ModelInputs,
        problems: imug.Problems,
        progress: Callable[[int, int | None], None],
    ) -> ModelScores:
        """The scores with what the model's own history costs it against its run on the reference history."""
        reference = self._run(model.model, model.reference or (), problems, progress)
        costs = compare_histories(model.reference or (), scores.items, reference.items, missing=self.missing)
        return replace(scores, scores={**scores.scores, **costs})


def _mark(inputs: Inputs, model: ModelInputs, read: ModelReadings) -> str:
    """Digest of all that the scores of a model depend on; empty: they depend on what has none."""
    if inputs.metrics is not None or inputs.benchmark is None:
        return ""
    files = [inputs.benchmark.root / name for name in (imug.SAMPLES, imug.LINKS, imug.CLASSES)]
    folders = [folder for folder in (model.folder, model.reference_folder) if folder is not None]
    beside = [usage_folder(folder) for folder in folders]
    known = {
        "version": __version__,
        "encoder": None if inputs.encoder is None else inputs.encoder.fingerprint,
        "metrics": [*standard_metrics()],
        "missing": inputs.missing,
        "samples": len(inputs.benchmark),
        "outputs": [str(folder.resolve()) for folder in folders],
        "readings": None if read.readings is None else read.readings.digest(),
        "problems": [problem.as_row() for problem in read.problems],
    }
    return fingerprint(known, files, *folders, *beside)


def _fresh(metrics: Given) -> dict[str, Metric]:
    """Copies of the metrics that have seen nothing."""
    copies = {name: metric.clone() for name, metric in named_metrics(metrics).items()}
    for metric in copies.values():
        metric.reset()
    return copies


def _labelled(progress: Progress, what: str) -> Callable[[int, int | None], None]:
    return lambda done, total: progress(what, done, total)


def _unresolved(count: int, readings: Readings | None) -> str:
    if readings is None:
        return f"{count} dynamic answers need a judge or recorded judgements and are left out"
    return f"{count} dynamic answers were not resolved by the judgements and are left out"
