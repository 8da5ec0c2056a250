# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Arguments of an update, flat or padded, embeddings or items to encode, to packed rows.

An infinite number is never part of a result: an argument whose range is checked refuses it like every number out of
range, and elsewhere it counts as NaN does, as not given. Scores of a selector alone may be infinite, since they only
order candidates (a logarithm of probability 0 is minus infinity).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, NamedTuple

import torch
from einops import rearrange
from torch import Tensor

from imug_metrics.dialogues.alignment import Places, align_rows
from imug_metrics.dialogues.batch import DialogueBatch
from imug_metrics.dialogues.checks import Check, look
from imug_metrics.dialogues.packing import pack
from imug_metrics.dialogues.padded import pack_padded

Encode = Callable[[Any], Tensor]
Bounds = tuple[float, float]
SHARE: Bounds = (0.0, 1.0)
"""Of shares, and of scores that are graded like them."""

_ROUNDING = 1e-6  # float32 means of ones may end up this far beyond 1


class Column(NamedTuple):
    """One argument of an update.

    Attributes:
        values: `[N, ...]`, one row a cell.
        shape: `(N,)` for flat records, `(B, T)` for padded ones.
        present: bool of that shape, False where the item is None; None: all are there.
        ends: for lists of lists, the number of turns of each dialogue; None: not known.
        checks: of the values, `[N, ...]`; they count where a cell is a record.
    """

    values: Tensor
    shape: tuple[int, ...]
    present: Tensor | None = None
    ends: tuple[int, ...] | None = None
    checks: tuple[Check, ...] = ()


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


def score_column(argument: str, scores: Any, bounds: Bounds | None = None) -> Column:
    """Scores `[N]` or `[B, T]` as rows.

    Args:
        argument: its name, for errors.
        scores: a tensor, or what `torch.as_tensor` takes.
        bounds: where they have to lie; `pack_inputs` looks, since it knows which cells are padding.

    Raises:
        ValueError: if it has another number of dimensions.
        TypeError: if it is complex.

    Example:
        >>> score_column("scores", [0.5, 1]).values
        tensor([0.5000, 1.0000], dtype=torch.float64)
    """
    scores = as_numbers(scores)
    if scores.is_complex():
        raise TypeError(f"Expected argument `{argument}` to be real, got {scores.dtype}.")
    if scores.ndim not in (1, 2):
        raise ValueError(f"Expected argument `{argument}` to have shape [N] or [B, T], got {list(scores.shape)}.")
    column = Column(scores.double().flatten(), tuple(scores.shape))
    return column if bounds is None else column._replace(checks=(_bounds_check(argument, column, bounds),))


def as_numbers(values: Any) -> Tensor:
    """Numbers as a tensor; lists become float64, since of Python's floats the default dtype keeps seven digits.

    Args:
        values: a tensor or an array, which keep their dtype, or lists.

    Example:
        >>> as_numbers([[0.1, 0.2]])
        tensor([[0.1000, 0.2000]], dtype=torch.float64)
    """
    if isinstance(values, (list, tuple)):
        return torch.tensor(values, dtype=torch.float64)
    return torch.as_tensor(values)


def embedding_column(argument: str, items: Any, encode: Encode | None = None) -> Column:
    """Embeddings, or items to encode, as rows.

    Args:
        argument: its name, for errors.
        items: floating-point embeddings `[N, D]` or `[B, T, D]`. With `encode` also a batch of images (a tensor of four
            dimensions, or five when padded) or a list of items, where None stands for an absent one; a list of lists is
            one list a dialogue.
        encode: function from items to embeddings `[N, D]`.

    Raises:
        ValueError: if a tensor has another shape, or items come without an encoder.

    Example:
        >>> embedding_column("images", torch.ones(2, 3, 8)).shape
        (2, 3)
        >>> embedding_column("images", ["a.png"])
        Traceback (most recent call last):
        ValueError: Expected argument `images` to be embeddings [N, D] or [B, T, D]; other items need an `encoder`.
    """
    if is_embedding(items):
        return Column(rearrange(items, "... d -> (...) d"), tuple(items.shape[:-1]))
    if encode is None:
        raise ValueError(
            f"Expected argument `{argument}` to be embeddings [N, D] or [B, T, D]; other items need an `encoder`."
        )
    if isinstance(items, Tensor):
        if items.ndim not in (4, 5):
            raise ValueError(
                f"Expected argument `{argument}` to be embeddings [N, D] or [B, T, D] or images [N, 3, H, W] or "
                f"[B, T, 3, H, W], got shape {list(items.shape)} and {items.dtype}."
            )
        return Column(encode(rearrange(items, "... c h w -> (...) c h w")), tuple(items.shape[:-3]))
    return _encode_list(argument, list(items), encode)


def is_embedding(items: Any) -> bool:
    """Whether items are embeddings `[N, D]` or `[B, T, D]` already.

    Example:
        >>> is_embedding(torch.ones(2, 8)), is_embedding(["a.png"])
        (True, False)
    """
    return isinstance(items, Tensor) and items.is_floating_point() and items.ndim in (2, 3)


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
        ValueError: if two arguments differ in shape, or lists of dialogues in their lengths, ids and turns are
            refused, or a check fails.

    Example:
        >>> records = pack_inputs({"scores": score_column("scores", [0.0, 1.0])}, [4, 4], [2, 1])
        >>> records.columns["scores"], records.unpack(records.columns["scores"])
        (tensor([1., 0.], dtype=torch.float64), tensor([0., 1.], dtype=torch.float64))
    """
    check_shapes(**columns)
    rows = next(iter(columns.values()))
    shape = rows.shape
    lists = {name: column.ends for name, column in columns.items() if column.ends is not None}
    ends = next(iter(lists.values()), None) if lengths is None else None
    places = align_rows(shape, dialogue, turn, subject, valid, lengths, ends=ends, like=rows.values)
    if lists:
        _check_lists(lists, lengths, places, rows)
    values, given = _read_values(columns, look_at_rows)
    record, present = places.record, rows.present
    said = _both(places.valid, None if present is None else present.to(rows.values.device))
    record, said = (None if mask is None else mask.flatten() for mask in (record, _both(record, said)))
    every = [*places.checks, *checks, *_cell_checks(columns, said, record)] if validate else []
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
    return pack(ids.flatten(), turn.flatten(), subject=subject, record=record, **options._asdict())


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


def has_direction(rows: Tensor) -> Tensor:
    """True `[N]` where a row is finite and not zero, in one pass."""
    largest = torch.linalg.vector_norm(rows.detach().flatten(1), torch.inf, dim=1)
    return torch.logical_and(largest > 0, largest < torch.inf)


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


def _check_lists(lists: dict[str, tuple[int, ...]], lengths: Any, places: Places, rows: Column) -> None:
    """Lists of one length are padded like a tensor, whose lengths may differ; others say where their dialogues end."""
    if lengths is not None:
        look(places.checks, like=rows.values)  # before they are compared with those of the lists
        ragged = {name: ends for name, ends in lists.items() if min(ends) < rows.shape[1]}
        lists = {"lengths": tuple(torch.as_tensor(lengths).tolist()), **ragged}
    check_ends(**lists)


def check_shapes(**columns: Column) -> None:
    """Raise ValueError unless all rows have the shape of the first.

    Example:
        >>> check_shapes(preds=score_column("preds", [1.0]), target=score_column("target", [1.0, 0.0]))
        Traceback (most recent call last):
        ValueError: Expected argument `target` to have one entry for each of `preds`, [1], got [2].
    """
    (first, rows), *others = columns.items()
    for name, other in others:
        if other.shape != rows.shape:
            raise ValueError(
                f"Expected argument `{name}` to have one entry for each of `{first}`, {list(rows.shape)}, got "
                f"{list(other.shape)}."
            )


def flatten_lists(items: Sequence[Any]) -> tuple[list[Any], tuple[int, ...], Tensor | None, tuple[int, ...] | None]:
    """Items in one list or in one list a dialogue, as cells.

    Args:
        items: `[N]` items, or lists of items by dialogue, of different lengths; None stands for an absent item.

    Returns:
        The cells in one list, their shape `(N,)` or `(B, T)`, bool `present` of that shape (None: no item is absent),
        and the number of turns of each dialogue (None for a flat list).

    Example:
        >>> flatten_lists([["a", None], ["b"]])[0]
        ['a', None, 'b', None]
    """
    items = list(items)
    shape: tuple[int, ...] = (len(items),)
    ends = None
    if items and all(isinstance(line, (list, tuple)) for line in items):
        ends = tuple(map(len, items))
        shape = len(items), max(ends)
        items = [item for line in items for item in [*line, *[None] * (shape[1] - len(line))]]
    if not any(item is None for item in items):  # and not `None in items`, which asks the items whether they are equal
        return items, shape, None, ends
    return items, shape, torch.tensor([item is not None for item in items]).view(shape), ends


def check_ends(**lengths: tuple[int, ...]) -> None:
    """Raise ValueError unless all arguments that say how many turns each dialogue has say the same.

    Example:
        >>> check_ends(preds=(2, 1), target=(2, 2))
        Traceback (most recent call last):
        ValueError: Expected arguments `preds` and `target` to have equal dialogues, got 1 and 2 turns at row 1.
    """
    for (first, ends), (name, other) in pairwise(lengths.items()):
        for row, (one, two) in enumerate(zip(ends, other, strict=True)):
            if one != two:
                raise ValueError(
                    f"Expected arguments `{first}` and `{name}` to have equal dialogues, got {one} and {two} turns at "
                    f"row {row}."
                )


def _bounds_check(name: str, column: Column, bounds: Bounds) -> Check:
    """The check that numbers lie within bounds; infinite ones do not."""
    low, high = bounds
    wrong = (column.values < low - _ROUNDING) | (column.values > high + _ROUNDING)

    def message(cell: int) -> str:
        got, row = float(column.values[cell]), place_of(cell, column.shape)
        return f"Expected argument `{name}` to lie in [{low:g}, {high:g}], got {got:g} at row {row}."

    return Check(wrong, message)


def place_of(cell: int, shape: tuple[int, ...]) -> int | list[int]:
    """A cell as the user counts it: the row, or line and column of padded records.

    Example:
        >>> place_of(5, (2, 3)), place_of(5, (6,))
        ([1, 2], 5)
    """
    return list(divmod(cell, shape[1])) if len(shape) == 2 else cell


def _encode_list(argument: str, items: list[Any], encode: Encode) -> Column:
    cells, shape, present, ends = flatten_lists(items)
    given = [item for item in cells if item is not None]
    if not given:
        return Column(torch.zeros(len(cells), 1), shape, present, ends)
    encoded = encode(given)
    if encoded.ndim != 2 or len(encoded) != len(given):
        raise ValueError(
            f"Expected the encoder to give one embedding for each of the {len(given)} items of argument `{argument}`, "
            f"[{len(given)}, D], got {list(encoded.shape)}."
        )
    if present is None:
        outside = encoded.is_inference() and not torch.is_inference_mode_enabled()
        return Column(encoded.clone() if outside else encoded, shape, None, ends)  # such rows could carry no gradient
    places = present.flatten().nonzero()[:, 0].to(encoded.device)
    values = encoded.new_zeros(len(cells), encoded.shape[-1]).index_copy(0, places, encoded)
    return Column(values, shape, present.to(values.device), ends)
