# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""The same call on a device, by the kernels, and on the CPU, by PyTorch in float64."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor
from torch.testing import assert_close

CUDA = torch.device("cuda")


def on_both(call: Callable[..., object], *tensors: Tensor) -> tuple[tuple[Tensor, ...], tuple[Tensor, ...]]:
    """Return the results of the kernels, and of float64 PyTorch on the CPU on the same numbers."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("IMUG_BACKEND", "torch")
        expected = call(*tensors)
    result = call(*(tensor.to(CUDA) for tensor in tensors))
    return tuple(part.cpu() for part in _parts(result)), _parts(expected)


def _parts(result: object) -> tuple[Tensor, ...]:
    return (result,) if isinstance(result, Tensor) else tuple(result)  # type: ignore[call-overload]


def compare(call: Callable[..., object], *tensors: Tensor, tolerance: float = 1e-5) -> None:
    for result, expected in zip(*on_both(call, *tensors), strict=True):
        assert_close(result, expected, atol=tolerance, rtol=tolerance, equal_nan=True, check_dtype=False)
