# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Providers made of functions of tensors, those that torch.compile makes where it can among them."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from functools import partial

import torch
from torch import Tensor

from benchmarks.machine import ON_GPU
from benchmarks.registry import Answer, Provider

Function = Callable[..., Tensor]


def providers(functions: Mapping[str, Function], *arguments: Tensor, rows: int) -> tuple[Provider, ...]:
    """Return one provider for each function, which is called with the arguments and handles so many rows."""
    return tuple(Provider(name, partial(_answer, function, *arguments), rows) for name, function in functions.items())


def _answer(function: Function, *arguments: Tensor) -> Answer:
    return Answer(function(*arguments))


def compiled(name: str, function: Function) -> dict[str, Function]:
    """Return the compiled function under its name; nothing without a C++ compiler on a CPU."""
    return {name: torch.compile(function, dynamic=False)} if ON_GPU or shutil.which("c++") else {}
