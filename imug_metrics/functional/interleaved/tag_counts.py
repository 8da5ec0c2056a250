# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Items of interleaved answers, counted by modality."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from typing import Any

import torch
from torch import Tensor

from imug_metrics.dialogues.arrays import REALS, read_array
from imug_metrics.dialogues.cells import read_entries
from imug_metrics.dialogues.columns import Column, flatten_lists
from imug_metrics.dialogues.holders import first_entry, opened, place_of, shown
from imug_metrics.errors import InputError
from imug_metrics.reading.tags import (
    MODALITIES,
    NUMBERS,
    Repeated,
    TextType,
    answer_tags,
    as_counter,
    has_prose,
    is_answer,
    tag_code,
)

Answer = str | Sequence[tuple[str, Any]] | None
Answers = Tensor | Sequence[Answer] | Sequence[Sequence[Answer]]
"""Answers in any form that `count_column` reads."""


def tag_counts(
    answers: Sequence[Answer],
    *,
    repeated: Repeated = "once",
    text: TextType = "tags",
    available: Sequence[Collection[str] | None] | None = None,
) -> Tensor:
    """Items by modality.

    Args:
        answers: `[N]`, each a text with placeholders, a list of (modality, id) tuples, or None for an absent answer.
        repeated, text, available: as in `structure_integrity`.

    Returns:
        int64 `[N, 7]`, columns as in `MODALITIES`; zeros for an absent answer.

    Raises:
        InputError: if an answer has another form, a modality is not known or `available` differs in length.

    Example:
        >>> tag_counts(["<image1> <image1> <image2> <code1>", [("image", "a.png"), ("3D", "chair")]])
        tensor([[0, 2, 0, 0, 0, 1, 0],
                [0, 1, 0, 0, 0, 0, 1]])
    """
    shape = (len(answers),)
    named = _names("answers", available, shape, None)
    return _counted("answers", answers, named, shape, repeated, text)


def count_column(
    argument: str,
    answers: Answers,
    *,
    repeated: Repeated = "once",
    text: TextType = "tags",
    available: Sequence[Any] | None = None,
) -> Column:
    """Answers in any form, as rows of counts.

    Args:
        argument: its name, for errors.
        answers: texts with placeholders, or lists of (modality, id) tuples, `[N]` or one list of them a dialogue, None
            for an absent one; or counts `[N, 7]` or `[B, T, 7]`, NaN where the answer is absent.
        repeated, text, available: as in `structure_integrity`; of given counts only `text="ignore"` changes anything.

    Returns:
        Rows of `[cells, 7]`.

    Raises:
        InputError: if an answer has none of the forms, one text stands in place of a list, counts have another shape, a
            modality is not known, or `available` differs in length.

    Example:
        >>> count_column("preds", [["<image1>", "<image2> <audio1>"], [None]]).values.tolist()
        [[0, 1, 0, 0, 0, 0, 0], [0, 1, 1, 0, 0, 0, 0], [0, 0, 0, 0, 0, 0, 0], [0, 0, 0, 0, 0, 0, 0]]
    """
    given = opened(argument, answers)
    if isinstance(given, Tensor) or _are_numbers(given):
        if available is not None:
            raise InputError("available", f"to be None where `{argument}` are counts", shown(available))
        return _given_counts(argument, given, text)
    given, boxed = read_entries(argument, given), []
    if all(is_answer(answer) for answer in given) or any(isinstance(answer, str) for answer in given):
        boxed = [_boxed(argument, answer, place) for place, answer in enumerate(given)]
    else:
        lines = [_turns(argument, line, place) for place, line in enumerate(given)]
        boxed = [[_boxed(argument, answer, place) for answer in line] for place, line in enumerate(lines)]
    cells, shape, present, ends = flatten_lists(argument, boxed)
    named = _names(argument, available, shape, ends)
    return Column(_counted(argument, cells, named, shape, repeated, text), shape, present, ends)


def _counted(
    argument: str, answers: Sequence[Any], named: list[Any], shape: tuple[int, ...], repeated: Repeated, text: TextType
) -> Tensor:
    """Items by modality of answers `[N]`, of which only the named ones count."""
    ids: dict[tuple[int, Any], int] = {}
    lines = [[0] * len(MODALITIES) for _ in answers]
    for row, (answer, names, line) in enumerate(zip(answers, named, lines)):
        try:
            codes = [*map(tag_code, answer_tags(answer, names, ids))]
        except ValueError as error:
            expected = f"to hold texts, or lists of (modality, id) of {MODALITIES}"
            raise InputError(argument, expected, error, place_of(row, shape)) from None
        for code in set(codes) if repeated == "once" else codes:
            line[code // NUMBERS] += 1
    counts = torch.tensor(lines, dtype=torch.int64).view(-1, len(MODALITIES))
    if text == "prose":
        counts[:, 0] += torch.tensor([has_prose(answer) for answer in answers], dtype=torch.int64)
    if text == "ignore":
        counts[:, 0] = 0
    return counts


def _names(argument: str, available: Any, shape: tuple[int, ...], ends: tuple[int, ...] | None) -> list[Any]:
    """The names of each answer's items, None where they are not checked."""
    if available is None:
        return [None] * math.prod(shape)
    entries = opened("available", available)
    if len(shape) > 1:
        lines = [_turns("available", line, place, of=argument) for place, line in enumerate(entries)]
        if (found := tuple(map(len, lines))) != ends:
            raise InputError(
                "available", f"to have the dialogues of `{argument}`, of {list(ends or ())} turns", list(found)
            )
        entries = [entry for line in lines for entry in [*line, *[None] * (shape[1] - len(line))]]
    if len(entries) != math.prod(shape):
        raise InputError("available", f"to have one entry for each of `{argument}`, {[*shape]}", f"[{len(entries)}]")
    for row, entry in enumerate(entries):
        names = isinstance(entry, Collection) and not (isinstance(entry, (str, bytes)) or hasattr(entry, "__array__"))
        if entry is not None and not (names and all(isinstance(name, str) for name in entry)):
            expected = f"to hold a collection of names, or None, for each of `{argument}`"
            raise InputError("available", expected, shown(entry), place_of(row, shape))
    return [*entries]


def _are_numbers(given: Any) -> bool:
    """Whether a list holds counts, and not texts or pairs."""
    entry, depth = first_entry(given)
    return depth in (2, 3) and isinstance(entry, (int, float)) and not isinstance(entry, bool)


def _turns(argument: str, line: Any, place: int, of: str | None = None) -> list[Any]:
    """The entries of one dialogue."""
    if isinstance(line, (list, tuple)):
        return list(line)
    if not (hasattr(line, "__array__") and getattr(line, "ndim", 1) > 0):
        like = "" if of is None else f" like `{of}`"
        raise InputError(argument, f"to hold one list a dialogue{like}, or one entry a record", shown(line), place)
    return read_entries(argument, line)


def _boxed(argument: str, answer: Any, place: int) -> Any:
    """An answer that is a list of pairs as a counter, so that it is no list of turns."""
    try:
        return as_counter(answer)
    except TypeError:  # something in a pair that cannot be hashed
        raise InputError(argument, "to hold pairs of a modality and an id", shown(answer), place) from None


def _given_counts(argument: str, answers: Any, text: TextType) -> Column:
    counts, ends = read_array(argument, answers, REALS, inner=1, filler=torch.nan, even=True)
    if counts.ndim not in (2, 3) or counts.shape[-1] != len(MODALITIES):
        expected = f"to have shape [N, {len(MODALITIES)}] or [B, T, {len(MODALITIES)}]"
        raise InputError(argument, expected, [*counts.shape])
    flat = counts.flatten(0, -2)
    if text == "ignore":
        flat = torch.cat([torch.zeros_like(flat[:, :1]), flat[:, 1:]], 1)
    return Column(flat, tuple(counts.shape[:-1]), None, ends)
