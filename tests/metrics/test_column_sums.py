# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""The one operation that a device adds with gives what the many of a CPU give, and asks for few launches."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor

from benchmarks.dispatch_counts import count
from imug_metrics import TurnAlignment, TurnConsistency, TurnDecay, TurnRetrieval
from imug_metrics.dialogues import batch as batches
from tests.metrics.cases import Case, metric_cases, places
from tests.metrics.test_hot_path import _arguments, padded_batch, records

CASES = metric_cases()
COUNTS = {
    TurnAlignment: {"plain": (4, 23), "detail": (17, 36)},
    TurnRetrieval: {"plain": (8, 27), "detail": (30, 49)},
    TurnConsistency: {"plain": (8, 27), "detail": (36, 58)},
    TurnDecay: {"plain": (6, 25), "detail": (41, 62)},
}
"""Operations of an update whose rows come in order, padded and flat: on CUDA a launch each. Flat ones have ids, which
are counted."""


@pytest.fixture
def as_on_a_device(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    return lambda: monkeypatch.setattr(batches, "on_cpu", lambda values: False)


def states(case: Case, options: dict[str, Any]) -> list[Tensor]:
    """The sums of updates flat in any order, and padded with absent outputs and ragged ends.

    How many dialogues have a product that is not 0 is left out, since rounding decides that.
    """
    dialogue, turn = places()
    flat = case.make(**options)
    case.feed(flat, dialogue, turn)
    found = [flat.moments]
    if case.rows == "tensors":
        lines, valid = padded_batch(case), torch.rand(8, 4, generator=torch.Generator().manual_seed(3)) < 0.7
        for ends in ({}, {"valid": valid, "lengths": torch.tensor([4, 3, 2, 1, 4, 0, 4, 2])}):
            padded = case.make(**options)
            padded.update(**lines, **ends)
            found.append(padded.moments)
    return [sums[:, 1:] if sums.ndim == 2 else sums for sums in found]


@pytest.mark.parametrize("detail", [True, False])
@pytest.mark.parametrize("name", CASES)
def test_both_forms_give_the_same_sums(name: str, detail: bool, as_on_a_device: Callable[[], None]) -> None:
    case = CASES[name]
    every = [{**options, "detail": detail} for options in case.options().values() if "bootstrap" not in options]
    expected = [states(case, options) for options in every]
    as_on_a_device()
    for options, wanted in zip(every, expected):
        for found, other in zip(states(case, options), wanted):
            torch.testing.assert_close(found, other, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("form", ["padded", "flat"])
def test_slopes_of_subjects_over_time_stamps_are_the_same(form: str, as_on_a_device: Callable[[], None]) -> None:
    images = torch.randn(8, 4, 16, generator=torch.Generator().manual_seed(0))
    turn = 1_700_000_000_000_000_000 + torch.tensor([[1, 2, 5, 9]]).expand(8, 4)
    ids = {"dialogue": torch.arange(8) // 3, "subject": torch.arange(8)}
    if form == "flat":
        images, turn = images.flatten(0, 1), turn.flatten()
        ids = {name: column.repeat_interleave(4) for name, column in ids.items()}

    def moments() -> Tensor:
        metric = TurnConsistency(detail=True)
        metric.update(images, turn=turn, **ids)
        return metric.moments

    expected = moments()
    as_on_a_device()
    torch.testing.assert_close(moments(), expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("average", ["record", "dialogue"])
@pytest.mark.parametrize("metric", [TurnAlignment, TurnConsistency])
def test_both_forms_give_the_same_gradient(metric: Any, average: str, as_on_a_device: Callable[[], None]) -> None:
    generator = torch.Generator().manual_seed(0)
    columns = [torch.randn(8, 4, 16, dtype=torch.float64, generator=generator) for _ in _arguments(metric)]
    columns[0][2, 1] = 0  # without a direction

    def gradient() -> Tensor:
        images = columns[0].clone().requires_grad_()
        made = metric(detail=True, average=average)
        result = made(images, *columns[1:])
        total = torch.stack([value for value in result.values() if value.requires_grad]).nan_to_num().sum()
        return torch.autograd.grad(total, images)[0]

    expected = gradient()
    assert expected.isfinite().all()
    as_on_a_device()
    torch.testing.assert_close(gradient(), expected, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("form", ["padded", "flat"])
@pytest.mark.parametrize("kind", ["plain", "detail"])
@pytest.mark.parametrize("metric", COUNTS)
def test_an_update_in_order_asks_a_device_for_few_operations(
    metric: Any, kind: str, form: str, as_on_a_device: Callable[[], None]
) -> None:
    as_on_a_device()
    columns = {name: torch.randn(8, 4, 16) for name in _arguments(metric)}
    if metric is TurnDecay:
        columns = {"scores": torch.rand(8, 4)}
    if form == "flat":
        dialogue, turn = records()
        columns = {name: column.flatten(0, 1) for name, column in columns.items()}
        columns |= {"dialogue": dialogue, "turn": turn}
    made = metric(detail=kind == "detail", validate=False, in_order=True)
    made.update(**columns)  # constants of this shape are made once
    found = count(lambda: made.update(**columns))
    assert found.operations <= COUNTS[metric][kind][form == "flat"]
    assert found.waits == found.index_adds == 0
