# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""VerdictSpecificity: shares counted by hand, correlations against scipy, and what vagueness over turns looks like."""

import math

import numpy as np
import pytest
import torch
from scipy import stats

from imug_metrics import VerdictSpecificity
from imug_metrics.functional import verdict_specificity
from imug_metrics.functional.self_evaluation.verdict_specificity import specificity_shares
from imug_metrics.reading.specificity_words import ENGLISH, WordLists

PROMPT = "Place two red cubes to the left of the wooden box."
VAGUE = ["Yes, that looks right.", "The image is correct.", "Everything matches the prompt perfectly.", "OK"]


@pytest.mark.parametrize(
    ("text", "content", "grounded", "details"),
    [
        ("The two red cubes are left of the box.", 5 / 9, 5 / 9, 3 / 9),
        ("Cubes present", 2 / 2, 1 / 2, 0),
        ("A red cube, 3 balls", 4 / 5, 2 / 5, 2 / 5),
        ("To the right", 1 / 3, 0, 1 / 3),
        ("That is the right answer", 0, 0, 0),
        ("The dog's bowl", 2 / 3, 0, 0),
        ("THE BOXES", 1 / 2, 1 / 2, 0),
        ("", 0, 0, 0),
        ("👍!", 0, 0, 0),
    ],
)
def test_shares_counted_by_hand(text: str, content: float, grounded: float, details: float) -> None:
    assert specificity_shares(text, PROMPT) == pytest.approx((content, grounded, details))
    expected = (content + grounded + details) / 3
    assert verdict_specificity([text], [PROMPT]).item() == pytest.approx(expected)
    assert verdict_specificity([text]).item() == pytest.approx((content + details) / 2)


@pytest.mark.parametrize("text", VAGUE)
def test_stock_approval_says_nothing(text: str) -> None:
    assert verdict_specificity([text], [PROMPT]).item() == 0


def test_weights_count_by_proportion() -> None:
    text = ["A red cube, 3 balls"]
    for scale in (1, 5):
        weights = (1.0 * scale, 2.0 * scale, 1.0 * scale)
        expected = (4 / 5 + 2 * 2 / 5 + 2 / 5) / 4
        assert verdict_specificity(text, [PROMPT], weights=weights).item() == pytest.approx(expected)
    with pytest.raises(ValueError, match="`weights`"):
        VerdictSpecificity(weights=(0.0, 1.0, 0.0))


def test_another_script_is_undefined_until_lists_are_given() -> None:
    text = ["Красный куб слева"]
    assert verdict_specificity(text).isnan()
    none = frozenset[str]()
    russian = WordLists(none, none, none, frozenset({"красный"}), frozenset({"слева"}))
    assert verdict_specificity(text, words=russian).item() == pytest.approx((1 + 2 / 3) / 2)
    metric = VerdictSpecificity(detail=True, missing="zero")
    metric.update([["A red cube", text[0]], [None, "A red cube"]])
    found = metric.compute()
    assert found["verdict_specificity_coverage"].item() == 0.5
    assert found["verdict_specificity_n"].item() == 3, "an absent verdict counts as 0, an unreadable one as nothing"


def test_word_lists_do_not_contradict_each_other() -> None:
    for kind in (ENGLISH.numbers, ENGLISH.colours, ENGLISH.places):
        assert not kind & (ENGLISH.function | ENGLISH.stock)
    assert not ENGLISH.function & ENGLISH.stock


def test_vagueness_that_rises_over_turns_shows_beside_pass_and_fail() -> None:
    generator = np.random.default_rng(0)
    specific = "The red cube is left of the box"
    texts, passed = [], []
    for _ in range(80):
        vague = generator.random(5) < 0.1 + 0.15 * np.arange(5)
        texts.append([VAGUE[generator.integers(4)] if v else specific for v in vague])
        passed.append((generator.random(5) < np.where(vague, 0.9, 0.6)).tolist())
    metric = VerdictSpecificity(detail=True)
    metric.update(texts, [[PROMPT] * 5] * 80, preds=passed)
    found = metric.compute()
    assert found["verdict_specificity_slope_upper"] < 0
    assert found["verdict_specificity_right_turn_5"] > found["verdict_specificity_right_turn_1"]
    assert found["verdict_specificity_correlation_upper"] < 0


def test_correlations_equal_scipy_overall_and_by_turn() -> None:
    generator = np.random.default_rng(1)
    words = ["red", "cube", "the", "looks"]
    texts = [[" ".join(generator.choice(words, 5)) for _ in range(3)] for _ in range(40)]
    verdict, truth = generator.integers(0, 2, (40, 3)), generator.integers(0, 2, (40, 3))
    metric = VerdictSpecificity(detail=True)
    for part in (slice(0, 10), slice(10, 40)):
        ids = list(range(40))[part]
        metric.update(texts[part], preds=torch.tensor(verdict[part]), target=torch.tensor(truth[part]), dialogue=ids)
    found = metric.compute()
    scores = verdict_specificity(texts, reduction="none").numpy()
    right = (verdict == truth).astype(float)
    overall = stats.pearsonr(scores.flatten(), right.flatten()).statistic
    assert found["verdict_specificity_correlation"].item() == pytest.approx(overall, abs=1e-12)
    for turn in range(3):
        r = stats.pearsonr(scores[:, turn], right[:, turn]).statistic
        key = f"verdict_specificity_correlation_turn_{turn + 1}"
        assert found[key].item() == pytest.approx(r, abs=1e-12)
        assert -1 <= found[f"{key}_lower"] < found[key] < found[f"{key}_upper"] <= 1
    assert found["verdict_specificity_right"].item() == pytest.approx(right.mean())


def test_correlation_is_undefined_where_nothing_varies_or_nothing_is_known() -> None:
    metric = VerdictSpecificity(detail=True)
    metric.update([["A red cube", "Looks good", "Two balls"]] * 2, preds=[[1, 1, 1]] * 2)
    found = metric.compute()
    assert found["verdict_specificity_correlation"].isnan()
    assert "verdict_specificity_correlation_turn_1" not in found
    alone = VerdictSpecificity(detail=True)
    alone.update([["A red cube", "Looks good"]])
    assert alone.compute()["verdict_specificity_right"].isnan()
    assert alone.compute()["verdict_specificity_slope"].item() < 0


def test_lists_of_dialogues_give_what_flat_lists_give() -> None:
    lists, flat = VerdictSpecificity(detail=True), VerdictSpecificity(detail=True)
    lists.update([["A red cube", "OK"], ["Two balls"]], [[PROMPT, PROMPT], [PROMPT]], [[1, 0], [1]], dialogue=[4, 7])
    flat.update(["A red cube", "OK", "Two balls"], [PROMPT] * 3, [1, 0, 1], dialogue=[4, 4, 7], turn=[1, 2, 1])
    expected = flat.compute()
    for key, value in lists.compute().items():
        assert value.item() == pytest.approx(expected[key].item(), nan_ok=True), key


def test_refusals_name_the_argument_and_row() -> None:
    with pytest.raises(TypeError, match="`texts` to hold strings, got 3 at row 1"):
        verdict_specificity(["a", 3])
    with pytest.raises(ValueError, match="`prompts` to have one entry for each of `texts`"):
        verdict_specificity(["a", "b"], ["c"])
    with pytest.raises(ValueError, match="`preds` to have one entry for each of `texts`"):
        VerdictSpecificity().update(["a", "b"], preds=[1], dialogue=[0, 0], turn=[1, 2])


def test_a_verdict_whose_prompt_is_absent_is_undefined() -> None:
    values = verdict_specificity(["A red cube", "A red cube"], [PROMPT, None], reduction="none")
    assert values[0].item() > 0
    assert math.isnan(values[1].item())


def test_other_word_lists_or_weights_are_another_configuration() -> None:
    metric, other = VerdictSpecificity(), VerdictSpecificity(weights=(1.0, 0.0, 1.0))
    with pytest.raises(ValueError, match="same configuration"):
        metric.merge_state(other)
