# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""The modality that each record had to be answered in, as a column, and where it changes."""

from __future__ import annotations

import torch
from torch import Tensor

from imug_metrics.dialogues.arguments import Labels
from imug_metrics.dialogues.arrays import REALS
from imug_metrics.dialogues.batch import DialogueBatch
from imug_metrics.dialogues.checks import Check
from imug_metrics.dialogues.columns import Column, check_shapes, flatten_lists, score_column
from imug_metrics.dialogues.holders import opened, place_of, shown
from imug_metrics.errors import InputError

MODALITIES = ("text", "image")
"""By code."""


def modality_column(modality: Labels) -> Column:
    """Modalities `[N]` or `[B, T]` as rows: 1 for images, 0 for text, NaN where not said.

    Args:
        modality: strings, in one list or one list a dialogue, or bools (a tensor, an array or lists).

    Raises:
        InputError: if an entry is neither `"text"` nor `"image"`.

    Example:
        >>> modality_column(["text", "image"]).values
        tensor([0., 1.], dtype=torch.float64)
    """
    return kind_column("modality", modality, MODALITIES)


def kind_column(argument: str, given: Labels, kinds: tuple[str, ...]) -> Column:
    """Kinds `[N]` or `[B, T]` as rows of their codes, NaN where not said.

    Args:
        argument: its name, for errors.
        given: strings, in one list or one list a dialogue, or codes; of tensors and arrays the caller looks at them.
        kinds: the strings in the order of their codes.

    Raises:
        InputError: if an entry of a list is none of them.

    Example:
        >>> kind_column("preds", ["image", None], ("text", "image")).values
        tensor([1., nan], dtype=torch.float64)
    """
    entries = opened(argument, given)
    if isinstance(entries, Tensor):
        return score_column(argument, entries)
    cells, shape, _, ends = flatten_lists(argument, entries)
    known = {kind: float(code) for code, kind in enumerate(kinds)}
    codes: list[float] = []
    for row, cell in enumerate(cells):
        code = known.get(cell) if isinstance(cell, str) else REALS.read(cell)
        if code is None or (code not in known.values() and code == code):
            raise InputError(argument, expected_kinds(kinds), shown(cell), place_of(row, shape))
        codes.append(code)
    return Column(torch.tensor(codes, dtype=torch.float64), shape, ends=ends)


def expected_kinds(kinds: tuple[str, ...]) -> str:
    """What an error says of kinds.

    Example:
        >>> expected_kinds(("text", "image"))
        "to be 'text' or 'image'"
    """
    *others, last = (repr(kind) for kind in kinds)
    return f"to be {', '.join(others)} or {last}"


def with_modality(
    argument: str, rows: Column, modality: Labels, *, zero: bool = False, of: str = "a score"
) -> dict[str, Column]:
    """A column and the modalities of the same records, with the check that what is known of a record has one.

    Args:
        argument: the column's name.
        rows: the column.
        modality: as in `modality_column`.
        zero: an absent output is scored 0, and so needs a modality too.
        of: what is known of a record, for errors.

    Raises:
        InputError: if shapes differ, or an entry is neither `"text"` nor `"image"`.

    Example:
        >>> list(with_modality("scores", score_column("scores", [0.5]), ["image"]))
        ['scores', 'modality']
    """
    kinds = modality_column(modality)
    check_shapes(**{argument: rows, "modality": kinds})
    if are_bools(modality):
        return {argument: rows, "modality": kinds}
    wrong = ((kinds.values != 0) & (kinds.values != 1)).to(rows.values.device)

    def error(cell: int) -> InputError:
        got = f"{float(kinds.values[cell]):g}"
        expected = f"{expected_kinds(MODALITIES)} where there is {of}"
        return InputError("modality", expected, got, place_of(cell, kinds.shape))

    if zero:
        return {argument: rows, "modality": kinds._replace(checks=(Check(wrong, error),))}
    known = Check(wrong & (rows.values * 0 == 0), error)
    return {argument: rows._replace(checks=(*rows.checks, known)), "modality": kinds}


def are_bools(modality: Labels) -> bool:
    """Whether every entry is sure to say text or image.

    Example:
        >>> are_bools(torch.tensor([True])), are_bools(["image"])
        (True, False)
    """
    return isinstance(modality, Tensor) and modality.dtype == torch.bool


def modality_before(batch: DialogueBatch, modality: Tensor) -> Tensor:
    """The modality `[N]` that the record before asked for; of the first record of a dialogue, its own.

    The record before is the one before in the order of turns, whether it has an output or not.
    """
    return torch.where(batch.is_first(), modality, modality.roll(1))
