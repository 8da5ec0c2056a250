# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Structure of answers as a metric; tests/test_invariances.py has what it shares with all metrics."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from imug_metrics import StructureIntegrity
from imug_metrics.functional import structure_integrity
from tests.metrics import cases
from tests.metrics.interval_reference import bounds_of, share_bounds

CASES = {
    "structure": cases.Case(StructureIntegrity, cases.counts),
    "structure-texts": cases.Case(
        lambda **k: StructureIntegrity(text="prose", repeated="each", **k), cases.tags, rows="lists"
    ),
}

PREDS = ["<image1> <image2>", "<code1>", "words", "<video1> <audio1>"]
TARGET = ["<image1> <audio1>", "<code2>", "<image1>", "<video3> <audio9>"]


def computed(**options: object) -> dict[str, float]:
    metric = StructureIntegrity(detail=True, **options)
    metric.update(PREDS, TARGET)
    return {key.removeprefix("structure_integrity"): float(value) for key, value in metric.compute().items()}


def test_equals_its_function() -> None:
    found, function = computed(), structure_integrity(PREDS, TARGET)
    assert found[""] == pytest.approx(float(function.strict))
    assert found["_lenient"] == pytest.approx(float(function.lenient))
    assert found["_image"] == pytest.approx(1 / 3)
    assert found["_n"] == found["_dialogues"] == 4
    assert math.isnan(found["_document"])
    assert math.isnan(found["_relative"])


def test_interval_is_that_of_a_mean_over_instances() -> None:
    found = computed()
    values = structure_integrity(PREDS, TARGET, reduction="none").strict
    assert bounds_of(found, "") == pytest.approx(share_bounds(values.numpy(), np.ones(4)), rel=1e-6)


def test_relative_is_taken_by_instance() -> None:
    metric = StructureIntegrity(detail=True)
    metric.update(PREDS, TARGET, support=[1.0, 0.5, 0.0, 1.0])
    found = metric.compute()
    scores = structure_integrity(PREDS, TARGET, reduction="none")
    rate = torch.tensor([1.0, 0.5, 0.0, 1.0], dtype=torch.float64)
    torch.testing.assert_close(found["structure_integrity_relative"], (rate * scores.strict).mean())
    torch.testing.assert_close(found["structure_integrity_lenient_relative"], (rate * scores.lenient).mean())
    assert found["structure_integrity_support"] == 0.625
    with pytest.raises(ValueError, match=r"`support`.*row 1"):
        metric.update(PREDS, TARGET, support=[1.0, 90.4, 0.0, 1.0])


def test_absent_answers_are_left_out_or_score_zero() -> None:
    for missing, strict, lenient in (("skip", 1.0, 1.0), ("zero", 0.5, 0.5)):
        metric = StructureIntegrity(detail=True, missing=missing)
        metric.update(["<image1>", None], ["<image1>", "<code1>"])
        found = metric.compute()
        assert (found["structure_integrity"], found["structure_integrity_lenient"]) == (strict, lenient)
        assert found["structure_integrity_coverage"] == 0.5


def test_an_answer_without_reference_is_not_scored_and_lowers_the_coverage() -> None:
    metric = StructureIntegrity(detail=True, missing="zero")
    metric.update(["<image1>", "<image1>"], ["<image1>", None])
    assert metric.compute()["structure_integrity"] == 1
    assert metric.compute()["structure_integrity_coverage"] == 0.5


def test_files_may_have_to_exist() -> None:
    metric = StructureIntegrity()
    metric.update(["<image1> <image2>"], ["<image1> <image2>"], available=[{"image1"}])
    assert metric.compute().item() == pytest.approx(2 / 3)


def test_dialogues_of_several_turns() -> None:
    metric = StructureIntegrity(detail=True)
    metric.update([["<image1>", "<image1>"], ["<code1>"]], [["<image1>", "<code1>"], ["<code1>"]])
    found = metric.compute()
    assert (found["structure_integrity_n"], found["structure_integrity_dialogues"]) == (3, 2)
    assert (found["structure_integrity_turn_1"], found["structure_integrity_turn_2"]) == (1, 0)


def test_options_reach_the_reading() -> None:
    for options, expected in (({}, 1.0), ({"repeated": "each"}, 2 / 3), ({"text": "prose"}, 0.5)):
        metric = StructureIntegrity(**options)
        metric.update(["<image1> <image1>"], ["word <image4>"])
        assert metric.compute().item() == pytest.approx(expected), options
    with pytest.raises(ValueError, match="`text`"):
        StructureIntegrity(text="all")


def test_bootstrap_needs_ids() -> None:
    metric = StructureIntegrity(bootstrap=10, detail=True)
    with pytest.raises(ValueError, match="`dialogue`"):
        metric.update(PREDS, TARGET)
    metric.update(PREDS, TARGET, dialogue=["a", "b", "c", "d"])
    assert metric.compute()["structure_integrity_lower"] >= 0


def test_absent_answers_count_in_the_modalities_that_were_asked_of_them() -> None:
    for missing, expected in (("skip", 1.0), ("zero", 0.5)):
        metric = StructureIntegrity(detail=True, missing=missing)
        metric.update(["<image1>", None], ["<image1>", "<image1>"])
        found = metric.compute()
        assert found["structure_integrity_image"] == expected
        assert found["structure_integrity_audio"].isnan()


def test_records_of_a_dialogue_without_turns_are_numbered_as_they_come() -> None:
    metric = StructureIntegrity(detail=True)
    metric.update(PREDS, TARGET, dialogue=["a", "b", "a", "a"])
    found = metric.compute()
    assert (found["structure_integrity_n"], found["structure_integrity_dialogues"]) == (4, 2)
