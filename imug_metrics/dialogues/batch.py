# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Packed batches of dialogues: rows sorted by dialogue, subject and turn, with offsets where each segment begins.

Every metric takes its records flat, `N` rows in any order with `dialogue [N]` and `turn [N]`, or padded, `[B, T, ...]`.
`align_rows` brings both to flat rows and `pack` sorts them once. Offsets follow the `cu_seqlens` convention: segment
`s` is rows `offsets[s]` to `offsets[s + 1] - 1`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import torch
from torch import Tensor

from imug_metrics.dialogues.ids import hash_ids

Item = TypeVar("Item")


@dataclass(frozen=True)
class DialogueBatch:
    """Dialogues in packed order; made by `pack`.

    A *segment* is the sequence of turns of one subject within one dialogue; without subjects a segment is a dialogue.
    `N` rows, `S` segments, `G` dialogues. On a CUDA device without validation, `S` and `G` are upper bounds and the
    segments beyond the real ones are empty.

    Attributes:
        order: int64 `[N]`; packed row `i` is the input's row `order[i]`.
        turn: int64 `[N]`, packed.
        valid: bool `[N]`, packed; False where the output is absent.
        offsets: int64 `[S + 1]`, where each segment begins.
        segment: int64 `[N]`, the segment of each packed row.
        owner: int64 `[S]`, the dialogue (0 to G - 1) of each segment.
        ids: int64 `[G]`, the id of each dialogue.
        in_order: the input is known to be in packed order, so that nothing has to be moved.
    """

    order: Tensor
    turn: Tensor
    valid: Tensor
    offsets: Tensor
    segment: Tensor
    owner: Tensor
    ids: Tensor
    in_order: bool = False

    def pack(self, rows: Tensor) -> Tensor:
        """Rows `[N, ...]` of the input, in packed order."""
        rows = rows.to(self.order.device)
        return rows if self.in_order else rows[self.order]

    def unpack(self, rows: Tensor) -> Tensor:
        """Packed rows `[N, ...]`, in the input's order."""
        return rows if self.in_order else torch.empty_like(rows).index_copy(0, self.order, rows)

    def sum_segments(self, values: Tensor) -> Tensor:
        """Sums `[S, ...]` over each segment of packed values `[N, ...]`."""
        return values.new_zeros(len(self.owner), *values.shape[1:]).index_add(0, self.segment, values)

    def sum_dialogues(self, values: Tensor) -> Tensor:
        """Sums `[G, ...]` over each dialogue of values that are given by segment, `[S, ...]`."""
        return values.new_zeros(len(self.ids), *values.shape[1:]).index_add(0, self.owner, values)

    def is_first(self) -> Tensor:
        """True `[N]` where a packed row opens its segment."""
        return torch.arange(len(self.order), device=self.segment.device) == self.offsets[self.segment]

    def is_last(self) -> Tensor:
        """True `[N]` where a packed row closes its segment."""
        return torch.arange(1, len(self.order) + 1, device=self.segment.device) == self.offsets[self.segment + 1]

    def mean_parts(self, values: Tensor) -> tuple[Tensor, Tensor]:
        """Sum and number `[S]` of each segment's packed values `[N]` that are not NaN."""
        return self.sum_segments(values.nan_to_num(0)), self.sum_segments((~values.isnan()).to(values))

    def lengths(self) -> Tensor:
        """Number of rows `[S]` of each segment."""
        return self.offsets.diff()


def pack(
    dialogue: Tensor,
    turn: Tensor,
    *,
    subject: Tensor | None = None,
    valid: Tensor | None = None,
    validate: bool = True,
) -> DialogueBatch:
    """Sort flat rows by dialogue, subject and turn.

    Args:
        dialogue: int64 `[N]`, the dialogue of each row; rows in any order, each dialogue whole.
        turn: int64 `[N]`, its turn, from 1.
        subject: int64 `[N]`, or None when each dialogue has one subject.
        valid: bool `[N]`, False where the output is absent; None: all are there.
        validate: check turns and duplicates and count the dialogues. On a CUDA device this is the one
            synchronisation with the host; without it there is none.

    Returns:
        The packed batch. No rows give a batch of no dialogues.

    Raises:
        ValueError: if a turn is below 1, or a (dialogue, turn, subject) occurs twice.

    Example:
        >>> batch = pack(torch.tensor([7, 3, 7]), torch.tensor([2, 1, 1]))
        >>> batch.order, batch.offsets, batch.ids
        (tensor([1, 2, 0]), tensor([0, 1, 3]), tensor([3, 7]))
    """
    rows = len(dialogue)
    order = torch.argsort(turn, stable=True)
    if subject is not None:
        order = order[torch.argsort(subject[order], stable=True)]
    order = order[torch.argsort(dialogue[order], stable=True)]
    dialogue, turn = dialogue[order], turn[order]
    valid = torch.ones_like(turn, dtype=torch.bool) if valid is None else valid[order].bool()
    opens_dialogue = _changes(dialogue)
    opens_segment = opens_dialogue if subject is None else opens_dialogue | _changes(subject[order])
    segments = dialogues = rows
    moved = rows
    if validate and rows:
        repeats = ~opens_segment & ~_changes(turn)
        places = torch.arange(rows, device=order.device)
        flags = torch.stack([opens_segment, opens_dialogue, order != places, turn < 1, repeats])
        segments, dialogues, moved, *wrong = flags.sum(1).tolist()
        if any(wrong):
            _raise_bad_turns(order, dialogue, turn, repeats)
    segment, index = opens_segment.cumsum(0) - 1, opens_dialogue.cumsum(0) - 1
    offsets = torch.searchsorted(segment, torch.arange(segments + 1, device=segment.device))
    first = offsets[:-1].clamp(max=max(rows - 1, 0))
    ids = torch.zeros(dialogues, dtype=torch.int64, device=dialogue.device).index_copy(0, index, dialogue)
    return DialogueBatch(order, turn, valid, offsets, segment, index[first], ids, in_order=moved == 0)


def align_rows(
    shape: Sequence[int],
    dialogue: Any = None,
    turn: Any = None,
    subject: Any = None,
    valid: Any = None,
    lengths: Any = None,
    *,
    device: torch.device | None = None,
) -> tuple[Tensor, Tensor, Tensor | None, Tensor, Tensor | None]:
    """Flat `dialogue`, `turn`, `subject` and `valid` for records given flat or padded.

    Args:
        shape: `(N,)` for flat records, `(B, T)` for padded ones.
        dialogue: ids `[N]`; padded: `[B]` or `[B, T]`, by default 0 to B - 1. Integers or strings.
        turn: `[N]` integers from 1; padded: `[T]` or `[B, T]`, where 0 marks a cell of padding, by default 1 to T.
        subject: ids like `dialogue`, or None.
        valid: bool `[N]` or `[B, T]`, False where an output is absent. In padded records without `turn` and `lengths`,
            the cells behind a dialogue's last valid one are padding: say one of the two where the last output may be
            absent.
        lengths: padded: integers `[B]`, the number of turns of each dialogue; the cells behind them are padding.
        device: where the results live.

    Returns:
        `dialogue`, `turn`, `subject` (or None), `valid`, each `[N]`, and `is_record`: bool `[B * T]`, the cells that
        are records, or None when all are (flat records). Dropping padding synchronises a CUDA device with the host
        once.

    Raises:
        TypeError: if ids are not integers or strings, turns or `lengths` not integers, or `valid` not boolean.
        ValueError: if a shape differs from the records', flat records lack `dialogue` or `turn` or come with `lengths`,
            or `lengths` lie outside 0 to T.

    Example:
        >>> align_rows((2, 2), valid=torch.tensor([[True, True], [True, False]]))[:2]
        (tensor([0, 0, 1]), tensor([1, 2, 1]))
    """
    padded = len(shape) == 2
    shape = tuple(shape)
    rows = _as_valid(valid, shape, device)
    if not padded:
        for name, value in (("dialogue", dialogue), ("turn", turn)):
            if value is None:
                raise ValueError(f"Expected argument `{name}` with one entry for each of the {shape[0]} flat records.")
        if lengths is not None:
            raise ValueError(
                f"Expected argument `lengths` with padded records [B, T] only, got {shape[0]} flat records."
            )
    ids = _as_ids("dialogue", torch.arange(shape[0]) if dialogue is None else dialogue, shape, device)
    subjects = None if subject is None else _as_ids("subject", subject, shape, device)
    if turn is None:
        turns = torch.arange(1, shape[1] + 1, device=rows.device).expand(shape)
        cells = rows.flip(1).cummax(1).values.flip(1) if rows.numel() and lengths is None else torch.ones_like(rows)
    else:
        turns = _as_turns(turn, shape, device)
        cells = turns != 0
    if not padded:
        return ids, turns, subjects, rows, None
    if lengths is not None:
        cells = cells & _within_lengths(lengths, shape, rows.device)
    subjects = None if subjects is None else subjects[cells]
    return ids[cells], turns[cells], subjects, rows[cells], cells.flatten()


def to_padded(values: Tensor, dialogue: Tensor, turn: Tensor) -> tuple[Tensor, Tensor]:
    """Flat rows as a padded batch: one line a dialogue (ordered by id), one column a turn.

    Args:
        values: `[N, ...]`.
        dialogue: int64 `[N]`.
        turn: int64 `[N]`, from 1.

    Returns:
        `[B, T, ...]` with zeros in the padding, and the bool mask `[B, T]` of the cells that hold a row; T is the last
        turn.

    Example:
        >>> to_padded(torch.tensor([5.0, 6.0, 7.0]), torch.tensor([0, 0, 1]), torch.tensor([1, 2, 2]))[0]
        tensor([[5., 6.],
                [0., 7.]])
    """
    batch = pack(dialogue, turn)
    last = int(batch.turn.max()) if len(batch.turn) else 0
    cells = batch.owner[batch.segment], batch.turn - 1
    padded = values.new_zeros(len(batch.ids), last, *values.shape[1:])
    mask = torch.zeros(len(batch.ids), last, dtype=torch.bool, device=values.device)
    return padded.index_put(cells, batch.pack(values)), mask.index_put(cells, torch.ones_like(batch.valid))


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
        ValueError: if the number of ids is not the number of lists.

    Example:
        >>> from_lists([["a", "b"], ["c"]])
        (['a', 'b', 'c'], tensor([0, 0, 1]), tensor([1, 2, 1]))
    """
    ids = _as_ids("dialogue", range(len(lists)) if dialogue is None else dialogue, (len(lists),), None)
    lengths = torch.tensor([len(items) for items in lists], dtype=torch.int64)
    turns = [torch.arange(1, len(items) + 1) for items in lists]
    turn = torch.cat(turns) if turns else torch.zeros(0, dtype=torch.int64)
    return [item for items in lists for item in items], ids.repeat_interleave(lengths), turn


def _changes(keys: Tensor) -> Tensor:
    """True where a sorted key differs from the one before; the first always does."""
    changes = torch.ones_like(keys, dtype=torch.bool)
    changes[1:] = keys[1:] != keys[:-1]
    return changes


def _raise_bad_turns(order: Tensor, dialogue: Tensor, turn: Tensor, repeats: Tensor) -> None:
    low = (turn < 1).nonzero()
    if len(low):
        place = int(low[0])
        raise ValueError(f"Expected argument `turn` to be >= 1, got {int(turn[place])} at row {int(order[place])}.")
    place = int(repeats.nonzero()[0])
    raise ValueError(
        f"Expected each turn once in its dialogue (and subject), got dialogue {int(dialogue[place])}, turn "
        f"{int(turn[place])} at rows {int(order[place - 1])} and {int(order[place])}."
    )


def _as_ids(name: str, ids: Any, shape: tuple[int, ...], device: torch.device | None) -> Tensor:
    nested = not isinstance(ids, Tensor) and len(ids) > 0 and isinstance(ids[0], (list, tuple))
    if nested:
        ids = torch.stack([hash_ids(line) for line in ids])
    elif not isinstance(ids, Tensor):
        ids = hash_ids(ids.tolist() if hasattr(ids, "tolist") else ids)
    return _spread(name, _as_integers(name, ids), shape, shape[:1]).to(device)


def _as_turns(turn: Any, shape: tuple[int, ...], device: torch.device | None) -> Tensor:
    return _spread("turn", _as_integers("turn", torch.as_tensor(turn)), shape, shape[-1:]).to(device)


def _as_valid(valid: Any, shape: tuple[int, ...], device: torch.device | None) -> Tensor:
    if valid is None:
        return torch.ones(shape, dtype=torch.bool, device=device)
    valid = torch.as_tensor(valid, device=device)
    if valid.dtype != torch.bool and valid.numel():
        raise TypeError(f"Expected argument `valid` to be boolean, got {valid.dtype}.")
    return _spread("valid", valid.bool(), shape, shape)


def _within_lengths(lengths: Any, shape: tuple[int, ...], device: torch.device) -> Tensor:
    """True `[B, T]` for the cells within each dialogue's length."""
    lengths = _as_integers("lengths", torch.as_tensor(lengths, device=device))
    if tuple(lengths.shape) != shape[:1]:
        raise ValueError(f"Expected argument `lengths` to have shape {shape[:1]}, got {tuple(lengths.shape)}.")
    outside = ((lengths < 0) | (lengths > shape[1])).nonzero()
    if len(outside):
        row = int(outside[0])
        raise ValueError(
            f"Expected argument `lengths` to lie in 0 to {shape[1]}, got {int(lengths[row])} at row {row}."
        )
    return torch.lt(torch.arange(shape[1], device=device), lengths[:, None])


def _spread(name: str, values: Tensor, shape: tuple[int, ...], short: tuple[int, ...]) -> Tensor:
    """Values `[B, T]` from `[B, T]`, `[B]` (ids) or `[T]` (turns); flat ones stay as they are."""
    if tuple(values.shape) == shape:
        return values
    if tuple(values.shape) == short:
        spread: Tensor = values if name == "turn" or short != shape[:1] else values[:, None]
        return spread.expand(shape)
    raise ValueError(f"Expected argument `{name}` to have shape {shape}, got {tuple(values.shape)}.")


def _as_integers(name: str, values: Tensor) -> Tensor:
    if values.numel() and (values.is_floating_point() or values.is_complex() or values.dtype == torch.bool):
        raise TypeError(f"Expected argument `{name}` to hold integers, got {values.dtype}.")
    return values.long()


def as_list(values: Any) -> list[Any]:
    """Ids or turns of any form as a list."""
    return values.tolist() if hasattr(values, "tolist") else list(values)
