# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Rows of dialogues that lie apart on several processes, brought together."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import torch
import torch.distributed as dist
from torch import Tensor

from imug_metrics.dialogues.holders import opened, shown, unwrapped
from imug_metrics.dialogues.ids import as_integers, read_ids
from imug_metrics.errors import InputError

Columns = dict[str, "Tensor | list[Any]"]


def gather_dialogues(columns: Mapping[str, Any], *, sample: Any = None) -> dict[str, Any]:
    """Bring the rows of each dialogue to one process, for one `update` there.

    Loaders that deal out rows leave every process with pieces of dialogues. Collect the columns of all batches, call
    this once on every process, and hand the result to `update`; `compute` then adds over processes. All rows travel to
    all processes, so it is for answers, scores and embeddings, not for pixels. Without processes it checks the rows.

    Args:
        columns: `dialogue`, `turn` and whatever else `update` takes, by name: tensors `[N, ...]` (handed over without
            gradient) or lists `[N]`; the same names on every process, and of tensors the same dtype and shape of a row.
            A process without rows may give empty lists for all of them.
        sample: numbers `[N]` of the rows in the data set. Loaders repeat samples to make processes equal, as Accelerate
            does by `even_batches`: a sample that comes again is left out. None: it is refused.

    Returns:
        Columns of the dialogues that are this process's, possibly of no rows, tensors on the device they came from.

    Raises:
        InputError: on all processes alike, if on one of them a column is missing or its length differs, or if a turn of
            a dialogue is there twice, which without `sample` a repeated one is.

    Example:
        >>> rows = {"dialogue": ["a", "b", "a"], "turn": [1, 1, 1], "preds": ["A", "B", "A"]}
        >>> gather_dialogues(rows, sample=[0, 1, 0])
        {'dialogue': ['a', 'b'], 'turn': [1, 1], 'preds': ['A', 'B']}
    """
    try:
        mine: _Rows | InputError = _read(columns, sample)
    except InputError as error:
        mine = error
    parts = _from_all(mine)
    for part in (mine, *parts):
        if isinstance(part, InputError):  # for all alike: a process that waits for another one would wait for ever
            raise part
    parts = [part for part in parts if part.ids] or [mine]  # what has no rows says nothing of their form
    _check_names(parts)
    shares = _shares(parts)
    found: dict[str, Any] = {}
    for name in parts[0].columns:
        chosen = [(part.columns[name], share) for part, share in zip(parts, shares)]
        if all(isinstance(values, Tensor) for values, _ in chosen):
            given = columns.get(name)
            device = given.device if isinstance(given, Tensor) else None
            found[name] = torch.cat([values[share] for values, share in chosen]).to(device)
        else:
            found[name] = [values[row] for values, share in chosen for row in share]
    return found


class _Rows(NamedTuple):
    """The rows of a process."""

    columns: Columns
    ids: list[int]
    samples: list[int] | None


def _read(columns: Mapping[str, Any], sample: Any) -> _Rows:
    """Columns that fit each other, on the CPU."""
    given = {name: opened(name, column) for name, column in columns.items()}
    for name in ("dialogue", "turn"):
        if name not in given:
            raise InputError(name, "to be given: rows are brought together by it")
    numbers = None if sample is None else as_integers("sample", sample).tolist()
    for name, column in {**given, **({} if numbers is None else {"sample": numbers})}.items():
        if len(column) != len(given["dialogue"]):
            raise InputError(name, f"to have {len(given['dialogue'])} rows", len(column))
    sent = {name: column.detach().cpu() if isinstance(column, Tensor) else column for name, column in given.items()}
    return _Rows(sent, read_ids("dialogue", sent["dialogue"]).values.tolist(), numbers)


def _from_all(part: Any) -> list[Any]:
    """What every process has; of one process its own."""
    if not _has_processes():
        return [part]
    parts: list[Any] = [None] * dist.get_world_size()
    dist.all_gather_object(parts, part)
    return parts


def _check_names(parts: Sequence[_Rows]) -> None:
    for part in parts:
        if apart := sorted(part.columns.keys() ^ parts[0].columns.keys()):
            raise InputError("columns", "to have the same names on every process", f"{', '.join(apart)} on some alone")


def _shares(parts: Iterable[_Rows]) -> list[list[int]]:
    """Of the rows of each process those that go to this one; all processes look at all rows, and refuse alike."""
    world_size, rank = (dist.get_world_size(), dist.get_rank()) if _has_processes() else (1, 0)
    shares, turns, samples = [], set[tuple[int, int]](), set[int]()
    for columns, ids, numbers in parts:
        share = []
        for row, (key, turn) in enumerate(zip(ids, as_integers("turn", columns["turn"]).tolist())):
            if numbers is not None and numbers[row] in samples:
                continue
            if numbers is not None:
                samples.add(numbers[row])
            if (key, turn) in turns:
                name = shown(unwrapped(columns["dialogue"][row]))
                cure = "where a loader repeats samples, name the rows by `sample`"
                raise InputError("turn", f"to be once in its dialogue ({cure})", f"{turn} of {name} again", row)
            turns.add((key, turn))
            if key % world_size == rank:
                share.append(row)
        shares.append(share)
    return shares


def _has_processes() -> bool:
    return dist.is_available() and dist.is_initialized()
