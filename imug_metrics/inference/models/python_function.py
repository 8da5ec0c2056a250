# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""A model that is a Python function, or class, of the user's own."""

from __future__ import annotations

import inspect
from typing import Any

from imug_metrics.errors import ArgumentError
from imug_metrics.inference.model import History, Want
from imug_metrics.inference.python_file import load_function


class PythonFunction:
    """A function of a Python file as a model; an instance, where it is a class.

    What else a model may have (`name`, `settings`, `concurrency`, `knows_turns`, `aclose()`) is taken from it.

    Args:
        place: `FILE.py:FUNCTION`.

    Raises:
        ArgumentError: if there is no such file, it cannot be run, has no such function, or the class cannot be made an
            instance of without arguments.
    """

    def __init__(self, place: str) -> None:
        found = load_function(place, "model")
        self._model: Any = _instance(found.call, place) if inspect.isclass(found.call) else found.call
        self.name = str(getattr(self._model, "name", found.name))
        self.settings = f"{getattr(self._model, 'settings', '')}{found.name} {found.digest}"
        self.concurrency = int(getattr(self._model, "concurrency", 1))
        self.knows_turns = bool(getattr(self._model, "knows_turns", False))

    def __call__(self, history: History, *, want: Want, seed: int, **turn: Any) -> Any:
        """Whatever the function returns."""
        return self._model(history, want=want, seed=seed, **turn)

    async def aclose(self) -> None:
        """Let it close what it holds open."""
        if hasattr(self._model, "aclose"):
            await self._model.aclose()


def _instance(kind: Any, place: str) -> Any:
    try:
        found = kind()
    except Exception as error:
        raise ArgumentError("model", f"{place}() fails with {type(error).__name__}: {error}") from error
    if not callable(found):
        raise ArgumentError("model", f"expected instances of {place} to have a method __call__(history, *, want, seed)")
    return found
