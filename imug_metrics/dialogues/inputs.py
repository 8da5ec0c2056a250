# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""All arguments of an update to packed dialogues."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
from torch import Tensor

from imug_metrics.dialogues.alignment import Places, align_rows
from imug_metrics.dialogues.batch import DialogueBatch
from imug_metrics.dialogues.checks import Check
from imug_metrics.dialogues.columns import Column, check_shapes, of_one_width
from imug_metrics.dialogues.packing import pack
from imug_metrics.dialogues.padded import pack_padded
from imug_metrics.dialogues.padding import has_direction


@dataclass(frozen=True)
class PackedInputs:
    """Packed dialogues with their columns.

    Attributes:
        batch: the packed dialogues.
        columns: by argument, values `[N, ...]` in packed order.
        shape: of the input.
    """

    batch: DialogueBatch
    columns: dict[str, Tensor]
    shape: tuple[int, ...]

    def unpack(self, values: Tensor) -> Tensor:
        """Packed values `[N]` in the input's shape, NaN in padding."""
        batch = self.batch
        values = values if batch.record is None else values.masked_fill(~batch.record, torch.nan)
        return batch.unpack(values).view(self.shape)

    def positions(self) -> Tensor:
        """The packed row of each cell of the input, -1 for padding."""
        batch = self.batch
        rows = batch.rows if batch.record is None else batch.rows.where(batch.record, -1)
        return batch.unpack(rows)


def pack_inputs(
    columns: Mapping[str, Column],
    dialogue: Any = None,
    turn: Any = None,
    subject: Any = None,
    valid: Any = None,
    lengths: Any = None,
    *,
    validate: bool = True,
    in_order: bool = False,
    look_at_rows: bool = False,
    checks: Sequence[Check] = (),
) -> PackedInputs:
    """Pack arguments of the same records.

    Args:
        columns: the arguments by name; the first, the outputs, gives shape and device, and its values that are not
            finite count as absent. Infinite numbers in the others become NaN.
        dialogue, turn, subject, valid, lengths: as in `align_rows`.
        validate, in_order: as in `pack`; without validation no check of a column is looked at.
        look_at_rows: outputs that are embeddings are absent where they have no direction, which takes a pass over them;
            False: only None in a list is, and a row without direction is left to what is computed of it.
        checks: of anything else.

    Raises:
        InputError: if two arguments differ in shape or in width, or lists of dialogues in their lengths, ids and turns
            are refused, a line of padded records ends without a value and nobody says what is padding, or a check
            fails.

    Example:
        >>> from imug_metrics.dialogues.columns import score_column
        >>> records = pack_inputs({"scores": score_column("scores", [0.0, 1.0])}, [4, 4], [2, 1])
        >>> records.columns["scores"], records.unpack(records.columns["scores"])
        (tensor([1., 0.], dtype=torch.float64), tensor([0., 1.], dtype=torch.float64))
    """
    check_shapes(**columns)
    columns = of_one_width(columns)
    first, rows = next(iter(columns.items()))
    shape = rows.shape
    lists = {name: column.ends for name, column in columns.items() if column.ends is not None}
    places = align_rows(
        shape, dialogue, turn, subject, valid, lengths, lists=lists, like=rows.values, of=f"`{rows.argument or first}`"
    )
    values, given = _read_values(columns, look_at_rows)
    record, present = places.record, rows.present
    said = _both(places.valid, None if present is None else present.to(rows.values.device))
    record, said = (None if mask is None else mask.flatten() for mask in (record, _both(record, said)))
    every: list[Check] = []
    if validate:
        every = [*places.checks, *checks, *_cell_checks(columns, said, record)]
        if places.open and rows.open_end is not None and not torch.compiler.is_compiling():
            every.append(rows.open_end())  # a graph that is compiled whole cannot stop at a value
    options = Options(_both(said, given), said, every, validate, in_order)
    batch = _pack_places(places, shape, options)
    return PackedInputs(batch, {name: batch.pack(value) for name, value in values.items()}, shape)


class Options(NamedTuple):
    """What both forms of packing take."""

    valid: Tensor | None
    said: Tensor | None
    checks: list[Check]
    validate: bool
    in_order: bool


def _pack_places(places: Places, shape: tuple[int, ...], options: Options) -> DialogueBatch:
    """Padded records stay where they are unless subjects, or lines of one dialogue, have to be put together."""
    ids, turn = places.dialogue, places.turn
    if len(shape) == 2 and ids.ndim == 1 and places.subject is None:
        batch = pack_padded(places, *shape, **options._asdict())
        if batch is not None:
            return batch
    if len(shape) == 2 and ids.ndim == 1:
        ids = ids[:, None].expand(shape)
    if turn is None:
        turn = torch.arange(1, shape[1] + 1, device=ids.device).expand(shape)
    subject, record = (None if part is None else part.flatten() for part in (places.subject, places.record))
    ids, turn, named = ids.flatten(), turn.flatten(), options._asdict()
    return pack(ids, turn, subject=subject, record=record, name=places.name, shape=shape, **named)


def _read_values(columns: Mapping[str, Column], look_at_rows: bool) -> tuple[dict[str, Tensor], Tensor | None]:
    """The columns' values with NaN for infinite numbers, and bool `[N]`, where an output has a value; None: not known.

    A value that is NaN is what an absent output looks like, so that a caller needs the mask only to tell it from one
    that came out of a computation.
    """
    values, given = {}, None
    for place, (name, column) in enumerate(columns.items()):
        rows = column.values
        if rows.ndim == 1 and rows.is_floating_point():
            rows = rows.nan_to_num(torch.nan, torch.nan, torch.nan)
            given = rows == rows if place == 0 else given
        elif place == 0 and look_at_rows:
            given = has_direction(rows)
        values[name] = rows
    return values, given


def _both(first: Tensor | None, second: Tensor | None) -> Tensor | None:
    """Where two masks hold; None holds everywhere."""
    if first is None or second is None:
        return second if first is None else first
    return first & second


def _cell_checks(columns: Mapping[str, Column], there: Tensor | None, record: Tensor | None) -> list[Check]:
    """The checks of all columns where they count: those of the outputs where one is said to be there."""
    found = []
    for place, column in enumerate(columns.values()):
        cells = record if place else there
        found += [check if cells is None else _where(check, cells) for check in column.checks]
    return found


def _where(check: Check, cells: Tensor) -> Check:
    wrong, cells = check.wrong, cells.to(check.wrong.device)
    return check._replace(wrong=wrong & cells if wrong.ndim == 1 else wrong.flatten(1) & cells[:, None])
