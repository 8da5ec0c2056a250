# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Counters of tokens: by bytes, by a tokenizer of transformers, and a fixed number for an image."""

from __future__ import annotations

from pathlib import Path

import pytest

from imug_metrics.errors import ArgumentError
from imug_metrics.inference.model import ImageFile, Message
from imug_metrics.inference.tokens import token_counter


def test_a_text_has_a_fourth_of_its_bytes_rounded_up_for_each_part() -> None:
    counter = token_counter(image_tokens=10)
    assert [counter.of_text(text) for text in ("", "a", "abcd", "abcde", "日本語")] == [0, 1, 1, 2, 3]
    assert counter([Message("user", ("a", "b", ImageFile(b"x" * 999))), Message("assistant", ("abcde",))]) == 14


def test_a_lone_surrogate_is_counted_too() -> None:
    assert token_counter().of_text("\ud800") == 1


def test_a_tokenizer_of_transformers_counts_words_without_special_tokens(tmp_path: Path) -> None:
    transformers = pytest.importorskip("transformers")
    (tmp_path / "vocab.txt").write_text("\n".join(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "red", "cup"]))
    transformers.BertTokenizerFast(str(tmp_path / "vocab.txt")).save_pretrained(tmp_path)
    counter = token_counter(f"hf:{tmp_path}")
    assert counter.of_text("red cup red") == 3
    assert counter.name == f"hf:{tmp_path}"


@pytest.mark.parametrize(
    "arguments", [{"tokenizer": "words"}, {"tokenizer": "hf:"}, {"tokenizer": "hf:/no/such"}, {"image_tokens": -1}]
)
def test_what_is_no_counter_is_refused(arguments: dict[str, object]) -> None:
    if str(arguments.get("tokenizer", "")).startswith("hf:/"):
        pytest.importorskip("transformers")
    with pytest.raises(ArgumentError, match=next(iter(arguments))):
        token_counter(**arguments)  # type: ignore[arg-type]
