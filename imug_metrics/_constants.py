# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Tensors that follow from shapes alone: made once for each device, since a launch costs more than they hold."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import torch
from torch import Tensor

_MOST = 256  # tensors that are kept
_LARGEST = 1 << 18  # elements of one of them

_kept: OrderedDict[tuple[Any, ...], Tensor] = OrderedDict()
_captured: dict[int, Tensor] = {}  # what CUDA graphs read at every replay, and nobody tells how long they live


def constant(make: Callable[..., Tensor], *arguments: Any, like: Tensor) -> Tensor:
    """The tensor that `make(*arguments, device=...)` gives on the device of another; nobody may change it.

    Args:
        make: a function of hashable arguments and `device`, defined once (not a lambda of a call).
        arguments: what it depends on.
        like: where it is needed.

    It is made anew, and not kept, where it is large, where PyTorch traces or transforms what is computed, and where a
    CUDA graph is captured. One that a capture finds ready is kept for good, as replays read it.

    Example:
        >>> constant(torch.arange, 3, like=torch.ones(1))
        tensor([0, 1, 2])
        >>> constant(torch.arange, 3, like=torch.ones(1)) is constant(torch.arange, 3, like=torch.ones(1))
        True
    """
    if type(like) is not Tensor or torch.compiler.is_compiling():
        return make(*arguments, device=like.device)
    key = (make, arguments, like.device)
    found = _kept.get(key)
    if found is None:
        with torch.inference_mode(False):  # one made in inference mode could not take part in a gradient later
            found = make(*arguments, device=like.device)
        if found.numel() > _LARGEST or _is_local(found):
            return found
        _kept[key] = found
        if len(_kept) > _MOST:
            _kept.popitem(last=False)
        return found
    if _is_captured(like):
        _captured[id(found)] = found
    with suppress(KeyError):  # another thread has just made room
        _kept.move_to_end(key)  # what is in use stays longest
    return found


def integers(values: tuple[int, ...], device: torch.device) -> Tensor:
    """Integers as int64 `[N]`, for `constant`."""
    return torch.tensor(values, dtype=torch.int64, device=device)


def _is_local(made: Tensor) -> bool:
    """Whether a tensor means something only where it was made: in a tracer, a transform or the capture of a graph."""
    return type(made) is not Tensor or torch._C._functorch.is_functorch_wrapped_tensor(made) or _is_captured(made)


def _is_captured(like: Tensor) -> bool:
    """Whether a CUDA graph is being captured, whose memory holds nothing before a replay."""
    return like.is_cuda and torch.cuda.is_current_stream_capturing()
