# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Every address that an interpreted kernel reads or writes lies in a tensor of its launch.

The interpreter reads whatever lies there; a device may stop with an illegal access, and months later.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest import mock

import numpy as np
import torch
from numpy.typing import NDArray
from triton.runtime import interpreter
from triton.tools.tensor_descriptor import TensorDescriptor

OUTSIDE = "outside of all tensors"


class _Checked:
    """Triton's memory functions, each after a look at its addresses."""

    def __init__(self, memory: Any) -> None:
        self.memory = memory
        self.begins = self.ends = np.zeros(0, np.uint64)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.memory, name)

    def expect(self, tensors: list[torch.Tensor]) -> None:
        extents = sorted((t.data_ptr(), t.data_ptr() + _extent(t)) for t in tensors if t.numel())
        begins, ends = np.array(extents, np.uint64).reshape(-1, 2).T
        self.begins, self.ends = begins, np.maximum.accumulate(ends)

    def load(self, pointers: NDArray[Any], mask: NDArray[Any], other: Any, dtype: Any) -> Any:
        self._check("read", pointers, mask, np.dtype(dtype).itemsize)
        return self.memory.load(pointers, mask, other, dtype)

    def store(self, pointers: NDArray[Any], value: NDArray[Any], mask: NDArray[Any]) -> Any:
        self._check("write", pointers, mask, value.dtype.itemsize)
        return self.memory.store(pointers, value, mask)

    def atomic_rmw(self, how: Any, pointers: NDArray[Any], value: NDArray[Any], mask: NDArray[Any], order: Any) -> Any:
        self._check("write", pointers, mask, value.dtype.itemsize)
        return self.memory.atomic_rmw(how, pointers, value, mask, order)

    def _check(self, what: str, pointers: NDArray[Any], mask: NDArray[Any], size: int) -> None:
        addresses = pointers[np.broadcast_to(mask, pointers.shape).astype(bool)].astype(np.uint64)
        place = np.searchsorted(self.begins, addresses, side="right").astype(np.int64) - 1
        inside = (place >= 0) & (addresses + np.uint64(size) <= self.ends[np.maximum(place, 0)])
        assert inside.all(), f"{(~inside).sum()} addresses to {what} lie {OUTSIDE}"


def _extent(tensor: torch.Tensor) -> int:
    """Bytes from the first element to the end of the last."""
    last = sum((size - 1) * stride for size, stride in zip(tensor.shape, tensor.stride()))
    return (last + 1) * tensor.element_size()


@contextmanager
def checked_addresses() -> Iterator[None]:
    memory = _Checked(interpreter._interpreter)
    arguments_of = interpreter.GridExecutor._init_args_hst

    def note(self: Any, args: Any, kwargs: Any) -> Any:
        given = [value.base if isinstance(value, TensorDescriptor) else value for value in (*args, *kwargs.values())]
        memory.expect([value for value in given if isinstance(value, torch.Tensor)])
        return arguments_of(self, args, kwargs)

    with (
        mock.patch.object(interpreter, "_interpreter", memory),
        mock.patch.object(interpreter.GridExecutor, "_init_args_hst", note),
    ):
        yield
