# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Checkpoints and merging: a state comes back as it was, and no other one is ever taken over."""

from __future__ import annotations

import copy
import warnings
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor
from torchmetrics import Metric

from imug_metrics import DialogueMetric
from imug_metrics.metrics.state import all_or_none
from tests.metrics.cases import Case, metric_cases, places

CASES = metric_cases()
State = dict[str, Any]


@pytest.fixture(params=CASES)
def case(request: pytest.FixtureRequest) -> Case:
    return CASES[request.param]


def persistent(case: Case, **options: Any) -> DialogueMetric:
    metric = case.make(detail=True, **options)
    metric.persistent(True)
    return metric


def state_of(case: Case, **options: Any) -> State:
    return dict(case.feed(persistent(case, **options), *places()).state_dict())


def _with(change: Callable[[Tensor], Tensor], key: str = "packed") -> Callable[[State], State]:
    return lambda state: {**state, key: change(state[key])}


def rows_of(case: Case) -> list[str]:
    """The states of a case that are lists."""
    return [key for key, default in case.make(detail=True)._defaults.items() if isinstance(default, list)]


WRONG: dict[str, Callable[[State], State]] = {
    "another shape": _with(lambda moments: moments[1:]),
    "another dtype": _with(lambda moments: moments.float()),
    "NaN": _with(lambda moments: torch.full_like(moments, torch.nan)),
    "infinite": _with(lambda moments: moments.index_fill(0, torch.tensor([0]), torch.inf)),
    "no tensor": _with(lambda moments: moments.tolist()),
    "another configuration": _with(lambda config: config + 1, "config"),
    "configuration of another kind": _with(lambda config: config.long(), "config"),
    "a part is missing": lambda state: {key: value for key, value in state.items() if key != "packed"},
    "a part too many": lambda state: {**state, "another": torch.zeros(1)},
    "configuration is missing": lambda state: {key: value for key, value in state.items() if key != "config"},
}


def test_a_checkpoint_brings_everything_back_without_a_warning(case: Case) -> None:
    model = torch.nn.ModuleDict({"metric": persistent(case)})
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model.load_state_dict({f"metric.{key}": value for key, value in state_of(case).items()})
        case.assert_same(model["metric"].compute(), case.whole(detail=True))
        case.feed(model["metric"], *places(4, seed=3))
    expected = case.feed(case.feed(case.make(detail=True), *places()), *places(4, seed=3))
    case.assert_same(model["metric"].compute(), expected.compute())


def test_a_restored_state_is_its_own(case: Case) -> None:
    state = state_of(case)
    before = copy.deepcopy(state)
    metric = persistent(case)
    metric.load_state_dict(state)
    case.feed(metric, *places(4, seed=3))
    metric.reset()
    for key, value in before.items():
        torch.testing.assert_close(state[key], value, rtol=0, atol=0)


@pytest.mark.parametrize("wrong", [wrong for wrong in WRONG if wrong != "a part too many"])
@pytest.mark.parametrize("strict", [True, False])
def test_a_wrong_checkpoint_is_refused_before_anything_changes(case: Case, wrong: str, strict: bool) -> None:
    metric = case.feed(persistent(case), *places(4, seed=3))
    _refuse(metric, lambda: metric.load_state_dict(WRONG[wrong](state_of(case)), strict=strict), RuntimeError)


@pytest.mark.parametrize("wrong", WRONG)
def test_a_wrong_state_is_not_merged(case: Case, wrong: str) -> None:
    metric = case.feed(persistent(case), *places(4, seed=3))
    _refuse(metric, lambda: metric.merge_state(WRONG[wrong](state_of(case))), ValueError)


def test_a_state_of_other_options_is_refused(case: Case) -> None:
    metric = case.feed(persistent(case), *places(4, seed=3))
    other = state_of(case, max_turns=4)
    _refuse(metric, lambda: metric.load_state_dict(other, strict=False), RuntimeError)
    _refuse(metric, lambda: metric.merge_state(other), ValueError)


def test_a_state_by_name_is_merged_like_a_metric(case: Case) -> None:
    metric = case.feed(case.make(detail=True), *places(4, seed=3))
    metric.merge_state(state_of(case))
    expected = case.feed(case.feed(case.make(detail=True), *places()), *places(4, seed=3))
    case.assert_same(metric.compute(), expected.compute())


def test_a_key_that_is_no_state_is_reported(case: Case) -> None:
    metric = persistent(case)
    with pytest.raises(RuntimeError, match="Unexpected key"):
        metric.load_state_dict({**state_of(case), "another": torch.zeros(1)})


def test_a_checkpoint_without_the_state_is_reported_and_changes_nothing(case: Case) -> None:
    metric = case.feed(persistent(case), *places())
    with pytest.raises(RuntimeError, match="Missing key"):
        metric.load_state_dict({})
    metric.load_state_dict({}, strict=False)
    case.assert_same(metric.compute(), case.whole(detail=True))


@pytest.mark.parametrize("rows", [torch.full((10,), torch.nan), torch.zeros(10).long(), torch.zeros(2, 5), [1.0]])
@pytest.mark.parametrize("case", [pytest.param(case, id=name) for name, case in CASES.items() if rows_of(case)])
def test_wrong_rows_are_refused(case: Case, rows: Any) -> None:
    metric = case.feed(persistent(case), *places(4, seed=3))
    state = {**state_of(case), rows_of(case)[0]: [rows]}
    _refuse(metric, lambda: metric.load_state_dict(state), RuntimeError)
    _refuse(metric, lambda: metric.merge_state(state), ValueError)


@pytest.mark.parametrize("case", [pytest.param(case, id=name) for name, case in CASES.items() if rows_of(case)])
def test_rows_in_one_tensor_are_taken_over_and_added_to(case: Case) -> None:
    state = state_of(case)
    state |= {key: torch.cat(state[key]) for key in rows_of(case)}
    restored, merged = persistent(case), persistent(case)
    restored.load_state_dict(state)
    merged.merge_state(state)
    expected = case.feed(case.feed(persistent(case), *places()), *places(4, seed=3)).compute()
    for metric in (restored, merged):
        case.assert_same(case.feed(metric, *places(4, seed=3)).compute(), expected)


def test_rows_that_end_within_a_record_are_refused() -> None:
    case = CASES["agreement"]
    metric = case.feed(persistent(case), *places(4, seed=3))
    _refuse(metric, lambda: metric.merge_state({**state_of(case), "rows": torch.zeros(7)}), ValueError)


def _refuse(metric: DialogueMetric, call: Callable[[], Any], error: type[Exception]) -> None:
    before, count, value = copy.deepcopy(metric.metric_state), metric.update_count, metric.compute()
    with pytest.raises(error, match=type(metric).__name__):
        call()
    assert metric.update_count == count
    for key, state in before.items():
        torch.testing.assert_close(metric.metric_state[key], state, rtol=0, atol=0)
    for key, number in metric.compute().items():
        torch.testing.assert_close(number, value[key], rtol=0, atol=0, equal_nan=True)


class Keeps(Metric):
    """A metric of somebody else's, whose update does with its state what it likes."""

    full_state_update = False

    def __init__(self, change: Callable[[Metric, Tensor], None]) -> None:
        super().__init__()
        self.change = change
        self.add_state("last", torch.zeros(2, dtype=torch.float64), dist_reduce_fx="sum")

    def update(self, values: Tensor) -> None:
        self.change(self, values)

    def compute(self) -> Any:
        return self.last


def _takes(metric: Metric, values: Tensor) -> None:
    metric.last = values


def _expands(metric: Metric, values: Tensor) -> None:
    metric.last = values[:1].expand(2)


def _rounds(metric: Metric, values: Tensor) -> None:
    metric.last = (metric.last + values).float()


def _adds(metric: Metric, values: Tensor) -> None:
    metric.last += values


@pytest.mark.parametrize("change", [_takes, _expands, _rounds, _adds])
def test_what_a_refused_batch_did_is_undone_and_nothing_else(change: Callable[[Metric, Tensor], None]) -> None:
    values, metric, other = torch.tensor([1 / 3, 2 / 3], dtype=torch.float64), Keeps(change), Keeps(_adds)
    metric.last = values / 7
    where, before = metric.last.data_ptr(), metric.last.clone()

    def refuse() -> None:
        with all_or_none([metric, other]):
            metric.update(values)
            other.update(values)
            raise RuntimeError("refused")

    with pytest.raises(RuntimeError, match="refused"):
        refuse()
    assert values.tolist() == [1 / 3, 2 / 3]
    assert metric.last.dtype == torch.float64
    assert torch.equal(metric.last, before)
    assert not other.last.any()
    assert (metric.update_count, other.update_count) == (0, 0)
    assert change is not _adds or metric.last.data_ptr() == where
