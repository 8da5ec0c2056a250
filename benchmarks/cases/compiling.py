# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Baselines that torch.compile makes, where it can."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from typing import Any

import torch

from benchmarks.machine import ON_GPU

Way = Callable[..., Any]


def compiled(name: str, way: Way) -> dict[str, Way]:
    """Return the compiled function under its name; nothing without a C++ compiler on a CPU."""
    return {name: torch.compile(way, dynamic=False)} if ON_GPU or shutil.which("c++") else {}
