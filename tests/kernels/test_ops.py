# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""PyTorch's own checks of every registered operation, gradients, torch.compile, and the choice of implementation."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Sequence
from typing import Any

import pytest
import torch
from imug_kernels import (
    backend,
    delta_curve,
    dialogue_gram,
    dialogue_unit_sum,
    own_rank,
    paired_cosine,
    segment_reduce,
    segment_sum,
)
from torch import Tensor
from torch.testing import assert_close

from tests.kernels.naive import random_valid

Call = Callable[[Tensor, Tensor], Sequence[Tensor]]
OFFSETS = torch.tensor([0, 4, 4, 5, 9])
INDEX = torch.tensor([2, -1, 2, 0, 5, 1, 1, 8, -1])
VALID = random_valid(9, 0)
POSITIONS = torch.tensor([1, 2, 3, 4, 1, 1, 3, 4, 6])
OPERATIONS = torch.ops.imug

FULL = torch.tensor([0, 4, 5, 9])  # no empty segment, whose extremes are NaN: opcheck compares NaN with NaN as unequal

# How many tensors of rows the operation takes, and its arguments behind them.
SCHEMAS: dict[str, tuple[int, tuple[Any, ...]]] = {
    "paired_cosine": (2, (INDEX.clamp_min(0), None, 1e-8, 2.5, 0.0)),
    "dialogue_gram": (1, (OFFSETS, VALID, 1e-8)),
    "dialogue_unit_sum": (1, (OFFSETS, VALID, 1e-8)),
    "delta_curve": (1, (OFFSETS, POSITIONS, 3, VALID, 1e-8)),
    "segment_reduce": (1, (FULL, None, True)),
    "own_rank": (2, (OFFSETS, None, None, 1e-8, 1e-6)),
}
CALLS: dict[str, Call] = {
    "paired_cosine": lambda x, y: [paired_cosine(x, y), paired_cosine(x, y, ix=INDEX)],
    "dialogue_gram": lambda x, y: [*dialogue_gram(x, OFFSETS), *dialogue_gram(x, OFFSETS, VALID)],
    "dialogue_unit_sum": lambda x, y: dialogue_unit_sum(x, OFFSETS, VALID),
    "delta_curve": lambda x, y: delta_curve(x, OFFSETS, POSITIONS, 3, VALID),
    "segment_reduce": lambda x, y: segment_reduce(x, OFFSETS, VALID),
    "segment_sum": lambda x, y: [segment_sum(x[:, 0], OFFSETS)],
    "own_rank": lambda x, y: own_rank(x, y, OFFSETS, VALID),
}
DIFFERENTIABLE = [name for name in CALLS if name != "own_rank"]


def pair(dtype: torch.dtype = torch.float64) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(0)
    x, y = (torch.randn(9, 5, generator=generator).to(dtype).requires_grad_() for _ in range(2))
    return x, y


def total(name: str, x: Tensor, y: Tensor) -> Tensor:
    return torch.stack([part.nan_to_num().sum() * (k + 1) for k, part in enumerate(CALLS[name](x, y))]).sum()


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=str)
@pytest.mark.parametrize("name", SCHEMAS)
def test_pytorch_accepts_the_operation(name: str, dtype: torch.dtype) -> None:
    tensors, others = SCHEMAS[name]
    rows = [part.detach() if name == "own_rank" else part for part in pair(dtype)[:tensors]]
    checks = ["test_schema", "test_autograd_registration", "test_faketensor"]
    if name != "dialogue_gram":  # the first row of a segment has no previous one: NaN; its graph is compared below
        checks.append("test_aot_dispatch_dynamic")
    results = torch.library.opcheck(getattr(OPERATIONS, name), (*rows, *others), test_utils=checks)
    assert set(results.values()) == {"SUCCESS"}


@pytest.mark.parametrize("name", DIFFERENTIABLE)
def test_gradient_is_that_of_the_result(name: str) -> None:
    assert torch.autograd.gradcheck(lambda a, b: [part.nan_to_num() for part in CALLS[name](a, b)], pair())


@pytest.mark.parametrize("name", CALLS)
def test_compiled_graph_has_no_break_and_the_same_result(name: str) -> None:
    x, y = (part.detach() for part in pair(torch.float32))
    compiled = torch.compile(
        lambda a, b: [2 * part for part in CALLS[name](a, b)], fullgraph=True, dynamic=True, backend="aot_eager"
    )
    for result, expected in zip(compiled(x, y), CALLS[name](x, y), strict=True):
        assert_close(result, 2 * expected, equal_nan=True)


@pytest.mark.parametrize("name", DIFFERENTIABLE)
def test_gradient_of_the_compiled_graph_is_the_same(name: str) -> None:
    x, y = pair(torch.float32)
    compiled = torch.compile(total, fullgraph=True, dynamic=True, backend="aot_eager")
    wanted = (x, y) if name == "paired_cosine" else (x,)
    for result, expected in zip(
        torch.autograd.grad(compiled(name, x, y), wanted), torch.autograd.grad(total(name, x, y), wanted), strict=True
    ):
        assert_close(result, expected)


def test_gradient_of_a_gradient_is_refused_and_not_silently_zero() -> None:
    x, y = pair()
    (gradient,) = torch.autograd.grad(paired_cosine(x, y).sum(), x, create_graph=True)
    with pytest.raises(RuntimeError, match="no autograd formula"):
        gradient.sum().backward()


def test_pair_without_a_say_spoils_no_gradient() -> None:
    x, y = pair()
    x = x.detach().clone()
    x[1] = torch.nan
    x.requires_grad_()
    cosine = paired_cosine(x, y, INDEX.clamp_min(0), torch.zeros(9, dtype=torch.long))
    wanted = torch.autograd.grad(cosine[~cosine.isnan()].sum(), (x, y))
    assert all(gradient.isfinite().all() for gradient in wanted)


def test_ranks_carry_no_gradient() -> None:
    assert not any(part.requires_grad for part in own_rank(*pair(), OFFSETS))


def test_triton_is_not_imported_with_the_package() -> None:
    code = "import imug_kernels, sys; sys.exit(any(n.startswith('imug_kernels.triton_kernels.') for n in sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


class TestChoiceOfImplementation:
    def test_cpu_computes_in_pytorch(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delenv("IMUG_BACKEND", raising=False)
        assert backend.backend(torch.device("cpu")) == "torch"

    @pytest.mark.parametrize(
        ("installed", "available", "capability", "expected"),
        [
            (True, True, (9, 0), "triton"),
            (True, True, (8, 0), "triton"),
            (True, True, (7, 5), "torch"),
            (True, False, (9, 0), "torch"),
            (False, True, (9, 0), "torch"),
        ],
    )
    def test_cuda_computes_in_triton_where_it_can_run(
        self,
        monkeypatch: pytest.MonkeyPatch,
        installed: bool,
        available: bool,
        capability: tuple[int, int],
        expected: str,
    ) -> None:
        monkeypatch.delenv("IMUG_BACKEND", raising=False)
        monkeypatch.setattr(backend, "_has_triton", lambda: installed)
        monkeypatch.setattr(backend, "_capability", lambda index: capability)
        monkeypatch.setattr(torch.cuda, "is_available", lambda: available)
        assert backend.backend(torch.device("cuda", 0)) == expected
        monkeypatch.setenv("IMUG_BACKEND", "torch")
        assert backend.backend(torch.device("cuda", 0)) == "torch"

    def test_unknown_or_impossible_choice_is_refused(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delenv("TRITON_INTERPRET", raising=False)
        monkeypatch.setenv("IMUG_BACKEND", "cuda")
        with pytest.raises(ValueError, match="to be `torch` or `triton`, got `cuda`"):
            paired_cosine(torch.ones(1, 1), torch.ones(1, 1))
        monkeypatch.setenv("IMUG_BACKEND", "triton")
        with pytest.raises(ValueError, match="not to be `triton` on cpu"):
            paired_cosine(torch.ones(1, 1), torch.ones(1, 1))
