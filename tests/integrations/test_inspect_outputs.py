# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""What goes into the metadata of a score of Inspect, and comes out of it."""

from __future__ import annotations

import json
import math

import pytest
import torch

from imug_metrics import Record
from imug_metrics.integrations.inspect_outputs import (
    Measure,
    outputs_of,
    packed,
    packed_pixels,
    score_metadata,
    unpacked,
    unpacked_pixels,
)

MEASURE = Measure("answer_accuracy", (0.0, 1.0))


def test_outputs_come_back_from_plain_json() -> None:
    records = [
        Record("a", 1, "text", "Which?", text="B", target="B", subject="cat", groups={"domain": "x"}),
        Record("a", 2, "text", "Which?", target="B"),
    ]
    metadata = json.loads(json.dumps(score_metadata(MEASURE, records, [1.0, math.nan], 3), allow_nan=False))
    measure, (first, second) = outputs_of(metadata, "7")
    assert measure == MEASURE
    assert first == ("a", 1, "7", 1.0, 3, "cat", None, None)
    assert (second.turn, math.isnan(second.value), second.epoch) == (2, True, 3)
    assert metadata["imug_metrics"]["records"][0]["groups"] == {"domain": "x"}


def test_an_image_travels_as_its_embedding_and_its_pixels() -> None:
    records = [Record("a", turn, "image", "Draw it.", image=None) for turn in (1, 2)]
    metadata = score_metadata(MEASURE, records, [math.nan] * 2, 1, images=["e", None], pixels=["p", None])
    _, (first, second) = outputs_of(json.loads(json.dumps(metadata)), "7")
    assert (first.image, first.pixels) == ("e", "p")
    assert (second.image, second.pixels) == (None, None)


def test_pixels_come_back_within_half_a_step() -> None:
    pixels = torch.rand(3, 12, generator=torch.Generator().manual_seed(0))
    texts = packed_pixels(pixels)
    found = unpacked_pixels([texts[0], None, texts[2]])
    assert found[1].isnan().all()
    assert (found[[0, 2]] - pixels[[0, 2]]).abs().max() <= 0.5001 / 255
    assert unpacked_pixels([None, None]) is None


@pytest.mark.parametrize("metadata", [None, {}, {"grade": "C"}])
def test_scores_of_others_carry_no_outputs(metadata) -> None:
    assert outputs_of(metadata, "7") is None


def test_embeddings_come_back_to_the_last_bit() -> None:
    embeddings = torch.randn(3, 5, generator=torch.Generator().manual_seed(0))
    texts = packed(embeddings)
    assert torch.equal(unpacked(texts), embeddings)
    assert torch.equal(unpacked([None, texts[1]]), torch.stack([torch.zeros(5), embeddings[1]]))
    assert unpacked([None]).shape == (1, 1)
