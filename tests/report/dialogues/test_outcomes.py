# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""What became of a turn: only what is true of its data is said of it."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from imug_metrics import Record
from imug_metrics.encoders import CallableEncoder
from imug_metrics.reading.choice import READ, UNREAD
from imug_metrics.report.dialogues.outcomes import Outcome, outcome
from imug_metrics.suite import score_records

ANSWER: dict[str, Any] = {"dialogue": "a", "turn": 1, "modality": "text", "text": "A", "target": "A"}
IMAGE: dict[str, Any] = {"dialogue": "a", "turn": 1, "modality": "image", "image": "a.png"}


@pytest.mark.parametrize(
    ("score", "expected"), [(1.0, Outcome.RIGHT), (0.5, Outcome.PARTLY), (0.0, Outcome.WRONG), (None, Outcome.UNJUDGED)]
)
def test_an_answer_is_what_its_strict_score_says(score: float | None, expected: Outcome) -> None:
    assert outcome(ANSWER | {"answer_strict": score, "reading": "answer"}) is expected


def test_without_a_key_no_answer_is_wrong() -> None:
    assert outcome(ANSWER | {"target": None, "answer_strict": None}) is Outcome.UNJUDGED
    assert outcome(ANSWER | {"target": None, "answer_strict": float("nan")}) is Outcome.UNJUDGED


@pytest.mark.parametrize("reason", sorted(set(UNREAD) - {"failed"}))
def test_an_answer_that_could_not_be_read_is_not_called_wrong(reason: str) -> None:
    found = outcome(ANSWER | {"answer_strict": 0.0, "reading": reason})
    assert found is Outcome.UNREAD
    assert "wrong" not in found.words


@pytest.mark.parametrize("reason", sorted(READ))
def test_an_answer_that_was_read_is_called_wrong(reason: str) -> None:
    assert outcome(ANSWER | {"answer_strict": 0.0, "reading": reason}) is Outcome.WRONG


def test_the_official_score_counts_where_it_is_the_only_one() -> None:
    assert outcome(ANSWER | {"answer_imug": 0.0}) is Outcome.WRONG
    assert outcome(ANSWER | {"answer_imug": 0.0, "answer_strict": 1.0}) is Outcome.RIGHT


@pytest.mark.parametrize("text", [None, "ERROR: timed out"])
def test_an_absent_answer_is_absent_whatever_it_counts_as(text: str | None) -> None:
    assert outcome(ANSWER | {"text": text, "answer_strict": 0.0, "reading": "failed"}) is Outcome.NO_ANSWER


def test_an_absent_image_is_absent() -> None:
    assert outcome(IMAGE | {"image": None, "retrieval": 0.0}) is Outcome.NO_IMAGE


@pytest.mark.parametrize("retrieval", [1 / 2, 1 / 3, None, float("nan")])
def test_an_image_whose_prompt_repeats_fits_no_other_prompt_better(retrieval: float | None) -> None:
    assert outcome(IMAGE | {"retrieval": retrieval}) is Outcome.UNJUDGED


def one_colour() -> CallableEncoder:
    """An image is its first pixel, a text the colour that it names."""

    def see(images: Any) -> torch.Tensor:
        return torch.stack([image.float()[:, 0, 0] for image in images])

    def read(texts: list[str]) -> torch.Tensor:
        return torch.tensor([[float(name in text) for name in ("red", "green", "blue")] for text in texts])

    return CallableEncoder(see, read, fingerprint="one colour", dim=3)


def test_right_images_of_a_dialogue_that_repeats_a_prompt_are_not_misfits() -> None:
    colours = {"red": (255, 0, 0), "green": (0, 255, 0)}
    asked = ["a red wall", "a green wall", "a red wall"]
    images = [
        torch.tensor(colours[text.split()[1]], dtype=torch.uint8)[:, None, None].expand(3, 8, 8) for text in asked
    ]
    records = [
        Record("a", turn, "image", text, image=image) for turn, (text, image) in enumerate(zip(asked, images), 1)
    ]
    found = score_records(records, model="mine", encoder=one_colour()).items
    assert [row["retrieval"] for row in found] == [0.5, 1.0, 0.5]
    assert not any(outcome(row).is_fault for row in found)


def test_every_fault_has_a_sign_and_words_of_its_own() -> None:
    faults = [found for found in Outcome if found.is_fault]
    assert {Outcome.WRONG, Outcome.UNREAD, Outcome.NO_ANSWER, Outcome.NO_IMAGE, Outcome.MISFIT} <= {*faults}
    assert len({found.words for found in faults}) == len(faults)
    assert all(found.sign for found in faults)
    signs = {found.sign for found in faults}
    assert not signs & {Outcome.RIGHT.sign, Outcome.FITS.sign}
