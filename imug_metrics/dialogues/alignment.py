# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Where records belong: what `dialogue`, `turn`, `subject`, `valid` and `lengths` of an update say, flat or padded."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import torch
from torch import Tensor

from imug_metrics._constants import constant
from imug_metrics.dialogues.arrays import BOOLEANS, INTEGERS, Array, read_array
from imug_metrics.dialogues.checks import Check, look
from imug_metrics.dialogues.holders import place_of
from imug_metrics.dialogues.ids import Ids, as_integers, of_shape, read_ids
from imug_metrics.errors import InputError

Ends = tuple[int, ...]


class Places(NamedTuple):
    """Where the records of an update belong, in the shape of the records, `[N]` or `[B, T]`.

    Attributes:
        dialogue: int64 of that shape; in padded records also `[B]`, one id a line.
        turn: int64 of that shape; None: column `t` of padded records holds turn `t + 1`.
        subject: int64 of that shape, or None.
        valid: bool of that shape, False where an output is absent; None: all are there.
        record: bool of that shape, False for the padding; None: there is none.
        checks: of values, which nobody has looked at yet.
        numbered: dialogues are lines of padded records under made-up ids, and so differ for certain.
        open: nobody says which cells of padded records are padding, so that only their values could.
        name: from a cell to the id of its dialogue as it was given.
    """

    dialogue: Tensor
    turn: Tensor | None
    subject: Tensor | None
    valid: Tensor | None
    record: Tensor | None
    checks: tuple[Check, ...]
    numbered: bool
    open: bool
    name: Callable[[int], Any]


def align_rows(
    shape: Sequence[int],
    dialogue: Any = None,
    turn: Any = None,
    subject: Any = None,
    valid: Any = None,
    lengths: Any = None,
    *,
    lists: Mapping[str, Ends] | None = None,
    like: Tensor | None = None,
    of: str = "the records",
) -> Places:
    """The places of records given flat or padded; looks at no value that lies on a device.

    Each argument is a tensor, an array, a column of a table or a list; with padded records also one list a dialogue, of
    different lengths, which say where dialogues end.

    Args:
        shape: `(N,)` for flat records, `(B, T)` for padded ones.
        dialogue: ids `[N]`; padded: `[B]` or `[B, T]`, by default 0 to B - 1. Integers or strings.
        turn: `[N]` integers from 1; padded: `[T]` or `[B, T]`, where 0 behind the turns of a line marks its padding, by
            default 1 to T.
        subject: ids like `dialogue`, or None.
        valid: bool `[N]` or `[B, T]`, False where an output is absent; it never says what is padding. A line of padded
            records that ends with False needs `turn` or `lengths`: without them the model may have given no last
            output, or have been asked for none, and a check refuses it. Where nobody looks at the checks, such a cell
            is an absent output.
        lengths: padded: integers `[B]`, the number of turns of each dialogue; the cells behind them are padding.
        lists: padded: by argument, what `lengths` would say, where lists of records have said it; one a line.
        like: a tensor on the device where the results live.
        of: what has the shape, for errors.

    Raises:
        InputError: if ids are not integers or strings, turns or `lengths` not integers, or `valid` not boolean, a shape
            differs from the records', lists disagree about the ends of dialogues, or flat records lack `dialogue` or
            `turn` or come with `lengths`.

    Example:
        >>> align_rows((2, 2), valid=torch.tensor([[True, True], [True, False]]), lengths=[2, 1]).record
        tensor([[ True,  True],
                [ True, False]])
    """
    shape, like = tuple(shape), torch.empty(0) if like is None else like
    if len(shape) == 1:
        _check_flat(shape[0], dialogue, turn, lengths, of)
    said = dict(lists or {})
    ids, names = _read_dialogues(dialogue, shape, said, like, of)
    subjects = turns = there = None
    if subject is not None:
        subjects = _fitted("subject", read_ids("subject", subject), shape, shape[:1], said, of).to(like.device)
    if turn is not None:
        turns = _read_turns(turn, shape, said, of).to(like.device)
    if valid is not None:
        there = _fitted("valid", read_array("valid", valid, BOOLEANS), shape, shape, said, of)
        there = there.bool().to(like.device)
    places = Places(ids, turns, _full(subjects, shape), there, None, (), dialogue is None, False, names)
    if len(shape) == 1:
        return places
    by_column = turns is not None and turns.ndim == 1
    spread = turns if turns is None else turns.expand(shape)
    return _with_ends(places._replace(turn=spread), shape, said, lengths, by_column)


def check_ends(**lengths: Ends) -> None:
    """Raise InputError unless all arguments that say how many turns each dialogue has say the same.

    Example:
        >>> check_ends(preds=(2, 1), target=(2, 2))
        Traceback (most recent call last):
        imug_metrics.errors.InputError: Expected argument `target` to have the dialogues of `preds`, of 1 turns, got 2
        at row 1.
    """
    for (first, ends), (name, other) in pairwise(lengths.items()):
        for row, (one, two) in enumerate(zip(ends, other, strict=True)):
            if one != two:
                raise InputError(name, f"to have the dialogues of `{first}`, of {one} turns", two, row)


def _with_ends(places: Places, shape: tuple[int, ...], lists: dict[str, Ends], lengths: Any, by_column: bool) -> Places:
    """Padded records, whose turns may have come one a column, with what is known of their padding."""
    turns, there, like = places.turn, places.valid, places.dialogue
    checks: list[Check] = []
    record = None if turns is None else turns != 0
    if record is not None and record.numel():
        checks.append(_early_padding(record[0, :1] if by_column else record))
    limits = None
    if lengths is not None:
        limits, check = _as_lengths(lengths, shape, like)
        checks.append(check)
        # Lists of one length are padded like a tensor, whose dialogues may end before it does.
        lists = {name: ends for name, ends in lists.items() if min(ends, default=shape[1]) < shape[1]}
        if lists:
            look([check], like=limits)
            lists = {"lengths": tuple(limits.tolist()), **lists}
    check_ends(**lists)
    ends = next(iter(lists.values()), None)
    if limits is None and ends is not None and min(ends, default=shape[1]) < shape[1]:
        limits = torch.tensor(ends).to(like.device)
    if limits is not None:
        within = constant(torch.arange, shape[1], like=like) < limits[:, None]
        record = within if record is None else record & within
    # Lines of one cell are dialogues of one turn: nobody pads with whole dialogues.
    nobody_says = turns is None and lengths is None and ends is None and shape[1] > 1
    if nobody_says and there is not None and there.numel():
        checks.append(_open_end(there))
    return places._replace(record=record, checks=tuple(checks), open=nobody_says and there is None)


def _check_flat(count: int, dialogue: Any, turn: Any, lengths: Any, of: str) -> None:
    for name, value in (("dialogue", dialogue), ("turn", turn)):
        if value is None:
            raise InputError(name, f"with one entry for each of the {count} flat records", "None")
    if lengths is not None:
        raise InputError("lengths", f"to be None unless {of} are padded, [B, T]", f"lengths of flat records, [{count}]")


def _full(ids: Tensor | None, shape: tuple[int, ...]) -> Tensor | None:
    """Ids in the shape of the records, from one a line."""
    return ids if ids is None or ids.ndim == len(shape) else ids[:, None].expand(shape)


def _fitted(
    name: str, given: Ids | Array, shape: tuple[int, ...], short: tuple[int, ...], said: dict[str, Ends], of: str
) -> Tensor:
    """Values in the shape of the records or the short one; where lists end before the records do, `said` is told."""
    values, ends = given.values, given.ends
    if ends is not None and len(shape) == 2 and len(ends) == shape[0] and min(ends, default=0) < shape[1]:
        said[name] = ends
        filler = values[:, :1] if isinstance(given, Ids) and values.shape[1] else values.new_zeros(len(ends), 1)
        values = torch.cat([values, filler.expand(-1, max(shape[1] - values.shape[1], 0))], 1)
    return of_shape(name, values, shape, short, of)


def _read_dialogues(
    dialogue: Any, shape: tuple[int, ...], said: dict[str, Ends], like: Tensor, of: str
) -> tuple[Tensor, Callable[[int], Any]]:
    """Ids of dialogues, and from a cell to the id as it was given."""
    width = 1 if len(shape) == 1 else shape[1]
    if dialogue is None:
        return constant(torch.arange, shape[0], like=like), lambda cell: cell // width
    given = read_ids("dialogue", dialogue)
    ids = _fitted("dialogue", given, shape, shape[:1], said, of)
    if ids.ndim < len(shape):
        return ids.to(like.device), lambda cell: given.names(cell // width)
    if given.ends is not None:  # one list a dialogue, whose ids are all the same as a rule, and on the host
        wide = given.values.shape[1]
        lines = ids[:, 0] if width and bool((ids == ids[:, :1]).all()) else ids
        return lines.to(like.device), lambda cell: given.names(cell // width * wide + min(cell % width, wide - 1))
    return ids.to(like.device), given.names


def _read_turns(turn: Any, shape: tuple[int, ...], said: dict[str, Ends], of: str) -> Tensor:
    given = read_array("turn", turn, INTEGERS)
    return _fitted("turn", given._replace(values=given.values.long()), shape, shape[-1:], said, of)


def _early_padding(record: Tensor) -> Check:
    """The check that no turn stands behind a 0, of which nobody says whether it is padding or the first turn.

    Args:
        record: False where the turn is 0: `[B, T]`, or of turns that came one a column that of the first, `[1]`.
    """
    lone = record.ndim == 1 or record.shape[1] == 1  # lines of one cell are not padding all together
    wrong = ~record.any().expand(1) if lone else record[:, 1:] > record[:, :-1]

    def error(cell: int) -> InputError:
        row = 0 if record.ndim == 1 else [cell, 0] if wrong.ndim == 1 else place_of(cell, tuple(wrong.shape))
        expected = (
            "to count from 1, with 0 behind the turns of a line as its padding (add 1 to turns that count from 0)"
        )
        return InputError("turn", expected, 0, row)

    return Check(wrong, error)


def _open_end(valid: Tensor) -> Check:
    """The check that no line of `valid` ends with False, of which nobody says whether it is padding."""

    def error(line: int) -> InputError:
        got = (
            f"False in line {line}, where an output may be absent or not expected: say which by `lengths`, or by "
            "`turn` with 0 in the padding"
        )
        return InputError("valid", "to be True in the last cell of every line", got)

    return Check(~valid[:, -1], error)


def _as_lengths(lengths: Any, shape: tuple[int, ...], like: Tensor) -> tuple[Tensor, Check]:
    """Lengths as int64 `[B]`, and their check."""
    limits = as_integers("lengths", lengths).to(like.device)
    if tuple(limits.shape) != shape[:1]:
        raise InputError("lengths", f"to have shape {shape[:1]}", tuple(limits.shape))

    def error(row: int) -> InputError:
        return InputError("lengths", f"to lie in 0 to {shape[1]}", int(limits[row]), row)

    return limits, Check((limits < 0) | (limits > shape[1]), error)
