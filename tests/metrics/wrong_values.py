# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Wrong values of an argument, by kind, made from a right one."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from copy import deepcopy
from datetime import datetime
from typing import Any

import numpy as np
import torch
from torch import Tensor

Wrong = Callable[[Any, bool], Any]

ENTRY = 1  # the row that is wrong where one is, in padded records of the first line


def listed(value: Any) -> Any:
    """A right value as lists."""
    return value.tolist() if isinstance(value, Tensor) else deepcopy([*value])


def with_entry(entry: Any) -> Wrong:
    """The second record of the first dialogue is this."""

    def changed(value: Any, padded: bool) -> Any:
        found = listed(value)
        line = found[0] if padded and isinstance(found[0], list) else found
        line[ENTRY] = entry
        return found

    return changed


def with_number(number: float) -> Wrong:
    """The first number of the second record is this; of tensors of integers, it is a list."""

    def changed(value: Any, padded: bool) -> Any:
        found = listed(value)
        line = found[0] if padded and isinstance(found[0], list) else found
        while isinstance(line[ENTRY if line is not None and len(line) > 1 else 0], list):
            line = line[ENTRY]
        line[ENTRY] = number
        return found

    return changed


def whole(make: Callable[[Any], Any]) -> Wrong:
    return lambda value, padded: make(value)


def as_tensor(make: Callable[[Tensor], Any]) -> Wrong:
    """What is made of the value as a tensor of numbers; of texts, of as many numbers."""

    def changed(value: Any, padded: bool) -> Any:
        if not isinstance(value, Tensor):
            shape = (len(value), len(value[0])) if isinstance(value[0], list) else (len(value),)
            value = torch.ones(shape)
        return make(value)

    return changed


def _longer(value: Any, count: int) -> Any:
    return torch.cat([value, value[:count]]) if isinstance(value, Tensor) else [*value, *value[:count]]


def _sparse(value: Tensor) -> Tensor:
    return value.double().to_sparse()


def _quantized(value: Tensor) -> Tensor:
    return torch.quantize_per_tensor(value.float(), 0.1, 0, torch.quint8)


def _nested(value: Tensor) -> Tensor:
    return torch.nested.nested_tensor([value.float()[:1], value.float()])


def _deep(value: Any) -> Any:
    return [[[[[entry]]]] for entry in listed(value)]


def _ragged(value: Any) -> Any:
    found = listed(value)
    return [found[0], [found[1]], *found[2:]]


def _mixed(value: Any) -> Any:
    found = listed(value)
    return [str(entry) if row % 2 else row for row, entry in enumerate(found)]


def _structured(value: Tensor) -> np.ndarray:
    return np.zeros(len(value), dtype=[("a", np.float32), ("b", np.int8)])


def _frame(value: Tensor) -> Any:
    import pandas

    return pandas.DataFrame({"a": np.ones(len(value)), "b": np.ones(len(value))})


def _generator(value: Iterable[Any]) -> Any:
    return (entry for entry in listed(value))


WRONG: dict[str, Wrong] = {
    # What is not a holder of values.
    "none": whole(lambda value: None),
    "mapping": whole(lambda value: {"a": 1, "b": 2}),
    "text": whole(lambda value: "some text"),
    "bytes": whole(lambda value: b"123"),
    "set": whole(lambda value: {1, 2, 3}),
    "generator": whole(_generator),
    "object": whole(lambda value: object()),
    "time": whole(lambda value: datetime(2026, 6, 9)),
    "boolean": whole(lambda value: True),
    "whole number": whole(lambda value: 3),
    "number": whole(lambda value: 0.5),
    "complex number": whole(lambda value: 1j),
    "function": whole(lambda value: len),
    "class": whole(lambda value: dict),
    "tensor without dimensions": whole(lambda value: torch.tensor(1)),
    "array without dimensions": whole(lambda value: np.array(0.5)),
    "numpy number": whole(lambda value: np.float32(0.5)),
    # Of another length.
    "empty list": whole(lambda value: []),
    "empty tensor": whole(lambda value: torch.zeros(0)),
    "one short": whole(lambda value: value[:-1]),
    "one too many": whole(
        lambda value: torch.cat([value, value[:1]]) if isinstance(value, Tensor) else [*value, value[0]]
    ),
    "twice": whole(lambda value: _longer(value, len(value))),
    "first alone": whole(lambda value: value[:1]),
    # Of another depth.
    "too deep": whole(_deep),
    "list in the middle": whole(_ragged),
    "in one list": whole(lambda value: [listed(value)]),
    "dimension behind": as_tensor(lambda value: value[..., None, None]),
    "dimensions before": as_tensor(lambda value: value[None, None]),
    "dimension missing": as_tensor(lambda value: value.flatten()[: len(value)] if value.ndim > 1 else value[0]),
    # Of another dtype.
    "complex": as_tensor(lambda value: torch.complex(value.double(), value.double())),
    "sparse": as_tensor(_sparse),
    "meta": as_tensor(lambda value: value.to("meta")),
    "quantized": as_tensor(_quantized),
    "nested tensor": as_tensor(_nested),
    "texts in an array": as_tensor(lambda value: np.full(value.shape, "a")),
    "times in an array": as_tensor(lambda value: np.zeros(value.shape, "datetime64[s]")),
    "structured array": as_tensor(_structured),
    "mappings in an array": as_tensor(lambda value: np.full(value.shape, {}, dtype=object)),
    "table": as_tensor(_frame),
    "mixed": whole(_mixed),
    # One record is wrong.
    "entry None": with_entry(None),
    "entry mapping": with_entry({"a": 1}),
    "entry text": with_entry("two"),
    "entry number": with_entry(2.5),
    "entry time": with_entry(datetime(2026, 6, 9)),
    "entry object": with_entry(object()),
    "entry complex": with_entry(1j),
    "entry bytes": with_entry(b"2"),
    "entry set": with_entry({1, 2}),
    "entry huge": with_entry(10**400),
    "entry boolean": with_entry(True),
    "entry empty list": with_entry([]),
    # One number is wrong.
    "infinite": with_number(float("inf")),
    "minus infinity": with_number(float("-inf")),
    "not a number": with_number(float("nan")),
    "negative": with_number(-1),
    "zero": with_number(0),
    "a half": with_number(0.5),
    "large": with_number(7),
    "64 bits": with_number(2**63),
    # All are equal.
    "ones": as_tensor(lambda value: torch.ones_like(value)),
    "all true": as_tensor(lambda value: torch.ones_like(value).bool()),
    "all halves": as_tensor(lambda value: torch.full(value.shape, 0.5)),
}


def wrong_values(value: Any, padded: bool) -> dict[str, Any]:
    """By kind, what is wrong in place of a right value; of columns by name the first is."""
    if not isinstance(value, dict):
        return {kind: make(value, padded) for kind, make in WRONG.items()}
    name = next(iter(value))
    changed = {kind: {**value, name: column} for kind, column in wrong_values(value[name], padded).items()}
    return changed | {kind: make(value, padded) for kind, make in WRONG.items() if kind in OF_NO_COLUMN}


OF_NO_COLUMN = [*WRONG][: [*WRONG].index("empty list")]
"""Kinds that are made of nothing, and so stand for columns by name as well."""
