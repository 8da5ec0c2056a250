# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""A whole run as one call: settings, inputs, readings, scores, evaluation, each handed forward."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from imug_metrics.dialogues.columns import Bounds
from imug_metrics.dialogues.record import Record
from imug_metrics.encoders import Encoder
from imug_metrics.errors import ArgumentError
from imug_metrics.evaluation.inputs import read_inputs
from imug_metrics.evaluation.model_outputs import ModelOutputs
from imug_metrics.evaluation.readings import read_judgements
from imug_metrics.evaluation.result import Evaluation
from imug_metrics.evaluation.scores import score_models
from imug_metrics.evaluation.settings import JudgeSettings, Missing, Progress, Settings
from imug_metrics.functional.answers.answer_accuracy import Kind
from imug_metrics.judges import Judge
from imug_metrics.suite import Given


def evaluate(
    records: Mapping[str, Iterable[Record]] | Iterable[Record] | ModelOutputs | None = None,
    *,
    benchmark: Path | str | None = None,
    outputs: Path | str | None = None,
    models: Sequence[str] = (),
    model: str = "model",
    metrics: Given | None = None,
    kind: Kind = "choice",
    encoder: Encoder | str | None = None,
    device: str | None = None,
    cache: Path | str | None = None,
    judge: Judge | JudgeSettings | None = None,
    judged: Path | str | None = None,
    reference_history: Path | str | None = None,
    missing: Missing = "skip",
    limit: int | None = None,
    resume: Path | str | None = None,
    overwrite: bool = False,
    score_ranges: Mapping[str, Bounds] | None = None,
    keep_states: bool = False,
    progress: Progress | None = None,
) -> Evaluation:
    """Score models with every metric, from records or from folders of a benchmark.

    Args:
        records: what the models left: records of one model, or by model, as `read_records` gives them of a file, with
            its problems. Any iterables; no folder and no benchmark is needed. Or what `infer` returned, which stands
            for `benchmark`, `outputs` and `models`.
        benchmark: in place of records, a folder in the layout of IMUG-Bench, holding data/ and config/.
        outputs: together with it, the folder that holds one folder of outputs a model.
        models: names of those to score; none: all.
        model: name of the model whose records are given alone.
        metrics: metrics, by name or with names of their own, in place of the standard ones; they are copied.
        kind: how answers of records are compared with their keys, as in `AnswerAccuracy`: as choices, or by `"exact"`,
            `"f1"` or `"numeric"` where keys are words or numbers.
        encoder: an encoder, or its name for `imug_metrics.encoders.load_encoder`, such as
            `"open_clip:ViT-B-32:laion2b_s34b_b79k"`. Image turns need one.
        device: where an encoder given by name runs, for example `"cuda"`.
        cache: folder that keeps embeddings for other runs.
        judge: a model that resolves dynamic answers and scores images; with `JudgeSettings` how it is asked.
        judged: in its place, a folder of recorded judgements in the official layout.
        reference_history: outputs of the same models on the reference history: adds exposure bias.
        missing: what an absent output counts as: `"skip"` leaves it out, `"zero"` scores 0.
        limit: score only the first so many samples.
        resume: folder for the judge's answers and for finished models: a run that is interrupted goes on from there.
        overwrite: score again what an earlier run has finished.
        score_ranges: ends that scores which the records carry cannot leave, by name, such as
            `{"judge": (1, 5), "correct": (0, 1)}`: bounds and axes keep to them, and other scores are refused.
        keep_states: keep the state of each model's metrics, for `Evaluation.save_states`; with records alone.
        progress: called with what is being done, how much is done and how much there is (None: not known).

    Returns:
        The evaluation: `scores`, `problems`, `coverage`, and what writes and keeps them.

    Raises:
        ArgumentError: if an argument is not as expected. Nothing was written then.
        ModuleNotFoundError: if a package is not installed; the message names it.
        OSError: if a file cannot be written.

    Example:
        >>> import imug_metrics
        >>> answers = ("A", "(B)", "C")
        >>> records = [imug_metrics.Record("a", turn, "text", "Which?", text=text, target="B")
        ...            for turn, text in enumerate(answers, 1)]
        >>> found = imug_metrics.evaluate({"mine": records})
        >>> round(found.scores["mine"]["answer_accuracy"], 4), found.coverage["mine"]["answer_accuracy"]
        (0.3333, 1.0)
    """
    if isinstance(records, ModelOutputs):
        if benchmark is not None or outputs is not None or models:
            raise ArgumentError(
                ("records", "benchmark"), "expected one of them: outputs name their own folders and models"
            )
        benchmark, outputs, models, records = records.benchmark, records.outputs, records.models, None
    settings = Settings(
        records if records is None or isinstance(records, Mapping) else {model: records},
        _path(benchmark),
        _path(outputs),
        tuple(models),
        metrics if metrics is None or isinstance(metrics, Mapping) else tuple(metrics),
        encoder,
        device,
        _path(cache),
        JudgeSettings(judge) if judge is not None and not isinstance(judge, JudgeSettings) else judge,
        _path(judged),
        _path(reference_history),
        missing,
        limit,
        _path(resume),
        overwrite,
        kind=kind,
        score_ranges=score_ranges,
        keep_states=keep_states,
    )
    return run(settings, progress)


def run(settings: Settings, progress: Progress | None = None) -> Evaluation:
    """Score what the settings name; see `evaluate`."""
    show = _silent if progress is None else progress
    inputs = read_inputs(settings)
    judged = read_judgements(inputs, show)
    results = score_models(judged, show)
    classes = {} if inputs.benchmark is None else inputs.benchmark.classes
    return Evaluation(results, inputs.manifest, classes, inputs.problems)


def _path(path: Path | str | None) -> Path | None:
    return None if path is None else Path(path)


def _silent(what: str, done: int, total: int | None) -> None:
    """Show nothing."""
