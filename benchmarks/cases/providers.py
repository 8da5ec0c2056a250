# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Providers made of functions of tensors, with those that torch.compile, torchmetrics and other settings offer."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from functools import partial
from importlib import import_module
from typing import Any

import torch
from torch import Tensor

from ..machine import ON_GPU
from ..registry import Answer, Provider, Setup

Function = Callable[..., Tensor]


def providers(functions: Mapping[str, Function], *arguments: Tensor, rows: int) -> tuple[Provider, ...]:
    """Return one provider for each function, which is called with the arguments and handles so many rows."""
    return tuple(Provider(name, partial(_answer, function, *arguments), rows) for name, function in functions.items())


def _answer(function: Function, *arguments: Tensor) -> Answer:
    return Answer(function(*arguments))


def compiled(name: str, function: Function) -> dict[str, Function]:
    """Return the compiled function under its name; nothing without a C++ compiler on a CPU."""
    return {name: torch.compile(function, dynamic=False)} if ON_GPU or shutil.which("c++") else {}


def torchmetrics_functions(setup: Setup, **options: Any) -> dict[str, Function]:
    """Functions of torchmetrics by name, with keyword arguments; nothing where it is not installed, or all is quick."""
    if setup.quick:  # its import takes longer than all that is computed
        return {}
    try:
        import_module("imug_metrics")  # first: it makes a mixed torch and torchvision importable for torchmetrics
        functional = import_module("torchmetrics.functional")
    except ImportError:
        return {}
    return {f"torchmetrics {name}": partial(getattr(functional, name), **given) for name, given in options.items()}


def ours(
    setup: Setup, name: str, function: Function, rows: Tensor | None = None, kernel: str = "", length: float = 1
) -> dict[str, Function]:
    """Return a function of imug_kernels as it is, and with each of the settings that are to be tried.

    On a GPU those are the candidates for ``kernel`` too, a name in the table of settings, for such rows in segments of
    such a mean length.
    """
    tried = {f"{name}, {config}": partial(_with_settings, parse_config(config), function) for config in setup.configs}
    if ON_GPU and rows is not None:
        tried |= {
            f"{name}, {_text(form)}": partial(_trying, kernel, form, function) for form in _forms(kernel, rows, length)
        }
    return {name: function, **tried}


def _forms(kernel: str, rows: Tensor, length: float) -> list[dict[str, int]]:
    from imug_kernels.triton_kernels import settings

    return settings.candidates(kernel, rows.dtype, length, settings.capability_of(rows.device))


def _text(form: Mapping[str, int]) -> str:
    return ",".join(f"{name}={value}" for name, value in form.items())


def _trying(kernel: str, form: dict[str, int], function: Function, *arguments: Tensor) -> Tensor:
    from imug_kernels.triton_kernels.settings import trying

    with trying(kernel, form):
        return function(*arguments)


def parse_config(text: str) -> dict[str, int]:
    """Settings by name.

    Example:
        >>> parse_config("BLOCK_M=64, num_stages=6")
        {'BLOCK_M': 64, 'num_stages': 6}
    """
    pairs = [part.partition("=") for part in text.split(",")]
    if not all(name.strip().isidentifier() and value.strip().isdigit() for name, _, value in pairs):
        raise ValueError(f"Expected settings such as BLOCK_M=64,num_stages=6, got {text!r}.")
    return {name.strip(): int(value) for name, _, value in pairs}


def _with_settings(settings: dict[str, int], function: Function, *arguments: Tensor) -> Tensor:
    from imug_kernels.triton_kernels.settings import override

    with override(**settings):
        return function(*arguments)
