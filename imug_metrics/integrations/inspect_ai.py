# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Inspect AI: scorers and metrics, which Inspect finds by names such as imug_metrics/answers.

A sample is one turn of a dialogue, whose metadata hold `dialogue` and `turn`, or a whole dialogue with a message of the
user for each turn.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from inspect_ai.scorer import Metric, SampleScore, Score, Scorer, Target, metric, scorer
from inspect_ai.solver import TaskState
from torch import Tensor

from imug_metrics import functional
from imug_metrics.dialogues.columns import Bounds
from imug_metrics.dialogues.record import Record
from imug_metrics.encoders.cache import CachedEncoder
from imug_metrics.encoders.loading import as_cached_encoder
from imug_metrics.encoders.protocol import Encoder
from imug_metrics.errors import ArgumentError
from imug_metrics.formats.common.place import Place
from imug_metrics.formats.inspect_sample import score_values
from imug_metrics.functional.answers.answer_accuracy import Kind
from imug_metrics.functional.images.turn_alignment import RANGES, Variant
from imug_metrics.functional.images.turn_consistency import Mode
from imug_metrics.integrations import inspect_scores
from imug_metrics.integrations.inspect_outputs import Measure, Output, outputs_of, packed, packed_pixels, score_metadata
from imug_metrics.integrations.inspect_scores import Missing
from imug_metrics.integrations.record_scores import answer_scores
from imug_metrics.integrations.samples import check_place, read_sample
from imug_metrics.metrics.answers.answer_accuracy import AnswerAccuracy
from imug_metrics.metrics.images.turn_alignment import TurnAlignment
from imug_metrics.metrics.images.turn_consistency import TurnConsistency
from imug_metrics.reading.files import Problems


@metric(scores="unreduced")
def dialogue_scores(missing: Missing = "skip", score_range: Sequence[float] | None = None) -> Metric:
    """All estimates of a score with intervals by dialogue, see `imug_metrics.integrations.inspect_scores`.

    Of the scorers here it knows all that it needs. Of others it takes C, P, I and N as 1, 0.5, 0 and 0, numbers as they
    are, and the place of a sample from `dialogue` and `turn` in its metadata; there is no coverage then, for Inspect
    hands on only what was scored.

    Args:
        missing: what an output that could not be scored counts as: `"skip"` leaves it out, `"zero"` scores 0.
        score_range: what the scores of other scorers lie within; None: not known.
    """

    def compute(scores: list[SampleScore]) -> dict[str, float]:
        found: dict[str, float] = {}
        for measure, outputs, own in _measured(scores, score_range):
            estimates = inspect_scores.dialogue_scores(measure, outputs, missing=missing)
            found |= {name: value for name, value in estimates.items() if own or name != f"{measure.name}_coverage"}
        return found

    return compute


@metric(scores="unreduced")
def epoch_scores(score_range: Sequence[float] = (0.0, 1.0)) -> Metric:
    """Reliability over the epochs of a record, and the best of k; nothing where there is one epoch.

    Args:
        score_range: what the scores of other scorers than those here lie within.
    """

    def compute(scores: list[SampleScore]) -> dict[str, float]:
        found: dict[str, float] = {}
        for measure, outputs, _ in _measured(scores, score_range):
            found |= inspect_scores.epoch_scores(measure, outputs)
        return found

    return compute


@scorer(metrics=[dialogue_scores(), epoch_scores()])
def answers(kind: Kind = "choice") -> Scorer:
    """Is the answer right? See `AnswerAccuracy`; samples without a key have no score.

    Args:
        kind: of answers: `"choice"`, `"exact"`, `"f1"` or `"numeric"`.
    """
    AnswerAccuracy(kind)  # which refuses what is no kind
    measure = Measure(AnswerAccuracy.name, (0.0, 1.0))

    async def score(state: TaskState, target: Target) -> Score | None:
        records, problems = read_sample(_sample(state, target))
        keyed = [record for record in records if record.modality == "text" and record.target is not None]
        return _score(measure, keyed, answer_scores(keyed, kind), state, problems)

    return score


@scorer(metrics=[dialogue_scores(), epoch_scores()])
def alignment(encoder: str | Encoder, variant: Variant = "clipscore", images: str | None = None) -> Scorer:
    """Does the image show what its turn's message asked for? See `TurnAlignment`; text turns have no score.

    Args:
        encoder: an encoder of images and texts, or its name for `imug_metrics.encoders.load_encoder`.
        variant: as in `TurnAlignment`, but `"refclipscore"`.
        images: the folder in which the model leaves its images; None: they are in its messages.
    """
    loaded = _encoder(encoder)
    if variant not in RANGES or variant == "refclipscore":
        known = ", ".join(name for name in RANGES if name != "refclipscore")
        raise ArgumentError("variant", f"expected one of {known}, got {variant!r}")
    given = TurnAlignment(variant, encoder=loaded)
    measure = Measure(TurnAlignment.name, RANGES[variant])

    async def score(state: TaskState, target: Target) -> Score | None:
        drawn, embeddings, _, problems = _drawn(state, target, loaded, images)
        if not drawn:
            return None
        texts = loaded.encode_texts([record.prompt for record in drawn])
        shown = [record.image is not None for record in drawn]
        values = functional.turn_alignment(
            embeddings if any(shown) else texts,  # which tell their width
            texts,
            valid=embeddings.new_tensor(shown).bool(),
            variant=variant,
            scale=given.scale,
            bias=given.bias,
            reduction="none",
        )
        return _score(measure, drawn, values.tolist(), state, problems)

    return score


@scorer(metrics=[dialogue_scores()])
def consistency(encoder: str | Encoder, mode: Mode = "pairwise", images: str | None = None) -> Scorer:
    """Is the image still of the same as the others of its dialogue? See `TurnConsistency`; text turns have no score.

    The score of a sample that is one turn is NaN: only the metric sees whole dialogues, of embeddings and small pixels
    that the scores hold. Beside it stand the copies (`CopyGuard`): who returns one image is the most consistent.

    Args:
        encoder: an encoder of images, or its name for `imug_metrics.encoders.load_encoder`.
        mode: `"pairwise"`, `"anchor"`, `"consecutive"` or `"vbench"`, as in `TurnConsistency`.
        images: the folder in which the model leaves its images; None: they are in its messages.
    """
    loaded = _encoder(encoder)
    if mode == "graph":
        raise ArgumentError("mode", "expected one of pairwise, anchor, consecutive, vbench, got 'graph'")
    TurnConsistency(mode)
    measure = Measure(TurnConsistency.name, None, mode)

    async def score(state: TaskState, target: Target) -> Score | None:
        drawn, embeddings, pixels, problems = _drawn(state, target, loaded, images)
        if not drawn:
            return None
        shown = [record.image is not None for record in drawn]
        values = functional.turn_consistency(
            embeddings,
            dialogue=[record.dialogue for record in drawn],
            turn=[record.turn for record in drawn],
            subject=[record.subject or "" for record in drawn],
            valid=embeddings.new_tensor(shown).bool(),
            mode=mode,
            reduction="none",
        )
        seen, small = (
            [text if there else None for text, there in zip(texts, shown)]
            for texts in (packed(embeddings), packed_pixels(pixels))
        )
        return _score(measure, drawn, values.tolist(), state, problems, images=seen, pixels=small)

    return score


def _encoder(encoder: str | Encoder) -> CachedEncoder:
    found = as_cached_encoder(encoder)
    if found is None:
        raise ArgumentError("encoder", "expected an encoder or its name, got None")
    return found


def _sample(state: TaskState, target: Target) -> dict[str, Any]:
    """A sample as a log will hold it."""
    return {
        "id": state.sample_id,
        "messages": [message.model_dump(exclude_none=True) for message in state.messages],
        "output": state.output.model_dump(exclude_none=True),
        "target": [*target],
        "choices": [choice.value for choice in state.choices],
        "metadata": state.metadata,
    }


def _drawn(
    state: TaskState, target: Target, encoder: CachedEncoder, images: str | None
) -> tuple[list[Record], Tensor, Tensor, list[str]]:
    """Image turns of a sample, those whose image cannot be read without it; embeddings; small pixels; what is wrong."""
    records, problems = read_sample(_sample(state, target), None if images is None else Path(images))
    drawn = [record for record in records if record.modality == "image"]
    embeddings, pixels, errors = encoder.encode_readable([record.image for record in drawn])
    assert pixels is not None  # they were asked for
    problems += [f"turn {record.turn}: {error}" for record, error in zip(drawn, errors) if error is not None]
    readable = [record if error is None else replace(record, image=None) for record, error in zip(drawn, errors)]
    return readable, embeddings, pixels, problems


def _score(
    measure: Measure,
    records: list[Record],
    values: list[float],
    state: TaskState,
    problems: list[str],
    **seen: list[str | None],
) -> Score | None:
    """The score of a sample: the mean over its turns by name, so that one that is NaN still comes to the metrics."""
    if not records:
        return None
    defined = [value for value in values if not math.isnan(value)]
    return Score(
        value={measure.name: sum(defined) / len(defined) if defined else math.nan},
        answer="\n".join(record.text for record in records if record.text is not None) or None,
        explanation="\n".join(problems) or None,
        metadata=score_metadata(measure, records, values, state.epoch, **seen),
    )


def _measured(
    scores: list[SampleScore], score_range: Sequence[float] | None
) -> list[tuple[Measure, list[Output], bool]]:
    """Outputs by measure, and whether a scorer of ours made them."""
    found: dict[str, tuple[Measure, list[Output], bool]] = {}
    epochs: Counter[tuple[str, str]] = Counter()
    for each in scores:
        sample = str(each.sample_id)
        own = outputs_of(each.score.metadata, sample)
        if own is not None:
            found.setdefault(own[0].name, (own[0], [], True))[1].extend(own[1])
            continue
        place = _place(each, sample)
        for name, value in _values(each, sample).items():
            epochs[name, sample] += 1
            output = Output(place.dialogue, place.turn, sample, value, epochs[name, sample])
            found.setdefault(name, (Measure(name, _ends(score_range)), [], False))[1].append(output)
    return [*found.values()]


def _place(score: SampleScore, sample: str) -> Record:
    """A record of the sample's dialogue and turn."""
    metadata = score.sample_metadata or {}
    check_place(metadata, f"the metadata of sample {sample}")
    return Record(metadata["dialogue"], metadata["turn"], "text", "")


def _values(score: SampleScore, sample: str) -> dict[str, float]:
    """The values of a score of another scorer, by name."""
    problems = Problems()
    values = score_values({"value": score.score.value}, "score", Place(Path(f"sample {sample}"), None, problems))
    if problems:
        raise ArgumentError("scores", str(problems[0]))
    return values


def _ends(score_range: Sequence[float] | None) -> Bounds | None:
    if score_range is None:
        return None
    low, high = score_range
    return float(low), float(high)
