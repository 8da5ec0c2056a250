# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Arguments of an update, flat or padded, embeddings or items to encode, to packed rows.

An infinite number is never part of a result: an argument whose range is checked refuses it like every number out of
range, and elsewhere it counts as NaN does, as not given. Scores of a selector alone may be infinite, since they only
order candidates (a logarithm of probability 0 is minus infinity).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, NamedTuple

import torch
from einops import rearrange
from torch import Tensor

from imug_metrics.dialogues.batch import DialogueBatch, align_rows, pack

Encode = Callable[[Any], Tensor]
Bounds = tuple[float, float]

_ROUNDING = 1e-6  # float32 means of ones may end up this far beyond 1


class Column(NamedTuple):
    """One argument of an update.

    Attributes:
        values: `[N, ...]`, one row a cell.
        shape: `(N,)` for flat records, `(B, T)` for padded ones.
        present: bool of that shape, False where the item is None; None: all are there.
        turn: int64 of that shape for lists of lists, 0 where a dialogue has ended; None: not known.
        bounds: the least and the greatest value that is accepted; None: any.
    """

    values: Tensor
    shape: tuple[int, ...]
    present: Tensor | None = None
    turn: Tensor | None = None
    bounds: Bounds | None = None


@dataclass(frozen=True)
class PackedInputs:
    """Packed dialogues with their columns.

    Attributes:
        batch: the packed dialogues.
        columns: by argument, values `[N, ...]` in packed order.
        shape: of the input.
        is_record: bool, the cells of the input that are records; None: all.
    """

    batch: DialogueBatch
    columns: dict[str, Tensor]
    shape: tuple[int, ...]
    is_record: Tensor | None

    def unpack(self, values: Tensor) -> Tensor:
        """Packed values `[N]` in the input's shape, NaN in padding."""
        values = self.batch.unpack(values)
        if self.is_record is None:
            return values
        cells = torch.full(self.is_record.shape, torch.nan, dtype=values.dtype, device=values.device)
        return cells.masked_scatter(self.is_record, values).view(self.shape)

    def positions(self) -> Tensor:
        """The packed row of each cell of the input, -1 for padding."""
        cells = torch.arange(len(self.batch.order), device=self.batch.order.device)
        cells = torch.empty_like(cells).index_copy(0, self.batch.order, cells)
        if self.is_record is None:
            return cells
        return torch.full_like(self.is_record, -1, dtype=torch.int64).masked_scatter(self.is_record, cells)


def score_column(argument: str, scores: Any, bounds: Bounds | None = None) -> Column:
    """Scores `[N]` or `[B, T]` as rows.

    Args:
        argument: its name, for errors.
        scores: a tensor, or what `torch.as_tensor` takes.
        bounds: where they have to lie; `pack_inputs` checks it, since it knows which cells are padding.

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
    return Column(scores.double().flatten(), tuple(scores.shape), bounds=bounds)


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
    return _encode_list(list(items), encode)


def is_embedding(items: Any) -> bool:
    """Whether items are embeddings `[N, D]` or `[B, T, D]` already.

    Example:
        >>> is_embedding(torch.ones(2, 8)), is_embedding(["a.png"])
        (True, False)
    """
    return isinstance(items, Tensor) and items.is_floating_point() and items.ndim in (2, 3)


def pack_inputs(
    dialogue: Any = None,
    turn: Any = None,
    subject: Any = None,
    valid: Any = None,
    lengths: Any = None,
    *,
    validate: bool = True,
    **columns: Column,
) -> PackedInputs:
    """Pack arguments of the same records.

    Args:
        dialogue, turn, subject, valid, lengths: as in `align_rows`.
        validate: as in `pack`, and check the bounds of columns that have some, each with one
            synchronisation more.
        columns: the arguments by name; the first, the outputs, gives shape and device, and its rows that are not
            finite count as absent. Infinite numbers in the others become NaN.

    Raises:
        ValueError: if two arguments differ in shape, or lists of dialogues in their lengths, ids and turns are
            refused, or an output that is valid, or a record of another argument, is out of bounds.

    Example:
        >>> records = pack_inputs([4, 4], [2, 1], scores=score_column("scores", [0.0, 1.0]))
        >>> records.columns["scores"], records.unpack(records.columns["scores"])
        (tensor([1., 0.], dtype=torch.float64), tensor([0., 1.], dtype=torch.float64))
    """
    check_shapes(**columns)
    rows = next(iter(columns.values()))
    device = rows.values.device
    lists = {name: (column.turn > 0).sum(1) for name, column in columns.items() if column.turn is not None}
    ends = next(iter(lists.values()), None) if lengths is None else lengths
    ids, turns, subjects, valid, is_record = align_rows(rows.shape, dialogue, turn, subject, valid, ends, device=device)
    if lengths is not None:  # lists of one length are padded like a tensor; others say where their dialogues end
        ragged = {name: ends for name, ends in lists.items() if bool((ends < rows.shape[1]).any())}
        lists = {"lengths": torch.as_tensor(lengths), **ragged}
    check_ends(**lists)
    for name, column in columns.items():
        if validate and column.bounds is not None:  # `valid` speaks of the outputs alone
            counts = valid if column is rows else torch.ones_like(valid)
            cells = counts if is_record is None else is_record.masked_scatter(is_record, counts)
            _check_bounds(name, column, column.bounds, cells)
    given = _is_given(rows) if is_record is None else _is_given(rows)[is_record]
    batch = pack(ids, turns, subject=subjects, valid=valid & given, validate=validate)
    values = {name: _finite(column.values) for name, column in columns.items()}
    values = {name: value if is_record is None else value[is_record] for name, value in values.items()}
    return PackedInputs(batch, {name: batch.pack(value) for name, value in values.items()}, rows.shape, is_record)


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


def flatten_lists(items: Sequence[Any]) -> tuple[list[Any], tuple[int, ...], Tensor, Tensor | None]:
    """Items in one list or in one list a dialogue, as cells.

    Args:
        items: `[N]` items, or lists of items by dialogue, of different lengths; None stands for an absent item.

    Returns:
        The cells in one list, their shape `(N,)` or `(B, T)`, and bool `present` and int64 `turn` of that shape (`turn`
        is None for a flat list).

    Example:
        >>> flatten_lists([["a", None], ["b"]])[0]
        ['a', None, 'b', None]
    """
    items = list(items)
    shape: tuple[int, ...] = (len(items),)
    turn = None
    if items and all(isinstance(line, (list, tuple)) for line in items):
        shape = (len(items), max(len(line) for line in items))
        counted = torch.arange(1, shape[1] + 1).expand(shape)
        turn = counted.masked_fill(counted > torch.tensor([len(line) for line in items])[:, None], 0)
        items = [item for line in items for item in [*line, *[None] * (shape[1] - len(line))]]
    present = torch.tensor([item is not None for item in items], dtype=torch.bool)
    return items, shape, present.view(shape), turn


def check_ends(**lengths: Tensor) -> None:
    """Raise ValueError unless all arguments that say how many turns each dialogue has say the same.

    Example:
        >>> check_ends(preds=torch.tensor([2, 1]), target=torch.tensor([2, 2]))
        Traceback (most recent call last):
        ValueError: Expected arguments `preds` and `target` to have equal dialogues, got 1 and 2 turns at row 1.
    """
    for (first, ends), (name, other) in pairwise(lengths.items()):
        wrong = (ends.cpu() != other.cpu()).nonzero()
        if len(wrong):
            row = int(wrong[0])
            raise ValueError(
                f"Expected arguments `{first}` and `{name}` to have equal dialogues, got {int(ends[row])} and "
                f"{int(other[row])} turns at row {row}."
            )


def _check_bounds(name: str, column: Column, bounds: Bounds, cells: Tensor) -> None:
    """Raise ValueError at the first number out of bounds, infinite ones among them, where `cells` is True."""
    low, high = bounds
    outside = (column.values < low - _ROUNDING) | (column.values > high + _ROUNDING)
    outside = outside & cells.to(outside.device)
    if not bool(outside.any()):
        return
    cell = int(outside.nonzero()[0])
    place = list(divmod(cell, column.shape[1])) if len(column.shape) == 2 else cell
    raise ValueError(
        f"Expected argument `{name}` to lie in [{low:g}, {high:g}], got {float(column.values[cell]):g} at row {place}."
    )


def _finite(values: Tensor) -> Tensor:
    """Numbers `[N]` with NaN for infinite ones; rows of embeddings stay, since their cosines are NaN then anyway."""
    return values.masked_fill(values.isinf(), torch.nan) if values.ndim == 1 and values.is_floating_point() else values


def _is_given(rows: Column) -> Tensor:
    """True `[N]` where an output is given and finite. One pass: a row's sum is finite only if its entries are."""
    values = rows.values.detach()
    there = (values if values.ndim == 1 else values.sum(1, dtype=_wide(values.dtype))).isfinite()
    return there if rows.present is None else there & rows.present.flatten().to(there.device)


def _wide(dtype: torch.dtype) -> torch.dtype:
    """The dtype itself, or float32 for those of 16 bits, whose sums overflow."""
    return torch.promote_types(dtype, torch.float32)


def _encode_list(items: list[Any], encode: Encode) -> Column:
    cells, shape, present, turn = flatten_lists(items)
    there = present.flatten()
    if not bool(there.any()):
        return Column(torch.zeros(len(cells), 1), shape, present, turn)
    encoded = encode([item for item in cells if item is not None])
    places = there.nonzero()[:, 0].to(encoded.device)
    values = encoded.new_zeros(len(cells), encoded.shape[-1]).index_copy(0, places, encoded)
    return Column(values, shape, present.to(values.device), turn)
