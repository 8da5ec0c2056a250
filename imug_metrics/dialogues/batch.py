# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Packed batches of dialogues: rows by dialogue, subject and turn, with offsets where each segment begins.

Every metric takes its records flat, `N` rows in any order with `dialogue [N]` and `turn [N]`, or padded, `[B, T, ...]`.
`pack` sorts flat rows where they are not in order; padded ones stay where they are, and what is padding is masked.
Offsets follow the `cu_seqlens` convention: segment `s` is rows `offsets[s]` to `offsets[s + 1] - 1`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch
from imug_kernels import segment_reduce, segment_sum
from torch import Tensor
from torch.nn import functional as F

from imug_metrics._constants import constant

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
        subject: int64 `[N]`, packed, the id of each row's subject; None: dialogues have one each.
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
    subject: Tensor | None = None

    @cached_property
    def ids(self) -> Tensor:
        """int64 `[G]`, the id of each dialogue; rising for flat rows."""
        if self.width is not None or not self.turn.shape[0]:
            return self.dialogue
        if self.starts is None:
            return self.dialogue.index_select(0, self.first)
        return self.dialogue.index_select(0, self._bounds.index_select(0, self.starts[:-1]))

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
        return self._bounds[:-1]

    @cached_property
    def _bounds(self) -> Tensor:
        """int64 `[S + 1]`, the offsets; of empty segments any row."""
        return self.offsets if self.full else self.offsets.clamp(max=max(self.turn.shape[0] - 1, 0))

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
    def is_on_cpu(self) -> bool:
        """Whether the rows lie on a CPU, where few large operations are no faster than many of PyTorch's own."""
        return on_cpu(self.turn)

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

    def dialogues_with_records(self) -> Tensor | None:
        """Bool `[G]`, the dialogues that hold a record at all; None: every one does."""
        if self.record is None:
            if self.full:
                return None
            bounds = self.offsets if self.starts is None else self.starts
            return bounds[1:] > bounds[:-1]
        if self.width:
            return self.record.view(-1, self.width).any(1)
        return self.sum_dialogues(self.sum_segments(self.record)) > 0

    def by_id(self, values: Tensor) -> Tensor:
        """Values `[G, ...]` of the dialogues in the order of their ids."""
        return values if self.width is None else values[self.ids.argsort()]

    def is_first(self) -> Tensor:
        """True `[N]` where a packed row opens its segment."""
        return self.less(self.rows, self.offsets[:-1]) == 0

    def is_last(self) -> Tensor:
        """True `[N]` where a packed row is the last record of its segment."""
        if self.record is not None:
            return self.is_latest(self.record)
        if self.width is not None:
            return constant(_closing, self.segments, self.width, like=self.turn)
        return self.less(self.rows, self.offsets[1:]) == -1

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


def on_cpu(values: Tensor) -> bool:
    """Whether a tensor lies on a CPU."""
    return values.device.type == "cpu"


def _sum_runs(values: Tensor, offsets: Tensor) -> Tensor:
    """Sums `[S, ...]` of runs of rows, float64, in an order that never changes."""
    if not on_cpu(values):
        return segment_sum(values, offsets)
    # On a CPU PyTorch's own operation keeps the order as well, and starts fifty times faster.
    return torch.segment_reduce(values.double(), "sum", offsets=offsets, axis=0, initial=0)


def _largest_of_runs(values: Tensor, offsets: Tensor) -> Tensor:
    """Largest value `[S, ...]` of runs of rows without NaN; NaN or -inf of an empty run."""
    if not on_cpu(values):
        return segment_reduce(values, offsets).max
    return torch.segment_reduce(values, "max", offsets=offsets, axis=0, initial=-torch.inf)


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
