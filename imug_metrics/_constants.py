# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Tensors that follow from shapes alone: made once for each device, since a launch costs more than they hold."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
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
        like: where it is needed. Beside tensors that are not plain ones, such as those of a tracer, it is made anew.

    Example:
        >>> constant(torch.arange, 3, like=torch.ones(1))
        tensor([0, 1, 2])
        >>> constant(torch.arange, 3, like=torch.ones(1)) is constant(torch.arange, 3, like=torch.ones(1))
        True
    """
    if type(like) is not Tensor:
        return make(*arguments, device=like.device)
    key = (make, arguments, like.device)
    found = _kept.pop(key, None)
    if found is None:
        with torch.inference_mode(False):  # one made in inference mode could not take part in a gradient later
            found = make(*arguments, device=like.device)
        if found.numel() > _LARGEST or _is_of_its_place(found):
            return found
    elif _is_captured(like):
        _captured[id(found)] = found
    _kept[key] = found  # behind all others: what is in use stays longest
    if len(_kept) > _MOST:
        _kept.popitem(last=False)
    return found


def integers(values: tuple[int, ...], device: torch.device) -> Tensor:
    """Integers as int64 `[N]`, for `constant`."""
    return torch.tensor(values, dtype=torch.int64, device=device)


def _is_of_its_place(made: Tensor) -> bool:
    """Whether a tensor means something only where it was made: in a tracer, a transform or the capture of a graph."""
    return type(made) is not Tensor or torch._C._functorch.is_functorch_wrapped_tensor(made) or _is_captured(made)


def _is_captured(like: Tensor) -> bool:
    """Whether a CUDA graph is being captured, whose memory holds nothing before a replay."""
    return like.is_cuda and torch.cuda.is_current_stream_capturing()
