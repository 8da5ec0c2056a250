# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Argument checks, written once so that every function rejects the same mistakes in the same words."""

from __future__ import annotations

import torch
from torch import Tensor


def check_rows(name: str, rows: Tensor) -> None:
    """Raise unless ``rows`` is a floating point tensor ``[N, D]`` with ``D >= 1``."""
    if not rows.is_floating_point():
        raise TypeError(f"Expected argument `{name}` to be a floating point tensor, got {rows.dtype}.")
    if rows.ndim != 2 or rows.shape[1] < 1:
        raise ValueError(f"Expected argument `{name}` to have shape [N, D] with D >= 1, got {list(rows.shape)}.")


def check_same_width(x: Tensor, y: Tensor) -> None:
    """Raise unless ``x`` and ``y`` have rows of the same length on the same device."""
    if x.shape[1] != y.shape[1]:
        raise ValueError(
            f"Expected arguments `x` and `y` to have rows of equal length, got {x.shape[1]} and {y.shape[1]}."
        )
    check_device("y", y, x.device)


def check_device(name: str, tensor: Tensor, device: torch.device) -> None:
    """Raise unless ``tensor`` lies on ``device``."""
    if tensor.device != device:
        raise ValueError(f"Expected argument `{name}` to be on {device}, got {tensor.device}.")


def check_integers(name: str, values: Tensor, length: int, device: torch.device) -> None:
    """Raise unless ``values`` is an integer tensor ``[length]`` on ``device``."""
    if values.dtype not in (torch.int64, torch.int32, torch.int16, torch.int8, torch.uint8):
        raise TypeError(f"Expected argument `{name}` to be an integer tensor, got {values.dtype}.")
    if values.shape != (length,):
        raise ValueError(f"Expected argument `{name}` to have shape [{length}], got {list(values.shape)}.")
    check_device(name, values, device)


def check_index(name: str, index: Tensor | None, rows: Tensor) -> None:
    """Raise unless ``index`` is absent or an integer tensor ``[R]``; :func:`check_index_values` looks inside."""
    if index is None:
        return
    if index.ndim != 1:
        raise ValueError(f"Expected argument `{name}` to have shape [R], got {list(index.shape)}.")
    check_integers(name, index, index.shape[0], rows.device)


def check_index_values(name: str, index: Tensor | None, rows: Tensor) -> None:
    """Raise unless ``index`` holds row numbers, -1 for "no row".

    Looked at on a CPU only: elsewhere the look would wait for the device.
    """
    if index is None or index.device.type != "cpu":
        return
    wrong = ((index < -1) | (index >= rows.shape[0])).nonzero()
    if wrong.numel():
        at = int(wrong[0, 0])
        raise ValueError(
            f"Expected argument `{name}` to hold -1 or row numbers below {rows.shape[0]}, "
            f"got {int(index[at])} at row {at}."
        )


def check_valid(name: str, valid: Tensor | None, rows: Tensor) -> None:
    """Raise unless ``valid`` is absent or a boolean tensor ``[N]``."""
    if valid is None:
        return
    if valid.dtype != torch.bool:
        raise TypeError(f"Expected argument `{name}` to be a boolean tensor, got {valid.dtype}.")
    if valid.shape != rows.shape[:1]:
        raise ValueError(f"Expected argument `{name}` to have shape [{rows.shape[0]}], got {list(valid.shape)}.")
    check_device(name, valid, rows.device)


def check_offsets(offsets: Tensor, device: torch.device) -> Tensor:
    """Return ``offsets`` as int64 ``[S + 1]``, or raise; :func:`check_offset_values` looks inside."""
    if offsets.dtype not in (torch.int64, torch.int32):
        raise TypeError(f"Expected argument `offsets` to be an int64 tensor, got {offsets.dtype}.")
    if offsets.ndim != 1 or offsets.shape[0] < 1:
        raise ValueError(f"Expected argument `offsets` to have shape [S + 1], got {list(offsets.shape)}.")
    check_device("offsets", offsets, device)
    return offsets.long().contiguous()


def check_offset_values(offsets: Tensor, total: int) -> None:
    """Raise unless ``offsets`` rise from 0 to ``total``.

    Looked at on a CPU only: elsewhere the look would wait for the device.
    """
    if offsets.device.type != "cpu":
        return
    if int(offsets[0]) != 0 or int(offsets[-1]) != total:
        raise ValueError(
            f"Expected argument `offsets` to run from 0 to {total}, got {int(offsets[0])} to {int(offsets[-1])}."
        )
    falls = (offsets[1:] < offsets[:-1]).nonzero()
    if falls.numel():
        at = int(falls[0, 0])
        raise ValueError(
            f"Expected argument `offsets` never to fall, got {int(offsets[at])} then {int(offsets[at + 1])} "
            f"at row {at + 1}."
        )
