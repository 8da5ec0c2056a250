# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Items of interleaved answers, counted by modality."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

import torch
from torch import Tensor

from imug_metrics.dialogues.inputs import Column, flatten_lists
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
        ValueError: if a modality is not known or `available` differs in length.
        TypeError: if an answer has another form.

    Example:
        >>> tag_counts(["<image1> <image1> <image2> <code1>", [("image", "a.png"), ("3D", "chair")]])
        tensor([[0, 2, 0, 0, 0, 1, 0],
                [0, 1, 0, 0, 0, 0, 1]])
    """
    if available is not None and len(available) != len(answers):
        raise ValueError(
            f"Expected argument `available` to have one entry for each of the {len(answers)} answers, got "
            f"{len(available)}."
        )
    ids: dict[tuple[int, Any], int] = {}
    named = [None] * len(answers) if available is None else available
    lines = [[0] * len(MODALITIES) for _ in answers]
    for row, (answer, names, line) in enumerate(zip(answers, named, lines)):
        codes = map(tag_code, answer_tags(answer, row, names, ids))
        for code in set(codes) if repeated == "once" else codes:
            line[code // NUMBERS] += 1
    counts = torch.tensor(lines, dtype=torch.int64).view(-1, len(MODALITIES))
    if text == "prose":
        counts[:, 0] += torch.tensor([has_prose(answer) for answer in answers], dtype=torch.int64)
    if text == "ignore":
        counts[:, 0] = 0
    return counts


def count_column(
    argument: str,
    answers: Answers,
    *,
    repeated: Repeated = "once",
    text: TextType = "tags",
    available: Sequence[Collection[str] | None] | None = None,
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
        ValueError: if counts have another shape, a modality is not known, or `available` differs in length.
        TypeError: if an answer has none of the forms, or one text stands in place of a list.

    Example:
        >>> count_column("preds", [["<image1>", "<image2> <audio1>"], [None]]).values.tolist()
        [[0, 1, 0, 0, 0, 0, 0], [0, 1, 1, 0, 0, 0, 0], [0, 0, 0, 0, 0, 0, 0], [0, 0, 0, 0, 0, 0, 0]]
    """
    if isinstance(answers, Tensor):
        return _given_counts(argument, answers, text)
    if isinstance(answers, str):
        raise TypeError(f"Expected argument `{argument}` to be a list of answers, got one text.")
    given: list[Any] = list(answers)
    if all(is_answer(answer) for answer in given):
        boxed = [as_counter(answer) for answer in given]
    else:
        for row, line in enumerate(given):
            if not isinstance(line, (list, tuple)):
                raise TypeError(f"Expected argument `{argument}` to hold texts or lists, got {line!r} at row {row}.")
        boxed = [[as_counter(answer) for answer in line] for line in given]
    cells, shape, present, ends = flatten_lists(argument, boxed)
    if available is not None and len(shape) > 1:
        raise ValueError(f"Expected argument `available` together with a flat list of `{argument}`.")
    counts = tag_counts(cells, repeated=repeated, text=text, available=available)
    return Column(counts, shape, present, ends)


def _given_counts(argument: str, counts: Tensor, text: TextType) -> Column:
    if counts.ndim not in (2, 3) or counts.shape[-1] != len(MODALITIES):
        raise ValueError(
            f"Expected argument `{argument}` to have shape [N, {len(MODALITIES)}] or [B, T, {len(MODALITIES)}], got "
            f"{list(counts.shape)}."
        )
    if counts.is_complex():
        raise TypeError(f"Expected argument `{argument}` to be real, got {counts.dtype}.")
    flat = counts.flatten(0, -2)
    if text == "ignore":
        flat = torch.cat([torch.zeros_like(flat[:, :1]), flat[:, 1:]], 1)
    return Column(flat, tuple(counts.shape[:-1]))
