# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""The one door to every implementation: an operation is registered with PyTorch once, by :func:`register`.

A file ``<concept>.py`` of the package holds, in this order: the public function (checks shapes and dtypes, calls the
operation, unpacks the result), the plain PyTorch implementation, the shape of the result, the gradient. The fused
implementation lies in ``triton_kernels/<concept>.py`` and is imported when the first CUDA tensor arrives, never before.

    def row_dot(x: Tensor, y: Tensor) -> Tensor:          # public: typed, documented, traceable by torch.compile
        check_rows("x", x)                                # shapes and dtypes only; no look at values
        return _row_dot(x, y)

    def _plain(x: Tensor, y: Tensor) -> Tensor:           # any device, no gradient, may look at values
        return torch.linalg.vecdot(x.double(), y.double())

    def _like(x: Tensor, y: Tensor) -> Tensor:            # shape and dtype only
        return x.new_empty(len(x), dtype=result_dtype(x.device))

    def _gradient(grads: Sequence[Tensor], x: Tensor, y: Tensor) -> list[Tensor]:
        return [grads[0][:, None] * y, grads[0][:, None] * x]

    _row_dot = register(
        "row_dot", "(Tensor x, Tensor y) -> Tensor", _plain, _like, module="pairs", gradient=_gradient, wrt=(0, 1)
    )

What PyTorch demands of all three implementations: outputs are new tensors that share no memory with an argument or
with each other (return one stacked tensor and unbind it in the public function), and their dtype depends on the
device alone. The rule for that dtype: one number a row is float32 on CUDA (`result_dtype`), one number a segment or
a batch is float64 (`work_dtype`).
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from imug_kernels.backend import backend

Result = Any  # a Tensor or a tuple of Tensors, as the schema says


def result_dtype(device: torch.device) -> torch.dtype:
    """Return the dtype of cosines and their sums: float64 on a CPU, float32 elsewhere.

    Kernels accumulate in float32, and the dtype must not depend on which implementation a device can run.
    """
    return torch.float64 if device.type == "cpu" else torch.float32


def keeps_precision(*arguments: Any) -> bool:
    """Return whether no tensor among ``arguments`` is float64: the kernels work in float32."""
    return not any(isinstance(argument, Tensor) and argument.dtype == torch.float64 for argument in arguments)


def register(
    name: str,
    schema: str,
    plain: Callable[..., Result],
    like: Callable[..., Result],
    *,
    module: str,
    dtype: Callable[[torch.device], torch.dtype] | None = result_dtype,
    fits: Callable[..., bool] = keeps_precision,
    gradient: Callable[..., list[Tensor]] | None = None,
    wrt: Sequence[int] = (),
) -> Callable[..., Result]:
    """Register ``imug::<name>`` with PyTorch and return it.

    torch.compile sees one opaque node without a graph break, with and without gradients. Gradients are of first
    order: asking for a second one raises.

    Args:
        name: Name of the operation, and of its launcher in ``triton_kernels/<module>.py``.
        schema: Types of arguments and results in PyTorch's notation; the first argument is a tensor, and every
            argument is passed by position.
        plain: Implementation in PyTorch for any device.
        like: Returns empty tensors of the result's shapes and dtypes; it sees tensors without data.
        module: File below ``triton_kernels`` with the launcher: same arguments, same results as ``plain``. It runs
            where :func:`imug_kernels.backend.backend` says so.
        dtype: Dtype of the floating point results on a device: both implementations' results are cast to it.
            None: they are left as they are.
        fits: Whether the launcher can take these arguments; otherwise ``plain`` does.
        gradient: ``gradient(grads, *arguments)`` in plain PyTorch operations (autograd is off in it): one tensor of
            the argument's shape and dtype for each argument in ``wrt``. ``grads`` has one tensor per result. Without
            it the operation is not differentiable: detach the arguments in the public function.
        wrt: Positions of the arguments that have a gradient.
    """

    def run(*arguments: Any) -> Result:
        device = arguments[0].device
        implementation = plain
        if fits(*arguments) and backend(device) == "triton":
            implementation = getattr(importlib.import_module(f"imug_kernels.triton_kernels.{module}"), name)
        result = implementation(*arguments)
        return result if dtype is None else _cast(result, dtype(device))

    operation = torch.library.custom_op(f"imug::{name}", run, mutates_args=(), device_types="cuda", schema=schema)
    operation.register_kernel(["cpu", "mps"], run)
    operation.register_fake(like)
    if gradient is not None:
        _register_gradient(operation, name, schema, gradient, tuple(wrt))
    return operation


def _cast(result: Result, dtype: torch.dtype) -> Result:
    if isinstance(result, Tensor):
        return result.to(dtype) if result.is_floating_point() else result
    return tuple(_cast(part, dtype) for part in result)


def _register_gradient(
    operation: Any,
    name: str,
    schema: str,
    gradient: Callable[..., list[Tensor]],
    wrt: tuple[int, ...],
) -> None:
    """Give ``operation`` a backward that is an operation itself: opaque to torch.compile, as the forward is."""
    arguments_only = schema[schema.index("(") + 1 : schema.rindex(")", 0, schema.rindex("->"))]
    backward = torch.library.custom_op(
        f"imug::{name}_backward", gradient, mutates_args=(), schema=f"(Tensor[] grads, {arguments_only}) -> Tensor[]"
    )

    @backward.register_fake
    def _(grads: Sequence[Tensor], *arguments: Any) -> list[Tensor]:
        return [torch.empty_like(arguments[at]) for at in wrt]

    def remember(ctx: Any, inputs: tuple[Any, ...], output: Result) -> None:
        tensors = [value if isinstance(value, Tensor) else None for value in inputs]
        ctx.save_for_backward(*tensors)
        ctx.others = [None if isinstance(value, Tensor) else value for value in inputs]

    def apply(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, ...]:
        arguments = [other if saved is None else saved for saved, other in zip(ctx.saved_tensors, ctx.others)]
        found = dict(zip(wrt, backward(list(grads), *arguments)))
        return tuple(found.get(at) for at in range(len(arguments)))

    operation.register_autograd(apply, setup_context=remember)
