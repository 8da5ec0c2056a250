# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Which precision is worked in, and which is returned."""

from __future__ import annotations

import os
from typing import Any

import torch
from torch import Tensor

_WIDEST = 1 << 13  # columns


def work_dtype(device: torch.device) -> torch.dtype:
    """Return the dtype of plain arithmetic, and of one number a segment: float64, on MPS, which has none, float32.

    In float64 a cosine differs by about 1e-15 between one batch split and another, so no score depends on how rows
    were batched; float32 matrix products differ by 1e-7 and, on CUDA, by 1e-3 once TF32 is allowed. On a CPU the forms
    of `paired_cosine`, `cross_stats`, `rbf_sum` and, of long segments, `dialogue_gram` multiply in float32 where no
    bit, no decision or no digit that matters depends on the batch.
    """
    return torch.float32 if device.type == "mps" else torch.float64


def result_dtype(device: torch.device) -> torch.dtype:
    """Return the dtype of one number a row: float64 on a CPU, float32 elsewhere.

    Kernels accumulate in float32, and the dtype must not depend on which implementation a device can run.
    """
    return torch.float64 if device.type == "cpu" else torch.float32


def extreme_dtype(values: Tensor) -> torch.dtype:
    """Return the dtype of minima and maxima: that of the values, or one that has NaN."""
    return values.dtype if values.is_floating_point() else work_dtype(values.device)


def fits_float32(*arguments: Any) -> bool:
    """Return whether no tensor among ``arguments`` is float64: the kernels work in float32."""
    return not any(isinstance(argument, Tensor) and argument.dtype == torch.float64 for argument in arguments)


def multiplies_float32() -> bool:
    """Return whether matrix products of float32 on a CPU are made in float32: TF32 and bfloat16 may be asked for."""
    if os.environ.get("DNNL_DEFAULT_FPMATH_MODE", "STRICT").upper() != "STRICT":
        return False
    settings = getattr(torch.backends.mkldnn, "matmul", None)  # since PyTorch 2.9, which may refuse the older question
    if settings is not None:
        return settings.fp32_precision in ("none", "ieee")
    return torch.get_float32_matmul_precision() == "highest"


def fits_narrow(x: Tensor, y: Tensor) -> bool:
    """Return whether the products of these rows are made in float32 on a CPU, where that is faster and its error known.

    Wider rows are multiplied in float64: float32 would leave too much open.
    """
    return x.device.type == "cpu" and fits_float32(x, y) and x.shape[1] <= _WIDEST and multiplies_float32()


def work_zeros(like: Tensor, *shape: int) -> Tensor:
    """Return zeros in working precision on the device of ``like``."""
    return torch.zeros(shape, dtype=work_dtype(like.device), device=like.device)
