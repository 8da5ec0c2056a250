# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""How many tokens a history has, by a counter with a name, so that lengths can be compared."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from imug_metrics._optional import require
from imug_metrics.errors import ArgumentError
from imug_metrics.inference.model import Message, Part

BYTES = "bytes/4"
"""The counter that needs no tokenizer: a fourth of a text's bytes in UTF-8, rounded up; an approximation."""
IMAGE_TOKENS = 256


@dataclass(frozen=True)
class TokenCounter:
    """Counts the tokens of what is said; what a chat template adds is not counted.

    Attributes:
        name: of the tokenizer.
        of_text: tokens of a text.
        image_tokens: tokens of every image, whatever its size.

    Example:
        >>> token_counter()([Message("user", ("Which colour?",)), Message("assistant", ("B",))])
        5
    """

    name: str
    of_text: Callable[[str], int]
    image_tokens: int = IMAGE_TOKENS

    def __call__(self, messages: Iterable[Message]) -> int:
        """Tokens of all messages."""
        return sum(self.of_part(part) for message in messages for part in message.parts)

    def of_part(self, part: Part) -> int:
        """Tokens of a text or an image."""
        return self.of_text(part) if isinstance(part, str) else self.image_tokens


def token_counter(tokenizer: str = BYTES, image_tokens: int = IMAGE_TOKENS) -> TokenCounter:
    """The counter of a name.

    Args:
        tokenizer: `"bytes/4"`, or `"hf:FOLDER-OR-NAME"` of a tokenizer of transformers; code that comes with it is not
            run.
        image_tokens: tokens of every image.

    Raises:
        ArgumentError: if there is no tokenizer of that name, or images have fewer than 0 tokens.
        ModuleNotFoundError: if transformers is needed and not installed.

    Example:
        >>> token_counter().of_text("Which colour?")
        4
    """
    if image_tokens < 0:
        raise ArgumentError("image_tokens", f"expected a number from 0, got {image_tokens}")
    if tokenizer == BYTES:
        return TokenCounter(BYTES, _fourth_of_bytes, image_tokens)
    kind, _, name = tokenizer.partition(":")
    if kind != "hf" or not name:
        raise ArgumentError("tokenizer", f"expected {BYTES!r} or 'hf:FOLDER-OR-NAME', got {tokenizer!r}")
    loader = require("transformers", purpose=f"The tokenizer {tokenizer}", extra="hf").AutoTokenizer
    try:
        found = loader.from_pretrained(name)
    except (OSError, ValueError) as error:
        raise ArgumentError("tokenizer", f"expected a tokenizer of transformers, {name!r} is none: {error}") from error
    return TokenCounter(
        tokenizer, lambda text: len(found(text, add_special_tokens=False, verbose=False).input_ids), image_tokens
    )


def _fourth_of_bytes(text: str) -> int:
    return -(-len(text.encode("utf-8", "surrogatepass")) // 4)
