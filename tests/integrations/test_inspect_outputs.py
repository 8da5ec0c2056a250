# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""What goes into the metadata of a score of Inspect, and comes out of it."""

from __future__ import annotations

import json
import math

import pytest
import torch

from imug_metrics import Record
from imug_metrics.integrations.inspect_outputs import Measure, outputs_of, packed, score_metadata, unpacked

MEASURE = Measure("answer_accuracy", (0.0, 1.0))


def test_outputs_come_back_from_plain_json() -> None:
    records = [
        Record("a", 1, "text", "Which?", text="B", target="B", subject="cat", groups={"domain": "x"}),
        Record("a", 2, "text", "Which?", target="B"),
    ]
    metadata = json.loads(json.dumps(score_metadata(MEASURE, records, [1.0, math.nan], 3), allow_nan=False))
    measure, (first, second) = outputs_of(metadata, "7")
    assert measure == MEASURE
    assert first == ("a", 1, "7", 1.0, 3, "cat", None)
    assert (second.turn, math.isnan(second.value), second.epoch) == (2, True, 3)
    assert metadata["imug_metrics"]["records"][0]["groups"] == {"domain": "x"}


@pytest.mark.parametrize("metadata", [None, {}, {"grade": "C"}])
def test_scores_of_others_carry_no_outputs(metadata) -> None:
    assert outputs_of(metadata, "7") is None


def test_embeddings_come_back_to_the_last_bit() -> None:
    embeddings = torch.randn(3, 5, generator=torch.Generator().manual_seed(0))
    texts = packed(embeddings)
    assert torch.equal(unpacked(texts), embeddings)
    assert torch.equal(unpacked([None, texts[1]]), torch.stack([torch.zeros(5), embeddings[1]]))
    assert unpacked([None]).shape == (1, 1)
