# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""EvalScope: what the mixin scores, what the aggregation makes of it, and what both refuse."""

from __future__ import annotations

import json
from typing import Any

import pytest

from imug_metrics import read_records
from imug_metrics.errors import ArgumentError
from tests.integrations.recorded import expected, rows

pytest.importorskip("evalscope")
from evalscope.api.benchmark import DefaultDataAdapter
from evalscope.api.dataset import DatasetDict, MemoryDataset, Sample
from evalscope.api.evaluator import TaskState
from evalscope.api.messages import ChatMessageAssistant, ChatMessageUser
from evalscope.api.metric import AggScore, SampleScore, Score
from evalscope.api.model import ModelOutput
from evalscope.api.registry import get_aggregation

from imug_metrics.integrations.evalscope import DialogueMixin, ImugAggregator


class Adapter(DialogueMixin, DefaultDataAdapter):
    """An adapter that holds samples and needs no registered benchmark."""

    aggregation = "imug"
    repeats = 1

    def __init__(self, *samples: Sample, subsets: tuple[str, ...] = ("default",)) -> None:
        for number, sample in enumerate(samples):
            sample.id = sample.group_id = number
        self.test_dataset = DatasetDict({subset: MemoryDataset([*samples]) for subset in subsets})

    def scored(self, sample: Sample, *replies: str) -> SampleScore:
        """The score of a sample whose questions were answered one after the other."""
        asked = sample.metadata.get("questions", [sample.input])
        said = zip(asked, replies)
        messages = [part for q, a in said for part in (ChatMessageUser(content=q), ChatMessageAssistant(content=a))]
        output = ModelOutput.from_content("m", replies[-1])
        state = TaskState(model="m", sample=sample, messages=messages, output=output, completed=True)
        score = self.match_score(replies[-1], replies[-1], state.target, state)
        return SampleScore(score=score, sample_id=sample.id, generation_index=0, sample_metadata=sample.metadata)

    def scores(self, *found: SampleScore) -> dict[str, float]:
        return {score.metric_name: score.score for score in self.aggregate_subset("default", [*found])}


def turn(**more: Any) -> Sample:
    metadata = {"dialogue": "d", "turn": 1, **more.pop("metadata", {})}
    return Sample(**{"input": "Which? A. red B. blue", "target": "B", **more}, metadata=metadata)


def dialogue(*keys: str | None) -> Sample:
    questions = [f"Turn {n}?" for n in range(len(keys))]
    return Sample(input=questions[0], metadata={"dialogue": "d", "target": [*keys], "questions": questions})


def test_turns_give_the_scores_of_the_library() -> None:
    given = rows()
    samples = [
        Sample(
            input=row["question"],
            target=row["answer"],
            metadata={"dialogue": row["dialogue"], "turn": row["turn"]},
        )
        for row in given
    ]
    adapter = Adapter(*samples)
    found = adapter.scores(*(adapter.scored(sample, row["reply"]) for sample, row in zip(samples, given)))
    wanted = {name: value for name, value in expected().items() if value == value}  # the rest is not defined
    assert found == pytest.approx(wanted, abs=1e-14, rel=0)


@pytest.mark.parametrize(("reply", "score"), [("(B)", 1.0), ("It is blue.", 1.0), ("A", 0.0), ("Hm.", 0.0)])
def test_a_turn_is_scored_by_the_options_of_its_question(reply, score) -> None:
    assert Adapter().scored(turn(), reply).score.value == {"accuracy": score}


def test_an_answer_that_reports_a_failure_has_no_score_and_lowers_the_coverage() -> None:
    samples = [turn(), turn(metadata={"turn": 2})]
    adapter = Adapter(*samples)
    scored = [adapter.scored(samples[0], "B"), adapter.scored(samples[1], "ERROR: 500")]
    assert scored[1].score.value == {}
    found = adapter.scores(*scored)
    assert (found["answer_accuracy"], found["answer_accuracy_coverage"]) == (1.0, 0.5)


def test_choices_of_a_sample_are_its_options() -> None:
    sample = turn(input="Which?", choices=["cup", "pan"])
    assert Adapter().scored(sample, "The pan.").score.value == {"accuracy": 1.0}


def test_a_dialogue_scores_the_mean_of_its_turns_that_have_a_key() -> None:
    score = Adapter().scored(dialogue("A", None, "B"), "A", "Gladly.", "C").score
    assert score.value == {"accuracy": 0.5}
    assert [(each["turn"], each["text"], each["target"]) for each in score.metadata["imug_metrics"]] == [
        (1, "A", "A"),
        (2, "Gladly.", None),
        (3, "C", "B"),
    ]


def test_samples_without_a_score_are_absent_and_lower_the_coverage() -> None:
    samples = [dialogue("A", "B"), turn(metadata={"dialogue": "e"}), turn(metadata={"dialogue": "f"})]
    adapter = Adapter(*samples)
    failed = SampleScore(score=Score(value={}), sample_id=2, sample_metadata=samples[2].metadata)
    found = adapter.scores(adapter.scored(samples[0], "A", "A"), failed)
    assert (found["answer_accuracy"], found["answer_accuracy_coverage"]) == (0.5, 0.5)


def test_a_sample_without_a_score_is_absent_where_its_key_is_the_text_of_an_option() -> None:
    samples = [turn(), turn(target="blue", metadata={"turn": 2}), turn(target="pan", metadata={"turn": 3})]
    samples[2].input, samples[2].choices = [ChatMessageUser(content="Which?")], ["cup", "pan"]
    adapter = Adapter(*samples)
    assert adapter.scores(adapter.scored(samples[0], "B"))["answer_accuracy_coverage"] == pytest.approx(1 / 3)


@pytest.mark.parametrize("choices", [None, ["red", "blue"]])
def test_words_are_compared_as_they_stand_in_a_run_as_in_its_log(tmp_path, choices) -> None:
    adapter = Adapter(sample := turn(target="blue", choices=choices))
    adapter.kind = "exact"
    score = adapter.scored(sample, "blue")
    assert score.score.value == {"accuracy": 1.0}
    said = [{"role": "user", "content": sample.input}, {"role": "assistant", "content": "blue"}]
    row = {"index": 0, "target": ["blue"], "messages": said, "sample_score": score.model_dump(mode="json")}
    log = tmp_path / "rooms.jsonl"
    log.write_text(json.dumps(row), encoding="utf-8")
    [[record]] = read_records(log).values()
    assert (record.text, record.target) == ("blue", "blue")


def test_a_sample_without_a_key_has_no_score_and_is_not_expected_to() -> None:
    samples = [turn(), turn(target="", metadata={"turn": 2})]
    adapter = Adapter(*samples)
    scored = [adapter.scored(sample, "B") for sample in samples]
    assert scored[1].score.value == {}
    assert adapter.scores(*scored)["answer_accuracy_coverage"] == 1.0


def test_what_is_not_defined_is_left_out() -> None:
    adapter = Adapter(sample := turn())
    assert {"answer_accuracy", "answer_accuracy_slope", "answer_accuracy_turn_2"} & adapter.scores(
        adapter.scored(sample, "B")
    ).keys() == {"answer_accuracy"}


def test_the_aggregation_is_found_by_its_name_and_keeps_all_digits() -> None:
    assert get_aggregation("imug") is ImugAggregator
    adapter = Adapter(sample := dialogue("A", "A", "A"))
    first = adapter.aggregate_subset("default", [adapter.scored(sample, "A", "A", "B")])[0]
    assert isinstance(first, AggScore)
    assert first.metadata == {"unrounded": pytest.approx(2 / 3)}


@pytest.mark.parametrize(
    ("sample", "message"),
    [
        (
            Sample(input="Which?", target="B", metadata={"dialogue": "d"}),
            "`turn`: expected in the metadata",
        ),
        (Sample(input="Which?", target="B", metadata={"turn": 1}), "`dialogue`: expected in the metadata"),
        (turn(target=["A", "B"]), "`target`: expected one key in sample 0, got 2"),
    ],
)
def test_samples_that_cannot_be_scored_are_refused(sample, message) -> None:
    with pytest.raises(ArgumentError, match=message):
        Adapter(sample).scored(sample, "B")


def test_several_subsets_are_refused_for_their_intervals_would_be_averaged() -> None:
    adapter = Adapter(turn(), subsets=("one", "two"))
    with pytest.raises(ArgumentError, match="`subset_list`: expected one, got one, two"):
        adapter.aggregate_subset("one", [])


def test_repeats_are_refused() -> None:
    adapter = Adapter(sample := turn())
    again = adapter.scored(sample, "B").model_copy(update={"generation_index": 1})
    with pytest.raises(ArgumentError, match="`repeats`: expected 1"):
        ImugAggregator()([again])


def test_scores_of_another_adapter_are_refused_with_the_cure() -> None:
    foreign = SampleScore(score=Score(value={"acc": 1.0}), sample_id=3, sample_metadata={"dialogue": "d", "turn": 1})
    with pytest.raises(
        ArgumentError, match=r"expected sample 3 to be scored by .*DialogueMixin: let the adapter inherit"
    ):
        ImugAggregator()([foreign])
