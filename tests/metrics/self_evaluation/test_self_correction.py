# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""SelfCorrection against a table worked by hand and the algebra of its source."""

import math

import numpy as np
import pytest
import torch

from imug_metrics import SelfCorrection
from tests.coverage.data import Records
from tests.coverage.estimates import by_run
from tests.metrics import cases

CASES = {
    "self-correction": cases.Case(SelfCorrection, cases.corrections),
}

# Of 4 right before, 3 stay right; of 4 wrong before, 2 become right.
BEFORE = [[1, 1, 0, 0], [1, 1, 0, 0]]
AFTER = [[1, 1, 1, 0], [0, 1, 1, 0]]


def test_table_worked_by_hand() -> None:
    metric = SelfCorrection(detail=True)
    metric.update(AFTER, BEFORE)
    found = {key.removeprefix("self_correction"): value.item() for key, value in metric.compute().items()}
    expected = {
        "": 1 / 8,
        "_before": 4 / 8,
        "_after": 5 / 8,
        "_confidence": 3 / 4,
        "_critique": 2 / 4,
        "_relative": (5 / 8 - 1 / 4) / (2 / 4),
        "_turn_1": -1 / 2,
        "_turn_3": 1,
    }
    assert {key: found[key] for key in expected} == pytest.approx(expected)


def test_accuracy_after_is_the_mix_of_confidence_and_critique() -> None:
    generator = torch.Generator().manual_seed(0)
    before, after = (torch.rand(50, 4, generator=generator) < p for p in (0.6, 0.7))
    metric = SelfCorrection(detail=True)
    metric.update(after, before)
    part = {key: metric.compute()[f"self_correction_{key}"].item() for key in ("before", "confidence", "critique")}
    mixed = part["confidence"] * part["before"] + part["critique"] * (1 - part["before"])
    assert metric.compute()["self_correction_after"].item() == pytest.approx(mixed, abs=1e-12)


@pytest.mark.parametrize("before", [0, 1])
def test_relative_score_is_undefined_where_all_was_right_or_wrong(before: int) -> None:
    metric = SelfCorrection(detail=True)
    metric.update([[1, 0], [1, 1]], [[before] * 2] * 2)
    found = metric.compute()
    assert found["self_correction_relative"].isnan()
    assert found[f"self_correction_{'critique' if before else 'confidence'}"].isnan()


def test_interval_of_the_relative_score_covers_the_truth() -> None:
    """Right before with p = 0.6; CL 0.9, CS 0.3: Acc2 = 0.66, RSS = 0.3 / 0.48; turns of a dialogue are alike."""
    generator = np.random.default_rng(1)
    mood = generator.normal(size=(300 * 60, 1))
    before = (mood + generator.normal(size=(300 * 60, 4))) / math.sqrt(2) < 0.2533471
    after = generator.random(before.shape) < np.where(before, 0.9, 0.3)
    place = torch.arange(before.size)
    rows = Records(place // 4, place % 4 + 1, runs=300, dialogues=60)
    metric = SelfCorrection(detail=True, max_turns=4)
    found, _ = by_run(metric, rows, torch.tensor(after).flatten(), torch.tensor(before).flatten())["relative"]
    held = ((found.lower <= 0.3 / 0.48) & (found.upper >= 0.3 / 0.48)).double().mean()
    assert 0.92 <= held <= 0.98, held


def test_labels_with_a_target_and_absent_answers() -> None:
    before, after, right = [["A", "B"], ["C", "A"]], [["A", None], ["A", "A"]], [["A", "B"], ["A", "A"]]
    skip, zero = SelfCorrection(detail=True), SelfCorrection(detail=True, missing="zero")
    for metric in (skip, zero):
        metric.update(after, before, right)
        assert metric.compute()["self_correction_coverage"].item() == pytest.approx(3 / 4)
    assert skip.compute()["self_correction"].item() == pytest.approx(1 / 3)
    assert zero.compute()["self_correction"].item() == 0  # an absent answer loses what was right
    assert zero.compute()["self_correction_confidence"].item() == pytest.approx(2 / 3)
