# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Free-form answers against references: equal after normalisation, or by shared tokens."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import torch
from torch import Tensor

from imug_metrics.dialogues.cells import read_entries
from imug_metrics.errors import InputError
from imug_metrics.reading.exact import Normalizer, normalize_answer, require_text

Prepared = TypeVar("Prepared")


def exact_match(
    preds: Sequence[str | None],
    target: Sequence[str | Sequence[str]],
    *,
    normalize: bool | Normalizer = True,
) -> Tensor:
    """Whether an answer equals its reference, or one of its references.

    `imug_metrics.reading.exact` says what normalisation does: -5 is not 5, 3.14 is not 314, "the" is not "a".

    Args:
        preds: N answers; `None` is an absent one.
        target: N references, each a text or several texts.
        normalize: True for `normalize_answer`, False for the texts
            as they are, or a function of your own (`functools.partial(normalize_answer, articles=False)`).

    Returns:
        float64 `[N]`, 0 or 1, NaN where the answer is absent; higher is better.

    Raises:
        InputError: lengths that differ, a row without references, or an answer or a reference that is not text.

    Example:
        >>> from imug_metrics.functional.answers.text_match import exact_match
        >>> exact_match(["The red cup.", "cup"], ["red cup", ["a mug", "a plate"]])
        tensor([1., 0.], dtype=torch.float64)
        >>> exact_match(["-5", "−5", "(3.14)", "3.14"], ["5", "-5", "3.14", "314"])
        tensor([0., 1., 1., 0.], dtype=torch.float64)
    """
    form = _normalizer(normalize)
    return best_over_references(
        preds, target, lambda text, name, row: form(require_text(text, name, row)), lambda a, b: float(a == b)
    )


def token_f1(
    preds: Sequence[str | None],
    target: Sequence[str | Sequence[str]],
    *,
    normalize: bool | Normalizer = True,
) -> Tensor:
    """Harmonic mean of precision and recall over the tokens of answer and reference, the best over several references.

    `F1 = 2 * |P & K| / (|P| + |K|)` with the tokens of both as multisets, as in SQuAD (arXiv 1606.05250). Tokens are
    words; each Chinese or Japanese character, each Hangul syllable, and each Thai, Lao, Khmer or Burmese character with
    its marks is a token of its own. Two empty texts score 1.

    Args:
        preds: N answers; `None` is an absent one.
        target: N references, each a text or several texts.
        normalize: as for `exact_match`.

    Returns:
        float64 `[N]` in [0, 1], NaN where the answer is absent; higher is better.

    Raises:
        InputError: lengths that differ, a row without references, or an answer or a reference that is not text.

    Example:
        >>> from imug_metrics.functional.answers.text_match import token_f1
        >>> token_f1(["a red cup", "红色杯子"], ["the red mug", "蓝色杯子"])
        tensor([0.5000, 0.7500], dtype=torch.float64)
    """
    form = _normalizer(normalize)
    return best_over_references(
        preds, target, lambda text, name, row: _tokens(form(require_text(text, name, row))), _f1
    )


def best_over_references(
    preds: Sequence[Any],
    target: Sequence[Any],
    prepare: Callable[[Any, str, int], Prepared],
    score: Callable[[Prepared, Prepared], float],
) -> Tensor:
    """Score every answer against each of its references and keep the best.

    Args:
        preds: N answers; `None` is an absent one.
        target: N references, each a value or a list or tuple of values.
        prepare: called once for every value, with the argument's name and the row for its errors.
        score: of a prepared answer and a prepared reference.

    Returns:
        float64 `[N]`, NaN where the answer is absent.

    Raises:
        InputError: lengths that differ, or a row without references.
    """
    replies, keys = paired_entries(preds, target)
    values = []
    for row, (pred, key) in enumerate(zip(replies, keys)):
        references = key if isinstance(key, (list, tuple)) else [key]
        if not references:
            raise InputError("target", "to hold at least one reference", "none", row)
        prepared = [prepare(reference, "target", row) for reference in references]
        if pred is None:
            values.append(float("nan"))
        else:
            answer = prepare(pred, "preds", row)
            values.append(max(score(answer, reference) for reference in prepared))
    return torch.tensor(values, dtype=torch.float64)


def paired_entries(preds: Any, target: Any) -> tuple[list[Any], list[Any]]:
    """Answers and keys in lists, one a row.

    Raises:
        InputError: if they are held in anything else, or lengths differ.

    Example:
        >>> paired_entries(("a", "b"), ["a"])
        Traceback (most recent call last):
        imug_metrics.errors.InputError: Expected argument `target` to have one entry for each of `preds`, [2], got [1].
    """
    replies, keys = read_entries("preds", preds), read_entries("target", target)
    if len(replies) != len(keys):
        raise InputError("target", f"to have one entry for each of `preds`, [{len(replies)}]", f"[{len(keys)}]")
    return replies, keys


# Scripts written without spaces, and Hangul, whose particles stick to words: every character is a token.
_ONE_CHARACTER = (
    "\u3005-\u3007\u3040-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7a3\uf900-\ufaff\U00020000-\U0003ffff"
)
# Thai and Lao, Burmese, Khmer: with its marks, and with what a Burmese or Khmer sign puts below it.
_BLOCKS = ((0x0E01, 0x0EFF), (0x1000, 0x109F), (0x1780, 0x17FF), (0xA9E0, 0xA9FF), (0xAA60, 0xAA7F))
_SOUTH_EAST = "".join(f"{chr(first)}-{chr(last)}" for first, last in _BLOCKS)
_MARKS = "".join(
    chr(c) for first, last in _BLOCKS for c in range(first, last + 1) if unicodedata.category(chr(c))[0] == "M"
)
_TOKEN_WITHOUT_SPACES = re.compile(
    rf"[{_ONE_CHARACTER}][\u3099\u309a]*|[{_SOUTH_EAST}](?:[\u1039\u17d2][{_SOUTH_EAST}]|[{_MARKS}])*"
)


def _normalizer(normalize: bool | Normalizer) -> Normalizer:
    if callable(normalize):
        return normalize
    return normalize_answer if normalize else str


def _tokens(text: str) -> Counter[str]:
    return Counter(_TOKEN_WITHOUT_SPACES.sub(r" \g<0> ", text).split())


def _f1(pred: Counter[str], target: Counter[str]) -> float:
    size = sum(pred.values()) + sum(target.values())
    return 2 * sum((pred & target).values()) / size if size else 1.0
