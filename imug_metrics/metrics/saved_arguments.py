# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""The arguments that a metric was made with, as far as they are plain values: what of them travels, and how."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Mapping
from enum import Enum
from operator import attrgetter
from typing import Any

import numpy as np
from torch import Tensor

from imug_metrics.errors import InputError

OF_PROCESS = ("process_group", "dist_sync_fn", "distributed_available_fn")
"""Arguments that belong to a process and have no place in another one."""

ENCODER = "encoder"
"""The argument that is no part of a state, whatever it is: a name would be loaded by whoever reads it."""

LARGEST = 2**16
"""Of a number of turns, replicates, groups, ...: what is beyond would take memory before it could be compared."""

LONGEST = 2**12
"""Of a list of groups, strategies, ..., for the same reason."""


class MadeWith:
    """What a metric was made with.

    Args:
        metric: its class.
        args, kwargs: of the call.

    Attributes:
        plain: the arguments that are plain values, by name, in terms of JSON.
        others: names of the rest.

    Example:
        >>> from imug_metrics import TurnDecay
        >>> made = MadeWith(TurnDecay, ("pooled",), {"score_range": (0, 1), "dist_sync_fn": print})
        >>> made.plain, made.others
        ({'slope': 'pooled', 'score_range': {'tuple': [0, 1]}}, ['dist_sync_fn'])
    """

    def __init__(self, metric: type, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> None:
        self.plain: dict[str, Any] = {}
        self.others: list[str] = []
        for name, value in (_named(metric, args) | dict(kwargs)).items():
            if name in (ENCODER, *OF_PROCESS) and value is None:
                continue
            try:
                if name in (ENCODER, *OF_PROCESS):
                    raise TypeError
                self.plain[name] = _to_json(as_plain(value))
            except (TypeError, RecursionError):
                self.others.append(name)


def as_plain(value: Any, other: Callable[[Any], Any] = lambda value: value) -> Any:
    """A value without types that merely dress it up: numbers and arrays of numpy, tensors, enumerations, subclasses.

    Args:
        value: anything, alone or in lists, tuples and mappings.
        other: what to make of that which is no plain value.

    Example:
        >>> as_plain({"ends": (np.float64(0.5), True)}), as_plain(np.arange(2))
        ({'ends': (0.5, True)}, [0, 1])
    """
    if isinstance(value, (np.generic, np.ndarray, Tensor)):
        return value.tolist()
    if isinstance(value, Enum):
        return as_plain(value.value, other)
    if isinstance(value, dict):
        return {as_plain(key, other): as_plain(entry, other) for key, entry in value.items()}
    if isinstance(value, (list, tuple)):
        entries = [as_plain(entry, other) for entry in value]
        return entries if isinstance(value, list) else tuple(entries)
    if value is None or isinstance(value, bool):
        return value
    kind = next((kind for kind in (int, float, str) if isinstance(value, kind)), None)
    return other(value) if kind is None else kind(value)


def function_name(value: Any) -> Any:
    """Where a function is defined, if it is found there by whoever imports it, as pickle has it.

    Returns:
        Module and name; any other value as it is: two lambdas have one name, and so have two that a function made.

    Example:
        >>> function_name(check_sizes)
        'imug_metrics.metrics.saved_arguments.check_sizes'
    """
    module, name = getattr(value, "__module__", None), getattr(value, "__qualname__", None)
    try:
        found = attrgetter(name)(sys.modules[module])  # type: ignore[arg-type,index]
    except (AttributeError, KeyError, TypeError):
        return value
    return f"{module}.{name}" if found is value else value


def check_sizes(arguments: Mapping[str, Any]) -> None:
    """Raise InputError for a number, or a list, that stands for more than a saved state may hold.

    Example:
        >>> check_sizes({"max_turns": 10**9})
        Traceback (most recent call last):
        imug_metrics.errors.InputError: Expected argument `max_turns` to be at most 65536 in a saved state, got
        1000000000.
    """
    for name, value in arguments.items():
        if name != "seed" and type(value) is int and abs(value) > LARGEST:
            raise InputError(name, f"to be at most {LARGEST} in a saved state", value if abs(value) < 10**20 else None)
        if isinstance(value, (list, tuple, dict)) and len(value) > LONGEST:
            raise InputError(name, f"to have at most {LONGEST} entries in a saved state", len(value))


def plain_arguments(known: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments that `MadeWith.plain` has in terms of JSON.

    Raises:
        InputError: if they are none.

    Example:
        >>> plain_arguments({"score_range": {"tuple": [0, 1]}})
        {'score_range': (0, 1)}
    """
    forbidden = [name for name in known if name in (ENCODER, *OF_PROCESS)]
    if forbidden:
        raise InputError("data", "to hold no argument that belongs to a process", forbidden[0])
    try:
        found = {name: _from_json(value) for name, value in known.items()}
    except (TypeError, RecursionError) as error:
        raise InputError("data", "to hold arguments of a metric", "values that are none") from error
    check_sizes(found)
    return found


def _named(metric: type, args: tuple[Any, ...]) -> dict[str, Any]:
    """Positional arguments by name; those of a constructor that takes any number of them are "*"."""
    if not args:
        return {}
    own = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    parameters = inspect.signature(metric.__init__).parameters.values()  # type: ignore[misc]
    names = [parameter.name for parameter in parameters if parameter.kind in own][1:]
    rest = args[len(names) :]
    return {**dict(zip(names, args, strict=False)), **({"*": list(rest)} if rest else {})}


def _to_json(value: Any) -> Any:
    """A plain value, in which tuples and mappings are marked; TypeError for any other."""
    if value is None or type(value) in (bool, int, float, str):
        return value
    if type(value) is list:
        return [_to_json(entry) for entry in value]
    if type(value) is tuple:
        return {"tuple": [_to_json(entry) for entry in value]}
    if type(value) is dict and all(type(key) is str for key in value):
        return {"dict": {key: _to_json(entry) for key, entry in value.items()}}
    raise TypeError(f"Expected a plain value, got {type(value).__name__}.")


def _from_json(value: Any) -> Any:
    if not isinstance(value, dict):
        return [_from_json(entry) for entry in value] if isinstance(value, list) else value
    if len(value) == 1 and isinstance(entries := value.get("tuple"), list):
        return tuple(map(_from_json, entries))
    if len(value) == 1 and isinstance(named := value.get("dict"), dict):
        return {key: _from_json(entry) for key, entry in named.items()}
    raise TypeError("Expected a tuple or a mapping.")
