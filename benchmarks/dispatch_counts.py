# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""What a call asks of PyTorch: operations, waits for the device and copies from the host. Counts are no timings.

They are counted where PyTorch dispatches, so that a CPU counts what a GPU would be asked for: an operation of
imug_kernels is one, whatever it is made of on a CPU.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode

# On CUDA the host waits for the result of these, whose size or value it has to know.
WAITS = {
    "_local_scalar_dense",
    "_unique2",
    "bincount",
    "equal",
    "masked_select",
    "nonzero",
    "unique_consecutive",
    "unique_dim",
}
INDEXED = {"index", "index_put", "index_put_"}
# Nothing is computed, though the schema does not say so.
VIEWS = {"_reshape_alias", "_unsafe_view", "detach_", "lift_fresh"}


class Counts(NamedTuple):
    """What one call asks for.

    `operations` are no views; for `waits` the host stops until a CUDA device is done; `copies` make tensors of Python's
    numbers, which waits too if they are made on the device; `index_adds` add in an order that changes on CUDA.
    """

    operations: int
    waits: int
    copies: int
    index_adds: int


def count(run: Callable[[], Any]) -> Counts:
    """Count what one call asks for.

    Example:
        >>> x = torch.arange(4.0)
        >>> count(lambda: x[x > 1].sum().item())
        Counts(operations=4, waits=2, copies=0, index_adds=0)
    """
    with DispatchCounter() as seen, _HostLooks(seen):
        run()
    return seen.counts()


class _HostLooks(TorchFunctionMode):
    """Counts what a CPU answers without dispatching anything, and a device by a copy to the host."""

    def __init__(self, seen: DispatchCounter) -> None:
        super().__init__()
        self.seen = seen

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Count one call and carry it out."""
        name = getattr(func, "__name__", "")
        if name in ("tolist", "numpy", "cpu"):
            self.seen.waits[name] += 1
        return func(*args, **(kwargs or {}))


class DispatchCounter(TorchDispatchMode):
    """Counts every operation by its name; `waits` holds those that the host would wait for."""

    def __init__(self) -> None:
        super().__init__()
        self.operations: Counter[str] = Counter()
        self.waits: Counter[str] = Counter()
        self.copies = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Count one operation and carry it out."""
        kwargs = kwargs or {}
        with self:  # in inference mode an operation arrives whole, elsewhere the parts that it is made of
            found = func.decompose(*args, **kwargs)
        if found is not NotImplemented:
            return found
        name = func.overloadpacket.__name__
        if not _is_view(func):
            self.operations[name] += 1
        if _waits(name, args, kwargs):
            self.waits[name] += 1
        self.copies += name == "lift_fresh"
        return func(*args, **kwargs)

    def counts(self) -> Counts:
        """What was seen so far."""
        adds = sum(number for name, number in self.operations.items() if name.startswith("index_add"))
        return Counts(self.operations.total(), self.waits.total(), self.copies, adds)


def _is_view(func: Any) -> bool:
    """Whether it gives another look at memory it was given, and writes none."""
    aliases = [argument.alias_info for argument in func._schema.arguments if argument.alias_info is not None]
    looks = bool(aliases) and not any(alias.is_write for alias in aliases)
    return looks or func.overloadpacket.__name__ in VIEWS


def _waits(name: str, args: Any, kwargs: Any) -> bool:
    if name in INDEXED:
        return any(part is not None and part.dtype in (torch.bool, torch.uint8) for part in args[1])
    if name == "repeat_interleave":  # without its size, which is the sum of what it is given
        return isinstance(args[-1], torch.Tensor) and kwargs.get("output_size") is None
    return name in WAITS
