# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Single arguments of an update, flat or padded, embeddings or items to encode, as rows.

An infinite number is never part of a result: an argument whose range is checked refuses it like every number out of
range, and elsewhere it counts as NaN does, as not given. Scores of a selector alone may be infinite, since they only
order candidates (a logarithm of probability 0 is minus infinity).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, NamedTuple

import torch
from einops import rearrange
from torch import Tensor

from imug_metrics.dialogues.arrays import REALS, read_array
from imug_metrics.dialogues.cells import read_cells
from imug_metrics.dialogues.checks import Check
from imug_metrics.dialogues.holders import first_entry, opened, place_of
from imug_metrics.dialogues.padding import are_blank, are_nan, are_zero_or_nan, open_end
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
        column = column._replace(open_end=partial(open_end, argument, numbers, are_nan))
    return (
        column
        if bounds is None
        else column._replace(checks=(bounds_check(argument, column.values, column.shape, bounds),))
    )


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
    check = partial(open_end, argument, given, are_blank) if given.ndim == 5 else None
    return Column(encoded, tuple(given.shape[:-3]), open_end=check, width=_told_width(encoded))


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


def of_one_width(columns: Mapping[str, Column]) -> dict[str, Column]:
    """Columns, of which those without a single item get the width of the others."""
    width = check_widths(**columns)
    return {
        name: column._replace(values=column.values[:, :1].expand(-1, width or 1)) if column.width == 0 else column
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


def bounds_check(argument: str, values: Tensor, shape: tuple[int, ...], bounds: Bounds) -> Check:
    """The check that numbers lie within bounds; infinite ones do not.

    Args:
        argument: its name.
        values: of any shape, NaN where there is none.
        shape: in which the caller has given them.
        bounds: the ends.
    """
    low, high = bounds
    wrong = (values < low - _ROUNDING) | (values > high + _ROUNDING)

    def error(cell: int) -> InputError:
        got = f"{float(values.flatten()[cell]):g}"
        return InputError(argument, f"to lie in [{low:g}, {high:g}]", got, place_of(cell, shape))

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
    check = partial(open_end, argument, rows, are_zero_or_nan) if padded else None
    flat, shape = rearrange(rows, "... d -> (...) d"), tuple(rows.shape[:-1])
    return Column(flat, shape, None, ends, open_end=check, width=rows.shape[-1])


def _encode_list(argument: str, items: list[Any], encode: Encode | None) -> Column:
    cells, shape, present, ends = flatten_lists(argument, items, arrays=False)
    given = [item for item in cells if item is not None]
    if not given:
        return Column(torch.zeros(len(cells), 1), shape, present, ends, width=0)
    assert encode is not None
    encoded = _encoded(argument, encode, given, len(given))
    width = _told_width(encoded)
    if present is None:
        outside = encoded.is_inference() and not torch.is_inference_mode_enabled()
        # Rows of inference mode could carry no gradient.
        return Column(encoded.clone() if outside else encoded, shape, None, ends, width=width)
    places = present.flatten().nonzero()[:, 0].to(encoded.device)
    values = encoded.new_zeros(len(cells), encoded.shape[1]).index_copy(0, places, encoded)
    return Column(values, shape, present.to(values.device), ends, width=width)


def _told_width(encoded: Tensor) -> int:
    """Width of embeddings; 0 where an encoder of parts has found none yet, and cannot know it."""
    width = encoded.shape[1]
    return 0 if width == 1 and bool(encoded.isnan().all()) else width


def _encoded(argument: str, encode: Encode, items: Any, count: int) -> Tensor:
    encoded = encode(items)
    if encoded.ndim != 2 or len(encoded) != count:
        raise ValueError(
            f"Expected the encoder to give one embedding for each of the {count} items of argument `{argument}`, "
            f"[{count}, D], got {list(encoded.shape)}."
        )
    return encoded
