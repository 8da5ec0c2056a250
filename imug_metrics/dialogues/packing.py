# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Flat rows in any order to a packed batch: whether they are in order, sorting where not, and where segments begin."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, TypeVar

import torch
from torch import Tensor

from imug_metrics._constants import constant
from imug_metrics.dialogues.batch import BEYOND, DialogueBatch
from imug_metrics.dialogues.checks import Check, look
from imug_metrics.dialogues.exchange import warn_of_exchange
from imug_metrics.dialogues.holders import place_of
from imug_metrics.dialogues.ids import as_ids
from imug_metrics.errors import InputError

Item = TypeVar("Item")


def pack(
    dialogue: Tensor,
    turn: Tensor,
    *,
    subject: Tensor | None = None,
    valid: Tensor | None = None,
    said: Tensor | None = None,
    record: Tensor | None = None,
    checks: Sequence[Check] = (),
    validate: bool = True,
    in_order: bool = False,
    name: Callable[[int], Any] | None = None,
    shape: tuple[int, ...] = (),
) -> DialogueBatch:
    """Bring flat rows into the order of dialogue, subject and turn.

    Args:
        dialogue: int64 `[N]`, the dialogue of each row; rows in any order, each dialogue whole.
        turn: int64 `[N]`, its turn, from 1.
        subject: int64 `[N]`, or None when each dialogue has one subject.
        valid: bool `[N]`, False where the output is absent; None: all are there.
        said: the part of `valid` that the caller said; None: all are there.
        record: bool `[N]`, False for rows that are padding; None: none is.
        checks: of the arguments, to be looked at together with the turns.
        validate: look at the checks, turns and duplicates and count the dialogues. On a CUDA device this waits for the
            device once, and once more for rows that are not in order; without it there is no wait.
        in_order: the caller promises that the rows come in packed order, so that nothing has to be sorted.
        name: from a row to the id of its dialogue as it was given, for errors; None: the number.
        shape: of the records as they were given, for errors; by default `(N,)`.

    Returns:
        The packed batch. No rows give a batch of no dialogues.

    Raises:
        InputError: if a check fails, a turn is below 1, a (dialogue, turn, subject) occurs twice, or rows that were
            promised in order are not.

    Example:
        >>> batch = pack(torch.tensor([7, 3, 7]), torch.tensor([2, 1, 1]))
        >>> batch.order, batch.offsets, batch.ids
        (tensor([1, 2, 0]), tensor([0, 1, 3]), tensor([3, 7]))
    """
    if record is not None:
        turn = turn.where(record, BEYOND)
    keys = [dialogue, turn] if subject is None else [dialogue, subject, turn]
    rows, moved = turn.shape[0], None
    if not validate and not in_order:
        keys, moved = _sorted(keys)
    runs, counts = _runs(keys), (rows, rows)
    if validate and rows:
        ordered, counts = _look_at_order(keys, runs, record, checks, shape)
        if not ordered:
            if in_order:
                raise InputError(
                    "dialogue", "to come in the order of dialogue, subject and turn, as `in_order` promises"
                )
            keys, moved = _sorted(keys)
            runs = _runs(keys)
            repeats = _repeats(keys, moved, record, Named(name or (lambda row: int(dialogue[row])), shape))
            *changes, first, last = look([repeats], [*_changes(keys, runs), keys[0][0], keys[0][-1]], like=turn)
            counts = _number_of_runs(changes)
            if len(keys) == 2 and record is None:
                warn_of_exchange(keys[0], keys[1], first, last, counts[1])
    elif validate:
        look(checks, like=turn)
    masks = [mask if mask is None or moved is None else mask[moved] for mask in (valid, said, record)]
    return _packed(keys, runs, masks, moved, counts, full=validate)


def from_lists(
    lists: Sequence[Sequence[Item]], dialogue: Sequence[Any] | Tensor | None = None
) -> tuple[list[Item], Tensor, Tensor]:
    """A list of dialogues, each a list of items by turn, as flat rows.

    Args:
        lists: one list a dialogue; its items are turns 1, 2, ...
        dialogue: one id a dialogue, by default 0, 1, ...

    Returns:
        The items in one list, `dialogue [N]` and `turn [N]` as int64.

    Raises:
        InputError: if the number of ids is not the number of lists.

    Example:
        >>> from_lists([["a", "b"], ["c"]])
        (['a', 'b', 'c'], tensor([0, 0, 1]), tensor([1, 2, 1]))
    """
    ids = as_ids("dialogue", range(len(lists)) if dialogue is None else dialogue, (len(lists),))
    lengths = torch.tensor([len(items) for items in lists], dtype=torch.int64)
    turns = [torch.arange(1, len(items) + 1) for items in lists]
    turn = torch.cat(turns) if turns else torch.zeros(0, dtype=torch.int64)
    return [item for items in lists for item in items], ids.repeat_interleave(lengths), turn


class _Runs(NamedTuple):
    """Runs of equal keys, one behind the other; of keys in order those are the dialogues and their segments.

    Attributes:
        pairs: by key, the rows behind the first and the rows before the last, `[N - 1]`.
        dialogue: bool `[N - 1]`, where the dialogue is not that of the row before.
        segment: bool `[N - 1]`, where the segment is not.
        number: int64 `[N]`, how often the segment has changed so far.
    """

    pairs: list[tuple[Tensor, Tensor]]
    dialogue: Tensor
    segment: Tensor
    number: Tensor


def _runs(keys: list[Tensor]) -> _Runs:
    pairs = [(key[1:], key[:-1]) for key in keys]
    dialogue, *subject = [later != earlier for later, earlier in pairs[:-1]]
    segment = dialogue | subject[0] if subject else dialogue
    return _Runs(pairs, dialogue, segment, _numbered(segment, keys[0]))


def _numbered(changed: Tensor, like: Tensor) -> Tensor:
    """How often something has changed up to each row, int64 `[N]` as `like` is, from where it does, `[N - 1]`."""
    number = torch.zeros_like(like)
    torch.cumsum(changed, 0, out=number[1:])
    return number


def _packed(
    keys: list[Tensor],
    runs: _Runs,
    masks: list[Tensor | None],
    moved: Tensor | None,
    counts: tuple[int, int],
    full: bool,
) -> DialogueBatch:
    """The batch of keys in order, of so many segments and dialogues, of which none is empty if it is `full`."""
    dialogue, turn, rows = keys[0], keys[-1], keys[-1].shape[0]
    there, said, record = masks
    offsets = _offsets(runs.number, counts[0])
    batch = DialogueBatch(turn, offsets, dialogue, there, said, record, moved, full=full, number=runs.number)
    if rows and len(keys) > 2:
        batch.owners = _numbered(runs.dialogue, turn)[batch.first]
        batch.starts = _offsets(batch.owners, counts[1])
        batch.subject = keys[1]
    return batch


class Named(NamedTuple):
    """What rows are called in errors.

    Attributes:
        name: from a row of the input to the id of its dialogue as it was given.
        shape: of the input.
    """

    name: Callable[[int], Any]
    shape: tuple[int, ...]

    def repeated(self, turn: int, first: int, second: int) -> InputError:
        """What to say of a turn that occurs in two rows."""
        rows = [place_of(row, self.shape) for row in sorted((first, second))]
        got = f"dialogue {self.name(first)!r}, turn {turn} at rows {rows[0]} and {rows[1]}"
        return InputError("turn", "to come once in its `dialogue` (and `subject`)", got)


def low_turns(turn: Tensor, shape: tuple[int, ...] = ()) -> Check:
    """The check that turns begin at 1."""

    def error(row: int) -> InputError:
        got = int(turn.flatten()[row])
        return InputError("turn", "to be >= 1", got, place_of(row, shape))

    return Check(turn < 1, error)


def _look_at_order(
    keys: list[Tensor], runs: _Runs, record: Tensor | None, checks: Sequence[Check], shape: tuple[int, ...]
) -> tuple[bool, tuple[int, int]]:
    """Whether keys are in order and differ, and if so how many segments and dialogues there are; after the checks."""
    turn, (ahead, *subject, rises) = keys[-1], [later > earlier for later, earlier in runs.pairs]
    if subject:
        ahead = torch.where(runs.dialogue, ahead, subject[0])
    if record is not None:  # rows of padding may share their turn
        rises = rises | ~record[1:]
    ordered = torch.where(runs.segment, ahead, rises).count_nonzero()
    right, lowest, *changes = look(checks, [ordered, turn.min(), *_changes(keys, runs)], like=turn)
    if lowest < 1:
        look([low_turns(turn, shape)], like=turn)
    return right == turn.shape[0] - 1, _number_of_runs(changes)


def _changes(keys: list[Tensor], runs: _Runs) -> list[Tensor]:
    """How often the segment changes, and with subjects how often the dialogue does."""
    return [runs.number[-1], runs.dialogue.count_nonzero()] if len(keys) > 2 else [runs.number[-1]]


def _number_of_runs(changes: list[int]) -> tuple[int, int]:
    """How many segments and dialogues there are, from how often they change."""
    return changes[0] + 1, changes[-1] + 1


def _sorted(keys: list[Tensor]) -> tuple[list[Tensor], Tensor]:
    """Keys in the order of the first, then the second, ..., and the row, int64 `[N]`, where each stood before."""
    last, order = keys[-1].sort(stable=True)
    found = [last]
    for key in keys[-2::-1]:
        first, place = key[order].sort(stable=True)
        found, order = [first, *(other[place] for other in found)], order[place]
    return found, order


def _repeats(keys: list[Tensor], moved: Tensor, record: Tensor | None, named: Named) -> Check:
    """The check that no key occurs twice, of keys in order."""
    equal = torch.stack([key[1:] == key[:-1] for key in keys]).all(0)
    equal = equal if record is None else equal & record[moved][1:]
    return Check(equal, lambda row: named.repeated(int(keys[-1][row]), int(moved[row]), int(moved[row + 1])))


def _offsets(number: Tensor, count: int) -> Tensor:
    """Where each of `count` runs begins, and where the last ends, from the number of each row's run; the rest empty."""
    return torch.searchsorted(number, constant(torch.arange, count + 1, like=number))
