# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Triton's interpreter without replacing the functions of its language at every call of every function.

Each call replaces all of them by the same ones, and each use of a dtype makes the table of all dtypes: that is a third
of what these tests would take.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any
from unittest import mock

from triton import language as tl
from triton.runtime import interpreter


@contextmanager
def replaced_language() -> Iterator[None]:
    """Replace the functions once, where kernels and where Triton's own library look for them."""
    scope = interpreter._patch_lang(SimpleNamespace(__globals__={"tl": tl, "core": tl.core}))
    nothing_to_restore = SimpleNamespace(restore=lambda: None)
    dtypes: dict[str, Any] = {}
    make_dtype = interpreter._get_np_dtype

    def known_dtype(dtype: Any) -> Any:
        if dtype.name not in dtypes:
            dtypes[dtype.name] = make_dtype(dtype)
        return dtypes[dtype.name]

    try:
        with (
            mock.patch.object(interpreter, "_patch_lang", return_value=nothing_to_restore),
            mock.patch.object(interpreter, "_get_np_dtype", known_dtype),
        ):
            yield
    finally:
        scope.restore()
