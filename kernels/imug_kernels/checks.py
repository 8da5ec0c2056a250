# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Argument checks, written once so that every function rejects the same mistakes in the same words.

Those whose names end in ``_values`` look at the numbers. They are called where an operation computes, not where
torch.compile traces, and look on a CPU only: elsewhere the look would wait for the device.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor


def check_rows(name: str, rows: Tensor) -> None:
    """Raise unless ``rows`` is a floating point tensor ``[N, D]`` with ``D >= 1``."""
    if not rows.is_floating_point():
        raise TypeError(f"Expected argument `{name}` to be a floating point tensor, got {rows.dtype}.")
    if rows.ndim != 2 or rows.shape[1] < 1:
        raise ValueError(f"Expected argument `{name}` to have shape [N, D] with D >= 1, got {list(rows.shape)}.")


def check_row_pair(x: Tensor, y: Tensor) -> None:
    """Raise unless ``x`` and ``y`` are rows of the same length on the same device."""
    check_rows("x", x)
    check_rows("y", y)
    if x.shape[1] != y.shape[1]:
        raise ValueError(
            f"Expected arguments `x` and `y` to have rows of equal length, got {x.shape[1]} and {y.shape[1]}."
        )
    check_device("y", y, x.device)


def check_same_count(count_x: int, count_y: int) -> None:
    """Raise unless as many rows of ``x`` as of ``y`` are paired."""
    if count_x != count_y:
        raise ValueError(f"Expected arguments `x` and `y` to pair as many rows, got {count_x} and {count_y}.")


def check_packed(rows: Tensor, offsets: Tensor, valid: Tensor | None) -> Tensor:
    """Return ``offsets`` as int64, or raise unless ``rows``, ``offsets`` and ``valid`` are a packed batch."""
    check_rows("rows", rows)
    check_valid("valid", valid, rows)
    return check_offsets(offsets, rows.device)


def check_columns(name: str, columns: tuple[int, int], values: Tensor) -> None:
    """Raise unless the columns from the first number up to the second are some of ``values``."""
    first, end = columns
    if not 0 <= first <= end <= values.shape[1]:
        raise ValueError(
            f"Expected argument `{name}` to lie within the {values.shape[1]} columns, got {first} to {end}."
        )


def check_table(name: str, table: Tensor | None, shape: tuple[int, int], device: torch.device) -> None:
    """Raise unless ``table`` is absent or a floating point tensor of a shape on ``device``."""
    if table is None:
        return
    if not table.is_floating_point():
        raise TypeError(f"Expected argument `{name}` to be a floating point tensor, got {table.dtype}.")
    if tuple(table.shape) != shape:
        raise ValueError(f"Expected argument `{name}` to have shape {list(shape)}, got {list(table.shape)}.")
    check_device(name, table, device)


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
    """Raise unless ``index`` is absent or an integer tensor ``[R]``."""
    if index is None:
        return
    if index.ndim != 1:
        raise ValueError(f"Expected argument `{name}` to have shape [R], got {list(index.shape)}.")
    check_integers(name, index, index.shape[0], rows.device)


def check_index_values(name: str, index: Tensor | None, rows: Tensor) -> None:
    """Raise unless ``index`` holds row numbers, -1 for "no row"."""
    if index is None or index.device.type != "cpu":
        return
    wrong = ((index < -1) | (index >= rows.shape[0])).nonzero()
    if wrong.numel():
        row = int(wrong[0, 0])
        raise ValueError(
            f"Expected argument `{name}` to hold -1 or row numbers below {rows.shape[0]}, "
            f"got {int(index[row])} at row {row}."
        )


def check_valid(name: str, valid: Tensor | None, rows: Tensor) -> None:
    """Raise unless ``valid`` is absent or a boolean tensor ``[N]`` for ``rows [N, ...]``."""
    if valid is None:
        return
    if valid.dtype != torch.bool:
        raise TypeError(f"Expected argument `{name}` to be a boolean tensor, got {valid.dtype}.")
    if valid.shape != rows.shape[:1]:
        raise ValueError(f"Expected argument `{name}` to have shape [{rows.shape[0]}], got {list(valid.shape)}.")
    check_device(name, valid, rows.device)


def check_offsets(offsets: Tensor, device: torch.device) -> Tensor:
    """Return ``offsets`` as int64 ``[S + 1]``, or raise."""
    if offsets.dtype not in (torch.int64, torch.int32):
        raise TypeError(f"Expected argument `offsets` to be an int64 tensor, got {offsets.dtype}.")
    if offsets.ndim != 1 or offsets.shape[0] < 1:
        raise ValueError(f"Expected argument `offsets` to have shape [S + 1], got {list(offsets.shape)}.")
    check_device("offsets", offsets, device)
    return offsets.long().contiguous()


def check_offset_values(offsets: Tensor, total: int) -> None:
    """Raise unless ``offsets`` rise from 0 to ``total``."""
    if offsets.device.type != "cpu":
        return
    if int(offsets[0]) != 0 or int(offsets[-1]) != total:
        raise ValueError(
            f"Expected argument `offsets` to run from 0 to {total}, got {int(offsets[0])} to {int(offsets[-1])}."
        )
    falls = (offsets[1:] < offsets[:-1]).nonzero()
    if falls.numel():
        row = int(falls[0, 0])
        raise ValueError(
            f"Expected argument `offsets` never to fall, got {int(offsets[row])} then {int(offsets[row + 1])} "
            f"at row {row + 1}."
        )


def check_at_least(name: str, value: int, least: int) -> None:
    """Raise unless ``value`` is ``least`` or more."""
    if value < least:
        raise ValueError(f"Expected argument `{name}` to be >= {least}, got {value}.")


def check_positive(name: str, value: float) -> None:
    """Raise unless ``value`` is above 0; NaN is not."""
    if not value > 0:
        raise ValueError(f"Expected argument `{name}` to be positive, got {value}.")


def check_choice(name: str, value: str, choices: tuple[str, str]) -> None:
    """Raise unless ``value`` is one of two."""
    if value not in choices:
        raise ValueError(f"Expected argument `{name}` to be {' or '.join(choices)}, got {value!r}.")


def check_groups(name: str, groups: Tensor | None, rows: Tensor, needed: bool) -> None:
    """Raise unless ``groups`` is an integer tensor ``[N]``, or absent and not ``needed``."""
    if groups is not None:
        check_integers(name, groups, len(rows), rows.device)
    elif needed:
        raise ValueError(f"Expected argument `{name}` with `exclude_same_group` or `bins`.")


def check_images(images: Tensor) -> None:
    """Raise unless ``images`` is a uint8 tensor of four axes, of which only the first may be empty."""
    if images.dtype != torch.uint8:
        raise TypeError(f"Expected argument `images` to be a uint8 tensor, got {images.dtype}.")
    if images.ndim != 4 or 0 in images.shape[1:]:
        raise ValueError(f"Expected argument `images` to hold four axes, only the first 0, got {list(images.shape)}.")


def check_floating_dtype(name: str, dtype: torch.dtype) -> None:
    """Raise unless ``dtype`` is one of floating point numbers."""
    if not dtype.is_floating_point:
        raise TypeError(f"Expected argument `{name}` to be a floating point dtype, got {dtype}.")


def check_by_channel(name: str, values: Sequence[float], channels: int) -> None:
    """Raise unless there is one value for each channel."""
    if len(values) != channels:
        raise ValueError(f"Expected argument `{name}` to have {channels} values, got {len(values)}.")


def check_crop(size: tuple[int, int], crop: tuple[int, int], resize: tuple[int, int]) -> None:
    """Raise unless a crop of ``size`` that begins at ``crop`` lies within an image of size ``resize``."""
    for axis, name in enumerate(("rows", "columns")):
        if not 0 <= crop[axis] <= resize[axis] - size[axis] or size[axis] < 1:
            raise ValueError(
                f"Expected arguments `size` and `crop` to lie within the resized image, got {name} {crop[axis]} to "
                f"{crop[axis] + size[axis]} of {resize[axis]}."
            )
