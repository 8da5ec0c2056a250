# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Is the answer right? One entry for multiple choice, exact, numeric and free-form answers."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Literal, NamedTuple, get_args

import torch
from torch import Tensor

from imug_metrics.dialogues.holders import shown
from imug_metrics.errors import InputError
from imug_metrics.functional.answers.choice_score import (
    OptionsByRow,
    choice_mask,
    choice_readings,
    choice_score,
    format_weight,
    options_by_row,
    reading_mask,
)
from imug_metrics.functional.answers.numeric_match import match_readings, numeric_readings
from imug_metrics.functional.answers.protocol import Protocol, check_protocol
from imug_metrics.functional.answers.text_match import exact_match, paired_entries, token_f1
from imug_metrics.reading.exact import Normalizer, require_text
from imug_metrics.reading.figures import Decimal
from imug_metrics.reading.options import DEFAULT_OPTIONS

Kind = Literal["choice", "exact", "numeric", "f1"]
Reduction = Literal["mean", "none"]
KINDS: tuple[Kind, ...] = get_args(Kind)
Answer = str | float | None
Key = str | float | Sequence[str] | Sequence[float] | None


def answer_accuracy(
    preds: Sequence[Answer],
    target: Sequence[Key],
    *,
    kind: Kind = "choice",
    protocol: Protocol = "strict",
    reduction: Reduction = "mean",
    options: OptionsByRow = DEFAULT_OPTIONS,
    normalize: bool | Normalizer = True,
    rel_tol: float = 1e-6,
    abs_tol: float = 0.0,
    decimal: Decimal = ".",
    device: torch.device | str | None = None,
) -> Tensor:
    """Are the answers right: multiple choice, exact, numeric or free-form. Range 0 to 1, higher is better.

    - `kind="choice"`: `max(0, (|P & K| - |P - K|) / |K|)`, P the letters read in the answer and K those of the key
      (`choice_score`; IMUG-Bench, arXiv 2606.09169).
    - `kind="exact"`: 1 where answer and key are equal after normalisation (`exact_match`).
    - `kind="numeric"`: 1 where the answer's number p has `|p - t| <= max(abs_tol, rel_tol * |t|)`
      (`numeric_match`).
    - `kind="f1"`: `2 |P & K| / (|P| + |K|)` over tokens (`token_f1`; SQuAD, arXiv 1606.05250).

    `protocol="imug"` is the released IMUG-Bench scorer number for number: its reading of letters, its format factor
    (`format_weight`), 4 decimals; an empty key and an absent answer score 0. `protocol="strict"` reads letters by
    `read_choice`, knows no format factor, and does not round.

    Args:
        preds: N answers. None is an absent one: 0 under `"imug"`, else NaN in the rows and left out of the mean.
        target: N keys; all kinds but `"choice"` take a list of references for a row as well, of which the best counts.
        kind: what the answers are.
        protocol: `"imug"` exists for `kind="choice"` only.
        reduction: `"mean"` over the rows that have a value, or `"none"`.
        options: letters that are options, or their texts by letter, which an answer may give instead; of all rows, or
            in a list of each (`kind="choice"`, `protocol="strict"`). `read_options` finds them in a prompt.
        normalize: of `"exact"` and `"f1"`, see `exact_match`.
        rel_tol, abs_tol, decimal: of `"numeric"`, see `numeric_match`.
        device: where the result is put and choices are scored.

    Returns:
        float64, a scalar (NaN where no row has a value) or `[N]`, in [0, 1]; higher is better.

    Raises:
        ValueError: an unknown word for an argument.
        InputError: lengths that differ, under `"strict"` a key without letters, a reference that the kind cannot use,
            or an answer that is neither text nor absent. Under `"imug"` only where the key holds a letter, since the
            released scorer looks at no other answers, and any empty value (0, `[]`) counts as an absent answer.

    Example:
        >>> from imug_metrics.functional.answers.answer_accuracy import answer_accuracy
        >>> answer_accuracy(["Answer: B and D", "(C)", "A cat"], ["BD", "C", "A"])
        tensor(0.6667, dtype=torch.float64)
        >>> answer_accuracy(["It is the red cup."], ["B"], options={"A": "a blue cup", "B": "a red cup"})
        tensor(1., dtype=torch.float64)
        >>> answer_accuracy(["B", "B, D", "the answer is B"], ["B", "B, D", "B"], protocol="imug", reduction="none")
        tensor([1.0000, 0.7500, 0.5000], dtype=torch.float64)
        >>> answer_accuracy(["about 3,000 people"], [3000], kind="numeric")
        tensor(1., dtype=torch.float64)
    """
    _check_words(kind, protocol, reduction)
    values = score_answers(
        preds,
        target,
        kind=kind,
        protocol=protocol,
        options=options,
        normalize=normalize,
        rel_tol=rel_tol,
        abs_tol=abs_tol,
        decimal=decimal,
        device=device,
    ).values
    return values if reduction == "none" else values.nanmean()


class ScoredAnswers(NamedTuple):
    """Scores of answers, and which of them say nothing that could be read.

    Attributes:
        values: float64 `[N]`, as `answer_accuracy` gives them with `reduction="none"`.
        unread: N answers, True where one is there but holds no letters (`kind="choice"`, strictly read) or states no
            number (`kind="numeric"`).
    """

    values: Tensor
    unread: list[bool]


def score_answers(
    preds: Sequence[Answer],
    target: Sequence[Key],
    *,
    kind: Kind,
    protocol: Protocol,
    options: OptionsByRow,
    normalize: bool | Normalizer,
    rel_tol: float,
    abs_tol: float,
    decimal: Decimal,
    device: torch.device | str | None,
) -> ScoredAnswers:
    """What `answer_accuracy` scores row by row, each answer read once; arguments and errors are the same."""
    preds, target = paired_entries(preds, target)
    if kind == "choice":
        choose = _imug_choice if protocol == "imug" else _strict_choice
        return choose(preds, target, options, device)
    if kind == "numeric":
        numbers = numeric_readings(preds, decimal=decimal)
        values = match_readings(numbers, target, rel_tol=rel_tol, abs_tol=abs_tol, decimal=decimal)
        return ScoredAnswers(values.to(device), [number is not None and math.isnan(number) for number in numbers])
    match: Callable[..., Tensor] = exact_match if kind == "exact" else token_f1
    return ScoredAnswers(match(preds, target, normalize=normalize).to(device), [False] * len(preds))


def _imug_choice(
    preds: Sequence[Answer], target: Sequence[Key], options: OptionsByRow, device: torch.device | str | None
) -> ScoredAnswers:
    keys = choice_mask(target, "imug", options=options)
    # The released scorer does not look at the reply where the key holds no letter.
    replies = [pred if key and pred else None for pred, key in zip(preds, keys.tolist())]
    for row, reply in enumerate(replies):
        if reply is not None:
            require_text(reply, "preds", row)
    chosen = choice_mask(replies, "imug", device=device)
    score = choice_score(chosen, keys.to(device), format_weight(replies, device=device), decimals=4)
    return ScoredAnswers(score, [False] * len(preds))


def _strict_choice(
    preds: Sequence[Answer], target: Sequence[Key], options: OptionsByRow, device: torch.device | str | None
) -> ScoredAnswers:
    for row, (pred, key) in enumerate(zip(preds, target)):
        require_text(key, "target", row)
        if pred is not None:
            require_text(pred, "preds", row)
    keys = choice_mask(target, options=options)
    for row, (key, listed) in enumerate(zip(keys.tolist(), options_by_row(options, len(target)))):
        if not key:
            expected = f"to name options among {''.join(listed)!r} (`kind` compares words and numbers)"
            raise InputError("target", expected, shown(target[row]), row)
    read = choice_readings(preds, options)
    score = choice_score(reading_mask(read, device=device), keys.to(device))
    absent = [reading is None for reading in read]
    if any(absent):
        score = score.masked_fill(torch.tensor(absent).to(score.device), torch.nan)
    return ScoredAnswers(score, [reading is not None and not reading.letters for reading in read])


def _check_words(kind: str, protocol: str, reduction: str) -> None:
    check_protocol(protocol)
    for name, word, known in (("kind", kind, KINDS), ("reduction", reduction, get_args(Reduction))):
        if word not in known:
            raise ValueError(f"Expected argument `{name}` to be one of {known}, got {word!r}.")
    if protocol == "imug" and kind != "choice":
        raise ValueError(f"Expected argument `protocol` to be 'strict' for kind {kind!r}, got 'imug'.")
