# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Import of packages that only a part of the library needs."""

from __future__ import annotations

from importlib import import_module
from types import ModuleType


def require(module: str, *, purpose: str, extra: str | None = None) -> ModuleType:
    """Import an optional package, or say how to install it.

    Args:
        module: Its import name; a submodule is returned itself.
        purpose: What needs it, in the singular: the beginning of the error's sentence.
        extra: The extra of this package that installs it; ``None`` where there is none.

    Returns:
        The module.

    Raises:
        ModuleNotFoundError: If the package, or one that it imports itself, is not installed.

    Example:
        >>> require("json", purpose="An example").__name__
        'json'
        >>> require("no_such_package", purpose="TimmEncoder", extra="timm")  # doctest: +ELLIPSIS
        Traceback (most recent call last):
        ModuleNotFoundError: TimmEncoder needs no_such_package, ... pip install 'imug_metrics[timm]'
    """
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        missing = error.name or module
        package = missing.partition(".")[0] if extra is None else f"'imug_metrics[{extra}]'"
        raise ModuleNotFoundError(
            f"{purpose} needs {missing}, which is not installed: pip install {package}", name=missing
        ) from error
