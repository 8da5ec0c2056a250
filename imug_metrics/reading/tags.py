# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Placeholders of interleaved answers, `<image1>` or `<audio2: a caption>`: read, and counted by modality."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Sequence
from functools import lru_cache
from itertools import chain
from typing import Any, Literal, NamedTuple

import torch
from torch import Tensor

from imug_metrics.dialogues.inputs import Rows, flatten_lists

Repeated = Literal["once", "each"]
TextType = Literal["tags", "prose", "ignore"]

MODALITIES = ("text", "image", "audio", "video", "document", "code", "threeD")
REPEATED = ("once", "each")
TEXT_TYPES = ("tags", "prose", "ignore")

_COLUMNS = {name.lower(): column for column, name in enumerate(MODALITIES)} | {"3d": MODALITIES.index("threeD")}
_NUMBERS = 10**9
_GAP = r"\s{0,9}"  # spellings are kept, so they must not be long
_NAME = rf"(?:{'|'.join(_COLUMNS)}){_GAP}[0-9]{{1,9}}"
_FLAGS = re.IGNORECASE | re.ASCII  # without ASCII a dotless i is an i, too
# A placeholder ends at once, or after a colon a caption follows. Captions may hold anything, so only openings count.
_TAG = re.compile(rf"<{_GAP}{_NAME}{_GAP}[>:]", _FLAGS)
_WHOLE_TAG = re.compile(rf"<{_GAP}{_NAME}{_GAP}(?::[^<>]*)?>", _FLAGS)
_BARE_NAME = re.compile(_NAME, _FLAGS)


class Tag(NamedTuple):
    """One placeholder: its modality and its number; as text its name, "image2"."""

    modality: str
    number: int

    def __str__(self) -> str:
        return f"{self.modality}{self.number}"


def read_tags(text: str) -> list[Tag]:
    """The placeholders of a text in order, repeated ones repeatedly.

    A placeholder is `<`, a modality of `MODALITIES` (or `3D`) in any case, a number of up to nine digits, and `>` or,
    in the captioned form, `:`; a little white space between them is passed over. Without a number, as in `<image>` or
    HTML's `<code>`, it is none. A placeholder inside of a caption counts like any other: read structure from the form
    without captions.

    Example:
        >>> [str(tag) for tag in read_tags("<Image1>, then <threeD2: a red chair>, <3d3> and <code>x</code>")]
        ['image1', 'threeD2', 'threeD3']
    """
    return list(map(_tag, _TAG.findall(text)))


def read_name(name: str) -> Tag | None:
    """The tag that a bare name ("image2") stands for, or None where it is none.

    Example:
        >>> read_name("Image02"), read_name("picture1")
        (Tag(modality='image', number=2), None)
    """
    return _tag(name) if _BARE_NAME.fullmatch(name.strip()) else None


def tag_counts(
    answers: Sequence[Any],
    *,
    repeated: Repeated = "once",
    text: TextType = "tags",
    available: Sequence[Collection[str] | None] | None = None,
) -> Tensor:
    """Items by modality.

    Args:
        answers: `[N]`, each a text with placeholders, a list of (modality, id) tuples, or None for an absent answer.
        repeated, text, available: as in
            `structure_integrity`.

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
    found = [_tags(answer, row, names, ids) for row, (answer, names) in enumerate(zip(answers, named))]
    rows = torch.arange(len(found)).repeat_interleave(torch.tensor([len(tags) for tags in found], dtype=torch.int64))
    codes = torch.tensor(list(map(_code, chain.from_iterable(found))), dtype=torch.int64)
    keys = rows * len(MODALITIES) * _NUMBERS + codes
    if repeated == "once":
        keys = torch.unique(keys)
    cells = torch.bincount(keys // _NUMBERS, minlength=len(answers) * len(MODALITIES))
    counts = cells.view(-1, len(MODALITIES))
    if text == "prose":
        counts[:, 0] += torch.tensor([_has_prose(answer) for answer in answers], dtype=torch.int64)
    if text == "ignore":
        counts[:, 0] = 0
    return counts


def count_rows(
    argument: str,
    answers: Any,
    *,
    repeated: Repeated = "once",
    text: TextType = "tags",
    available: Sequence[Collection[str] | None] | None = None,
) -> Rows:
    """Answers in any form, as rows of counts.

    Args:
        argument: its name, for errors.
        answers: texts with placeholders, or lists of (modality, id) tuples, `[N]` or one list of them a dialogue, None
            for an absent one; or counts `[N, 7]` or `[B, T, 7]`, NaN where the answer is absent.
        repeated, text, available: as in
            `structure_integrity`; of given counts only
            `text="ignore"` changes anything.

    Returns:
        Rows of `[cells, 7]`.

    Raises:
        ValueError: if counts have another shape, a modality is not known, or `available` differs in length.
        TypeError: if an answer has none of the forms, or one text stands in place of a list.

    Example:
        >>> count_rows("preds", [["<image1>", "<image2> <audio1>"], [None]]).values.tolist()
        [[0, 1, 0, 0, 0, 0, 0], [0, 1, 1, 0, 0, 0, 0], [0, 0, 0, 0, 0, 0, 0], [0, 0, 0, 0, 0, 0, 0]]
    """
    if isinstance(answers, Tensor):
        return _given_counts(argument, answers, text)
    if isinstance(answers, str):
        raise TypeError(f"Expected argument `{argument}` to be a list of answers, got one text.")
    answers = list(answers)
    if all(_is_answer(answer) for answer in answers):
        boxed = [_boxed(answer) for answer in answers]
    else:
        for row, line in enumerate(answers):
            if not isinstance(line, (list, tuple)):
                raise TypeError(f"Expected argument `{argument}` to hold texts or lists, got {line!r} at row {row}.")
        boxed = [[_boxed(answer) for answer in line] for line in answers]
    cells, shape, present, turn = flatten_lists(boxed)
    if available is not None and len(shape) > 1:
        raise ValueError(f"Expected argument `available` together with a flat list of `{argument}`.")
    counts = tag_counts(cells, repeated=repeated, text=text, available=available)
    return Rows(counts, shape, present, turn)


def _given_counts(argument: str, counts: Tensor, text: TextType) -> Rows:
    if counts.ndim not in (2, 3) or counts.shape[-1] != len(MODALITIES):
        raise ValueError(
            f"Expected argument `{argument}` to have shape [N, {len(MODALITIES)}] or [B, T, {len(MODALITIES)}], got "
            f"{list(counts.shape)}."
        )
    flat = counts.flatten(0, -2)
    if text == "ignore":
        flat = torch.cat([torch.zeros_like(flat[:, :1]), flat[:, 1:]], 1)
    return Rows(flat, tuple(counts.shape[:-1]))


def _is_answer(answer: Any) -> bool:
    """Whether it is one answer, and not a list of them."""
    if isinstance(answer, list):
        return all(isinstance(pair, tuple) and len(pair) == 2 for pair in answer)
    return answer is None or isinstance(answer, str)


def _boxed(answer: Any) -> Any:
    """A list of pairs as a Counter, so that it is not taken for a list of turns."""
    return Counter(answer) if isinstance(answer, list) and _is_answer(answer) else answer


def _tags(answer: Any, row: int, names: Collection[str] | None, ids: dict[tuple[int, Any], int]) -> list[str]:
    """The tags of one answer, as they are spelled; a pair becomes a tag with the number that `ids` gives its id."""
    if answer is None:
        return []
    there = None if names is None else {str(read_name(name) or name) for name in names}
    if isinstance(answer, str):
        found = _TAG.findall(answer)
        return found if there is None else [tag for tag in found if str(_tag(tag)) in there]
    if not isinstance(answer, (list, Counter)):
        raise TypeError(f"Expected an answer to be a text or a list of (modality, id), got {answer!r} at row {row}.")
    tags = []
    for modality, key in answer.elements() if isinstance(answer, Counter) else answer:
        column = _COLUMNS.get(str(modality).lower())
        if column is None:
            raise ValueError(f"Expected a modality of {MODALITIES}, got {modality!r} at row {row}.")
        if there is None or f"{MODALITIES[column]}{key}" in there:
            tags.append(f"<{MODALITIES[column]}{ids.setdefault((column, key), len(ids))}>")
    return tags


@lru_cache(4096)
def _tag(spelled: str) -> Tag:
    """A tag from its spelling; the same few spellings come again and again."""
    name = spelled.strip("<>: \t\n\r\f\v").lower()
    letters = "3d" if name.startswith("3d") else name.rstrip("0123456789")
    return Tag(MODALITIES[_COLUMNS[letters.rstrip()]], int(name[len(letters) :]))


@lru_cache(4096)
def _code(spelled: str) -> int:
    """A tag as one number."""
    tag = _tag(spelled)
    return _COLUMNS[tag.modality.lower()] * _NUMBERS + tag.number


def _has_prose(answer: Any) -> bool:
    return isinstance(answer, str) and any(map(str.isalnum, _WHOLE_TAG.sub("", answer)))
