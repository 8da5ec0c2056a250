# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""PyTorch's own checks of every registered operation, gradients and torch.compile."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import imug_kernels
import pytest
import torch
from imug_kernels import own_rank, paired_cosine
from torch import Tensor
from torch.testing import assert_close

from tests.kernels.calls import CALLS, DIFFERENTIABLE, Batch
from tests.kernels.naive import random_valid

OFFSETS = torch.tensor([0, 4, 4, 5, 9])
INDEX = torch.tensor([2, -1, 2, 0, 5, 1, 1, 8, -1])
VALID = random_valid(9, 0)
POSITIONS = torch.tensor([1, 2, 3, 4, 1, 1, 3, 4, 6])
OVER = POSITIONS[:, None].float().expand(9, 2)

FULL = torch.tensor([0, 4, 5, 9])  # no empty segment, whose extremes are NaN: opcheck compares NaN with NaN as unequal
IMAGES = torch.randint(0, 256, (2, 3, 37, 53), generator=torch.Generator().manual_seed(0)).to(torch.uint8)

# Arguments of every operation.
SCHEMAS: dict[str, Callable[[Tensor, Tensor], tuple[Any, ...]]] = {
    "paired_cosine": lambda x, y: (x, y, INDEX.clamp_min(0), None, 2.5, 0.0),
    "dialogue_gram": lambda x, y: (x, OFFSETS, VALID),
    "dialogue_cosine_sum": lambda x, y: (x, OFFSETS, VALID),
    "delta_curve": lambda x, y: (x, OFFSETS, POSITIONS, 3, VALID),
    "segment_reduce": lambda x, y: (x, FULL, None, torch.float64),
    "segment_sum": lambda x, y: (x, FULL, torch.float32),
    "segment_moments": lambda x, y: (x, OFFSETS, POSITIONS, OVER, VALID, VALID, VALID, 2, [1, 3], 4, 1),
    "own_rank": lambda x, y: (x.detach(), y.detach(), OFFSETS, None, None, 1e-6),
    "cross_stats": lambda x, y: (x, y[:8], 3, INDEX.clamp(0, 7), True, 2.0, POSITIONS, POSITIONS[:8], True, True, 4),
    "rbf_sum": lambda x, y: (x, y[:8], 1.0),
    "rbf_self_sum": lambda x, y: (x, 1.0),
    "preprocess": lambda x, y: (IMAGES, [8, 8], torch.float16, [0.5] * 3, [0.5] * 3, [8, 11], [0, 1], "bicubic"),
}

SOURCE = Path(imug_kernels.__file__).parent
REGISTERED = [
    (path.name, name)
    for path in sorted(SOURCE.glob("*.py"))
    if (SOURCE / "reference" / path.name).exists()
    for name in re.findall(r"register\(\s*reference\.(\w+)", path.read_text(encoding="utf-8"))
]


def pair(dtype: torch.dtype = torch.float64) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(0)
    x, y = (torch.randn(9, 5, generator=generator).to(dtype).requires_grad_() for _ in range(2))
    return x, y


def call(name: str, x: Tensor, y: Tensor) -> list[Tensor]:
    return list(CALLS[name](Batch(x, y, OFFSETS, POSITIONS, INDEX, VALID)))


def total(name: str, x: Tensor, y: Tensor) -> Tensor:
    return torch.stack([part.nan_to_num().sum() * (k + 1) for k, part in enumerate(call(name, x, y))]).sum()


@pytest.mark.parametrize(("file", "name"), REGISTERED)
def test_launcher_has_the_name_and_the_arguments_of_the_operation(file: str, name: str) -> None:
    tree = ast.parse((SOURCE / "triton_kernels" / file).read_text(encoding="utf-8"))
    (launcher,) = (node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == name)
    schema = getattr(torch.ops.imug, name).default._schema
    assert [argument.arg for argument in launcher.args.args] == [argument.name for argument in schema.arguments]


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=str)
@pytest.mark.parametrize("name", [name for _, name in REGISTERED])
def test_pytorch_accepts_the_operation(name: str, dtype: torch.dtype) -> None:
    checks = ["test_schema", "test_autograd_registration", "test_faketensor"]
    if name != "dialogue_gram":  # the first row of a segment has no previous one: NaN; its graph is compared below
        checks.append("test_aot_dispatch_dynamic")
    results = torch.library.opcheck(getattr(torch.ops.imug, name), SCHEMAS[name](*pair(dtype)), test_utils=checks)
    assert set(results.values()) == {"SUCCESS"}


def test_pytorch_accepts_an_operation_asked_for_nothing() -> None:
    x, y = pair()
    torch.library.opcheck(torch.ops.imug.cross_stats, (x, y, 0, None, False, 1.0, None, None, False, False, 0))


@pytest.mark.parametrize("name", DIFFERENTIABLE)
def test_gradient_is_that_of_the_result(name: str) -> None:
    assert torch.autograd.gradcheck(lambda a, b: [part.nan_to_num() for part in call(name, a, b)], pair())


@pytest.mark.parametrize("name", CALLS)
def test_compiled_graph_has_no_break_and_the_same_result(name: str) -> None:
    x, y = (part.detach() for part in pair(torch.float32))
    compiled = torch.compile(
        lambda a, b: [2 * part for part in call(name, a, b)], fullgraph=True, dynamic=True, backend="aot_eager"
    )
    for result, expected in zip(compiled(x, y), call(name, x, y), strict=True):
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


def test_pair_nobody_asks_about_spoils_no_gradient() -> None:
    x, y = pair()
    x = x.detach().clone()
    x[1] = torch.nan
    x.requires_grad_()
    cosine = paired_cosine(x, y, INDEX.clamp_min(0), torch.zeros(9, dtype=torch.long))
    wanted = torch.autograd.grad(cosine[~cosine.isnan()].sum(), (x, y))
    assert all(gradient.isfinite().all() for gradient in wanted)


def test_ranks_carry_no_gradient() -> None:
    assert not any(part.requires_grad for part in own_rank(*pair(), OFFSETS))
