# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Every tensor argument of every operation as a view: with gaps, back to front, expanded, and of any integer dtype.

Tests plain PyTorch, and in the interpreter the kernels.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import imug_kernels as ops
import pytest
import torch
from torch import Tensor
from torch.testing import assert_close

from tests.kernels.comparisons import CELL
from tests.kernels.naive import random_valid

Arguments = dict[str, Tensor]


def _normal(*shape: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(len(shape) + shape[0]))


OFFSETS = torch.tensor([0, 7, 7, 20])
PACKED = {"rows": _normal(20, 32), "offsets": OFFSETS, "valid": random_valid(20, 1)}
INDEX = (torch.arange(20) * 7) % 20
GROUPS = {"groups_x": torch.arange(20) % 3, "groups_y": torch.arange(20) % 4}
UNIT = [0.5] * 3, [0.25] * 3
PIXELS = torch.randint(0, 256, (2, 3, 9, 12), generator=torch.Generator().manual_seed(0)).to(torch.uint8)

# Every public function with its tensor arguments.
CASES: dict[str, tuple[Callable[..., object], Arguments]] = {
    "paired_cosine": (
        lambda **a: ops.paired_cosine(**a, scale=2.0),
        {"x": _normal(20, 32), "y": _normal(20, 32).flip(0), "ix": INDEX, "iy": INDEX.flip(0)},
    ),
    "dialogue_gram": (ops.dialogue_gram, PACKED),
    "dialogue_cosine_sum": (ops.dialogue_cosine_sum, PACKED),
    "delta_curve": (lambda **a: ops.delta_curve(**a, max_delta=4), {**PACKED, "positions": INDEX}),
    "own_rank": (
        ops.own_rank,
        {
            "x": _normal(20, 32),
            "y": _normal(20, 32).flip(0),
            "offsets": OFFSETS,
            "valid_x": random_valid(20, 2),
            "valid_y": random_valid(20, 3),
        },
    ),
    "segment_reduce": (
        ops.segment_reduce,
        {"values": _normal(20, 3), "offsets": OFFSETS, "valid": random_valid(20, 4)},
    ),
    "segment_moments": (
        lambda **a: ops.segment_moments(**a, slopes=2, curves=(1, 3), points=9),
        {
            "values": _normal(20, 4),
            "offsets": OFFSETS,
            "positions": INDEX,
            "over": _normal(20, 2),
            "valid": random_valid(20, 5),
            "present": random_valid(20, 6),
            "expected": random_valid(20, 7),
        },
    ),
    "segment_sum": (ops.segment_sum, {"values": _normal(20), "offsets": OFFSETS}),
    "cross_stats": (
        lambda **a: ops.cross_stats(**a, k=3, lse=True, bins=4, exclude_same_group=True),
        {"x": _normal(20, 32), "y": _normal(20, 32).flip(0), "positive": INDEX, **GROUPS},
    ),
    "rbf_sum": (lambda **a: ops.rbf_sum(**a, sigma=3.0), {"x": _normal(20, 32), "y": _normal(20, 32).flip(0)}),
    "preprocess": (lambda **a: ops.preprocess(**a, size=(4, 5), mean=UNIT[0], std=UNIT[1]), {"images": PIXELS}),
}
EACH_ARGUMENT = [(name, argument) for name, (_, arguments) in CASES.items() for argument in arguments]
INTEGERS = [
    (name, argument, dtype)
    for name, argument in EACH_ARGUMENT
    if CASES[name][1][argument].dtype == torch.int64
    for dtype in (torch.uint8, torch.int8, torch.int16, torch.int32)
    if argument != "offsets" or dtype == torch.int32  # anything else is refused
]


def spaced(tensor: Tensor) -> Tensor:
    """The same numbers with others between them along every axis."""
    wide = torch.stack([tensor, tensor.flip(0)], tensor.ndim)
    for axis in range(tensor.ndim - 1):
        wide = torch.stack([wide, wide.flip(axis)], axis + 1).flatten(axis, axis + 1)
    view = wide[..., 0][tuple(slice(None, None, 2) for _ in range(tensor.ndim - 1))]
    assert torch.equal(view, tensor)
    assert not view.is_contiguous()
    return view


def turned(tensor: Tensor) -> Tensor:
    """The same numbers, the axes of which lie in memory in the opposite order."""
    return tensor.permute(*reversed(range(tensor.ndim))).contiguous().permute(*reversed(range(tensor.ndim)))


def parts(name: str, arguments: Arguments) -> list[Tensor]:
    result = CASES[name][0](**arguments)
    return [result] if isinstance(result, Tensor) else list(result)  # type: ignore[call-overload]


@cache
def plain_parts(name: str) -> list[Tensor]:
    return parts(name, CASES[name][1])


def compare_with_plain(name: str, changed: Arguments) -> None:
    compare(parts(name, changed), plain_parts(name))


def compare(changed: list[Tensor], plain: list[Tensor]) -> None:
    for found, expected in zip(changed, plain, strict=True):
        assert_close(found, expected, atol=CELL, rtol=CELL, equal_nan=True)


def test_every_public_function_is_a_case() -> None:
    assert set(CASES) == {name for name in ops.__all__ if name.islower()}


@pytest.mark.parametrize("view", [spaced, turned])
@pytest.mark.parametrize(("name", "argument"), EACH_ARGUMENT)
def test_strides_of_an_argument_change_nothing(name: str, argument: str, view: Callable[[Tensor], Tensor]) -> None:
    arguments = CASES[name][1]
    compare_with_plain(name, {**arguments, argument: view(arguments[argument])})


@pytest.mark.parametrize(("name", "argument"), [case for case in EACH_ARGUMENT if case[1] != "offsets"])
def test_expanded_argument_is_one_that_repeats_a_row(name: str, argument: str) -> None:
    arguments = CASES[name][1]
    repeated = arguments[argument][:1].expand(len(arguments[argument]), *arguments[argument].shape[1:])
    if argument.startswith("valid"):
        repeated = torch.ones(1, dtype=torch.bool).expand(20)
    compare(*(parts(name, {**arguments, argument: given}) for given in (repeated, repeated.clone())))


@pytest.mark.parametrize(("name", "argument", "dtype"), INTEGERS, ids=str)
def test_integers_may_be_of_any_dtype(name: str, argument: str, dtype: torch.dtype) -> None:
    arguments = CASES[name][1]
    compare_with_plain(name, {**arguments, argument: arguments[argument].to(dtype)})


def test_narrow_integers_are_compared_by_value() -> None:
    """Of 300 rows uint8 names the first 256, and -1 is not 255."""
    x, index = _normal(300, 8), torch.arange(256).to(torch.uint8)
    assert ops.paired_cosine(x[:256], x, iy=index).isfinite().all()
    assert ops.cross_stats(x[:256], x, positive=index).positive.isfinite().all()
    groups = {"groups_x": torch.full((3,), -1, dtype=torch.int8), "groups_y": torch.full((4,), 255, dtype=torch.uint8)}
    assert ops.cross_stats(x[:3], x[:4], bins=2, **groups).same.sum() == 0


@pytest.mark.parametrize("view", [spaced, turned])
def test_gradients_do_not_depend_on_strides(view: Callable[[Tensor], Tensor]) -> None:
    for name in CASES.keys() - {"own_rank", "preprocess"}:
        found, expected = [], []
        for change, gradients in ((view, found), (torch.clone, expected)):
            arguments = {key: change(value) for key, value in CASES[name][1].items()}
            rows = [value for key, value in arguments.items() if value.is_floating_point() and key != "over"]
            leaves = [value.requires_grad_() for value in rows]
            results = [part.nan_to_num().sum() for part in parts(name, arguments) if part.requires_grad]
            total = torch.stack(results).sum()
            gradients += torch.autograd.grad(total, leaves)
        for one, other in zip(found, expected, strict=True):
            assert_close(one, other, atol=1e-5, rtol=1e-5)
