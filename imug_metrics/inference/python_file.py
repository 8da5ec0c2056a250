# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""A function of the user's own, named by its file: FILE.py:FUNCTION."""

from __future__ import annotations

import hashlib
import importlib.util
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

from imug_metrics.errors import ArgumentError


class PythonFunction(NamedTuple):
    """A function, or class, of a file.

    Attributes:
        call: the object itself.
        name: under which the file has it.
        digest: of the content of the file, in hexadecimal: it changes with the code.
    """

    call: Callable[..., Any]
    name: str
    digest: str


def load_function(place: str, argument: str) -> PythonFunction:
    """Run a Python file, once for each content of it, and take a function from it.

    While the file runs, its folder is the first in which modules are looked for.

    Args:
        place: `FILE.py:FUNCTION`.
        argument: name of the argument that it was given as, for errors.

    Raises:
        ArgumentError: if there is no such file, it cannot be run, or has no such function.

    Example:
        >>> load_function("draw", "model")
        Traceback (most recent call last):
        imug_metrics.errors.ArgumentError: Argument `model`: expected FILE.py:FUNCTION, got 'draw'
    """
    file, _, name = place.rpartition(":")
    if not file.endswith(".py") or not name.isidentifier():
        raise ArgumentError(argument, f"expected FILE.py:FUNCTION, got {place!r}")
    path = Path(file).expanduser().resolve()
    try:
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as error:
        raise ArgumentError(argument, f"{file} cannot be read: {error.strerror}") from error
    found = getattr(_module(path, digest, argument), name, None)
    if not callable(found):
        fault = "has nothing" if found is None else "has no function or class"
        raise ArgumentError(argument, f"{file} {fault} of the name {name!r}")
    return PythonFunction(found, name, digest)


def _module(path: Path, digest: str, argument: str) -> ModuleType:
    own = hashlib.sha256(f"{path}:{digest}".encode()).hexdigest()[:16]
    name = f"{path.stem}_{own}"  # a name of its own: a file called json.py is not what others import as json
    if name in sys.modules:
        return sys.modules[name]
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None  # a .py file has a loader
    assert spec.loader is not None
    module = sys.modules[name] = importlib.util.module_from_spec(spec)
    try:
        with _first_on_path(path.parent):
            spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:
        del sys.modules[name]
        raise ArgumentError(argument, f"{path} fails with {type(error).__name__}: {error}") from error
    return module


@contextmanager
def _first_on_path(folder: Path) -> Iterator[None]:
    sys.path.insert(0, str(folder))
    try:
        yield
    finally:
        sys.path.remove(str(folder))
