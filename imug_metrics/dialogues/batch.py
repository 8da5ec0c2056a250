# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Packed batches of dialogues: rows by dialogue, subject and turn, with offsets where each segment begins.

Every metric takes its records flat, `N` rows in any order with `dialogue [N]` and `turn [N]`, or padded, `[B, T, ...]`.
`pack` sorts flat rows where they are not in order; padded ones stay where they are, and what is padding is masked.
Offsets follow the `cu_seqlens` convention: segment `s` is rows `offsets[s]` to `offsets[s + 1] - 1`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple, TypeVar

import torch
from imug_kernels import segment_reduce, segment_sum
from torch import Tensor
from torch.nn import functional as F

from imug_metrics._constants import constant
from imug_metrics.dialogues.checks import Check, look
from imug_metrics.dialogues.ids import as_ids

Item = TypeVar("Item")

BEYOND = 1 << 62
"""The turn of a row that is no record: behind all others."""


@dataclass(eq=False)
class DialogueBatch:
    """Dialogues in packed order; made by `pack`, or by `pack_inputs` of padded records.

    A *segment* is the sequence of turns of one subject within one dialogue; without subjects a segment is a dialogue.
    `N` rows, `S` segments, `G` dialogues. Flat rows that were packed without validation have `S = G = N`, and the
    segments beyond the real ones are empty.

    Attributes:
        turn: int64 `[N]`, packed; of a row that is no record 2**62, or its column in padded records.
        offsets: int64 `[S + 1]`, where each segment begins.
        dialogue: int64, ids: `[G]`, one a line, of padded records, else `[N]`, packed.
        there: bool `[N]`, packed; False where the output is absent or the row is no record. None: True everywhere.
        said: the same as far as the caller said so, and not the output's values. None: True everywhere.
        record: bool `[N]`, packed, the rows that are records and not padding; None: all.
        moved: int64 `[N]`; packed row `i` is the input's row `moved[i]`; None: the input is in packed order.
        width: rows of each segment, where all have as many (padded records); None: they differ.
        counted: in padded records, column `t` holds turn `t + 1`.
        owners: int64 `[S]`, the dialogue (0 to G - 1) of each segment; None: segments are dialogues.
        starts: int64 `[G + 1]`, where the segments of each dialogue begin; None: segments are dialogues.
        full: no segment is empty.
        number: int64 `[N]`, the segment of each packed row; None: it follows from the offsets.
    """

    turn: Tensor
    offsets: Tensor
    dialogue: Tensor
    there: Tensor | None = None
    said: Tensor | None = None
    record: Tensor | None = None
    moved: Tensor | None = None
    width: int | None = None
    counted: bool = False
    owners: Tensor | None = None
    starts: Tensor | None = None
    full: bool = True
    number: Tensor | None = None

    @cached_property
    def ids(self) -> Tensor:
        """int64 `[G]`, the id of each dialogue; rising for flat rows."""
        if self.width is not None or not self.turn.shape[0]:
            return self.dialogue
        ids = self.dialogue.index_select(0, self.first)
        return ids if self.starts is None else ids[self.starts[:-1].clamp(max=self.segments - 1)]

    @cached_property
    def order(self) -> Tensor:
        """int64 `[N]`; packed row `i` is the input's row `order[i]`."""
        return self.rows if self.moved is None else self.moved

    @cached_property
    def rows(self) -> Tensor:
        """int64 `[N]`: 0, 1, ..."""
        return constant(torch.arange, self.turn.shape[0], like=self.turn)

    @cached_property
    def place(self) -> Tensor:
        """int64 `[N]`, the place of each packed row in its segment, from 1."""
        return self.turn if self.counted else self.less(self.rows, self.offsets[:-1]) + 1

    @cached_property
    def turns(self) -> Tensor:
        """float64 `[N]`, the turn of each packed row."""
        if self.counted and self.width is not None:
            return constant(_counted_turns, self.segments, self.width, like=self.turn)
        return self.turn.double()

    @cached_property
    def turns_from_least(self) -> Tensor:
        """float64 `[N]`, how far each packed row's turn is from the least: exact for time stamps too."""
        return (self.turn - self.turn.min()).double() if self.turn.shape[0] else self.turns

    @cached_property
    def is_record(self) -> Tensor:
        """Bool `[N]`, the packed rows that are records."""
        return constant(true_rows, self.turn.shape[0], like=self.turn) if self.record is None else self.record

    @cached_property
    def valid(self) -> Tensor:
        """Bool `[N]`, packed; False where the output is absent or the row is no record."""
        return constant(true_rows, self.turn.shape[0], like=self.turn) if self.there is None else self.there

    @cached_property
    def first(self) -> Tensor:
        """int64 `[S]`, the row that opens each segment, or any row where it is empty."""
        return self.offsets[:-1] if self.full else self.offsets[:-1].clamp(max=max(self.turn.shape[0] - 1, 0))

    @cached_property
    def segment(self) -> Tensor:
        """int64 `[N]`, the segment of each packed row."""
        if self.width is not None:
            return constant(_repeated, self.segments, self.width, like=self.turn)
        return torch.searchsorted(self.offsets, self.rows, right=True) - 1 if self.number is None else self.number

    @cached_property
    def owner(self) -> Tensor:
        """int64 `[S]`, the dialogue of each segment."""
        return constant(torch.arange, self.segments, like=self.turn) if self.owners is None else self.owners

    @property
    def segments(self) -> int:
        """Number S of segments."""
        return self.offsets.shape[0] - 1

    def pack(self, rows: Tensor) -> Tensor:
        """Rows `[N, ...]` of the input, in packed order."""
        rows = rows.to(self.turn.device)
        return rows if self.moved is None else rows[self.moved]

    def unpack(self, rows: Tensor) -> Tensor:
        """Packed rows `[N, ...]`, in the input's order."""
        return rows if self.moved is None else torch.empty_like(rows).index_copy(0, self.moved, rows)

    def sum_segments(self, values: Tensor) -> Tensor:
        """Sums `[S, ...]` over each segment of packed values `[N, ...]`, in an order that never changes."""
        if self.width is None:
            return _sum_runs(values, self.offsets)
        dtype = values.dtype if values.is_floating_point() else torch.float64
        return values.reshape(self.segments, self.width, *values.shape[1:]).sum(1, dtype=dtype)

    def largest(self, values: Tensor) -> Tensor:
        """Largest `[S, ...]` of each segment's packed values `[N, ...]`, without gradient; NaN or -inf if empty."""
        values = values.detach()
        if self.width is None:
            return _largest_of_runs(values, self.offsets)
        if self.width == 0:
            return values.new_full((self.segments, *values.shape[1:]), torch.nan)
        return values.reshape(self.segments, self.width, *values.shape[1:]).amax(1)

    def less(self, values: Tensor, by_segment: Tensor) -> Tensor:
        """Packed values `[N, ...]` less what belongs to their segment, `[S, ...]`."""
        if self.width is None:
            return values - by_segment[self.segment]
        lines = values.reshape(self.segments, self.width, *values.shape[1:])
        return (lines - by_segment[:, None]).flatten(0, 1)

    def spread(self, values: Tensor) -> Tensor:
        """To each packed row `[N, ...]` the value of its segment, from `[S, ...]`."""
        if self.width is None:
            return values[self.segment]
        return values[:, None].expand(-1, self.width, *values.shape[1:]).flatten(0, 1)

    def sum_dialogues(self, values: Tensor) -> Tensor:
        """Sums `[G, ...]` over each dialogue of values that are given by segment, `[S, ...]`."""
        return values if self.starts is None else _sum_runs(values, self.starts)

    def by_turn(self, values: Tensor, turns: int) -> Tensor:
        """Packed values `[N, C]` by segment and turn, `[S, turns, C]`; 0 where there is none, later turns left out."""
        if self.counted and self.width is not None:
            cells = values.reshape(self.segments, self.width, values.shape[1])[:, :turns]
            return F.pad(cells, (0, 0, 0, turns - self.width)) if self.width < turns else cells
        # Behind the turns of every segment is a place for all that has none; what is written there is never read.
        cell = self.turn.clamp(1, turns + 1).add(self.segment, alpha=turns + 1)
        table = values.new_zeros(1 + self.segments * (turns + 1), values.shape[1]).index_copy(0, cell, values)
        return table[1:].view(self.segments, turns + 1, values.shape[1])[:, :turns]

    def by_id(self, values: Tensor) -> Tensor:
        """Values `[G, ...]` of the dialogues in the order of their ids."""
        return values if self.width is None else values[self.ids.argsort()]

    def is_first(self) -> Tensor:
        """True `[N]` where a packed row opens its segment."""
        return self.less(self.rows, self.offsets[:-1]) == 0

    def is_last(self) -> Tensor:
        """True `[N]` where a packed row is the last record of its segment."""
        if self.record is None and self.width is not None:
            return constant(_closing, self.segments, self.width, like=self.turn)
        return self.is_latest(self.is_record)

    def present(self, values: Tensor) -> Tensor:
        """Packed values `[N, ...]` with NaN where the caller said that an output is absent, and in padding."""
        if self.said is None:
            return values
        return values.masked_fill(~self.said.view(-1, *[1] * (values.ndim - 1)), torch.nan)

    def zero_filled(self, values: Tensor) -> Tensor:
        """Packed values `[N]` with 0 for the records that have none."""
        filled = values.nan_to_num(0)
        return filled if self.record is None else filled.where(self.record, torch.nan)

    def is_latest(self, chosen: Tensor) -> Tensor:
        """True `[N]` at the last row of each segment that is chosen, bool `[N]`."""
        number = constant(_numbers, self.turn.shape[0], like=self.turn)
        return self.less(number, self.largest(number * chosen)) == 0

    def is_earliest(self, chosen: Tensor) -> Tensor:
        """True `[N]` at the first row of each segment that is chosen, bool `[N]`."""
        number = constant(_numbers_down, self.turn.shape[0], like=self.turn)
        return self.less(number, self.largest(number * chosen)) == 0

    def last_turn(self) -> int:
        """The last turn of any record, 0 without one."""
        turns = self.turn if self.record is None else self.turn.where(self.record, 0)
        return int(turns.max()) if len(turns) else 0

    def lengths(self) -> Tensor:
        """Number of records `[S]` of each segment."""
        return self.offsets.diff() if self.record is None else self.sum_segments(self.record).long()


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

    Returns:
        The packed batch. No rows give a batch of no dialogues.

    Raises:
        ValueError: if a check fails, a turn is below 1, a (dialogue, turn, subject) occurs twice, or rows that were
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
        moved = _sorted_order(keys)
        keys = [key[moved] for key in keys]
    runs, counts = _runs(keys), (rows, rows)
    if validate and rows:
        ordered, counts = _look_at_order(keys, runs, record, checks)
        if not ordered:
            if in_order:
                raise ValueError("Expected rows in the order of dialogue, subject and turn, as `in_order` promises.")
            moved = _sorted_order(keys)
            keys = [key[moved] for key in keys]
            runs = _runs(keys)
            _, counts = _look_at_order(keys, runs, record, [_repeats(keys, moved, record)])
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
        ValueError: if the number of ids is not the number of lists.

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
    """Where a key differs from the one before, bool `[N]`: the dialogue, and the segment; and how often so far, int64.

    Of keys in order that is the segment of each row.
    """

    dialogue: Tensor
    segment: Tensor
    number: Tensor


def _runs(keys: list[Tensor]) -> _Runs:
    """The runs of equal keys, one behind the other."""
    dialogue, *subject = [_changes(key) for key in keys[:-1]]
    segment = dialogue | subject[0] if subject else dialogue
    return _Runs(dialogue, segment, segment.cumsum(0))


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
    owners = starts = None
    if rows and len(keys) > 2:
        first = offsets[:-1] if full else offsets[:-1].clamp(max=rows - 1)
        changed = runs.dialogue[first] & (offsets[:-1] < rows)  # no change at the empty segments behind the real ones
        owners = changed.cumsum(0)
        starts = _offsets(owners, counts[1])
    return DialogueBatch(
        turn,
        offsets,
        dialogue,
        there,
        said,
        record,
        moved,
        owners=owners,
        starts=starts,
        full=full,
        number=runs.number,
    )


def low_turns(turn: Tensor) -> Check:
    """The check that turns begin at 1."""
    return Check(
        turn < 1, lambda row: f"Expected argument `turn` to be >= 1, got {int(turn.flatten()[row])} at row {row}."
    )


def _look_at_order(
    keys: list[Tensor], runs: _Runs, record: Tensor | None, checks: Sequence[Check]
) -> tuple[bool, tuple[int, int]]:
    """Whether keys are in order and differ, and if so how many segments and dialogues there are; after the checks."""
    dialogue, *subject, turn = keys
    ahead, rises = dialogue[1:] > dialogue[:-1], turn[1:] > turn[:-1]
    if subject:
        ahead = torch.where(runs.dialogue[1:], ahead, subject[0][1:] > subject[0][:-1])
    if record is not None:  # rows of padding may share their turn
        rises = rises | ~record[1:]
    rising = torch.where(runs.segment[1:], ahead, rises)
    counts = [rising.count_nonzero(), turn.min(), runs.number[-1]]
    counts += [runs.dialogue.count_nonzero()] if subject else []
    right, lowest, *last = look(checks, torch.stack(counts), like=turn)
    if lowest < 1:
        look([low_turns(turn)], like=turn)
    return right == turn.shape[0] - 1, (last[0] + 1, last[-1] + 1)


def _sorted_order(keys: list[Tensor]) -> Tensor:
    """int64 `[N]` that sorts by the first key, then the second, ..."""
    order = torch.argsort(keys[-1], stable=True)
    for key in keys[-2::-1]:
        order = order[torch.argsort(key[order], stable=True)]
    return order


def _repeats(keys: list[Tensor], moved: Tensor, record: Tensor | None) -> Check:
    """The check that no key occurs twice, of keys in order."""
    equal = torch.stack([key[1:] == key[:-1] for key in keys]).all(0)
    equal = equal if record is None else equal & record[moved][1:]

    def message(place: int) -> str:
        return repeated_turn(int(keys[0][place]), int(keys[-1][place]), int(moved[place]), int(moved[place + 1]))

    return Check(equal, message)


def repeated_turn(dialogue: int, turn: int, row: int, other: int) -> str:
    """What to say of a turn that occurs twice."""
    return (
        f"Expected each turn once in its dialogue (and subject), got dialogue {dialogue}, turn {turn} at rows {row} "
        f"and {other}."
    )


def _sum_runs(values: Tensor, offsets: Tensor) -> Tensor:
    """Sums `[S, ...]` of runs of rows, float64, in an order that never changes."""
    if values.device.type != "cpu":
        return segment_sum(values, offsets)
    # On a CPU PyTorch's own operation keeps the order as well, and starts fifty times faster.
    return torch.segment_reduce(values.double(), "sum", offsets=offsets, axis=0, initial=0)


def _largest_of_runs(values: Tensor, offsets: Tensor) -> Tensor:
    """Largest value `[S, ...]` of runs of rows without NaN; NaN or -inf of an empty run."""
    if values.device.type != "cpu":
        return segment_reduce(values, offsets).max.to(values.dtype)
    return torch.segment_reduce(values, "max", offsets=offsets, axis=0, initial=-torch.inf)


def _changes(keys: Tensor) -> Tensor:
    """True where a key in order differs from the one before; the first has none."""
    return torch.constant_pad_nd(keys[1:] != keys[:-1], (min(keys.shape[0], 1), 0))


def _offsets(number: Tensor, count: int) -> Tensor:
    """Where each of `count` runs begins, and where the last ends, from the number of each row's run; the rest empty."""
    return torch.searchsorted(number, constant(torch.arange, count + 1, like=number))


def true_rows(count: int, device: torch.device) -> Tensor:
    """True `[count]`."""
    return torch.ones(count, dtype=torch.bool, device=device)


def _numbers(count: int, device: torch.device) -> Tensor:
    return torch.arange(1, count + 1, dtype=torch.float64, device=device)


def _closing(lines: int, width: int, device: torch.device) -> Tensor:
    return (torch.arange(1, width + 1, device=device) == width).repeat(lines)


def _numbers_down(count: int, device: torch.device) -> Tensor:
    return torch.arange(count, 0, -1, dtype=torch.float64, device=device)


def _counted_turns(lines: int, width: int, device: torch.device) -> Tensor:
    return torch.arange(1, width + 1, dtype=torch.float64, device=device).repeat(lines)


def _repeated(count: int, times: int, device: torch.device) -> Tensor:
    return torch.arange(count, device=device).repeat_interleave(times, output_size=count * times)


def as_list(values: Any) -> list[Any]:
    """Ids or turns of any form as a list."""
    return values.tolist() if hasattr(values, "tolist") else list(values)
