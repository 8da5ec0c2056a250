# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""ModalityCompliance against counts by hand and an error from the weights of dialogues."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch

from imug_metrics import ModalityCompliance
from tests.metrics import cases
from tests.metrics.decay.ragged import found, places
from tests.metrics.interval_reference import bounds_of, effective, share_bounds, student_bounds

CASES = {
    "compliance": cases.Case(ModalityCompliance, cases.outputs_and_modality),
    "compliance-strict": cases.Case(lambda **k: ModalityCompliance(extra="none", **k), cases.outputs_and_modality),
}
NAME = "modality_compliance"
ASKED = [["text", "image", "text", "image"], ["text", "text", "image", "image"]]
CAME = [["text", "text", "both", "image"], ["image", "text", "none", "both"]]


def result(came: Any = CAME, asked: Any = ASKED, **options: Any) -> dict[str, float]:
    scores = found(ModalityCompliance(detail=True, **options), came, asked)
    return {key.removeprefix(NAME).removeprefix("_"): value for key, value in scores.items()}


@pytest.mark.parametrize(("extra", "expected"), [("text", 4 / 8), ("any", 5 / 8), ("none", 3 / 8)])
def test_what_comes_beside_what_was_asked_for_is_a_failure_or_none(extra: str, expected: float) -> None:
    assert result(extra=extra)[""] == expected


def test_the_table_holds_what_came_by_what_was_asked_for() -> None:
    table = {key: value for key, value in result().items() if key.startswith("asked_") and not key.endswith("er")}
    assert table == {
        "asked_text_got_text": 0.5,
        "asked_text_got_image": 0.25,
        "asked_text_got_both": 0.25,
        "asked_text_got_none": 0,
        "asked_image_got_text": 0.25,
        "asked_image_got_image": 0.25,
        "asked_image_got_both": 0.25,
        "asked_image_got_none": 0.25,
    }


def test_shares_after_a_switch_and_without_one_leave_out_the_first_turn() -> None:
    scores = result()
    assert [scores["after_switch"], scores["after_same"]] == [1 / 4, 1]
    assert [scores["text_after_switch"], scores["text_after_same"]] == [0, 1]
    assert [scores["image_after_switch"], scores["image_after_same"]] == [1 / 3, 1]
    text, image = (0 * 1 - 1 * 1) / 2, (1 * 1 - 1 * 3) / 4
    assert scores["switch_gap"] == pytest.approx((text + image) / (1 / 2 + 3 / 4))


def simulated(seed: int, stuck: float, bad_at_images: float, dialogues: int = 60) -> tuple[np.ndarray, ...]:
    """What came and what was asked for, codes: after a switch a model may keep to the modality before."""
    generator = np.random.default_rng(seed)
    dialogue, turn = places(generator, dialogues, least=2, most=6)
    asked = (generator.random(len(turn)) < 0.25).astype(int)
    first = turn == 1
    switch = ~first & (asked != np.roll(asked, 1))
    fails = (switch & (generator.random(len(turn)) < stuck)) | (
        (asked == 1) & (generator.random(len(turn)) < bad_at_images)
    )
    return np.where(fails, 1 - asked, asked), asked, dialogue, turn


def test_a_model_that_keeps_to_the_modality_before_is_found_and_one_that_is_bad_at_images_is_not() -> None:
    stuck, weak = (simulated(3, *rates) for rates in ((0.4, 0.02), (0.0, 0.4)))
    for (came, asked, dialogue, turn), is_stuck in ((stuck, True), (weak, False)):
        scores = found(ModalityCompliance(detail=True), came, asked == 1, dialogue=dialogue, turn=turn)
        assert scores[NAME] < 0.95
        lower, upper = scores[f"{NAME}_switch_gap_lower"], scores[f"{NAME}_switch_gap_upper"]
        assert (upper < 0) == is_stuck
        assert is_stuck or lower < 0 < upper
        plain = scores[f"{NAME}_after_switch"] - scores[f"{NAME}_after_same"]
        assert is_stuck or plain < -0.1, "shares that mix modalities would have called it stuck"


def test_the_interval_of_the_gap_is_that_of_its_change_with_the_weight_of_each_dialogue() -> None:
    came, asked, dialogue, turn = simulated(1, 0.3, 0.1, 30)
    right = came == asked
    switch = (turn > 1) & (asked != np.roll(asked, 1))

    def gap(weights: np.ndarray) -> float:
        above = below = 0.0
        for kind in (0, 1):
            s, n, t, m = (
                (weights[dialogue] * rows).sum()
                for side in (switch, ~switch & (turn > 1))
                for rows in ((asked == kind) & side & right, (asked == kind) & side)
            )
            above, below = above + (s * m - t * n) / (n + m), below + n * m / (n + m)
        return above / below

    ones, step = np.ones(30), 1e-5
    changes = [(gap(ones + step * row) - gap(ones - step * row)) / (2 * step) for row in np.eye(30)]
    scores = found(ModalityCompliance(detail=True), came, asked == 1, dialogue=dialogue, turn=turn)
    by_side = [
        np.stack([np.bincount(dialogue, side & (asked == kind)) for kind in (0, 1)], 1)
        for side in (switch, ~switch & (turn > 1))
    ]
    own, other = (counts.sum(0) for counts in by_side)
    shares = other / (own + other), own / (own + other)  # what Mantel and Haenszel's weights make of a record
    weights = min((counts @ share for counts, share in zip(by_side, shares)), key=effective)
    fails, complies = (np.bincount(dialogue, w * np.ones(len(turn))) for w in (~right, right))
    records = np.bincount(dialogue)
    varies = min((records * (fails > 0), records * (complies > 0)), key=lambda w: w.sum() ** 2 / (w**2).sum())
    expected = student_bounds(gap(ones), float(np.sqrt(np.square(changes).sum())), weights, varies)
    assert bounds_of(scores, f"{NAME}_switch_gap") == pytest.approx(expected, abs=1e-7)


def of_images(switched: int, unswitched: int, seed: int = 0) -> dict[str, float]:
    """Dialogues that ask for an image after words, and some that ask for a second one; 60 % are right, everywhere."""
    generator = np.random.default_rng(seed)
    asked = np.array([[0, 0, 1]] * switched + [[0, 1, 1]] * unswitched)
    came = np.where((asked == 1) & (generator.random(asked.shape) > 0.6), 0, asked)
    return found(ModalityCompliance(detail=True, max_turns=3), came.astype(float), asked == 1)


def test_records_of_a_modality_that_is_on_one_side_alone_carry_no_gap() -> None:
    """Nearly all that follows no switch asks for words, which is never asked for after one."""
    one, two, many = (of_images(38, unswitched) for unswitched in (1, 2, 20))
    lower, upper = (f"{NAME}_switch_gap_{end}" for end in ("lower", "upper"))
    assert not math.isnan(one[f"{NAME}_switch_gap"])
    assert math.isnan(one[lower])
    assert math.isnan(one[upper])
    assert two[upper] - two[lower] > 1.5, "two dialogues tell hardly anything"
    assert many[upper] - many[lower] < 1


def test_the_gap_of_few_images_without_a_switch_is_held_by_its_interval() -> None:
    gaps = [of_images(35, 5, seed) for seed in range(100)]
    held = [gap[f"{NAME}_switch_gap_lower"] <= 0 <= gap[f"{NAME}_switch_gap_upper"] for gap in gaps]
    assert sum(held) >= 85


def test_compliance_has_the_interval_of_a_share() -> None:
    came, asked, dialogue, turn = simulated(2, 0.3, 0.1)
    scores = found(ModalityCompliance(detail=True), came, asked == 1, dialogue=dialogue, turn=turn)
    expected = share_bounds(np.bincount(dialogue, came == asked), np.bincount(dialogue))
    assert bounds_of(scores, NAME) == pytest.approx(expected, abs=1e-9)


def test_an_empty_output_is_a_failure_and_an_unknown_one_lowers_the_coverage() -> None:
    empty, unknown = (result([["text", missing]], [["text", "image"]]) for missing in ("none", None))
    assert (empty[""], empty["coverage"]) == (0.5, 1)
    assert (unknown[""], unknown["coverage"]) == (1, 0.5)
    assert result([["text", None]], [["text", "image"]], missing="zero")[""] == 0.5


def test_a_record_of_which_nothing_came_says_what_the_next_one_follows() -> None:
    scores = result([["text", None, "text"]], [["text", "image", "text"]])
    assert scores["after_switch"] == 1
    assert math.isnan(scores["after_same"])


def test_what_follows_a_record_of_no_known_modality_is_on_neither_side() -> None:
    scores = result([[None, "text"]], [[None, "text"]])
    assert scores[""] == 1
    assert math.isnan(scores["after_switch"])
    assert math.isnan(scores["after_same"])


def test_a_gap_has_no_interval_where_one_dialogue_alone_fails() -> None:
    metric = ModalityCompliance(detail=True)
    asked = torch.tensor([[False, True, True, False]]).repeat(20, 1)
    came = asked.double()
    came[0, 1] = 0
    metric.update(came, asked)
    scores = metric.compute()
    assert scores[f"{NAME}_switch_gap"] < 0
    assert scores[f"{NAME}_switch_gap_lower"].isnan()
    assert scores[f"{NAME}_lower"] < scores[NAME]


@pytest.mark.parametrize("extra", ["image", None, 1])
def test_an_unknown_option_is_refused(extra: Any) -> None:
    with pytest.raises(ValueError, match=r"`extra` to be one of"):
        ModalityCompliance(extra=extra)
