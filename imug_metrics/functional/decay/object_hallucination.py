# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Objects that an output shows or mentions although they are not there, after CHAIR."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Literal, NamedTuple

import numpy as np
import torch
from torch import Tensor

from imug_metrics.dialogues.alignment import check_ends
from imug_metrics.dialogues.arguments import Valid
from imug_metrics.dialogues.batch import BEYOND
from imug_metrics.dialogues.columns import Column, check_shapes
from imug_metrics.dialogues.inputs import PackedInputs
from imug_metrics.functional.decay.object_lists import Mentions, ObjectLists, read_objects
from imug_metrics.functional.reduce import valid_mask
from imug_metrics.reading.object_names import ObjectNames

Count = Literal["mentions", "objects"]
COUNTS: tuple[Count, ...] = ("mentions", "objects")


def object_hallucination(
    preds: ObjectLists,
    target: ObjectLists,
    *,
    valid: Valid | None = None,
    count: Count = "mentions",
    synonyms: Mapping[str, str] | None = None,
    normalize: Callable[[str], str] | None = None,
    reduction: Literal["mean", "none"] = "mean",
) -> Tensor:
    """Share of the mentioned objects that are not there: CHAIR_i (arXiv 1809.02156). Range 0 to 1, lower is better.

        CHAIR_i = hallucinated objects / mentioned objects

    Args:
        preds: by record, the names of the objects that the output shows or mentions, as a detector, a parser or a judge
            found them: `[N]` lists or one list of these a dialogue; an empty list where there are none, None where the
            output is absent.
        target: in the same form, the names of the objects that are there or were asked for; None where not known.
        valid: bool, `[N]` or `[B, T]`, False where the output is absent; None: all are there.
        count: every mention counts (`"mentions"`, as in the paper), or every object of a record once (`"objects"`).
        synonyms, normalize: see `ObjectNames`.
        reduction: `"mean"` for the share of all mentions, `"none"` for the share of each record's own.

    Returns:
        float64 scalar, or `[N]` or `[B, T]`; NaN where nothing is mentioned, or either list is not known.

    Raises:
        InputError: if shapes differ, or a list holds something else than names.
        ValueError: if another argument is unknown, or synonyms contradict each other.

    Example:
        >>> said = [["dog", "frisbee", "dog"], ["car"], []]
        >>> there = [["dog", "grass"], ["car"], ["tree"]]
        >>> object_hallucination(said, there), object_hallucination(said, there, reduction="none")[:2]
        (tensor(0.2500, dtype=torch.float64), tensor([0.3333, 0.0000], dtype=torch.float64))
    """
    check_counting(count)
    lists = object_lists(preds, target, ObjectNames(synonyms, normalize))
    columns = as_columns(lists)
    check_shapes(**columns)
    check_ends(**{name: column.ends for name, column in columns.items() if column.ends is not None})
    shape = columns["preds"].shape
    known = columns["preds"].values + columns["target"].values == 0
    if valid is not None:
        known &= valid_mask(valid, shape, known.device).flatten()
    wrong, said = (compare_objects(lists, count).counts[:, :2] * known[:, None]).unbind(1)
    if reduction == "mean":
        return wrong.sum() / said.sum()
    if reduction != "none":
        raise ValueError(f"Expected argument `reduction` to be 'mean' or 'none', got {reduction!r}.")
    return (wrong / said).view(shape)


class Compared(NamedTuple):
    """Outputs against their targets.

    Attributes:
        counts: float64 `[cells, 6]`: hallucinated and mentioned objects; 1 for the record; whether an object of it is
            hallucinated; target objects that are mentioned, and all of them, each once a record.
        wrong: int64 `[W]`, which of the mentioned objects are hallucinated, by rising cell.
    """

    counts: Tensor
    wrong: np.ndarray


def check_counting(count: Any) -> None:
    """Raise ValueError unless it says what counts.

    Example:
        >>> check_counting("names")
        Traceback (most recent call last):
        ValueError: Expected argument `count` to be one of ('mentions', 'objects'), got 'names'.
    """
    if count not in COUNTS:
        raise ValueError(f"Expected argument `count` to be one of {COUNTS}, got {count!r}.")


def object_lists(preds: ObjectLists, target: ObjectLists, names: ObjectNames) -> dict[str, Mentions]:
    """Both lists by argument, with one number for each object.

    Raises:
        InputError: if a list holds something else than names.
    """
    codes: dict[str, int] = {}
    return {name: read_objects(name, lists, names, codes) for name, lists in (("preds", preds), ("target", target))}


def as_columns(lists: dict[str, Mentions]) -> dict[str, Column]:
    """What is packed: whether each record has its lists."""
    return {name: mentions.column for name, mentions in lists.items()}


def compare_objects(lists: Mapping[str, Mentions], count: Count) -> Compared:
    """What each record is counted by.

    Args:
        lists: of `object_lists`, of as many cells each.
        count: what counts of the objects that are mentioned.
    """
    preds, target = lists["preds"], lists["target"]
    size = _size(lists)
    said, there = preds.cells * size + preds.codes, np.sort(target.cells * size + target.codes)
    there = there[np.diff(there, prepend=-1) > 0]  # each once; several times as fast as `np.unique`
    counted = np.unique(said, return_index=True)[1] if count == "objects" else np.arange(len(said))
    wrong = counted[~_among(there, said[counted])]
    found = there[_among(np.sort(said), there)]
    cells = len(preds.column.values)
    wrong_cells, said_cells, found_cells, target_cells = (
        np.bincount(of, minlength=cells)
        for of in (preds.cells[wrong], preds.cells[counted], found // size, there // size)
    )
    columns = [wrong_cells, said_cells, np.ones(cells), wrong_cells > 0, found_cells, target_cells]
    return Compared(torch.from_numpy(np.stack(columns, 1)), wrong)


def carried_counts(inputs: PackedInputs, lists: Mapping[str, Mentions], compared: Compared) -> Tensor:
    """Hallucinated objects `[N]`, float64, of each record that an earlier turn of its dialogue showed or asked for."""
    batch, preds, target = inputs.batch, lists["preds"], lists["target"]
    shown, asked = (batch.turn.where(there, BEYOND) for there in (batch.valid, batch.is_record))
    # By cell, the turn from which the objects of its output and of its target are in the context, and its dialogue.
    context = batch.unpack(torch.stack([shown, asked, batch.owner[batch.segment]], 1))
    cells = torch.from_numpy(np.concatenate([preds.cells, target.cells]))
    codes = torch.from_numpy(np.concatenate([preds.codes, target.codes]))
    of_target = torch.from_numpy(np.repeat([0, 1], [len(preds.cells), len(target.cells)]))
    turns, objects = context[cells, of_target], context[cells, 2] * _size(lists) + codes
    order = turns.argsort(stable=True)
    order = order[objects[order].argsort(stable=True)]  # by object, and of one object the earliest first
    wrong = torch.from_numpy(compared.wrong)
    earliest = order[torch.searchsorted(objects[order], objects[wrong])]
    carried = (turns[earliest] < turns[wrong]).double()
    offsets = torch.from_numpy(np.searchsorted(preds.cells[compared.wrong], np.arange(len(context) + 1)))
    return batch.pack(torch.segment_reduce(carried, "sum", offsets=offsets, initial=0))


def _among(ordered: np.ndarray, keys: np.ndarray) -> np.ndarray:
    """Whether each key is among others, which rise and are 0 or more."""
    found: np.ndarray = np.append(ordered, -1)[np.searchsorted(ordered, keys)] == keys
    return found


def _size(lists: Mapping[str, Mentions]) -> int:
    """More than the largest number of an object."""
    return 1 + max(int(mentions.codes.max(initial=0)) for mentions in lists.values())
