# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Items of interleaved answers, counted by modality."""

from __future__ import annotations

import pytest
import torch

from imug_metrics.functional.interleaved.tag_counts import count_column, tag_counts
from imug_metrics.reading.tags import MODALITIES


def column(name: str) -> int:
    return MODALITIES.index(name)


def test_repeated_tags_are_one_item_or_several() -> None:
    texts = ["<image1> <Image01> <image2>"]
    assert tag_counts(texts)[0, column("image")] == 2
    assert tag_counts(texts, repeated="each")[0, column("image")] == 3


def test_text_is_a_type_by_tags_by_prose_or_never() -> None:
    texts = ["<text1> said <image1: a red door>", "<image1: a red door> ...", "words"]
    assert tag_counts(texts)[:, 0].tolist() == [1, 0, 0]
    assert tag_counts(texts, text="prose")[:, 0].tolist() == [2, 0, 1]
    assert tag_counts(texts, text="ignore")[:, 0].tolist() == [0, 0, 0]


def test_a_tag_without_file_does_not_count_where_files_are_asked_for() -> None:
    texts = ["<image1> <image2> <threeD1>", "<image1>", "<image1>"]
    counts = tag_counts(texts, available=[{"image2", "threed1"}, None, set()])
    assert counts[:, column("image")].tolist() == [1, 1, 0]
    assert counts[0, column("threeD")] == 1
    with pytest.raises(ValueError, match="`available`"):
        tag_counts(texts, available=[None])
    with pytest.raises(ValueError, match="`available` to hold one list a dialogue like `preds`"):
        count_column("preds", [texts], available=[None] * 3)


def test_texts_pairs_and_counts_say_the_same() -> None:
    counts = torch.tensor([[0, 2, 0, 0, 0, 0, 1], [0, 0, 0, 0, 0, 0, 0]])
    texts = ["<image1> <image4> <threeD1>", "none"]
    pairs = [[("image", 1), ("Image", "b.png"), ("3D", 1)], []]
    for answers in (texts, pairs, counts, [texts[0], pairs[1]]):
        torch.testing.assert_close(count_column("preds", answers).values.long(), counts)


def test_lists_by_dialogue() -> None:
    rows = count_column("preds", [["<image1>", None], ["<audio1>"], []])
    assert rows.shape == (3, 2)
    assert rows.present is not None
    assert rows.present.tolist() == [[True, False], [True, False], [False, False]]
    nested = count_column("preds", [[[("image", 1)], []], [[("audio", 1)]]])
    assert nested.shape == (2, 2)
    assert nested.values.sum() == 2


def test_counts_are_real() -> None:
    with pytest.raises(TypeError, match=r"`preds` to hold real numbers, got complex64"):
        count_column("preds", torch.ones(2, 7, dtype=torch.complex64))


def test_what_is_no_answer_is_refused() -> None:
    with pytest.raises(TypeError, match="`preds`"):
        count_column("preds", [3])
    with pytest.raises(TypeError, match=r"\[N, 7\]"):
        count_column("preds", [[3]])
    with pytest.raises(ValueError, match="smell"):
        count_column("preds", [[("smell", 1)]])
    with pytest.raises(ValueError, match=r"\[N, 7\]"):
        count_column("preds", torch.zeros(3, 6))


@pytest.mark.parametrize("piece", ["<", "<image1:", "<image ", "< ", "<image1", "<code1: <"])
def test_a_long_hostile_text_is_read_to_its_end(piece: str) -> None:
    text = piece * (400_000 // len(piece)) + " <audio1>"  # in quadratic time this would take hours
    assert tag_counts([text], text="prose")[0, column("audio")] == 1
