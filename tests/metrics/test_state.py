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

from imug_metrics import DialogueMetric
from tests.metrics.cases import all_cases
from tests.metrics.test_invariances import assert_same, feed, places, whole

CASES = all_cases()
State = dict[str, Any]


@pytest.fixture(params=CASES, name="case_name")
def _case_name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def persistent(name: str, **options: Any) -> DialogueMetric:
    metric = CASES[name].make(detail=True, **options)
    metric.persistent(True)
    return metric


def state_of(name: str, **options: Any) -> State:
    return dict(feed(persistent(name, **options), name, *places()).state_dict())


def _with(change: Callable[[Tensor], Tensor], key: str = "moments") -> Callable[[State], State]:
    return lambda state: {**state, key: change(state[key])}


def rows_of(name: str) -> list[str]:
    """The states of a case that are lists."""
    return [key for key, default in CASES[name].make(detail=True)._defaults.items() if isinstance(default, list)]


WRONG: dict[str, Callable[[State], State]] = {
    "another shape": _with(lambda moments: moments[1:]),
    "another dtype": _with(lambda moments: moments.float()),
    "NaN": _with(lambda moments: torch.full_like(moments, torch.nan)),
    "infinite": _with(lambda moments: moments.index_fill(0, torch.tensor([0]), torch.inf)),
    "no tensor": _with(lambda moments: moments.tolist()),
    "another configuration": _with(lambda config: config + 1, "config"),
    "configuration of another kind": _with(lambda config: config.long(), "config"),
    "a part is missing": lambda state: {key: value for key, value in state.items() if key != "moments"},
    "a part too many": lambda state: {**state, "another": torch.zeros(1)},
    "configuration is missing": lambda state: {key: value for key, value in state.items() if key != "config"},
}


def test_a_checkpoint_brings_everything_back_without_a_warning(case_name: str) -> None:
    model = torch.nn.ModuleDict({"metric": persistent(case_name)})
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model.load_state_dict({f"metric.{key}": value for key, value in state_of(case_name).items()})
        assert_same(model["metric"].compute(), whole(case_name, {"detail": True}), case_name)
        feed(model["metric"], case_name, *places(4, seed=3))
    expected = feed(feed(CASES[case_name].make(detail=True), case_name, *places()), case_name, *places(4, seed=3))
    assert_same(model["metric"].compute(), expected.compute(), case_name)


def test_a_restored_state_is_its_own(case_name: str) -> None:
    state = state_of(case_name)
    before = copy.deepcopy(state)
    metric = persistent(case_name)
    metric.load_state_dict(state)
    feed(metric, case_name, *places(4, seed=3))
    metric.reset()
    for key, value in before.items():
        torch.testing.assert_close(state[key], value, rtol=0, atol=0)


@pytest.mark.parametrize("wrong", [wrong for wrong in WRONG if wrong != "a part too many"])
@pytest.mark.parametrize("strict", [True, False])
def test_a_wrong_checkpoint_is_refused_before_anything_changes(case_name: str, wrong: str, strict: bool) -> None:
    metric = feed(persistent(case_name), case_name, *places(4, seed=3))
    _refuse(metric, lambda: metric.load_state_dict(WRONG[wrong](state_of(case_name)), strict=strict), RuntimeError)


@pytest.mark.parametrize("wrong", WRONG)
def test_a_wrong_state_is_not_merged(case_name: str, wrong: str) -> None:
    metric = feed(persistent(case_name), case_name, *places(4, seed=3))
    _refuse(metric, lambda: metric.merge_state(WRONG[wrong](state_of(case_name))), ValueError)


def test_a_state_of_other_options_is_refused(case_name: str) -> None:
    metric = feed(persistent(case_name), case_name, *places(4, seed=3))
    other = state_of(case_name, max_turns=4)
    _refuse(metric, lambda: metric.load_state_dict(other, strict=False), RuntimeError)
    _refuse(metric, lambda: metric.merge_state(other), ValueError)


def test_a_state_by_name_is_merged_like_a_metric(case_name: str) -> None:
    metric = feed(CASES[case_name].make(detail=True), case_name, *places(4, seed=3))
    metric.merge_state(state_of(case_name))
    expected = feed(feed(CASES[case_name].make(detail=True), case_name, *places()), case_name, *places(4, seed=3))
    assert_same(metric.compute(), expected.compute(), case_name)


def test_a_key_that_is_no_state_is_reported(case_name: str) -> None:
    metric = persistent(case_name)
    with pytest.raises(RuntimeError, match="Unexpected key"):
        metric.load_state_dict({**state_of(case_name), "another": torch.zeros(1)})


def test_a_checkpoint_without_the_state_is_reported_and_changes_nothing(case_name: str) -> None:
    metric = feed(persistent(case_name), case_name, *places())
    with pytest.raises(RuntimeError, match="Missing key"):
        metric.load_state_dict({})
    metric.load_state_dict({}, strict=False)
    assert_same(metric.compute(), whole(case_name, {"detail": True}), case_name)


@pytest.mark.parametrize("rows", [torch.full((10,), torch.nan), torch.zeros(10).long(), torch.zeros(2, 5), [1.0]])
@pytest.mark.parametrize("name", [name for name in CASES if rows_of(name)])
def test_wrong_rows_are_refused(name: str, rows: Any) -> None:
    metric = feed(persistent(name), name, *places(4, seed=3))
    state = {**state_of(name), rows_of(name)[0]: [rows]}
    _refuse(metric, lambda: metric.load_state_dict(state), RuntimeError)
    _refuse(metric, lambda: metric.merge_state(state), ValueError)


def test_rows_that_end_within_a_record_are_refused() -> None:
    metric = feed(persistent("agreement"), "agreement", *places(4, seed=3))
    _refuse(metric, lambda: metric.merge_state({**state_of("agreement"), "rows": torch.zeros(7)}), ValueError)


def _refuse(metric: DialogueMetric, call: Callable[[], Any], error: type[Exception]) -> None:
    before, count, value = copy.deepcopy(metric.metric_state), metric.update_count, metric.compute()
    with pytest.raises(error, match=type(metric).__name__):
        call()
    assert metric.update_count == count
    for key, state in before.items():
        torch.testing.assert_close(metric.metric_state[key], state, rtol=0, atol=0)
    for key, number in metric.compute().items():
        torch.testing.assert_close(number, value[key], rtol=0, atol=0, equal_nan=True)
