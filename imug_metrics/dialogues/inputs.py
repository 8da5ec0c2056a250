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
from functools import partial
from typing import Any, NamedTuple

import torch
from einops import rearrange
from torch import Tensor

from imug_metrics.dialogues.alignment import Places, align_rows
from imug_metrics.dialogues.arrays import REALS, first_entry, opened, place_of, read_array, read_cells
from imug_metrics.dialogues.batch import DialogueBatch, on_cpu
from imug_metrics.dialogues.checks import Check
from imug_metrics.dialogues.packing import pack
from imug_metrics.dialogues.padded import pack_padded
from imug_metrics.errors import InputError

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
        open_end: of padded records that are no lists, the check that no line ends with a cell without a value, which
            may be padding; made where nobody says what is.
        width: numbers in each row, where those of other arguments need as many; 0 where no item has told it.
        argument: what it was made of, for errors; None: what it is called.
    """

    values: Tensor
    shape: tuple[int, ...]
    present: Tensor | None = None
    ends: tuple[int, ...] | None = None
    checks: tuple[Check, ...] = ()
    open_end: Callable[[], Check] | None = None
    width: int | None = None
    argument: str | None = None


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
        scores: real numbers in a tensor, an array, a column of a table, a list, or one of these a dialogue; NaN or None
            where there is none.
        bounds: where they have to lie; `pack_inputs` looks, since it knows which cells are padding.

    Raises:
        InputError: if they are held in anything else, or are no real numbers, or have another number of dimensions.

    Example:
        >>> score_column("scores", [0.5, 1]).values
        tensor([0.5000, 1.0000], dtype=torch.float64)
    """
    numbers, ends = read_array(argument, scores, REALS, filler=torch.nan)
    if numbers.ndim not in (1, 2):
        raise InputError(argument, "to have shape [N] or [B, T]", list(numbers.shape))
    column = Column(numbers.double().flatten(), tuple(numbers.shape), None, ends)
    if ends is None and numbers.ndim == 2 and numbers.is_floating_point():
        column = column._replace(open_end=partial(open_end, argument, numbers, _is_nan))
    return column if bounds is None else column._replace(checks=(_bounds_check(argument, column, bounds),))


def as_numbers(argument: str, values: Any) -> Tensor:
    """Real numbers of any shape as a tensor; lists become float64, since the default dtype keeps seven digits.

    Args:
        argument: its name, for errors.
        values: a tensor or an array, which keep their dtype, a column of a table, or lists, the shorter ones of which
            are filled with NaN.

    Raises:
        InputError: if they are anything else.

    Example:
        >>> as_numbers("scores", [[0.1, 0.2], [0.3]])
        tensor([[0.1000, 0.2000],
                [0.3000,    nan]], dtype=torch.float64)
    """
    return read_array(argument, values, REALS, inner=1, filler=torch.nan).values


def embedding_column(argument: str, items: Any, encode: Encode | None = None) -> Column:
    """Embeddings, or items to encode, as rows.

    Args:
        argument: its name, for errors.
        items: embeddings `[N, D]` or `[B, T, D]`: a tensor, an array, or a list of vectors or of `[T_i, D]`, one a
            dialogue, None for an absent vector. With `encode` also a batch of images (four dimensions, or five when
            padded) or a list of items, where None stands for an absent one; a list of lists is one list a dialogue.
        encode: function from items to embeddings `[N, D]`; with it embeddings have to be of floating point.

    Raises:
        InputError: if they have another shape, or items come without an encoder.

    Example:
        >>> embedding_column("images", [torch.ones(2, 8), torch.ones(1, 8)]).ends
        (2, 1)
        >>> embedding_column("images", ["a.png"])
        Traceback (most recent call last):
        imug_metrics.errors.InputError: Expected argument `images` to be embeddings [N, D] or [B, T, D] (other items
        need an `encoder`), got 'a.png' at row 0.
    """
    given = opened(argument, items)
    if isinstance(given, list) and not given:
        return Column(torch.zeros(0, 1), (0,), width=0)
    if is_embedding(given) or (encode is None and not _all_absent(given)):
        return _embedded(argument, given, encode)
    if isinstance(given, list):
        return _encode_list(argument, given, encode)
    assert encode is not None
    if given.ndim not in (4, 5):
        expected = f"{_EMBEDDINGS}, or images [N, 3, H, W] or [B, T, 3, H, W]"
        raise InputError(argument, expected, f"{list(given.shape)} of {given.dtype}")
    images = rearrange(given, "... c h w -> (...) c h w")
    encoded = _encoded(argument, encode, images, len(images))
    check = partial(open_end, argument, given, _is_blank) if given.ndim == 5 else None
    return Column(encoded, tuple(given.shape[:-3]), open_end=check, width=encoded.shape[1])


def is_embedding(items: Any) -> bool:
    """Whether items are embeddings `[N, D]` or `[B, T, D]` already, or lists of them, and nothing to encode.

    Example:
        >>> is_embedding(torch.ones(2, 8)), is_embedding([torch.ones(2, 8), torch.ones(1, 8)]), is_embedding(["a.png"])
        (True, True, False)
    """
    if not isinstance(items, (Tensor, list)):
        items = opened("images", items)
    if isinstance(items, Tensor):
        return items.is_floating_point() and items.ndim in (2, 3)
    entry, depth = first_entry(items)
    return isinstance(entry, float) and depth in (2, 3)


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
        >>> records = pack_inputs({"scores": score_column("scores", [0.0, 1.0])}, [4, 4], [2, 1])
        >>> records.columns["scores"], records.unpack(records.columns["scores"])
        (tensor([1., 0.], dtype=torch.float64), tensor([0., 1.], dtype=torch.float64))
    """
    check_shapes(**columns)
    columns = _of_one_width(columns)
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


def has_direction(rows: Tensor) -> Tensor:
    """True `[N]` where a row is finite and not zero."""
    largest = _largest(rows.detach().flatten(1))
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


def check_shapes(**columns: Column) -> None:
    """Raise InputError unless all rows have the shape of the first.

    Example:
        >>> check_shapes(preds=score_column("preds", [1.0]), target=score_column("target", [1.0, 0.0]))
        Traceback (most recent call last):
        imug_metrics.errors.InputError: Expected argument `target` to have one entry for each of `preds`, [1], got [2].
    """
    (first, rows), *others = columns.items()
    first = rows.argument or first
    for name, other in others:
        if other.shape != rows.shape:
            raise InputError(
                other.argument or name,
                f"to have one entry for each of `{first}`, {list(rows.shape)}",
                list(other.shape),
            )


def check_widths(**columns: Column) -> int | None:
    """The one width of embeddings that are compared with each other; None without any.

    Raises:
        InputError: if they have several.

    Example:
        >>> rows = {"images": torch.ones(2, 16), "texts": torch.ones(2, 8)}
        >>> check_widths(**{name: embedding_column(name, values) for name, values in rows.items()})
        Traceback (most recent call last):
        imug_metrics.errors.InputError: Expected argument `texts` to hold embeddings as wide as those of `images`, 16,
        got 8.
    """
    widths = {name: column.width for name, column in columns.items() if column.width}
    first = next(iter(widths), None)
    for name, width in widths.items():
        if first is not None and width != widths[first]:
            raise InputError(name, f"to hold embeddings as wide as those of `{first}`, {widths[first]}", width)
    return None if first is None else widths[first]


def _of_one_width(columns: Mapping[str, Column]) -> dict[str, Column]:
    """Columns, of which those without a single item get the width of the others."""
    width = check_widths(**columns)
    return {
        name: column._replace(values=column.values.new_zeros(len(column.values), width or 1))
        if column.width == 0
        else column
        for name, column in columns.items()
    }


def flatten_lists(
    argument: str, items: Any, *, arrays: bool = True
) -> tuple[list[Any], tuple[int, ...], Tensor | None, tuple[int, ...] | None]:
    """Items in one list or in one list a dialogue, as cells.

    Args:
        argument: its name, for errors.
        items: `[N]` items in a list, an array or a column of a table, or one of these a dialogue, of different lengths;
            None stands for an absent item.
        arrays: as in `read_cells`.

    Returns:
        The cells in one list, their shape `(N,)` or `(B, T)`, bool `present` of that shape (None: no item is absent),
        and the number of turns of each dialogue (None for a flat list).

    Raises:
        InputError: if they are held in anything else.

    Example:
        >>> flatten_lists("texts", [["a", None], ["b"]])[0]
        ['a', None, 'b', None]
    """
    cells, shape, ends = read_cells(argument, items, arrays=arrays)
    if not any(item is None for item in cells):  # and not `None in cells`, which asks the items whether they are equal
        return cells, shape, None, ends
    return cells, shape, torch.tensor([item is not None for item in cells]).view(shape), ends


def open_end(argument: str, values: Tensor, is_empty: Callable[[Tensor], Tensor]) -> Check:
    """The check that no line of padded records ends with a cell without a value, of which nobody says what it is.

    Args:
        argument: its name, for errors.
        values: `[B, T, ...]`.
        is_empty: from the last cells `[B, ...]` to bool `[B]`.
    """

    def error(line: int) -> InputError:
        cell = values[line, -1]
        got = "NaN" if bool(cell.isnan().any()) else "zeros"
        expected = (
            "to hold an output in the last cell of every line where nobody says which cells are padding (say so by "
            "`lengths`, or by `turn` with 0 there)"
        )
        return InputError(argument, expected, got, [line, values.shape[1] - 1])

    return Check(is_empty(values[:, -1]), error)


def _is_nan(cells: Tensor) -> Tensor:
    return cells != cells


def _is_zero_or_nan(cells: Tensor) -> Tensor:
    """Whether embeddings are what padding is made of; what is infinite has only overflown."""
    return torch.logical_not(_largest(cells.detach()) > 0)


def _largest(rows: Tensor) -> Tensor:
    """The largest absolute value `[...]` of rows `[..., D]`, NaN where one is."""
    if not on_cpu(rows):
        largest: Tensor = torch.linalg.vector_norm(rows, torch.inf, dim=-1)
        return largest
    return rows.abs().amax(-1)  # which a CPU does in a twentieth of the time, though in two passes


def _is_blank(images: Tensor) -> Tensor:
    """Whether images are of zeros alone, as padding is."""
    return (images == 0).flatten(1).all(1)  # `any` of uint8 is uint8, whose ~ is no negation


def _bounds_check(name: str, column: Column, bounds: Bounds) -> Check:
    """The check that numbers lie within bounds; infinite ones do not."""
    low, high = bounds
    wrong = (column.values < low - _ROUNDING) | (column.values > high + _ROUNDING)

    def error(cell: int) -> InputError:
        got = f"{float(column.values[cell]):g}"
        return InputError(name, f"to lie in [{low:g}, {high:g}]", got, place_of(cell, column.shape))

    return Check(wrong, error)


def _all_absent(given: Tensor | list[Any]) -> bool:
    """Whether items are None alone, so that nobody has to encode any."""
    if isinstance(given, Tensor) or not given:
        return False
    return all(entry is None or (isinstance(entry, (list, tuple)) and _all_absent(list(entry))) for entry in given)


_EMBEDDINGS = "to be embeddings [N, D] or [B, T, D]"


def _embedded(argument: str, given: Tensor | list[Any], encode: Encode | None) -> Column:
    """The column of embeddings."""
    expected = _EMBEDDINGS if encode else f"{_EMBEDDINGS} (other items need an `encoder`)"
    try:
        rows, ends = read_array(argument, given, REALS, inner=1, even=True)
    except InputError as error:
        same = "equally many" in error.expected
        raise InputError(
            argument, "to hold embeddings of one width" if same else expected, error.got, error.row
        ) from None
    if rows.ndim not in (2, 3):
        raise InputError(argument, expected, f"{list(rows.shape)} of {rows.dtype}")
    rows = rows if rows.is_floating_point() else rows.float()
    if not rows.shape[-1]:
        if rows.shape[:-1].numel():
            raise InputError(argument, "to hold embeddings of at least one number", list(rows.shape))
        return Column(rows.new_zeros(0, 1), tuple(rows.shape[:-1]), None, ends, width=0)
    padded = rows.ndim == 3 and ends is None
    check = partial(open_end, argument, rows, _is_zero_or_nan) if padded else None
    flat, shape = rearrange(rows, "... d -> (...) d"), tuple(rows.shape[:-1])
    return Column(flat, shape, None, ends, open_end=check, width=rows.shape[-1])


def _encode_list(argument: str, items: list[Any], encode: Encode | None) -> Column:
    cells, shape, present, ends = flatten_lists(argument, items, arrays=False)
    given = [item for item in cells if item is not None]
    if not given:
        return Column(torch.zeros(len(cells), 1), shape, present, ends, width=0)
    assert encode is not None
    encoded = _encoded(argument, encode, given, len(given))
    width = encoded.shape[1]
    if present is None:
        outside = encoded.is_inference() and not torch.is_inference_mode_enabled()
        # Rows of inference mode could carry no gradient.
        return Column(encoded.clone() if outside else encoded, shape, None, ends, width=width)
    places = present.flatten().nonzero()[:, 0].to(encoded.device)
    values = encoded.new_zeros(len(cells), width).index_copy(0, places, encoded)
    return Column(values, shape, present.to(values.device), ends, width=width)


def _encoded(argument: str, encode: Encode, items: Any, count: int) -> Tensor:
    encoded = encode(items)
    if encoded.ndim != 2 or len(encoded) != count:
        raise ValueError(
            f"Expected the encoder to give one embedding for each of the {count} items of argument `{argument}`, "
            f"[{count}, D], got {list(encoded.shape)}."
        )
    return encoded
