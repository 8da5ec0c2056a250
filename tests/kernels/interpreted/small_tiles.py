# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Launchers of the kernels of all pairs, in tiles so small that tests of few rows meet every edge of them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from types import ModuleType
from unittest import mock

POINTERS = {"BLOCK_M": 16, "BLOCK_N": 16, "BLOCK_K": 32, "DESCRIPTORS": 0}
DESCRIPTORS = {"BLOCK_M": 16, "BLOCK_N": 32, "BLOCK_K": 16, "DESCRIPTORS": 1}
FORMS = (POINTERS, DESCRIPTORS)


@contextmanager
def small_tiles(name: str, tile: dict[str, int] = POINTERS) -> Iterator[ModuleType]:
    """Yield `triton_kernels/NAME.py` as it is loaded now: the mutation tests load it from other text."""
    settings = kernels("settings")
    with (
        mock.patch.object(settings, "all_pairs_tile", return_value=tile),
        mock.patch.object(settings, "pointer_tile", return_value=POINTERS),
    ):
        yield kernels(name)


def kernels(name: str) -> ModuleType:
    return import_module(f"imug_kernels.triton_kernels.{name}")
