# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Triton's interpreter without its look through all of Triton's language in every call of every function.

It looks which names are to be replaced, and finds the same ones each time: that is a third of what these tests take.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest import mock

from triton import language as tl
from triton.runtime import interpreter


@functools.cache
def _builtins(package: Any) -> list[str]:
    return [name for name, member in inspect.getmembers(package) if tl.core.is_builtin(member)]


def _patch_builtin(package: Any, *arguments: Any) -> None:
    for name in _builtins(package):
        member = getattr(package, name)
        if tl.core.is_builtin(member):  # not where a function calls another, as all are replaced already
            interpreter._patch_attr(package, name, member, *arguments)


@contextmanager
def cached_builtins() -> Iterator[None]:
    """Remember which names are replaced."""
    with mock.patch.object(interpreter, "_patch_builtin", _patch_builtin):
        yield
