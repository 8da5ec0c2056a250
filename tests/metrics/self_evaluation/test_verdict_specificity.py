# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""VerdictSpecificity: correlations against scipy, and what vagueness over turns looks like."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy import stats

from imug_metrics import VerdictSpecificity
from imug_metrics.functional import verdict_specificity
from imug_metrics.reading.specificity_words import ENGLISH
from tests.metrics import cases

CASES = {
    "specificity": cases.Case(VerdictSpecificity, cases.verdict_texts, rows="lists"),
}

PROMPT = "Place two red cubes to the left of the wooden box."
VAGUE = ["Yes, that looks right.", "The image is correct.", "Everything matches the prompt perfectly.", "OK"]


def test_estimate_and_shares_are_those_of_the_function() -> None:
    verdicts, texts, weights = ["A red cube, 3 balls", "OK"], [PROMPT] * 2, (1.0, 2.0, 1.0)
    metric = VerdictSpecificity(weights=weights, detail=True)
    metric.update(verdicts, texts, dialogue=[0, 0], turn=[1, 2])
    found = metric.compute()
    expected = verdict_specificity(verdicts, texts, weights=weights).item()
    assert found["verdict_specificity"].item() == pytest.approx(expected)
    shares = [found[f"verdict_specificity_{name}"].item() for name in ("content", "grounded", "details")]
    assert shares == pytest.approx([4 / 10, 2 / 10, 2 / 10])
    with pytest.raises(ValueError, match="`weights`"):
        VerdictSpecificity(weights=(0.0, 1.0, 0.0))


def test_another_script_lowers_the_coverage() -> None:
    metric = VerdictSpecificity(detail=True, missing="zero")
    metric.update([["A red cube", "Красный куб слева"], [None, "A red cube"]])
    found = metric.compute()
    assert found["verdict_specificity_coverage"].item() == 0.5
    assert found["verdict_specificity_n"].item() == 3, "an absent verdict counts as 0, an unreadable one as nothing"


MIXED = [
    ["The red cube is left.", "Sieht gut aus.", None],
    ["Looks good.", "Ok", "看起来不错"],
    [None, "Le cube est rouge.", "A green cone, 2 balls"],
    ["Красный куб слева", "Parece bien.", "Two blue balls match the prompt."],
]


def test_unread_verdicts_are_counted_and_missing_from_the_coverage() -> None:
    ids = [3, 5, 8, 13]
    whole = VerdictSpecificity(detail=True)
    whole.update(MIXED, dialogue=ids)
    found = whole.compute()
    assert found["verdict_specificity_unread"].item() == 5
    assert found["verdict_specificity_n"].item() == 5
    assert found["verdict_specificity_coverage"].item() == pytest.approx(5 / 12)
    assert found["verdict_specificity"].item() == pytest.approx(verdict_specificity(MIXED).item())
    parts = [VerdictSpecificity(detail=True) for _ in range(2)]
    for metric, rows in zip(parts, (slice(2, 4), slice(0, 2))):
        metric.update(MIXED[rows], dialogue=ids[rows])
    parts[0].merge_state(parts[1])
    for key, value in parts[0].compute().items():
        assert value.item() == pytest.approx(found[key].item(), nan_ok=True), key


def test_what_is_absent_or_has_no_prompt_is_not_unread() -> None:
    metric = VerdictSpecificity(detail=True, missing="zero")
    german = "Zeichne einen roten Würfel."
    metric.update([[None, "Ein Ball", "A ball"]], [[PROMPT, None, german]], valid=torch.tensor([[True, True, True]]))
    found = metric.compute()
    assert found["verdict_specificity_unread"].item() == 1, "the one whose prompt is German"
    metric.reset()
    metric.update([["Ein roter Ball", "Der Ball ist rot"]], valid=torch.tensor([[False, True]]), turn=[[1, 2]])
    assert metric.compute()["verdict_specificity_unread"].item() == 1, "what is not valid is absent"


def test_other_languages_are_another_configuration() -> None:
    everything = VerdictSpecificity(words=replace(ENGLISH, languages=()))
    with pytest.raises(ValueError, match="same configuration"):
        VerdictSpecificity().merge_state(everything)
    everything.update(MIXED)
    assert everything.compute().item() > 0
    with pytest.raises(ValueError, match="`languages` to hold codes"):
        VerdictSpecificity(words=replace(ENGLISH, languages=("klingon",)))


def test_vagueness_that_rises_over_turns_shows_beside_pass_and_fail() -> None:
    generator = np.random.default_rng(0)
    specific = "The red cube is left of the box"
    verdicts, passed = [], []
    for _ in range(80):
        vague = generator.random(5) < 0.1 + 0.15 * np.arange(5)
        verdicts.append([VAGUE[generator.integers(4)] if v else specific for v in vague])
        passed.append((generator.random(5) < np.where(vague, 0.9, 0.6)).tolist())
    metric = VerdictSpecificity(detail=True)
    metric.update(verdicts, [[PROMPT] * 5] * 80, preds=passed)
    found = metric.compute()
    assert found["verdict_specificity_slope_upper"] < 0
    assert found["verdict_specificity_right_turn_5"] > found["verdict_specificity_right_turn_1"]
    assert found["verdict_specificity_correlation_upper"] < 0


def test_correlations_equal_scipy_overall_and_by_turn() -> None:
    generator = np.random.default_rng(1)
    words = ["red", "cube", "the", "looks"]
    verdicts = [[" ".join(generator.choice(words, 5)) for _ in range(3)] for _ in range(40)]
    preds, truth = generator.integers(0, 2, (40, 3)), generator.integers(0, 2, (40, 3))
    metric = VerdictSpecificity(detail=True)
    for part in (slice(0, 10), slice(10, 40)):
        ids = list(range(40))[part]
        metric.update(verdicts[part], preds=torch.tensor(preds[part]), target=torch.tensor(truth[part]), dialogue=ids)
    found = metric.compute()
    scores = verdict_specificity(verdicts, reduction="none").numpy()
    right = (preds == truth).astype(float)
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
    assert found["verdict_specificity_correlation_turn_1"].isnan()
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


def test_refusals_name_the_argument() -> None:
    with pytest.raises(TypeError, match="`verdicts` to hold strings, got 3 at row 1"):
        VerdictSpecificity().update(["a", 3], dialogue=[0, 0], turn=[1, 2])
    with pytest.raises(ValueError, match="`preds` to have one entry for each of `verdicts`"):
        VerdictSpecificity().update(["a", "b"], preds=[1], dialogue=[0, 0], turn=[1, 2])


def test_other_word_lists_or_weights_are_another_configuration() -> None:
    metric, other = VerdictSpecificity(), VerdictSpecificity(weights=(1.0, 0.0, 1.0))
    with pytest.raises(ValueError, match="same configuration"):
        metric.merge_state(other)
