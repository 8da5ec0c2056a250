# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Images beside the prompts of all turns, those of text turns included."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from imug_metrics import ContextForgetting, Record
from imug_metrics.encoders import CallableEncoder
from imug_metrics.encoders.cache import CachedEncoder
from imug_metrics.suite.contexts import context_columns

WORDS = ("red", "green", "blue", "gold")


class Prompts:
    """An encoder of prompts that notes what it was given."""

    def __init__(self) -> None:
        self.seen: list[str] = []

    def __call__(self, texts: list[str]) -> torch.Tensor:
        self.seen += texts
        return torch.eye(4)[[WORDS.index(text) for text in texts]]


def turns() -> list[Record]:
    """Two dialogues; in each the second turn is answered in words."""
    kinds = ("image", "text", "image", "image")
    return [
        Record(dialogue, turn, kind, word, links=(1,) if turn == 4 else ())
        for dialogue in "ab"
        for turn, (kind, word) in enumerate(zip(kinds, WORDS), 1)
    ]


def of_images(shown: torch.Tensor) -> dict[str, Any]:
    """What metrics of the six images are fed with, of which the last is absent."""
    texts = torch.eye(4)[[0, 2, 3, 0, 2, 3]]
    valid = torch.tensor([True] * 5 + [False])
    return {"images": shown, "texts": texts, "valid": valid, "links": torch.tensor([[2, 0], [5, 3]])}


def test_prompts_of_text_turns_stand_beside_those_of_images_and_links_follow_their_rows() -> None:
    encode = Prompts()
    encoder = CachedEncoder(CallableEncoder(texts=encode, images=encode, fingerprint="words", dim=4))
    shown = torch.randn(6, 4, generator=torch.Generator().manual_seed(0))
    found = context_columns(turns(), of_images(shown), encoder)
    assert encode.seen == ["green"]  # twice the same
    assert torch.equal(found["texts"], torch.eye(4).repeat(2, 1))
    assert torch.equal(found["images"][[0, 2, 3, 4, 6, 7]], shown)
    assert not found["images"][[1, 5]].any()
    assert found["links"].tolist() == [[3, 0], [7, 4]]
    assert found["valid"].tolist() == [True, False, True, True, True, False, True, False]
    assert found["modality"].tolist() == [True, False, True, True] * 2


def test_what_was_asked_in_a_text_turn_can_be_forgotten() -> None:
    encode = Prompts()
    encoder = CachedEncoder(CallableEncoder(texts=encode, images=encode, fingerprint="words", dim=4))
    shown = torch.eye(4)[[0, 2, 3, 0, 2, 3]]
    shown[:3] += torch.tensor([[0.0, 0, 0, 0], [1, 1, 0, 0], [1, 1, 1, 0]])
    columns = {name: column for name, column in of_images(shown).items() if name != "links"}
    found = context_columns(turns(), columns, encoder)
    metric = ContextForgetting(detail=True)
    metric.update(**found)
    result = metric.compute()
    assert float(result["context_forgetting"]) == pytest.approx((0 + 0 + 1) / 3)
    assert result["context_forgetting_coverage"] == 3 / 4  # the last image of b is missing
