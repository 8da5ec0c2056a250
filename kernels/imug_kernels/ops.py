# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Registration of operations with PyTorch: one call of `register` binds what an operation consists of.

An operation ``row_dot`` in ``NAME.py`` has the public function and the shape of its results there, its plain PyTorch
form and gradient in ``reference/NAME.py``, and its kernel's launcher in ``triton_kernels/NAME.py``, which is imported
when the first CUDA tensor arrives, never before. The plain form and the launcher have the operation's name.

    def row_dot(x: Tensor, y: Tensor) -> Tensor:           # public: typed, documented, traceable by torch.compile
        check_row_pair(x, y)                               # shapes and dtypes only; no look at values
        return _row_dot(x, y)

    def _fake(x: Tensor, y: Tensor) -> Tensor:             # shape and dtype only
        return x.new_empty(len(x), dtype=result_dtype(x.device))

    _row_dot = register(
        reference.row_dot, "(Tensor x, Tensor y) -> Tensor", fake=_fake, backward=reference.row_dot_backward, wrt=(0, 1)
    )

    def row_dot(x: Tensor, y: Tensor) -> Tensor:           # reference: any device, no gradient, may look at values
        return torch.linalg.vecdot(x.double(), y.double())

    def row_dot_backward(grads: Sequence[Tensor], x: Tensor, y: Tensor) -> list[Tensor]:
        return [grads[0][:, None] * y, grads[0][:, None] * x]

What PyTorch demands of both implementations and of the fake: outputs are new tensors that share no memory with an
argument or with each other (return one stacked tensor and unbind it in the public function), and their dtype depends on
the device alone, or on what is asked for. The rule for that dtype: one number a row is float32 on CUDA
(`result_dtype`), one number a segment or a batch is float64 (`work_dtype`); what is one of the values has their dtype.

What an implementation may rely on: tensors of one axis come contiguous, integers among them as int64, and the device of
the tensors is the current one.
"""

from __future__ import annotations

import functools
import importlib
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from typing import Any

import torch
from torch import Tensor

from imug_kernels.backend import choose_backend
from imug_kernels.dtypes import fits_float32, result_dtype

Result = Any  # a Tensor or a tuple of Tensors, as the schema says
Backward = Callable[..., list[Tensor]]


def register(
    reference: Callable[..., Result],
    schema: str,
    *,
    fake: Callable[..., Result],
    dtype: Callable[[torch.device], torch.dtype] | None = result_dtype,
    fits: Callable[..., bool] = fits_float32,
    backward: Backward | None = None,
    fused_backward: bool = False,
    wrt: Sequence[int] = (),
) -> Callable[..., Result]:
    """Register ``imug::<name of reference>`` with PyTorch and return it.

    torch.compile sees one opaque node without a graph break, with and without gradients. Gradients are of first
    order: asking for a second one raises.

    Args:
        reference: Plain PyTorch for any device, in ``reference/<file>.py``. The function of the same name in
            ``triton_kernels/<file>.py`` takes the same arguments and gives the same results; it runs where
            `imug_kernels.backend.choose_backend` says so.
        schema: Types of arguments and results in PyTorch's notation; the first argument is a tensor, and every
            argument is passed by position.
        fake: Returns empty tensors of the results' shapes and dtypes; it sees tensors without data.
        dtype: Dtype of the floating point results on a device: both implementations' results are cast to it.
            None: they are left as they are.
        fits: Whether the kernel can take these arguments; otherwise ``reference`` does.
        backward: ``backward(grads, *arguments)`` in plain PyTorch operations (autograd is off in it): one tensor of
            the argument's shape and dtype for each argument in ``wrt``. ``grads`` has one tensor per result. Without
            it the operation is not differentiable: detach the arguments in the public function.
        fused_backward: A kernel computes the gradient where one computes the operation: the function of the name of
            ``backward`` in ``triton_kernels/<file>_backward.py``.
        wrt: Positions of the arguments that have a gradient.
    """
    name, file = reference.__name__, reference.__module__.rpartition(".")[2]
    forward = _dispatched(reference, file, fits)

    @_prepared
    def run(*arguments: Any) -> Result:
        result = forward(*arguments)
        return result if dtype is None else _cast(result, dtype(arguments[0].device))

    operation = torch.library.custom_op(f"imug::{name}", run, mutates_args=(), device_types="cuda", schema=schema)
    operation.register_kernel(["cpu", "mps"], run)
    operation.register_fake(fake)
    if backward is not None:
        run_backward = _dispatched(backward, f"{file}_backward", fits) if fused_backward else backward
        _register_backward(operation, name, schema, run_backward, tuple(wrt))
    return operation


def _dispatched(plain: Callable[..., Any], file: str, fits: Callable[..., bool]) -> Callable[..., Any]:
    """Return what runs the launcher of the name of ``plain`` where kernels can run, and ``plain`` elsewhere."""

    @functools.wraps(plain)
    def run(*arguments: Any) -> Any:
        first = next(value for value in arguments if isinstance(value, Tensor))
        if fits(*arguments) and choose_backend(first.device) == "triton":
            launcher = getattr(importlib.import_module(f"imug_kernels.triton_kernels.{file}"), plain.__name__)
            return launcher(*arguments)
        return plain(*arguments)

    return run


def _prepared(function: Callable[..., Result]) -> Callable[..., Result]:
    """Give ``function`` what no kernel asks for itself, once for all operations, forward and backward.

    Tensors of one axis, that is masks, indices, groups and offsets, come contiguous, however the caller strides or
    expands them, and integers come in int64: to compare narrow or unsigned ones with -1 or a number of rows is a trap.
    The device of the tensors is the current one: that is where Triton launches.
    """

    @functools.wraps(function)
    def run(*arguments: Any) -> Result:
        device = next(value.device for value in arguments if isinstance(value, Tensor))
        with torch.cuda.device(device) if device.type == "cuda" else nullcontext():
            return function(*map(_plain, arguments))

    return run


def _plain(value: Any) -> Any:
    if not isinstance(value, Tensor) or value.ndim != 1:
        return value
    is_integer = not (value.is_floating_point() or value.dtype == torch.bool)
    return (value.long() if is_integer else value).contiguous()


def _cast(result: Result, dtype: torch.dtype) -> Result:
    if isinstance(result, Tensor):
        return result.to(dtype) if result.is_floating_point() else result
    return tuple(_cast(part, dtype) for part in result)


def _register_backward(operation: Any, name: str, schema: str, backward: Backward, wrt: tuple[int, ...]) -> None:
    """Give ``operation`` a backward that is an operation itself: opaque to torch.compile, as the forward is."""
    arguments_only = schema[schema.index("(") + 1 : schema.rindex(")", 0, schema.rindex("->"))]
    operation_backward = torch.library.custom_op(
        f"imug::{name}_backward",
        _prepared(backward),
        mutates_args=(),
        schema=f"(Tensor[] grads, {arguments_only}) -> Tensor[]",
    )

    @operation_backward.register_fake
    def _(grads: Sequence[Tensor], *arguments: Any) -> list[Tensor]:
        return [torch.empty_like(arguments[at]) for at in wrt]

    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Result) -> None:
        tensors = [value if isinstance(value, Tensor) else None for value in inputs]
        ctx.save_for_backward(*tensors)
        ctx.constants = [None if isinstance(value, Tensor) else value for value in inputs]

    def apply(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, ...]:
        arguments = [value if saved is None else saved for saved, value in zip(ctx.saved_tensors, ctx.constants)]
        gradients = dict(zip(wrt, operation_backward(list(grads), *arguments)))
        return tuple(gradients.get(at) for at in range(len(arguments)))

    operation.register_autograd(apply, setup_context=setup_context)
