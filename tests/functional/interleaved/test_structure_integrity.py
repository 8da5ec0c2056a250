# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Structure scores: by hand, against a plain loop, and the law of what a perturbation may do."""

from __future__ import annotations

import math
from collections import Counter

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from imug_metrics.functional import structure_integrity
from imug_metrics.functional.interleaved.structure_integrity import score_counts
from imug_metrics.reading.tags import MODALITIES

COUNTS = st.lists(st.integers(0, 4), min_size=7, max_size=7)
PLACE = st.integers(0, 6)
SLACK = 1e-12


def by_loop(pred: list[int], ref: list[int], empty: float = 1.0) -> tuple[float, float]:
    """The published formulas, one modality at a time."""
    union = [m for m in range(7) if pred[m] or ref[m]]
    asked = [m for m in range(7) if ref[m]]
    strict = sum(2 * min(pred[m], ref[m]) / (pred[m] + ref[m]) for m in union) / len(union) if union else empty
    return strict, sum(pred[m] > 0 for m in asked) / len(asked) if asked else empty


def scores(pred: list[int], ref: list[int]) -> tuple[float, float]:
    found = score_counts(torch.tensor([pred]), torch.tensor([ref]))
    return float(found.strict), float(found.lenient)


def texts(counts: list[int]) -> list[str]:
    return [f"<{name}{k}>" for name, count in zip(MODALITIES, counts) for k in range(1, count + 1)]


@settings(deadline=None)
@given(COUNTS, COUNTS)
def test_agrees_with_a_plain_loop_and_strict_never_exceeds_lenient(pred: list[int], ref: list[int]) -> None:
    strict, lenient = scores(pred, ref)
    assert (strict, lenient) == pytest.approx(by_loop(pred, ref), abs=SLACK)
    if any(ref):
        assert 0 <= strict <= lenient + SLACK <= 1 + 2 * SLACK


@settings(deadline=None)
@given(COUNTS, COUNTS, PLACE)
def test_an_item_more_away_from_the_reference_lowers_strict_or_leaves_it_where_the_law_says(
    pred: list[int], ref: list[int], place: int
) -> None:
    """Adding an item of a type that has enough already, or that is not asked for."""
    pred[place] += ref[place] if pred[place] < ref[place] else 0
    before, _ = scores(pred, ref)
    spurious, known = ref[place] == 0, pred[place] > 0
    empty = not any(pred) and not any(ref)
    pred[place] += 1
    after, _ = scores(pred, ref)
    if spurious and (known or (before == 0 and not empty)):
        assert after == pytest.approx(before, abs=SLACK)
    else:
        assert after < before - SLACK


@settings(deadline=None)
@given(COUNTS, COUNTS, PLACE)
def test_an_item_less_away_from_the_reference_always_lowers_strict(pred: list[int], ref: list[int], place: int) -> None:
    """Removing an item of an asked type that has no more than enough."""
    ref[place] = max(ref[place], 1)
    pred[place] = min(max(pred[place], 1), ref[place])
    before, _ = scores(pred, ref)
    pred[place] -= 1
    after, _ = scores(pred, ref)
    assert after < before - SLACK


@settings(deadline=None)
@given(COUNTS, COUNTS, PLACE)
def test_a_step_towards_the_reference_raises_strict_or_leaves_it(pred: list[int], ref: list[int], place: int) -> None:
    if pred[place] == ref[place]:
        pred[place] += 1
    before, _ = scores(pred, ref)
    spurious, last = ref[place] == 0, pred[place] == 1
    pred[place] += 1 if pred[place] < ref[place] else -1
    after, _ = scores(pred, ref)
    still_something = any(pred) or any(ref)
    if spurious and (not last or (before == 0 and still_something)):
        assert after == pytest.approx(before, abs=SLACK)
    else:
        assert after > before + SLACK


@settings(deadline=None)
@given(COUNTS, PLACE, st.integers(-4, 4).filter(bool))
def test_any_change_of_a_right_answer_lowers_strict(ref: list[int], place: int, change: int) -> None:
    pred = list(ref)
    pred[place] = max(0, pred[place] + change)
    if pred != ref:
        assert scores(pred, ref)[0] < scores(ref, ref)[0] == 1


@settings(deadline=None)
@given(COUNTS, COUNTS, PLACE, st.integers(1, 4))
def test_lenient_falls_only_when_an_asked_type_goes(pred: list[int], ref: list[int], place: int, change: int) -> None:
    _, before = scores(pred, ref)
    more, less = list(pred), list(pred)
    more[place] += change
    less[place] = max(0, less[place] - change)
    assert scores(more, ref)[1] >= before - SLACK
    _, after = scores(less, ref)
    if ref[place] > 0 and pred[place] > 0 and less[place] == 0:
        assert after == pytest.approx(before - 1 / sum(count > 0 for count in ref), abs=SLACK)
    else:
        assert after == pytest.approx(before, abs=SLACK)


@settings(max_examples=50, deadline=None)
@given(COUNTS, COUNTS, st.randoms(use_true_random=False))
def test_order_and_numbers_of_tags_change_nothing(pred: list[int], ref: list[int], random: object) -> None:
    tags = texts(pred)
    random.shuffle(tags)  # type: ignore[attr-defined]
    renumbered = [tag.replace(">", "7>") for tag in tags]
    for shuffled in (tags, renumbered):
        found = structure_integrity([" and ".join(shuffled)], [" ".join(texts(ref))])
        assert (float(found.strict), float(found.lenient)) == pytest.approx(by_loop(pred, ref), abs=SLACK)


def test_by_hand() -> None:
    found = structure_integrity(
        ["<image1> <image2> <audio1>", "<code1>", "nothing", "<video1>"],
        ["<image1> <video1>", "<code2>", "plain", "words"],
        reduction="none",
    )
    torch.testing.assert_close(found.strict, torch.tensor([2 / 9, 1, 1, 0], dtype=torch.float64))
    torch.testing.assert_close(found.lenient, torch.tensor([0.5, 1, 1, 1], dtype=torch.float64))
    f1 = dict(zip(MODALITIES, found.f1[0].tolist()))
    assert f1["image"] == pytest.approx(2 / 3)
    assert (f1["audio"], f1["video"]) == (0, 0)
    assert math.isnan(f1["code"])


@pytest.mark.parametrize("empty", [0.0, 1.0, math.nan])
def test_what_nothing_against_nothing_scores_is_an_argument(empty: float) -> None:
    found = structure_integrity(["a", "<image1>"], ["b", "c"], empty=empty, reduction="none")
    expected = torch.tensor([[empty, 0], [empty, empty]], dtype=torch.float64)
    torch.testing.assert_close(torch.stack(found[:2]), expected, equal_nan=True)


def test_absent_answers_are_undefined() -> None:
    found = structure_integrity(["<image1>", None], ["<image1>", "<image1>"], reduction="none")
    assert found.strict.isnan().tolist() == [False, True]
    assert structure_integrity(["<image1>", None], ["<image1>"] * 2).strict == 1
    padded = structure_integrity([["<image1>", "<code1>"], ["<image1>"]], [["<image1>", "x"], ["y"]], reduction="none")
    assert padded.strict.shape == (2, 2)
    assert padded.strict.isnan().tolist() == [[False, False], [False, True]]


def test_arguments_are_refused_with_row_and_name() -> None:
    counts = torch.ones(2, 7)
    with pytest.raises(ValueError, match="`target`"):
        structure_integrity(counts, counts[:1])
    for wrong in (-1.0, 0.5):
        bad: Tensor = counts.clone()
        bad[1, 3] = wrong
        with pytest.raises(ValueError, match=r"`preds`.*row 1"):
            structure_integrity(bad, counts)
    with pytest.raises(ValueError, match="`repeated`"):
        structure_integrity(counts, counts, repeated="twice")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="`reduction`"):
        structure_integrity(counts, counts, reduction="sum")  # type: ignore[arg-type]


def test_many_at_once_are_each_as_alone() -> None:
    counts = torch.randint(0, 4, (2, 300, 7), generator=torch.Generator().manual_seed(0))
    found = score_counts(*counts)
    for row in range(300):
        expected = by_loop(*counts[:, row].tolist())
        assert (float(found.strict[row]), float(found.lenient[row])) == pytest.approx(expected, abs=SLACK)
    assert Counter(found.strict.isnan().tolist()) == {False: 300}


def test_numbers_that_no_answer_has_are_refused() -> None:
    endless = torch.tensor([[0, math.inf, 0, 0, 0, 0, 0]])
    with pytest.raises(ValueError, match=r"`preds`.*row 0"):
        structure_integrity(endless, endless)
    with pytest.raises(ValueError, match="`empty`"):
        structure_integrity(["a"], ["b"], empty=7.0)


def test_one_text_is_not_taken_for_a_list_of_letters() -> None:
    with pytest.raises(TypeError, match=r"`preds`.*list"):
        structure_integrity("<image1>", "<code11>")


def test_counts_too_large_to_add_are_no_absent_answer() -> None:
    preds, target = torch.zeros(1, 7, dtype=torch.float64), torch.zeros(1, 7, dtype=torch.float64)
    preds[:, :2], target[:, 0] = 1e308, 1
    assert structure_integrity(preds, target).strict.isfinite()
