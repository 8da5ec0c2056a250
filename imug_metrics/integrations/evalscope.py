# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""EvalScope: a mixin for adapters of dialogues, and the aggregation `imug` over what it scores.

A sample is a turn, whose metadata hold `dialogue` and `turn`, or a whole dialogue, whose metadata hold `dialogue` and
the keys of its turns as a list `target`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from math import isnan
from statistics import fmean
from typing import Any

from evalscope.api.evaluator import Target, TaskState
from evalscope.api.messages import ChatMessage, ChatMessageUser
from evalscope.api.metric import AggScore, SampleScore, Score
from evalscope.api.metric.scorer import Aggregator
from evalscope.api.registry import register_aggregation
from evalscope.constants import ScoreStatus
from evalscope.metrics.semantics.catalog import METRIC_DEFINITIONS
from evalscope.metrics.semantics.entry import MetricEntry

from imug_metrics.dialogues.record import GROUPS, Record
from imug_metrics.errors import ArgumentError
from imug_metrics.formats.inspect_sample import SCORED
from imug_metrics.functional.answers.answer_accuracy import Kind
from imug_metrics.integrations.record_scores import answer_scores, score_records
from imug_metrics.integrations.samples import dialogue_records, sample_record, turn_record
from imug_metrics.suite import Given
from imug_metrics.suite.answers import answered

_FROM_METADATA = frozenset(("dialogue", "subject", "groups", *GROUPS))
METRIC_DEFINITIONS.setdefault("answer_accuracy", MetricEntry(baseline="quality.accuracy.ratio"))  # reports lead with it


@register_aggregation("imug")
class ImugAggregator(Aggregator):
    """All scores of a subset, with intervals by dialogue; those that are not defined are left out.

    For other metrics, register a subclass under a name of its own, with what `ImugSuite` takes as `metrics`.

    Raises:
        ArgumentError: if a sample does not say its dialogue, was scored by an adapter without `DialogueMixin`, or is
            repeated: repeats of a dialogue are no dialogues more.
    """

    name = "imug"
    metrics: Given | None = None

    def __call__(self, scores: list[SampleScore]) -> list[AggScore]:
        """The scores, each with the number of samples."""
        if any(score.generation_index for score in scores):
            raise ArgumentError("repeats", "expected 1: repeats of a dialogue are no dialogues more")
        found = score_records([record for score in scores for record in _records(score)], self.metrics)
        return [
            AggScore(score=value, metric_name=name, num=len(scores), metadata={"unrounded": value})
            for name, value in found.items()
            if not isnan(value)
        ]


class DialogueMixin:
    """For an adapter: `class MyAdapter(DialogueMixin, DefaultDataAdapter)`, with the aggregation `imug`.

    It scores the answers of each sample, and sees to it that samples without a score count as absent.

    Attributes:
        kind: what the answers are, as `answer_accuracy` has it; where it is another one, the aggregation has to be one
            with metrics of that kind.
    """

    kind: Kind = "choice"

    def match_score(
        self, original_prediction: str, filtered_prediction: str, reference: str, task_state: TaskState
    ) -> Score:
        """Accuracy of the answers of a sample: the mean over its turns that have a key and an answer."""
        records = _state_records(task_state, self.kind)
        scored = [record for record in records if record.target is not None and answered(record)]
        scores = answer_scores(scored, self.kind)
        return Score(
            value={"accuracy": fmean(scores)} if scores else {},
            status=ScoreStatus.SUCCESS if scores else ScoreStatus.EXCLUDED,
            prediction=original_prediction,
            extracted_prediction=filtered_prediction,
            metadata={SCORED: [_turn(record, self.kind) for record in records]},
        )

    def aggregate_subset(self, subset: str, sample_scores: list[SampleScore]) -> list[AggScore]:
        """The scores of a subset, in which samples that failed are absent.

        Raises:
            ArgumentError: if there are several subsets: EvalScope would average their intervals and slopes.
        """
        datasets = self.test_dataset  # type: ignore[attr-defined]
        if len(datasets) != 1:
            told = f"expected one, got {', '.join(datasets.keys())}: EvalScope would average their intervals and slopes"
            raise ArgumentError("subset_list", f"{told}; write a group into the metadata instead, such as `class`")
        scored = {score.sample_id: score for score in sample_scores if SCORED in (score.score.metadata or {})}
        found = [scored.get(sample.id) or _absent(sample, self.kind) for sample in datasets[subset]]
        scores: list[AggScore] = super().aggregate_subset(subset, found)  # type: ignore[misc]
        return scores


def _state_records(state: TaskState, kind: Kind) -> list[Record]:
    """The records of a sample that the model has answered."""
    choices = [choice.value for choice in state.choices]
    return _sample_records(state.metadata, state.messages, state.target_reference, choices, state.sample_id, kind)


def _sample_records(
    metadata: dict[str, Any],
    messages: Sequence[ChatMessage],
    target: Target,
    choices: list[str],
    sample: Any,
    kind: Kind,
) -> list[Record]:
    """The records of a sample, of which words and numbers are compared as they stand and not with options."""
    where = f"sample {sample}"
    said = [message.model_dump(include={"role", "content"}) for message in messages]
    if metadata.get("turn") is None and "target" in metadata:
        return dialogue_records(metadata, said, where=where)
    options = choices if choices and kind == "choice" else None
    return [turn_record(metadata, said, target=_key(target, where), choices=options, where=where)]


def _key(target: Target, where: str) -> str | None:
    if len(target) > 1:
        raise ArgumentError(
            "target", f"expected one key in {where}, got {len(target)}: which of them counts is not said"
        )
    return target[0] if target else None


def _turn(record: Record, kind: Kind) -> dict[str, Any]:
    """What the metadata of a sample do not say of a turn."""
    options = dict(record.options) if isinstance(record.options, Mapping) else record.options
    known = {"turn": record.turn, "text": record.text, "target": record.target}
    return {**known, "options": options if kind == "choice" else None}


def _absent(sample: Any, kind: Kind) -> SampleScore:
    """The score of a sample without one: its turns are absent."""
    asked = [ChatMessageUser(content=sample.input)] if isinstance(sample.input, str) else sample.input
    given = sample.metadata, asked, Target(sample.target), sample.choices or [], sample.id
    turns = [_turn(replace(record, text=None), kind) for record in _sample_records(*given, kind)]
    score = Score(status=ScoreStatus.EXCLUDED, metadata={SCORED: turns})
    return SampleScore(score=score, sample_id=sample.id, sample_metadata=sample.metadata)


def _records(score: SampleScore) -> list[Record]:
    turns = (score.score.metadata or {}).get(SCORED)
    where = f"the metadata of sample {score.sample_id}"
    if turns is None:
        told = f"expected sample {score.sample_id} to be scored by imug_metrics.integrations.evalscope.DialogueMixin"
        raise ArgumentError("aggregation", f"{told}: let the adapter inherit it")
    known = {name: value for name, value in (score.sample_metadata or {}).items() if name in _FROM_METADATA}
    return [sample_record(known, where=where, modality="text", **{"text": None, **turn}) for turn in turns]
