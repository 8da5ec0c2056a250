# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Dialogues in pieces, or twice, are noticed by every metric; `check_repeats` refuses them by name."""

from __future__ import annotations

import copy
import pickle
import re
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor
from torchmetrics import MetricCollection
from torchmetrics.wrappers import Running

from benchmarks.dispatch_counts import count
from imug_metrics import (
    AnswerAccuracy,
    Breakdown,
    MetricAgreement,
    RolloutBuffer,
    SemanticQuality,
    TurnConsistency,
    TurnDecay,
)
from imug_metrics.errors import InputError, RepeatedDialoguesWarning
from imug_metrics.suite import ImugSuite
from tests.metrics.cases import Case, all_cases, metric_cases, places

CURES = ("even_batches=False", "sampler=range(rank,", "by_dialogue(", "RolloutBuffer", "reset()", "check_repeats")
SCORES = torch.tensor([[0.9, 0.7, 0.6], [1.0, 0.5, 0.8]])


def warned(compute: Callable[[], Any]) -> list[str]:
    """What is said of repeated dialogues."""
    with warnings.catch_warnings(record=True) as found:
        warnings.simplefilter("always")
        compute()
    return [str(one.message) for one in found if one.category is RepeatedDialoguesWarning]


@pytest.fixture(params=all_cases())
def case(request: pytest.FixtureRequest) -> Case:
    return all_cases()[request.param]


@pytest.mark.parametrize("detail", [True, False])
def test_every_metric_says_that_all_dialogues_came_twice(case: Case, detail: bool) -> None:
    metric = case.make(detail=detail)
    for _ in range(2):
        case.feed(metric, *places())
    [said] = warned(metric.compute)
    assert said.startswith("About 24 of 48 dialogues had been counted before.")
    assert warned(metric.compute) == []  # the result is the one that was computed


def test_every_metric_is_silent_where_dialogues_are_whole(case: Case) -> None:
    metric = case.make()
    dialogue, turn = places()
    for rows in (dialogue > 0, dialogue <= 0):
        case.feed(metric, dialogue[rows], turn[rows])
    assert warned(metric.compute) == []


def test_the_value_of_one_batch_is_not_asked(case: Case) -> None:
    metric = case.make()
    batch = {**case.columns(*places()), **dict(zip(("dialogue", "turn"), places()))}
    assert warned(lambda: metric(**batch)) == warned(lambda: metric(**batch)) == []
    assert len(warned(metric.compute)) == 1


@pytest.mark.parametrize("name", metric_cases())
def test_merged_states_are_one(name: str) -> None:
    case = metric_cases()[name]
    first, second = (case.feed(case.make(), *places()) for _ in range(2))
    assert warned(first.compute) == []
    first.merge_state(second)
    assert len(warned(first.compute)) == 1
    other = case.feed(case.make(), places()[0] + 5000, places()[1])
    other.merge_state(second.metric_state)
    assert warned(other.compute) == []
    assert other.repeated_dialogues.sightings == 48


@pytest.mark.parametrize("name", metric_cases())
def test_an_update_without_ids_counts_none(name: str) -> None:
    case = metric_cases()[name]
    if case.rows != "tensors":
        pytest.skip("its arguments are not padded with NaN")
    dialogue, turn = torch.arange(8).repeat_interleave(4), torch.arange(1, 5).repeat(8)
    lines = {
        key: value.view(8, 4, *value.shape[1:]) if isinstance(value, Tensor) and len(value) == 32 else value
        for key, value in case.columns(dialogue, turn).items()
    }
    metric = case.make()
    for _ in range(3):
        metric.update(**lines)
    assert warned(metric.compute) == []
    assert metric.repeated_dialogues == (0, 0.0, 1.0)


def test_instances_without_ids_are_not_counted() -> None:
    for metric, columns in (
        (SemanticQuality(), {"correctness": [0.5, 0.5], "quality": [0.5, 0.5]}),
        (MetricAgreement(), {"scores": [0.5, 0.1], "references": [0.3, 0.2]}),
    ):
        for _ in range(3):
            metric.update(**columns)
        assert warned(metric.compute) == []
        assert metric.repeated_dialogues == (0, 0.0, 1.0)


def _padding(metric: TurnDecay) -> None:
    """A batch is filled up with a line that holds nothing."""
    for ids in ([1, 2], [3, 2]):
        metric.update(SCORES, dialogue=ids, lengths=[3, 0 if ids[0] == 1 else 3])


def _by_subject(metric: TurnDecay) -> None:
    """Several subjects are one dialogue."""
    for start in (0, 2):
        ids = torch.tensor([start, start, start + 1, start + 1])
        metric.update(torch.rand(4), dialogue=ids, turn=[1, 1, 1, 2])


def _lines_of_one(metric: TurnDecay) -> None:
    """Two lines of a padded batch are one dialogue."""
    metric.update(SCORES, dialogue=[7, 7], turn=torch.tensor([[1, 2, 3], [4, 5, 6]]))
    metric.update(SCORES, dialogue=[8, 8], turn=torch.tensor([[1, 2, 3], [4, 5, 6]]))


def _epochs(metric: TurnDecay) -> None:
    for _ in range(3):
        metric.reset()
        metric.update(SCORES, dialogue=["a", "b"])


def _released(metric: TurnDecay) -> None:
    buffer = RolloutBuffer()
    for turn in (1, 2, 3):
        buffer.add(["a", "b"], turn, scores=SCORES[:, turn - 1])
    metric.update(**buffer.release(["b"]))
    metric.update(**buffer.release())


def _refused(metric: TurnDecay) -> None:
    """A batch that is refused was not seen."""
    with pytest.raises(ValueError, match="turn"):
        metric.update(SCORES[0], dialogue=["a"] * 3, turn=[0, 1, 2])
    metric.update(SCORES, dialogue=["a", "b"])


def _nothing(metric: TurnDecay) -> None:
    metric.update(SCORES[:0], dialogue=[])
    metric.update(SCORES[0, :0], dialogue=[], turn=[])
    metric.update(SCORES, dialogue=["a", "b"])


@pytest.mark.parametrize("options", [{}, {"validate": False}, {"check_repeats": True}], ids=str)
@pytest.mark.parametrize(
    ("feed", "dialogues"),
    [(_padding, 3), (_lines_of_one, 2), (_epochs, 2), (_released, 2), (_refused, 2), (_nothing, 2)],
)
def test_correct_uses_are_counted_right(feed: Callable[[Any], None], dialogues: int, options: dict[str, Any]) -> None:
    if options == {"validate": False} and feed in (_lines_of_one, _refused):
        pytest.skip("without validation lines are dialogues of their own, and nothing is refused")
    metric = TurnDecay(**options)
    feed(metric)
    assert warned(metric.compute) == []
    assert metric.repeated_dialogues.sightings == dialogues


@pytest.mark.parametrize("validate", [True, False])
def test_subjects_are_parts_of_one_dialogue(validate: bool) -> None:
    metric = TurnConsistency(validate=validate)
    for start in (0, 3):
        ids = torch.arange(start, start + 3).repeat_interleave(4)
        turn, subject = torch.tensor([1, 1, 2, 2]).repeat(3), torch.tensor([5, 6, 5, 6]).repeat(3)
        metric.update(torch.randn(12, 4), dialogue=ids, turn=turn, subject=subject)
    assert warned(metric.compute) == []
    assert metric.repeated_dialogues.sightings == 6


def _turn_by_turn(metric: TurnDecay) -> None:
    for turn in (1, 2, 3):
        metric.update(SCORES[:, turn - 1], dialogue=["a", "b"], turn=[turn] * 2)


def _sent_twice(metric: TurnDecay) -> None:
    metric.update(SCORES, dialogue=["a", "b"])
    metric.update(SCORES, dialogue=["a", "b"])


def _batch_ids(metric: TurnDecay) -> None:
    for _ in range(4):
        metric.update(torch.rand(8, 3), dialogue=torch.arange(8))


def _cut_batches(metric: TurnDecay) -> None:
    rows = torch.arange(10).repeat_interleave(3)
    for place in torch.arange(30).split(8):
        metric.update(torch.rand(len(place)), dialogue=rows[place], turn=place % 3 + 1)


def _two_lines_unchecked(metric: TurnDecay) -> None:
    metric.validate = False
    metric.update(SCORES, dialogue=["a", "a"])


def _no_reset(metric: TurnDecay) -> None:
    for _ in range(3):
        metric.update(SCORES, dialogue=[10, 11])


@pytest.mark.parametrize(
    ("feed", "repeated", "sightings"),
    [
        (_turn_by_turn, 4, 6),
        (_sent_twice, 2, 4),
        (_batch_ids, 24, 32),
        (_cut_batches, 2, 12),
        (_two_lines_unchecked, 1, 2),
        (_no_reset, 4, 6),
    ],
)
def test_mistakes_are_said_with_their_number_and_their_cure(
    feed: Callable[[Any], None], repeated: int, sightings: int
) -> None:
    metric = TurnDecay()
    feed(metric)
    [said] = warned(metric.compute)
    assert said.startswith(f"About {repeated} of {sightings} dialogues had been counted before.")
    for cure in (
        "even_batches=False",
        "sampler=range(rank,",
        "by_dialogue(",
        "RolloutBuffer",
        "reset()",
        "check_repeats",
    ):
        assert cure in said


def test_the_warning_points_at_the_caller() -> None:
    metric = TurnDecay()
    _sent_twice(metric)
    with pytest.warns(RepeatedDialoguesWarning) as found:
        metric.compute()
    assert found[0].filename == __file__


def test_a_loop_that_computes_every_step_is_told_once() -> None:
    metric, collection = TurnDecay(), MetricCollection({"a": TurnDecay(), "b": TurnDecay(missing="zero")})
    said: list[str] = []
    for _ in range(5):
        metric.update(SCORES, dialogue=[1, 2])
        said += warned(metric.compute)
    assert len(said) == 1
    assert metric.repeated_dialogues is not None
    assert metric.repeated_dialogues.sightings == 10
    metric.reset()
    _sent_twice(metric)
    assert len(warned(metric.compute)) == 1
    for _ in range(2):
        collection.update(SCORES, dialogue=["a", "b"])
    with pytest.warns(RepeatedDialoguesWarning) as found:
        collection.compute()
    assert {warning.filename for warning in found} == {__file__}


def test_a_warning_that_is_an_error_comes_again() -> None:
    metric = TurnDecay()
    _sent_twice(metric)
    state = metric.packed.clone()
    for _ in range(2):
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            with pytest.raises(RepeatedDialoguesWarning):
                metric.compute()
    assert metric.packed.equal(state)


def test_a_window_warns_of_what_is_in_it() -> None:
    running = Running(TurnDecay(), window=2)
    for ids in ([1, 2], [3, 4], [1, 2]):
        running.update(SCORES, dialogue=ids)
    assert warned(running.compute) == []
    running.update(SCORES, dialogue=[1, 2])
    assert len(warned(running.compute)) == 1


def test_a_breakdown_says_it_once_and_divides_dialogues_as_it_likes() -> None:
    metric = Breakdown(TurnDecay(), ["a", "b"])
    columns = {"scores": SCORES.flatten(), "dialogue": [1, 1, 1, 2, 2, 2], "turn": [1, 2, 3] * 2}
    metric.update(**columns, group=["a", "a", "b", "b", "b", "a"])
    assert warned(metric.compute) == []
    metric.update(**columns, group=["a", "a", "b", "b", "b", "a"])
    assert len(warned(metric.compute)) == 1


def test_collections_and_suites_say_it() -> None:
    pair = MetricCollection({"within": TurnDecay(), "pooled": TurnDecay("pooled")})
    suite = ImugSuite([TurnDecay(), TurnConsistency()])
    images = {"images": torch.randn(2, 3, 8)}
    for metric, columns in ((pair, {"scores": SCORES}), (suite, {"scores": SCORES, **images})):
        metric.update(**columns, dialogue=["a", "b"])
        assert warned(metric.compute) == []
        metric.update(**columns, dialogue=["a", "c"])
        found = warned(metric.compute)
        assert {said.partition(".")[0] for said in found} == {"About 1 of 4 dialogues had been counted before"}


def test_states_survive_checkpoints_copies_and_pickles() -> None:
    metric = TurnDecay(check_repeats=True)
    metric.persistent(True)
    metric.update(SCORES, dialogue=["a", "b"])
    restored = TurnDecay(check_repeats=True)
    restored.persistent(True)
    restored.load_state_dict(metric.state_dict())
    for other in (restored, copy.deepcopy(metric), pickle.loads(pickle.dumps(metric)), metric.clone()):
        with pytest.raises(InputError, match="'a' again"):
            other.update(SCORES, dialogue=["c", "a"])
        other.update(SCORES, dialogue=["c", "d"])
        assert warned(other.compute) == []
        assert other.repeated_dialogues.sightings == 4


def test_the_sum_carries_a_gradient_as_before() -> None:
    scores = torch.rand(2, 3, requires_grad=True)

    class Differentiable(TurnDecay):
        is_differentiable = True

    metric = Differentiable()
    metric.update(SCORES, dialogue=["a", "b"])
    value = metric(scores, dialogue=["c", "d"])
    value.backward()
    assert scores.grad is not None
    assert scores.grad.abs().sum() > 0
    assert not metric.packed.requires_grad
    _ = metric.compute()
    assert metric.repeated_dialogues.sightings == 4


REFUSED: dict[str, tuple[dict[str, Any], dict[str, Any], str, Any]] = {
    "the same turn, a name": (
        {"scores": [0.5, 0.4], "dialogue": ["a", "a"], "turn": [1, 2]},
        {"scores": [0.5, 0.4], "dialogue": ["b", "a"], "turn": [1, 2]},
        "turn 2 of 'a' again: another update holds its turns 1 to 2",
        1,
    ),
    "a later turn": (
        {"scores": [0.5, 0.4], "dialogue": ["a", "a"], "turn": [1, 2]},
        {"scores": [0.5, 0.4], "dialogue": ["a", "b"], "turn": [3, 1]},
        "turn 3 of 'a' apart from its others: another update holds its turns 1 to 2",
        0,
    ),
    "an earlier turn": (
        {"scores": [0.5], "dialogue": ["a"], "turn": [7]},
        {"scores": [0.5], "dialogue": ["a"], "turn": [2]},
        "turn 2 of 'a' apart from its others: another update holds its turn 7",
        0,
    ),
    "between its turns": (
        {"scores": [0.5, 0.4], "dialogue": [5, 5], "turn": [1, 3]},
        {"scores": [0.5], "dialogue": [5], "turn": [2]},
        "turn 2 of 5 apart from its others: another update holds its turns 1 to 3",
        0,
    ),
    "Chinese": (
        {"scores": [[0.5]], "dialogue": ["对话一"]},
        {"scores": [[0.5], [0.1]], "dialogue": ["对话二", "对话一"]},
        "turn 1 of '对话一' again",
        [1, 0],
    ),
    "Arabic": (
        {"scores": [[0.5]], "dialogue": ["حوار/1"]},
        {"scores": [[0.5, 0.1]], "dialogue": ["حوار/1"]},
        "turn 1 of 'حوار/1' again",
        [0, 0],
    ),
    "an id for every cell": (
        {"scores": [[0.5, 0.1]], "dialogue": [["x", "x"]]},
        {"scores": [[0.5, 0.1], [0.2, 0.3]], "dialogue": [["y", "y"], ["x", "x"]]},
        "turn 1 of 'x' again",
        [1, 0],
    ),
    "rows in no order": (
        {"scores": torch.rand(3), "dialogue": torch.tensor([9, 4, 9]), "turn": torch.tensor([2, 1, 1])},
        {"scores": torch.rand(3), "dialogue": torch.tensor([9, 1, 9]), "turn": torch.tensor([4, 1, 3])},
        "turn 3 of 9 apart from its others: another update holds its turns 1 to 2",
        2,
    ),
    "arrays": (
        {"scores": np.array([0.5]), "dialogue": np.array([-1]), "turn": np.array([1])},
        {"scores": np.array([0.5]), "dialogue": np.array([-1]), "turn": np.array([1])},
        "turn 1 of -1 again: another update holds its turn 1",
        0,
    ),
    "the largest integer": (
        {"scores": [[0.5]], "dialogue": [2**63 - 1]},
        {"scores": [[0.5]], "dialogue": [2**63 - 1]},
        f"turn 1 of {2**63 - 1} again",
        [0, 0],
    ),
    "the smallest": (
        {"scores": [[0.5]], "dialogue": torch.tensor([-(2**63)])},
        {"scores": [[0.5]], "dialogue": torch.tensor([-(2**63)])},
        f"turn 1 of {-(2**63)} again",
        [0, 0],
    ),
    "a padded line with turns of its own": (
        {"scores": [[0.5, 0.4, 0.0]], "dialogue": ["é"], "turn": torch.tensor([[1, 2, 0]])},
        {"scores": [[0.5, 0.4, 0.0]], "dialogue": ["é"], "turn": torch.tensor([[3, 4, 0]])},
        "turn 3 of 'é' apart from its others: another update holds its turns 1 to 2",
        [0, 0],
    ),
}


@pytest.mark.parametrize("name", REFUSED)
@pytest.mark.parametrize("method", ["update", "forward"])
@pytest.mark.parametrize("validate", [True, False])
def test_a_dialogue_that_comes_back_is_refused_by_name(name: str, method: str, validate: bool) -> None:
    first, second, said, row = REFUSED[name]
    metric = TurnDecay(check_repeats=True, validate=validate)
    getattr(metric, method)(**first)
    before, called = copy.deepcopy(metric.metric_state), metric.update_count
    for again in ("update", "forward"):
        with pytest.raises(InputError, match=re.escape(said)) as found:
            getattr(metric, again)(**second)
        assert (found.value.argument, found.value.row) == ("dialogue", row)
    assert metric.update_count == called
    for key, value in before.items():
        torch.testing.assert_close(metric.metric_state[key], value, rtol=0, atol=0)


@pytest.mark.parametrize("name", metric_cases())
def test_every_metric_refuses_dialogues_that_come_back(name: str) -> None:
    case = metric_cases()[name]
    metric = case.feed(case.make(check_repeats=True), *places())
    with pytest.raises(InputError, match=r"Expected argument `dialogue` to hold each dialogue whole and once"):
        case.feed(metric, *places())
    assert metric.update_count == 1
    case.feed(metric, places()[0] + 5000, places()[1])
    assert warned(metric.compute) == []


def test_what_another_metric_refuses_was_not_seen() -> None:
    metric = Breakdown(TurnDecay(check_repeats=True), ["a", "b"])
    with pytest.raises(ValueError, match="group"):
        metric.update([0.5], dialogue=["x"], turn=[1], group=[None])
    metric.update([0.5], dialogue=["x"], turn=[1], group=["a"])
    before = copy.deepcopy(metric.metric_state)
    with pytest.raises(InputError, match="turn 2 of 'x' apart"):
        metric.update([0.5], dialogue=["x"], turn=[2], group=["b"])
    torch.testing.assert_close(metric.metric_state, before, rtol=0, atol=0)
    suite = ImugSuite({"one": TurnDecay(), "two": TurnDecay(check_repeats=True)})
    suite.update(scores=SCORES, dialogue=["a", "b"])
    for _ in range(2):
        with pytest.raises(InputError, match="'a' again"):
            suite.update(scores=SCORES, dialogue=["c", "a"])
    suite.update(scores=SCORES, dialogue=["c", "d"])
    assert warned(suite.compute) == []


def test_merged_states_are_refused_when_they_are_computed() -> None:
    first, second = TurnDecay(check_repeats=True), TurnDecay(check_repeats=True)
    first.update(SCORES, dialogue=["a", "b"])
    second.update(SCORES[:, :2], dialogue=["c", "b"], turn=torch.tensor([[1, 2], [4, 5]]))
    first.merge_state(second)
    for _ in range(2):
        with pytest.raises(InputError, match=r"turn [14] of 'b' apart from its others: another update holds its turns"):
            first.compute()
    third = TurnDecay(check_repeats=True)
    third.update(SCORES, dialogue=["e", "f"])
    third.merge_state(second)
    assert warned(third.compute) == []
    with pytest.raises(InputError, match="turn 1 of 'c' again"):
        third.update(SCORES, dialogue=["c", "g"])


def test_the_memory_of_the_exact_check_is_sixteen_bytes_a_record() -> None:
    metric = TurnDecay(check_repeats=True)
    for start in range(0, 100, 10):
        metric.update(torch.rand(10, 3), dialogue=torch.arange(start, start + 10))
    assert sum(rows.numel() * rows.element_size() for rows in metric.seen) == 16 * 300
    metric.reset()
    assert metric.seen == []
    metric.update(torch.rand(10, 3), dialogue=torch.arange(10))


@pytest.mark.parametrize("form", ["padded", "flat", "subjects"])
@pytest.mark.parametrize("validate", [True, False])
@pytest.mark.parametrize("detail", [True, False])
def test_ids_cost_few_operations_and_no_wait(form: str, validate: bool, detail: bool) -> None:
    dialogue, turn = torch.arange(8).repeat_interleave(4), torch.arange(1, 5).repeat(8)
    batch: dict[str, Any] = {"images": torch.randn(8, 4, 16)}
    if form != "padded":
        batch = {"images": torch.randn(32, 16), "turn": turn}
    if form == "subjects":
        batch |= {"subject": dialogue % 2}
    ids = torch.arange(8) if form == "padded" else dialogue
    metric = TurnConsistency(validate=validate, detail=detail)
    metric.update(**batch, dialogue=ids)
    found = count(lambda: metric.update(**batch, dialogue=ids))
    monkey = count(lambda: _uncounted(metric, batch, ids))
    assert found.operations - monkey.operations <= 15
    assert (found.waits, found.index_adds) == (monkey.waits, 0)


def _uncounted(metric: Any, batch: dict[str, Any], ids: Tensor) -> None:
    """The same update, whose dialogues nobody counts."""
    metric._take_note = lambda *_: None
    try:
        metric.update(**batch, dialogue=ids)
    finally:
        del metric._take_note


def test_a_metric_of_answers_says_it_too() -> None:
    metric = AnswerAccuracy()
    for reply in ("A", "B"):
        metric.update([[reply]], [["A"]], dialogue=["cooking/7"])
    assert len(warned(metric.compute)) == 1
