# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Padded batches `[B, T, ...]`: one line a dialogue, which stays where it is."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from imug_metrics._constants import constant
from imug_metrics.dialogues.alignment import Places
from imug_metrics.dialogues.batch import BEYOND, DialogueBatch
from imug_metrics.dialogues.checks import Check, look
from imug_metrics.dialogues.packing import Named, low_turns, pack
from imug_metrics.errors import InputError


def pack_padded(
    places: Places,
    lines: int,
    width: int,
    valid: Tensor | None,
    *,
    said: Tensor | None = None,
    checks: Sequence[Check] = (),
    validate: bool = True,
    in_order: bool = False,
) -> DialogueBatch | None:
    """The batch of padded records, one line of `width` cells a dialogue; only lines whose turns do not rise are sorted.

    Args:
        places: of the records, without subjects, and with one id a line.
        lines, width: B and T.
        valid: bool `[B * T]`, False where the output is absent or the cell is padding; None: all are there.
        said: the part of `valid` that the caller said; None: all are there.
        checks: of the arguments, to be looked at together with the turns.
        validate: as in `pack`; without it lines are taken for dialogues whatever their ids are.
        in_order: the caller promises that turns rise in every line.

    Returns:
        The batch; None where an id occurs in several lines, whose dialogue has to be put together.

    Raises:
        InputError: as `pack`.
    """
    like, record = places.dialogue, places.record
    key = None if places.turn is None or record is None else places.turn.where(record, BEYOND)
    unordered = not in_order
    if validate:
        repeated, unordered = _look_at_lines(places, key, checks)
        if repeated:
            return None
        if unordered and in_order:
            raise InputError("turn", "to rise in every line, as `in_order` promises")
    moved = None
    masks = [None if mask is None else mask.flatten() for mask in (valid, said, record)]
    if key is not None and unordered:
        key, place = key.sort(dim=1, stable=True)
        moved = (place + constant(_line_starts, lines, width, like=like)).flatten()
        masks = [None if mask is None else mask[moved] for mask in masks]
        if validate:
            look([_repeats(key, moved, Named(places.name, (lines, width)))], like=like)
    turn = constant(_counted, lines, width, like=like) if key is None else key.flatten()
    offsets = constant(_offsets, lines, width, like=like)
    there, said, record = masks
    return DialogueBatch(
        turn, offsets, places.dialogue, there, said, record, moved, width, counted=key is None, full=width > 0
    )


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
    cells = batch.segment, batch.turn - 1
    padded = values.new_zeros(len(batch.ids), last, *values.shape[1:])
    mask = torch.zeros(len(batch.ids), last, dtype=torch.bool, device=values.device)
    return padded.index_put(cells, batch.pack(values)), mask.index_put(cells, torch.ones_like(batch.valid))


def _look_at_lines(places: Places, key: Tensor | None, checks: Sequence[Check]) -> tuple[bool, bool]:
    """Whether a line has the id of another, and whether turns do not rise in a line; after the checks."""
    counts, ids = [], places.dialogue
    if not places.numbered:
        ids = ids.sort().values
        counts.append((ids[1:] == ids[:-1]).count_nonzero())
    if key is not None and places.record is not None:
        checks = [*checks, low_turns(key, tuple(key.shape))]
        counts.append(((key[:, 1:] <= key[:, :-1]) & places.record[:, 1:]).count_nonzero())
    found = look(checks, counts, like=places.dialogue)
    return not places.numbered and found[0] > 0, key is not None and found[-1] > 0


def _repeats(key: Tensor, moved: Tensor, named: Named) -> Check:
    """The check that no turn occurs twice in a line, of turns `[B, T]` in order."""
    equal = torch.zeros_like(key, dtype=torch.bool)
    equal[:, :-1] = (key[:, 1:] == key[:, :-1]) & (key[:, 1:] < BEYOND)
    return Check(equal, lambda row: named.repeated(int(key.flatten()[row]), int(moved[row]), int(moved[row + 1])))


def _line_starts(lines: int, width: int, device: torch.device) -> Tensor:
    return torch.arange(lines, device=device)[:, None] * width


def _counted(lines: int, width: int, device: torch.device) -> Tensor:
    return torch.arange(1, width + 1, device=device).repeat(lines)


def _offsets(lines: int, width: int, device: torch.device) -> Tensor:
    return torch.arange(lines + 1, device=device) * width
