# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Multiple-choice answers as bit masks: letters in, masks out, and the score as tensor arithmetic.

Option `A` is bit 0, `B` bit 1, and so on. Text is parsed on the host; what follows runs on the device of the masks.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, TypeAlias

import torch
from torch import Tensor

from imug_metrics._constants import constant
from imug_metrics.dialogues.cells import read_entries
from imug_metrics.dialogues.holders import shown
from imug_metrics.errors import InputError
from imug_metrics.functional.answers.protocol import Protocol, check_protocol
from imug_metrics.reading.choice import ChoiceReading, read_choice
from imug_metrics.reading.options import DEFAULT_OPTIONS, Options, check_options

OptionsByRow: TypeAlias = Options | Sequence[Options | None] | None
"""Options of all questions, or those of each; None, also in a list, stands for the default letters."""

_LONE_LETTER = re.compile(r"\b[A-G]\b")
_LETTERS_ONLY = re.compile(r"[A-G]+")
_LETTERS_AND_SEPARATORS = re.compile(r"[A-G\s,.;-]+")


def choice_mask(
    texts: Sequence[Any],
    protocol: Protocol = "strict",
    *,
    options: OptionsByRow = DEFAULT_OPTIONS,
    device: torch.device | str | None = None,
) -> Tensor:
    """Read the chosen letters of every text as a bit mask.

    - `"imug"`: an upper-case letter A to G counts where it stands alone between non-word characters, as the released
      IMUG-Bench scorer (arXiv 2606.09169) reads it. `BD` therefore holds no letter and the article in `A cat` is a
      choice. Anything that is not text holds no letter.
    - `"strict"`: the corrected rules of `read_choice`, which know the question's options. `None`, an absent answer,
      holds no letter.

    Args:
        texts: N replies or keys.
        protocol: which rules read the letters.
        options: the letters that are options, upper-case, or their texts by letter; of all rows or in a list of each.
            Only `"strict"` can change them.
        device: where the mask is put.

    Returns:
        int64 `[N]`; 0 where nothing was chosen.

    Raises:
        ValueError: an unknown protocol.
        InputError: under `"strict"`, a row that is neither text nor `None`; options that are not distinct letters A to
            Z, or a list of them of another length.

    Example:
        >>> from imug_metrics.functional.answers.choice_score import choice_mask
        >>> choice_mask(["B", "Answer: A and C", "A cat sits here"])
        tensor([2, 5, 0])
        >>> choice_mask(["BD", "B, D", "A cat"], protocol="imug")
        tensor([ 0, 10,  1])
    """
    check_protocol(protocol)
    if protocol == "imug" and not (options is None or (isinstance(options, str) and options == DEFAULT_OPTIONS)):
        raise InputError("options", f"to be {DEFAULT_OPTIONS!r} under protocol 'imug'", shown(options))
    if protocol == "strict":
        return reading_mask(choice_readings(texts, options), device=device)
    return torch.tensor([_as_bits(_imug_letters(text)) for text in texts], dtype=torch.int64, device=device)


def choice_readings(texts: Sequence[Any], options: OptionsByRow = DEFAULT_OPTIONS) -> list[ChoiceReading | None]:
    """What `read_choice` reads in every text, None for an absent one; raises as `choice_mask` does.

    Example:
        >>> from imug_metrics.functional.answers.choice_score import choice_readings
        >>> choice_readings(["(B)", None, "A cat"])
        [ChoiceReading(letters='B', reason='answer'), None, ChoiceReading(letters='', reason='unclear')]
    """
    listed = options_by_row(options, len(texts))
    return [None if text is None else read_choice(_text(row, text), listed[row]) for row, text in enumerate(texts)]


def reading_mask(readings: Sequence[ChoiceReading | None], *, device: torch.device | str | None = None) -> Tensor:
    """The letters of readings as bit masks, int64 `[N]`.

    Example:
        >>> from imug_metrics.functional.answers.choice_score import choice_readings, reading_mask
        >>> reading_mask(choice_readings(["(B)", None, "A and C"]))
        tensor([2, 0, 5])
    """
    bits = [0 if reading is None else _as_bits(reading.letters) for reading in readings]
    return torch.tensor(bits, dtype=torch.int64, device=device)


def options_by_row(options: OptionsByRow, rows: int) -> list[Options]:
    """The options of each row.

    Raises:
        InputError: options that are neither letters nor texts by letter or not distinct letters A to Z, or a list of
            another length.
    """
    if options is None:
        return [DEFAULT_OPTIONS] * rows
    if isinstance(options, (str, Mapping)):
        check_options(options)
        return [options] * rows
    entries = read_entries("options", options)
    if len(entries) != rows:
        raise InputError("options", f"to have one entry for each answer, [{rows}]", f"[{len(entries)}]")
    for row, listed in enumerate(entries):
        if listed is not None:
            check_options(listed, row)
    return [DEFAULT_OPTIONS if listed is None else listed for listed in entries]


def format_weight(texts: Sequence[Any], *, device: torch.device | str | None = None) -> Tensor:
    """Format factor of the released IMUG-Bench scorer (arXiv 2606.09169): how cleanly a reply gives its letters.

    After outer white space is stripped: 1 for letters A to G only, 0.75 for those letters with white space and
    `, . ; -`, 0.5 for anything else (white space only included), and 0 for an empty reply (`""`, `None`, 0 ...).

    Args:
        texts: N replies.
        device: where the weights are put.

    Returns:
        float64 `[N]`, one of 0, 0.5, 0.75, 1; higher is better.

    Raises:
        InputError: a non-empty reply that is not text. The released scorer stops there with an exception.

    Example:
        >>> from imug_metrics.functional.answers.choice_score import format_weight
        >>> format_weight(["B", "A, B", "Answer: A", None])
        tensor([1.0000, 0.7500, 0.5000, 0.0000], dtype=torch.float64)
    """
    return torch.tensor([_weight(row, text) for row, text in enumerate(texts)], dtype=torch.float64, device=device)


def choice_score(
    pred_mask: Tensor, target_mask: Tensor, weight: Tensor | None = None, *, decimals: int | None = None
) -> Tensor:
    """Share of the key that was found, less the share that was wrongly added.

    `score = max(0, (|P & K| - |P & ~K|) / |K|) * w` with P the chosen letters, K the key and w the weight (IMUG-Bench,
    arXiv 2606.09169).

    Args:
        pred_mask: int64 `[N]`, letters chosen, bits 0 to 25.
        target_mask: int64 `[N]`, letters of the key. An empty key scores 0.
        weight: float64 `[N]`, see `format_weight`; 1 where left out.
        decimals: round half to even to this many places; the released scorer keeps 4.

    Returns:
        float64 `[N]` in [0, 1]; higher is better.

    Raises:
        ValueError: shapes that differ.

    Example:
        >>> import torch
        >>> from imug_metrics.functional.answers.choice_score import choice_score
        >>> choice_score(torch.tensor([0b101, 0b111, 0b010]), torch.tensor([0b101, 0b101, 0b101]))
        tensor([1.0000, 0.5000, 0.0000], dtype=torch.float64)
    """
    if pred_mask.shape != target_mask.shape:
        raise ValueError(
            f"Expected arguments `pred_mask` and `target_mask` to have one shape, got {tuple(pred_mask.shape)} and "
            f"{tuple(target_mask.shape)}."
        )
    right, chosen, size = _bit_count(torch.stack([pred_mask & target_mask, pred_mask, target_mask]).long()).unbind()
    score = (2 * right - chosen).clamp(min=0).double() / size.clamp(min=1)
    if weight is not None:
        score = score * weight
    return score if decimals is None else torch.round(score, decimals=decimals)


@lru_cache(4096)
def _as_bits(letters: str) -> int:
    return sum(1 << (ord(letter) - ord("A")) for letter in set(letters))


def _imug_letters(text: Any) -> str:
    return "".join(set(_LONE_LETTER.findall(text))) if isinstance(text, str) else ""


def _text(row: int, text: Any) -> str:
    if isinstance(text, str):
        return text
    raise InputError("texts", "to hold text or None", type(text).__name__, row)


def _weight(row: int, text: Any) -> float:
    if not text:
        return 0.0
    if not isinstance(text, str):
        raise InputError("texts", "to hold text or nothing", type(text).__name__, row)
    stripped = text.strip()
    if _LETTERS_ONLY.fullmatch(stripped):
        return 1.0
    return 0.75 if _LETTERS_AND_SEPARATORS.fullmatch(stripped) else 0.5


def _bit_count(mask: Tensor) -> Tensor:
    """Number of set bits among bits 0 to 25, looked up half by half."""
    table, half = constant(_bit_counts, 13, like=mask), (1 << 13) - 1
    return table[mask & half] + table[(mask >> 13) & half]


def _bit_counts(bits: int, device: torch.device) -> Tensor:
    """Number of set bits of 0, 1, ..., `[2 ** bits]`."""
    numbers = torch.arange(1 << bits, device=device)
    return ((numbers[:, None] >> torch.arange(bits, device=device)) & 1).sum(1)
