# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""What holds on CUDA devices and can be seen without one: on fake tensors, and in what is dispatched."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import SimpleNamespace
from typing import Any

import imug_kernels as public
import pytest
import torch
from imug_kernels import ops
from imug_kernels.reference import chunking, cosine_blocks, cross_tiles, directions, segments
from torch import Tensor
from torch._library.custom_ops import OPDEFS
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.testing import assert_close
from torch.utils._python_dispatch import TorchDispatchMode

from tests.kernels.test_ops import REGISTERED, SCHEMAS, pair
from tests.kernels.test_strides import CASES

SECOND = torch.device("cuda", 1)
NAMES = [name for _, name in REGISTERED]
FILES = {name: file.removesuffix(".py") for file, name in REGISTERED}
# They add floats by atomics on CUDA: the bits change from run to run, or PyTorch refuses.
ATOMIC = ("index_add", "scatter_add", "scatter_reduce", "cumsum", "put_.", "embedding_bag", "histc")


class Watch(TorchDispatchMode):
    """Tells ``see`` the name of every operation that is dispatched, and its arguments."""

    def __init__(self, see: Callable[[str, tuple[Any, ...]], None]) -> None:
        super().__init__()
        self.see = see

    def __torch_dispatch__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        self.see(function.__name__, args)
        return function(*args, **(kwargs or {}))


def fake(tensor: Tensor) -> Tensor:
    """A tensor of the same shape on a device that is not there, and not the current one."""
    return torch.empty(tensor.shape, dtype=tensor.dtype, device=SECOND)


def reference(name: str) -> Callable[..., Any]:
    return getattr(importlib.import_module(f"imug_kernels.reference.{FILES[name]}"), name)  # type: ignore[no-any-return]


def gradients(name: str, *arguments: Any) -> list[Tensor]:
    """What the plain backward makes of ones; nothing where there is none."""
    module = importlib.import_module(f"imug_kernels.reference.{FILES[name]}")
    if not hasattr(module, f"{name}_backward"):
        return []
    results = getattr(module, name)(*arguments)
    results = [results] if isinstance(results, Tensor) else list(results)
    return list(getattr(module, f"{name}_backward")([torch.ones_like(part) for part in results], *arguments))


@pytest.fixture
def as_on_a_device(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make the plain forms go the ways that they go on CUDA, where no value is looked at."""
    for module in (directions, cosine_blocks, cross_tiles):
        monkeypatch.setattr(module, "may_hold_any", lambda mask: True)
    monkeypatch.setattr(segments, "_go_by_rows", lambda values: False)


@contextmanager
def deterministic() -> Iterator[None]:
    torch.use_deterministic_algorithms(True)
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(False)


@pytest.mark.parametrize("name", CASES)
def test_function_runs_on_fake_cuda_tensors_without_looking_at_a_value(name: str) -> None:
    call, arguments = CASES[name]
    with FakeTensorMode():
        result = call(**{key: fake(value) for key, value in arguments.items()})
        parts = [result] if isinstance(result, Tensor) else list(result)  # type: ignore[call-overload]
    assert {part.device for part in parts} == {SECOND}


@pytest.mark.parametrize("name", [name for name in NAMES if f"imug::{name}_backward" in OPDEFS])
def test_backward_runs_on_fake_cuda_tensors_without_looking_at_a_value(name: str) -> None:
    """Called by itself: without CUDA autograd asks in vain for its streams."""
    plain = SCHEMAS[name](*pair())
    with FakeTensorMode():
        arguments = [fake(value) if isinstance(value, Tensor) else value for value in plain]
        result = getattr(torch.ops.imug, name)(*arguments)
        results = [result] if isinstance(result, Tensor) else list(result)
        found = getattr(torch.ops.imug, f"{name}_backward")([torch.ones_like(part) for part in results], *arguments)
    rows = [value for value in arguments if isinstance(value, Tensor) and value.dtype == torch.float64]
    assert [(part.shape, part.device) for part in found] == [(part.shape, SECOND) for part in rows]


@pytest.mark.parametrize("name", NAMES)
def test_tensors_of_another_device_are_worked_on_with_that_device_current(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    current: list[torch.device | None] = [None]
    seen: list[torch.device | None] = []

    class Guard:
        def __init__(self, device: torch.device) -> None:
            self.device = device

        def __enter__(self) -> None:
            current.append(self.device)

        def __exit__(self, *_: object) -> None:
            current.pop()

    def launcher(*arguments: Any) -> Any:
        seen.append(current[-1])
        return arguments[0]

    monkeypatch.setattr(torch.cuda, "device", Guard)
    monkeypatch.setattr(ops, "choose_backend", lambda device: "triton")
    monkeypatch.setattr(
        ops, "importlib", SimpleNamespace(import_module=lambda file: SimpleNamespace(**{name: launcher}))
    )
    plain = SCHEMAS[name](*pair(torch.float32))
    backward = OPDEFS.get(f"imug::{name}_backward")
    with FakeTensorMode():
        arguments = [fake(value) if isinstance(value, Tensor) else value for value in plain]
        OPDEFS[f"imug::{name}"]._init_fn(*arguments)
        assert seen == [SECOND], "the launcher ran"
        if backward is not None:  # it cannot come far without values
            grads = [torch.empty(9, device=SECOND)]
            with Watch(lambda *_: seen.append(current[-1])), suppress(Exception):
                backward._init_fn(grads, *arguments)
            assert len(seen) > 1
    assert set(seen) == {SECOND}
    assert current == [None], "the device of before is the current one again"


@pytest.mark.usefixtures("as_on_a_device")
@pytest.mark.parametrize("name", NAMES)
def test_no_float_is_added_in_an_order_that_could_change(name: str) -> None:
    def see(operation: str, arguments: tuple[Any, ...]) -> None:
        if arguments and isinstance(arguments[0], Tensor) and arguments[0].is_floating_point():
            dispatched.add(operation)

    dispatched: set[str] = set()
    arguments = [value.detach() if isinstance(value, Tensor) else value for value in SCHEMAS[name](*pair())]
    with Watch(see):
        reference(name)(*arguments)
        gradients(name, *arguments)
    assert dispatched, "nothing was watched"
    assert not [operation for operation in dispatched if operation.startswith(ATOMIC)]
    # Accumulating index_put sorts its indices on CUDA; on a CPU it goes in order, but in parallel for float32.


@pytest.mark.parametrize("name", NAMES)
def test_deterministic_algorithms_can_be_asked_for(name: str) -> None:
    with deterministic():
        arguments = SCHEMAS[name](*pair())
        results = getattr(torch.ops.imug, name)(*arguments)
        results = [results] if isinstance(results, Tensor) else list(results)
        total = [part.nan_to_num().sum() for part in results if part.requires_grad]
        if total:
            leaves = [value for value in arguments if isinstance(value, Tensor) and value.requires_grad]
            torch.autograd.grad(torch.stack(total).sum(), leaves, allow_unused=True)


@pytest.mark.parametrize("name", NAMES)
def test_plain_form_gives_the_same_where_it_may_not_look_at_values(name: str, request: pytest.FixtureRequest) -> None:
    arguments = SCHEMAS[name](*pair())
    if name != "preprocess":
        arguments[0].data[3] = 0.0
        arguments[0].data[5] *= 1e-200
    arguments = tuple(value.detach() if isinstance(value, Tensor) else value for value in arguments)

    def everything() -> list[Tensor]:
        result = reference(name)(*arguments)
        return [*([result] if isinstance(result, Tensor) else result), *gradients(name, *arguments)]

    expected = everything()
    request.getfixturevalue("as_on_a_device")
    for found, plain in zip(everything(), expected, strict=True):
        assert_close(found, plain, rtol=1e-12, atol=1e-12, equal_nan=True)


def test_row_number_out_of_range_is_no_row_where_no_check_can_refuse_it(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("paired", "cross"):
        monkeypatch.setattr(f"imug_kernels.reference.{module}.check_index_values", lambda *_: None)
    x, y = (part.detach().requires_grad_() for part in pair())
    for wild in (9, -2, 2**40, -(2**40)):
        index = torch.tensor([0, wild, 2])
        cosine = public.paired_cosine(x, y, ix=index, iy=index.flip(0))
        assert cosine.isnan().tolist() == [False, True, False]
        positive = torch.arange(9).index_fill(0, torch.tensor(4), wild)
        found = public.cross_stats(x, y, positive=positive)
        assert found.positive.isnan().nonzero().tolist() == [[4]]
        assert found.greater[4] == found.equal[4] == 0
        wanted = torch.autograd.grad(cosine.nansum() + found.positive.nansum(), (x, y))
        assert all(gradient.isfinite().all() for gradient in wanted)


def test_pieces_of_a_device_are_few_and_bounded() -> None:
    rows = chunking.chunk_rows(768, SECOND)
    assert 1_000_000 / rows < 30, "every piece costs launches"
    assert rows * 768 <= chunking.DEVICE_ELEMENTS
    tile_x, tile_y = chunking.tile_shape(SECOND)
    assert tile_x * tile_y <= chunking.DEVICE_ELEMENTS
