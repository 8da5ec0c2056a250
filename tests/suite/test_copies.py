# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Copies are looked for by default among the images of a dialogue."""

from __future__ import annotations

import io
import random
from collections.abc import Sequence
from typing import Any

import pytest
import torch
from PIL import Image

from imug_metrics import CopyGuard, TurnConsistency
from imug_metrics import functional as F
from imug_metrics.encoders import CallableEncoder, load_encoder
from imug_metrics.encoders.cache import CachedEncoder
from imug_metrics.encoders.scene import Scene, Thing, render
from imug_metrics.suite import ImugSuite, Record, score_records, standard_metrics
from imug_metrics.suite.standard import StandardMetrics

FLAT = CallableEncoder(lambda images: torch.ones(len(images), 2), fingerprint="flat", dim=2)
"""To this encoder all images are alike: only their pixels tell copies."""


def png(colour: str, seed: int = 0) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(render(Scene(Thing(colour, "circle"), "gray"), random.Random(seed))).save(buffer, "PNG")
    return buffer.getvalue()


RED, BLUE, GREEN = (png(colour, seed) for seed, colour in enumerate(("red", "blue", "green")))


def drawn(*images: bytes | None, references: Sequence[bytes | None] = (), dialogue: str = "a") -> list[Record]:
    return [
        Record(dialogue, turn, "image", "Draw it.", image=image, reference=reference)
        for turn, (image, reference) in enumerate(zip(images, references or [None] * len(images), strict=True), 1)
    ]


def copies(records: Sequence[Record], encoder: Any = FLAT, **options: Any) -> list[float | None]:
    return [row["copy"] for row in score_records(records, model="mine", encoder=encoder, **options).items]


def test_a_column_of_the_rows_says_which_images_are_copies() -> None:
    found = score_records(drawn(RED, RED, BLUE, None), model="mine", encoder=FLAT)
    assert [row["copy"] for row in found.items] == [None, 1.0, 0.0, None]
    assert found.scores["copy_guard"] == 0.5
    assert found.scores["copy_guard_coverage"] == pytest.approx(2 / 3), "the first image has nothing to be a copy of"
    assert found.scores["copy_guard_by_cosine"] == 1.0, "to the encoder all images are alike"


def test_the_value_of_a_row_is_that_of_the_function() -> None:
    records = [record for name in "abc" for record in drawn(RED, png("red", 7), BLUE, RED, dialogue=name)]
    encoder = CachedEncoder(load_encoder("scene"))
    seen = encoder.encode_readable([record.image for record in records])
    expected = F.copy_guard(
        seen.embeddings,
        pixels=seen.pixels,
        dialogue=[record.dialogue for record in records],
        turn=[record.turn for record in records],
        reduction="none",
    )
    found = torch.tensor([float("nan") if value is None else value for value in copies(records, encoder)])
    torch.testing.assert_close(found.double(), expected, equal_nan=True)


def test_an_image_that_looks_like_its_reference_is_no_copy() -> None:
    """A record's reference is what its image should look like, and not what the model was shown."""
    found = score_records(
        drawn(RED, BLUE, GREEN, references=(RED, BLUE, GREEN)), model="mine", encoder=load_encoder("scene")
    )
    assert [row["copy"] for row in found.items] == [None, 0.0, 0.0]
    assert found.scores["turn_consistency_reference"] == pytest.approx(1.0)


def test_metrics_of_ones_own_without_the_guard_find_no_copies() -> None:
    assert copies(drawn(RED, RED), metrics=[TurnConsistency(detail=True)]) == [None, None]


def test_a_guard_of_ones_own_is_fed_with_pixels() -> None:
    records = drawn(RED, RED, BLUE)
    assert copies(records, metrics=[CopyGuard()]) == [None, 1.0, 0.0]
    suite = ImugSuite({"mine": CopyGuard()}, encoder=FLAT, keep_rows=True)
    suite.update(records)
    assert [row["mine"] for row in suite.rows()] == [None, 1.0, 0.0]
    assert suite.compute() == {"mine": 0.5}


def test_a_batch_gives_its_own_copies() -> None:
    suite = ImugSuite(encoder=FLAT)
    assert float(suite.forward(drawn(RED, RED, BLUE))["copy_guard"]) == 0.5
    assert float(suite.forward(drawn(RED, BLUE, dialogue="b"))["copy_guard"]) == 0.0


def test_a_suite_that_was_kept_without_the_guard_is_restored_without_it() -> None:
    older = {name: metric for name, metric in standard_metrics().items() if name != "copy_guard"}
    before = ImugSuite(StandardMetrics(older), encoder=FLAT)
    before.update(drawn(RED, RED))
    restored = ImugSuite.from_bytes(before.to_bytes(), encoder=FLAT)
    found = restored.compute()
    assert found["turn_consistency"] == pytest.approx(1.0)
    assert not any(key.startswith("copy_guard") for key in found)


def test_columns_without_images_do_not_reach_the_guard() -> None:
    suite = ImugSuite()
    suite.update(scores=torch.tensor([[1.0, 0.5]]))
    assert "copy_guard" not in suite.compute()
    suite.update(images=torch.tensor([[[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]]]))
    assert suite.compute()["copy_guard"] == 0.5, "by the cosine, where there are no pixels"


def test_a_guard_that_no_record_could_be_fed_to_says_what_it_needs() -> None:
    suite = ImugSuite([CopyGuard()])
    suite.update([Record("a", 1, "text", "Which?", text="A", target="A")])
    with pytest.warns(UserWarning, match="copy_guard, which has no score: it needs image turns"):
        suite.compute()
