# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Tensors that are made once: which are kept, how long, and which never."""

from __future__ import annotations

from collections import OrderedDict

import pytest
import torch
from torch import Tensor

from imug_metrics import _constants
from imug_metrics._constants import constant, integers
from imug_metrics.functional import turn_consistency

HERE = torch.zeros(1)


@pytest.fixture(autouse=True)
def nothing_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_constants, "_kept", OrderedDict())
    monkeypatch.setattr(_constants, "_captured", {})
    monkeypatch.setattr(_constants, "_MOST", 3)


def kept() -> list[int]:
    return [len(found) for found in _constants._kept.values()]


def test_what_is_in_use_stays_longest() -> None:
    first = constant(torch.arange, 1, like=HERE)
    for count in (2, 3, 1, 4):
        constant(torch.arange, count, like=HERE)
    assert kept() == [3, 1, 4]
    assert constant(torch.arange, 1, like=HERE) is first


def test_what_is_large_is_made_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_constants, "_LARGEST", 2)
    assert len(constant(torch.arange, 3, like=HERE)) == 3
    assert kept() == []


def test_one_made_in_inference_mode_takes_part_in_gradients() -> None:
    with torch.inference_mode():
        constant(integers, (2, 5), like=HERE)
    weights = torch.ones(2, requires_grad=True)
    (weights * constant(integers, (2, 5), like=HERE)).sum().backward()
    assert weights.grad is not None
    assert weights.grad.tolist() == [2, 5]


def test_what_a_graph_reads_is_kept_for_good_and_what_it_makes_is_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    read = constant(torch.arange, 2, like=HERE)
    monkeypatch.setattr(_constants, "_is_captured", lambda like: True)
    assert constant(torch.arange, 2, like=HERE) is read
    constant(torch.arange, 9, like=HERE)
    assert kept() == [2]


def test_one_that_a_graph_reads_outlives_its_place_among_the_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    read = constant(torch.arange, 2, like=HERE)
    with monkeypatch.context() as capture:
        capture.setattr(_constants, "_is_captured", lambda like: True)
        constant(torch.arange, 2, like=HERE)
    for count in (3, 4, 5):
        constant(torch.arange, count, like=HERE)
    assert 2 not in kept()
    assert any(found is read for found in _constants._captured.values())


def test_one_of_a_transform_is_not_kept() -> None:
    def weighted(x: Tensor) -> Tensor:
        return (x * constant(torch.arange, 3, like=x)).sum()

    slope = torch.func.grad(weighted)(torch.ones(3))
    assert slope.tolist() == [0, 1, 2]
    assert not any(torch._C._functorch.is_functorch_wrapped_tensor(found) for found in _constants._kept.values())
    assert torch.func.grad(weighted)(torch.ones(3)).tolist() == [0, 1, 2]
    assert weighted(torch.ones(3)) == 3


def test_what_is_compiled_is_one_graph_whatever_is_ready() -> None:
    images = torch.randn(3, 4, 8)
    expected = turn_consistency(images)
    compiled = torch.compile(turn_consistency, fullgraph=True, backend="eager")
    for _ in range(2):
        torch.testing.assert_close(compiled(images), expected)
        _constants._kept.clear()
        torch.compiler.reset()
