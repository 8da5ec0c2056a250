# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""What torchmetrics expects of every metric: gradients as it says, and each of its wrappers is right or refuses."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor
from torchmetrics import Metric, MetricTracker
from torchmetrics.wrappers import BootStrapper, ClasswiseWrapper, MinMaxMetric, Running

from tests.metrics.cases import Case, metric_cases, places

CASES = metric_cases()
DIALOGUE, TURN = places()
PARTS = [(DIALOGUE % 3).eq(part) for part in range(3)]

pytestmark = pytest.mark.filterwarnings("ignore:The ``compute`` method")


@pytest.fixture(params=CASES)
def case(request: pytest.FixtureRequest) -> Case:
    return CASES[request.param]


def floating(case: Case) -> dict[str, Any]:
    """The arguments of a case, floating-point ones as leaves that want a gradient."""
    batch = case.columns(DIALOGUE, TURN)
    return {
        key: value.clone().requires_grad_() if isinstance(value, Tensor) and value.is_floating_point() else value
        for key, value in batch.items()
    }


def wants_gradient(batch: dict[str, Any]) -> bool:
    return any(getattr(value, "requires_grad", False) for value in batch.values())


WITH_FLOATS = [pytest.param(case, id=name) for name, case in CASES.items() if wants_gradient(floating(case))]


@pytest.mark.parametrize("case", WITH_FLOATS)
def test_the_value_of_forward_has_a_gradient_where_the_metric_says_so(case: Case) -> None:
    metric, batch = case.make(), floating(case)
    value = metric(**batch, dialogue=DIALOGUE, turn=TURN)
    assert value.requires_grad == bool(metric.is_differentiable)
    assert not wants_gradient(metric.metric_state)
    assert not metric.compute().requires_grad
    if value.requires_grad:
        value.backward()
        first = next(iter(batch.values()))
        assert first.grad.isfinite().all()
        assert first.grad.any()


@pytest.mark.parametrize("case", WITH_FLOATS)
def test_no_detail_has_a_gradient_that_the_metric_has_not(case: Case) -> None:
    metric = case.make(detail=True)
    found = metric(**floating(case), dialogue=DIALOGUE, turn=TURN)
    assert metric.is_differentiable or not wants_gradient(found)


def rows(part: Tensor) -> tuple[Tensor, Tensor]:
    return DIALOGUE[part], TURN[part]


def alone(case: Case, *parts: Tensor, **options: Any) -> Any:
    """What a metric gives that has seen nothing but these parts."""
    metric = case.make(**options)
    for part in parts:
        case.feed(metric, *rows(part))
    return metric.compute()


@pytest.mark.parametrize("method", ["update", "forward"])
def test_running_window(case: Case, method: str) -> None:
    running = Running(case.make(detail=True), window=2)
    call = running if method == "forward" else running.update
    for seen, part in enumerate(PARTS):
        case.feed(_Called(call), *rows(part))
        expected = alone(case, *PARTS[max(seen - 1, 0) : seen + 1], detail=True)
        for _ in range(2):
            case.assert_same(running.compute(), expected)


def test_tracker(case: Case) -> None:
    better = case.make().higher_is_better
    # Where neither is better, a user says what to keep.
    tracker = MetricTracker(case.make(), maximize=better is not False)
    values = []
    for part in PARTS:
        tracker.increment()
        case.feed(tracker, *rows(part))
        values.append(tracker.compute().item())
        assert values[-1] == pytest.approx(alone(case, part).item(), nan_ok=True)
    assert tracker.best_metric() == (min if better is False else max)(values)
    torch.testing.assert_close(tracker.compute_all(), torch.tensor(values, dtype=torch.float64))


def test_minimum_and_maximum(case: Case) -> None:
    metric = MinMaxMetric(case.make())
    values = []
    for seen, part in enumerate(PARTS, 1):
        case.feed(metric, *rows(part))
        values.append(alone(case, *PARTS[:seen]).item())
        found = {key: value.item() for key, value in metric.compute().items()}
        assert found == pytest.approx({"raw": values[-1], "max": max(values), "min": min(values)})


# A wrapper that draws rows of tensors cannot feed lists or row numbers.
DRAWN = [pytest.param(case, id=name) for name, case in CASES.items() if case.rows == "tensors"]


@pytest.mark.parametrize("strategy", ["poisson", "multinomial"])
@pytest.mark.parametrize("case", DRAWN)
def test_bootstrap_draws_whole_dialogues_that_are_padded(case: Case, strategy: str) -> None:
    torch.manual_seed(0)
    wrapper = BootStrapper(case.make(), 4, raw=True, sampling_strategy=strategy)
    batch = {key: torch.stack([value] * 6) for key, value in case.columns(*square()).items()}
    wrapper.update(**batch)
    metric = case.make()
    metric.update(**batch)
    # All dialogues are alike, so every draw of them gives what they give themselves.
    torch.testing.assert_close(
        wrapper.compute()["raw"], metric.compute().expand(4), rtol=1e-9, atol=1e-9, equal_nan=True
    )


@pytest.mark.parametrize("case", DRAWN)
def test_bootstrap_of_single_records_is_refused(case: Case) -> None:
    torch.manual_seed(0)
    with pytest.raises(ValueError, match="once in its `dialogue`"):
        case.feed(BootStrapper(case.make(), 4), DIALOGUE, TURN)


def square() -> tuple[Tensor, Tensor]:
    """One dialogue of four turns."""
    return torch.zeros(4, dtype=torch.int64), torch.arange(1, 5)


def test_wrappers_of_vectors_refuse_a_scalar(case: Case) -> None:
    metric = ClasswiseWrapper(case.make())
    case.feed(metric, DIALOGUE, TURN)
    with pytest.raises(TypeError, match="0-d tensor"):
        metric.compute()


@pytest.mark.parametrize("wrap", [MinMaxMetric, lambda metric: BootStrapper(metric, 2)])
def test_wrappers_of_scalars_refuse_a_detail(case: Case, wrap: Callable[[Metric], Metric]) -> None:
    wrapper = wrap(case.make(detail=True))
    with pytest.raises((RuntimeError, TypeError)):
        wrapper.compute()


class _Called:
    """Something whose `update` is a given call."""

    def __init__(self, call: Callable[..., Any]) -> None:
        self.update = call
