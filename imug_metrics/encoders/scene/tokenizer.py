# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Captions as numbers: one number a word, out of a closed vocabulary."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from imug_metrics.encoders.scene.vocabulary import caption_words
from imug_metrics.encoders.texts import check_texts

PAD, UNKNOWN, START = "<pad>", "<unk>", "<start>"
VOCABULARY: tuple[str, ...] = (PAD, UNKNOWN, START, *caption_words())
CONTEXT_LENGTH = 20
_ALIASES = {"grey": "gray", "centre": "center", "1": "one", "2": "two", "3": "three", "4": "four", "5": "five"}
_WORD = re.compile(r"[a-z0-9]+")


@dataclass(frozen=True)
class Tokens:
    """Encoded captions.

    Args:
        ids: int64 ``[captions, CONTEXT_LENGTH]``: the start token, the words, padding (0).
        words: Number of words of each caption before any cut, int64 ``[captions]``.
        unknown: Number of kept words that are outside the vocabulary, int64 ``[captions]``.
        cut: Number of words dropped at the end for length, int64 ``[captions]``.
    """

    ids: Tensor
    words: Tensor
    unknown: Tensor
    cut: Tensor


class Tokenizer:
    """Split captions into lower-case words, punctuation stripped, and number them.

    Args:
        vocabulary: Words in the order of their numbers, starting with the padding, unknown and start tokens.

    Raises:
        ValueError: If the vocabulary does not start with those three tokens or repeats a word.

    Example:
        >>> Tokenizer()(["A red circle!", "a zebra"]).unknown.tolist()
        [0, 1]
    """

    def __init__(self, vocabulary: Sequence[str] = VOCABULARY) -> None:
        if tuple(vocabulary[:3]) != (PAD, UNKNOWN, START) or len(set(vocabulary)) != len(vocabulary):
            raise ValueError(
                "Expected argument `vocabulary` to start with <pad>, <unk>, <start> and to repeat no word."
            )
        self.vocabulary = tuple(vocabulary)
        self._numbers = {word: number for number, word in enumerate(vocabulary)}

    def __call__(self, texts: Sequence[str]) -> Tokens:
        """Encode captions.

        Args:
            texts: Captions, one string each.

        Returns:
            The encoded captions. Words beyond ``CONTEXT_LENGTH - 1`` are dropped and counted.

        Raises:
            TypeError: If ``texts`` is one string, or holds something else than strings.
        """
        split = [[_ALIASES.get(word, word) for word in _WORD.findall(text.lower())] for text in check_texts(texts)]
        kept = [[self._numbers.get(word, 1) for word in words[: CONTEXT_LENGTH - 1]] for words in split]
        rows = [[2, *numbers] + [0] * (CONTEXT_LENGTH - 1 - len(numbers)) for numbers in kept]
        ids = torch.tensor(rows, dtype=torch.int64).reshape(len(rows), CONTEXT_LENGTH)
        words = torch.tensor([len(words) for words in split], dtype=torch.int64)
        unknown = torch.tensor([numbers.count(1) for numbers in kept], dtype=torch.int64)
        return Tokens(ids, words, unknown, (words - (CONTEXT_LENGTH - 1)).clamp(min=0))
