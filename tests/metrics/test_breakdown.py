# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""A metric by group is the metric on the group's records."""

from __future__ import annotations

import copy
import pickle
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor
from torchmetrics import MetricCollection, MetricTracker
from torchmetrics.wrappers import MinMaxMetric, Running

from imug_metrics import AnswerAccuracy, Breakdown, DialogueMetric, StrategyComparison, TurnConsistency, TurnDecay
from tests.metrics.cases import Case, metric_cases, places, present, scores

CASES = {
    "breakdown": Case(
        lambda **k: Breakdown(TurnDecay(**k), groups=["0", "1"]),
        lambda dialogue, turn: {**scores(dialogue, turn), "group": turn % 2},
        rows="codes",
    )
}

pytestmark = pytest.mark.filterwarnings("ignore:The ``compute`` method")

GENERATOR = torch.Generator().manual_seed(3)
DIALOGUE = torch.arange(12).repeat_interleave(4)
TURN = torch.arange(1, 5).repeat(12)
SCORES = torch.rand(48, generator=GENERATOR)
IMAGES = torch.randn(48, 8, generator=GENERATOR)
ANSWERS = ["ABCD"[k % 4] for k in range(48)]
KEYS = ["ABCD"[(k // 3) % 4] for k in range(48)]
COLUMNS: list[tuple[Callable[..., DialogueMetric], dict[str, Any]]] = [
    (TurnDecay, {"scores": SCORES}),
    (TurnConsistency, {"images": IMAGES}),
    (AnswerAccuracy, {"preds": ANSWERS, "target": KEYS}),
]
GROUP = [("cook.ing", "physics", "other")[d % 3] for d in DIALOGUE.tolist()]


def _take(value: Any, rows: torch.Tensor) -> Any:
    return value[rows] if isinstance(value, torch.Tensor) else [value[row] for row in rows.tolist()]


@pytest.mark.parametrize(("make", "columns"), COLUMNS)
@pytest.mark.parametrize("detail", [False, True])
def test_each_group_is_the_metric_on_its_records(make: Any, columns: dict[str, Any], detail: bool) -> None:
    metric = Breakdown(make(detail=detail), groups=["cook.ing", "physics"])
    for half in (DIALOGUE < 5, DIALOGUE >= 5):
        rows = half.nonzero()[:, 0]
        some = {key: _take(value, rows) for key, value in columns.items()}
        metric.update(**some, dialogue=DIALOGUE[rows], turn=TURN[rows], group=_take(GROUP, rows))
    found = metric.compute()
    name = make().name
    for label, members in (
        ("", {"cook.ing", "physics", "other"}),
        ("[cook.ing]", {"cook.ing"}),
        ("[physics]", {"physics"}),
    ):
        rows = torch.tensor([row for row, group in enumerate(GROUP) if group in members])
        alone = make(detail=True)
        alone.update(
            **{key: _take(value, rows) for key, value in columns.items()}, dialogue=DIALOGUE[rows], turn=TURN[rows]
        )
        expected = alone.compute()
        for key in expected if detail else [name]:
            mine = found[f"{name}{label}{key.removeprefix(name)}"]
            torch.testing.assert_close(mine, expected[key], rtol=1e-12, atol=1e-12, equal_nan=True)
    assert len({key.split("]")[0] for key in found if "[" in key}) == 2


def test_forward_gives_the_batch_and_reset_forgets() -> None:
    metric = Breakdown(TurnDecay("pooled"), groups=[0, 1])
    first = metric(SCORES, dialogue=DIALOGUE, turn=TURN, group=DIALOGUE % 2)
    again = metric(SCORES, dialogue=DIALOGUE + 100, turn=TURN, group=DIALOGUE % 2)
    assert first == again
    assert metric.compute() == pytest.approx({key: value.item() for key, value in first.items()})
    metric.reset()
    assert all(value.isnan() for value in metric.compute().values())


def test_what_the_wrapped_metric_has_seen_is_forgotten_and_left_alone() -> None:
    seen = TurnDecay()
    seen.update(SCORES, dialogue=DIALOGUE, turn=TURN)
    before = seen.compute()
    metric = Breakdown(seen, groups=["a"])
    assert metric.compute()["turn_decay"].isnan()
    metric.update(-SCORES, dialogue=DIALOGUE, turn=TURN, group=["a"] * 48)
    assert seen.compute() == before


def test_a_collection_takes_it_beside_metrics_of_other_arguments_and_its_like() -> None:
    members = {"by": Breakdown(TurnDecay(), groups=["a"]), "plain": TurnDecay(), "seen": TurnConsistency()}
    collection = MetricCollection({**members, "too": Breakdown(TurnDecay(missing="zero"), groups=["a"])})
    for ids in (DIALOGUE, DIALOGUE + 100):
        collection.update(scores=SCORES, images=IMAGES, dialogue=ids, turn=TURN, group=["a"] * 48)
    found = collection.compute()
    assert found["plain"] == found["by_turn_decay[a]"] == found["too_turn_decay[a]"] == found["by_turn_decay"]


def test_refused_arguments() -> None:
    with pytest.raises(TypeError, match="`metric` to be a DialogueMetric, got Linear"):
        Breakdown(torch.nn.Linear(1, 1), groups=["a"])
    for groups in ([], ["a", "a"]):
        with pytest.raises(ValueError, match="`groups` to be names that differ"):
            Breakdown(TurnDecay(), groups=groups)
    metric = Breakdown(TurnDecay(), groups=["a"])
    with pytest.raises(ValueError, match=r"`group` to have one entry for each of `scores`, \[48\] .*, got \[2\]"):
        metric.update(SCORES, dialogue=DIALOGUE, turn=TURN, group=["a", "b"])
    with pytest.raises(ValueError, match="`links` to be None"):
        Breakdown(TurnConsistency("graph"), groups=["a"]).update(
            IMAGES, dialogue=DIALOGUE, turn=TURN, links=torch.tensor([[1, 0]]), group=["a"] * 48
        )
    with pytest.raises(ValueError, match="`turn` to be >= 1"):
        metric.update(SCORES, dialogue=DIALOGUE, turn=TURN - 1, group=["a"] * 48)
    assert metric.compute()["turn_decay"].isnan()


# Row numbers do not survive a division, and a metric that takes groups itself cannot be divided by them as well.
DIVIDED = {
    name: case for name, case in metric_cases().items() if not {"links", "group"} & case.columns(*places(2)).keys()
}


def broken_down(case: Case, groups: tuple[Any, ...] = (0, 1), **options: Any) -> Breakdown:
    return Breakdown(case.make(detail=True, **options), groups)


def feed(metric: Any, case: Case, dialogue: Tensor, turn: Tensor) -> Any:
    batch = case.columns(dialogue, turn)
    metric.update(**batch, dialogue=dialogue, turn=turn, valid=present(dialogue, turn), group=dialogue % 3)
    return metric


@pytest.fixture(params=DIVIDED)
def case(request: pytest.FixtureRequest) -> Case:
    return DIVIDED[request.param]


@pytest.fixture
def divided(case: Case) -> Breakdown:
    return feed(broken_down(case), case, *places())


def halves() -> list[tuple[Tensor, Tensor]]:
    dialogue, turn = places()
    return [(dialogue[dialogue % 2 == part], turn[dialogue % 2 == part]) for part in range(2)]


@pytest.mark.parametrize("by_name", [False, True])
def test_merging(case: Case, divided: Breakdown, by_name: bool) -> None:
    first, second = (feed(broken_down(case), case, *half) for half in halves())
    first.compute()
    first.merge_state(second.metric_state if by_name else second)
    case.assert_same(first.compute(), divided.compute(), 1e-9)
    assert first.update_count == 2


def test_a_checkpoint_brings_everything_back_without_a_warning(case: Case, divided: Breakdown) -> None:
    divided.persistent(True)
    model = torch.nn.ModuleDict({"metric": broken_down(case)})
    model["metric"].persistent(True)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model.load_state_dict(torch.nn.ModuleDict({"metric": divided}).state_dict())
        case.assert_same(model["metric"].compute(), divided.compute())


def test_copies_and_reset(case: Case, divided: Breakdown) -> None:
    for copied in (pickle.loads(pickle.dumps(divided)), divided.clone(), copy.deepcopy(divided)):
        case.assert_same(copied.compute(), divided.compute())
        copied.reset()
        assert not copied.update_called
        case.assert_same(feed(copied, case, *places()).compute(), divided.compute())
    assert divided.state_dict() == {}


def test_device_and_dtype(case: Case, divided: Breakdown, device: torch.device) -> None:
    expected = divided.compute()
    moved = divided.to(device).to(torch.bfloat16)
    assert {value.device.type for value in moved.compute().values()} == {device.type}
    case.assert_same({key: value.cpu() for key, value in moved.compute().items()}, expected)


def test_two_processes_that_see_the_same_count_it_twice(case: Case, divided: Breakdown) -> None:
    alone = copy.deepcopy(divided.metric_state)
    divided.sync(dist_sync_fn=lambda state, group: [state, state], distributed_available=lambda: True)
    for key, value in divided.metric_state.items():
        if key.endswith("packed"):
            torch.testing.assert_close(value, 2 * alone[key])
    divided.unsync()
    for key, value in divided.metric_state.items():
        torch.testing.assert_close(value, alone[key], rtol=0, atol=0)


def with_nan(state: dict[str, Any]) -> dict[str, Any]:
    return {**state, "parts.[1].packed": torch.full_like(state["parts.[1].packed"], torch.nan)}


def state_of(metric: Any, case: Case) -> dict[str, Any]:
    metric.persistent(True)
    return dict(feed(metric, case, *places(6, seed=2)).state_dict())


WRONG: dict[str, Callable[[Case], dict[str, Any]]] = {
    "groups in another order": lambda case: state_of(broken_down(case, (1, 2)), case),
    "more groups": lambda case: state_of(broken_down(case, (0, 1, 2)), case),
    "fewer groups": lambda case: state_of(broken_down(case, (0,)), case),
    "another metric": lambda case: state_of(broken_down(case, max_turns=5), case),
    "NaN in a part": lambda case: with_nan(state_of(broken_down(case), case)),
    "only the parts": lambda case: {k: v for k, v in state_of(broken_down(case), case).items() if "whole" not in k},
}


@pytest.mark.parametrize("wrong", WRONG)
def test_a_wrong_state_is_taken_over_by_no_part(case: Case, divided: Breakdown, wrong: str) -> None:
    divided.persistent(True)
    before, count = copy.deepcopy(divided.state_dict()), divided.update_count
    state = WRONG[wrong](case)
    for strict in (True, False):
        with pytest.raises(RuntimeError, match="Expected the state"):
            divided.load_state_dict(state, strict=strict)
    with pytest.raises(ValueError, match="Expected the state"):
        divided.merge_state(state)
    assert divided.update_count == count
    for key, value in divided.state_dict().items():
        torch.testing.assert_close(value, before[key], rtol=0, atol=0)


class Fussy(TurnDecay):
    """A metric that refuses a batch of less than three turns."""

    def update(self, scores: Tensor, *, dialogue: Tensor, turn: Tensor, valid: Tensor | None = None) -> None:
        if len(turn) < 3:
            raise ValueError("Expected three turns.")
        super().update(scores, dialogue=dialogue, turn=turn, valid=valid)


@pytest.mark.parametrize("method", ["update", "forward"])
def test_a_batch_that_one_group_refuses_is_taken_by_none(method: str) -> None:
    metric = Breakdown(Fussy(), ["a", "b"])
    metric.update(SCORES, dialogue=DIALOGUE, turn=TURN, group=["a", "b"] * 24)
    before = copy.deepcopy(metric.metric_state)
    where = {key: value.data_ptr() for key, value in metric.metric_state.items() if isinstance(value, Tensor)}
    with pytest.raises(ValueError, match="three turns"):
        getattr(metric, method)(SCORES, dialogue=DIALOGUE + 50, turn=TURN, group=["a"] * 46 + ["b"] * 2)
    assert {part.update_count for part in metric._metrics().values()} == {1}
    for key, value in metric.metric_state.items():
        torch.testing.assert_close(value, before[key], rtol=0, atol=0)
        assert isinstance(value, list) or value.data_ptr() == where[key]
    again = metric(SCORES, dialogue=DIALOGUE + 50, turn=TURN, group=["a", "b"] * 24)
    assert again == metric.compute()


def as_array(value: Any) -> Any:
    return np.asarray(value)


def as_lists(value: Any) -> Any:
    return value.tolist() if isinstance(value, Tensor) else value


def by_turns(convert: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Every second argument only is converted."""
    asked = iter(range(100))
    return lambda value: convert(value) if next(asked) % 2 else value


@pytest.mark.parametrize(
    "convert",
    [lambda: as_array, lambda: as_lists, lambda: by_turns(as_array), lambda: by_turns(as_lists)],
    ids=["arrays", "lists", "tensors and arrays", "tensors and lists"],
)
@pytest.mark.parametrize(
    "case", [DIVIDED[name] for name in ("decay-within", "self-bias", "paired-gain", "verification", "strategies")]
)
def test_arrays_and_lists_are_divided_as_tensors_are(case: Case, convert: Callable[[], Callable[[Any], Any]]) -> None:
    dialogue, turn = places()
    batch = {**case.columns(dialogue, turn), "dialogue": dialogue, "turn": turn, "group": dialogue % 3}
    expected, metric, change = broken_down(case), broken_down(case), convert()
    expected.update(**batch)
    metric.update(**{key: change(value) for key, value in batch.items()})
    case.assert_same(metric.compute(), expected.compute())


@pytest.mark.parametrize("dtype", [torch.uint8, torch.uint16, torch.int32])
def test_ids_of_any_integers_are_divided(dtype: torch.dtype) -> None:
    expected, metric = (Breakdown(TurnDecay(), ["a", "b"]) for _ in range(2))
    expected.update(SCORES, dialogue=DIALOGUE, turn=TURN, group=["a", "b"] * 24)
    metric.update(SCORES, dialogue=DIALOGUE.to(dtype), turn=TURN.to(dtype), group=["a", "b"] * 24)
    assert metric.compute() == expected.compute()


def test_columns_by_name_are_divided() -> None:
    metric = Breakdown(StrategyComparison(["plain", "cot"], costs=["tokens"], detail=True), groups=["a", "b"])
    scores = {"plain": SCORES, "cot": SCORES.flip(0)}
    costs = {"tokens": {name: [float(k) for k in range(48)] for name in scores}}
    metric.update(scores, costs, dialogue=DIALOGUE, turn=TURN, group=["a"] * 24 + ["b"] * 24)
    alone = StrategyComparison(["plain", "cot"], costs=["tokens"], detail=True)
    half = {name: column[24:] for name, column in scores.items()}
    alone.update(
        half, {"tokens": {name: costs["tokens"][name][24:] for name in half}}, dialogue=DIALOGUE[24:], turn=TURN[24:]
    )
    found = metric.compute()
    for key, value in alone.compute().items():
        mine = found[key.replace("strategy_comparison", "strategy_comparison[b]", 1)]
        torch.testing.assert_close(mine, value, rtol=1e-12, atol=1e-12, equal_nan=True)


@pytest.mark.parametrize(
    "group", [[True] * 48, [0.5] * 48, torch.rand(48), torch.rand(48) > 0.5, np.full(48, np.nan), [None] * 48]
)
def test_groups_that_are_neither_names_nor_integers_are_refused(group: Any) -> None:
    metric = Breakdown(TurnDecay(), groups=[0, 1])
    with pytest.raises(TypeError, match=r"`group` to hold names or integers, got .* at row 0"):
        metric.update(SCORES, dialogue=DIALOGUE, turn=TURN, group=group)
    assert not metric.update_called


def test_names_of_groups_may_be_anything() -> None:
    names = ["a.b", "a%2Eb", "keys", "", "training", "a"]
    metric = Breakdown(TurnDecay("pooled"), groups=names)
    metric.update(SCORES, dialogue=DIALOGUE, turn=TURN, group=[names[d % 6] for d in DIALOGUE.tolist()])
    assert len({float(metric.compute()[f"turn_decay[{name}]"]) for name in names}) == 6
    assert len(metric.metric_state) == 7 * 2


def test_wrappers_track_its_values_or_refuse() -> None:
    with pytest.raises(ValueError, match="full_state_update"):
        Running(Breakdown(TurnDecay(), groups=["a"]))
    with pytest.raises(RuntimeError, match="scalar"):
        MinMaxMetric(Breakdown(TurnDecay(), groups=["a"])).compute()
    tracker = MetricTracker(Breakdown(TurnDecay(), groups=["a"]), maximize=True)
    for sign in (1, -1):
        tracker.increment()
        tracker.update(sign * SCORES, dialogue=DIALOGUE, turn=TURN, group=["a"] * 48)
    values = tracker.compute_all()["turn_decay[a]"]
    assert values[0] == -values[1]
