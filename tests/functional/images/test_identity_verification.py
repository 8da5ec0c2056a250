# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""identity_verification and the scores of verification against their definitions, pair by pair, and scikit-learn."""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np
import pytest
import torch
from scipy.interpolate import interp1d
from scipy.optimize import brentq
from sklearn import config_context
from sklearn.metrics import roc_auc_score, roc_curve
from torch import Tensor

from imug_metrics.errors import InputError
from imug_metrics.functional import (
    identity_pairs,
    identity_verification,
    verification_curve,
    verification_histograms,
    verification_scores,
)
from imug_metrics.functional.images.identity_verification import group_column, of_counts
from imug_metrics.stats.verification import bin_of, tie_share
from tests.functional.images.verification_proof import check_case, drawn

KINDS = ("same", "within", "across", "hard_within", "hard", "shared")


def test_areas_are_those_of_scikit_learn() -> None:
    generator, steps = np.random.default_rng(0), torch.arange(9, dtype=torch.float64)
    labels, scores = generator.integers(0, 2, (16, 800)), generator.integers(0, 9, (16, 800))
    labels[:2] = [[0], [1]]
    with config_context(skip_parameter_validation=True, assume_finite=True):
        expected = roc_auc_score(labels, scores, average=None)
    reached = torch.from_numpy(scores)[..., None] == steps
    same, different = ((reached & torch.from_numpy(labels == kind)[..., None]).sum(0) for kind in (1, 0))
    found = of_counts(same, different, 0.1, steps, steps)
    np.testing.assert_allclose(found.auc.numpy(), expected, rtol=0, atol=1e-9)
    for case in range(300):
        alone = verification_scores(*(scores[labels[:, case] == kind, case].astype(float) for kind in (1, 0)), far=0.1)
        for name in ("auc", "eer", "tpr", "dprime"):
            counted = getattr(found, name)[case]
            torch.testing.assert_close(getattr(alone, name), counted, rtol=0, atol=1e-9, equal_nan=True)


def test_curves_are_those_of_scikit_learn() -> None:
    """`make verification` compares ten thousand."""
    with config_context(skip_parameter_validation=True, assume_finite=True):
        for seed in range(200):
            check_case(seed)


def test_ten_thousand_areas_from_counts_are_the_share_of_pairs_that_are_right() -> None:
    levels = 9
    counts = torch.from_numpy(np.random.default_rng(0).integers(0, 4, (2, 10_000, levels)))
    counts[:, :, 0] += 1
    steps = torch.arange(levels, dtype=torch.float64)
    right = (steps[:, None] > steps).double() + (steps[:, None] == steps).double() / 2
    expected = torch.einsum("cs,sd,cd->c", counts[0].double(), right, counts[1].double())
    expected = expected / (counts[0].sum(1) * counts[1].sum(1))
    found = of_counts(counts[0], counts[1], 0.1, steps, steps)
    torch.testing.assert_close(found.auc, expected, rtol=0, atol=1e-9)


@pytest.mark.parametrize("seed", range(200))
def test_the_equal_error_rate_is_where_the_lines_of_the_curve_cross(seed: int) -> None:
    same, different = drawn(seed)
    labels, scores = np.repeat([1, 0], [len(same), len(different)]), np.concatenate([same, different])
    fpr, tpr, _ = roc_curve(labels, scores, drop_intermediate=False)
    path = np.arange(len(fpr))  # along the curve, which may rise straight
    along = brentq(lambda t: float(interp1d(path, fpr)(t) + interp1d(path, tpr)(t)) - 1, 0, len(fpr) - 1, xtol=1e-13)
    assert float(verification_scores(same, different).eer) == pytest.approx(float(interp1d(path, fpr)(along)), abs=1e-9)


@pytest.mark.parametrize("far", [0.1, 0.25, 0.5])
def test_the_rate_at_a_rate_of_false_accepts_is_the_best_of_all_thresholds_that_keep_it(far: float) -> None:
    for seed in range(200):
        same, different = drawn(seed)
        found = verification_scores(same, different, far)
        if 1 / len(different) > far:
            assert found.tpr.isnan()
            assert found.threshold.isnan()
            continue
        kept = [t for t in {*same, *different} if (different >= t).mean() <= far]
        assert float(found.tpr) == max(((same >= t).mean() for t in kept), default=0.0)
        assert float(found.threshold) == pytest.approx(min(kept, default=math.nan), nan_ok=True)


def test_so_small_a_rate_that_no_pair_may_be_accepted_is_not_shown() -> None:
    same, different = torch.tensor([0.9, 0.8]), torch.arange(100) / 200
    assert verification_scores(same, different, far=0.01).tpr == 1
    assert verification_scores(same, different[1:], far=0.01).tpr.isnan()
    assert verification_scores(same, different[1:], far=0.01).auc == 1


def test_the_distance_is_that_of_means_in_standard_deviations() -> None:
    for seed in range(50):
        same, different = drawn(seed)
        spread = (same.var() + different.var()) / 2
        expected = (same.mean() - different.mean()) / np.sqrt(spread) if spread else math.nan
        assert float(verification_scores(same, different).dprime) == pytest.approx(expected, abs=1e-9, nan_ok=True)


def test_what_is_not_finite_is_left_out_and_nothing_is_undefined() -> None:
    found = verification_scores([0.9, math.nan, math.inf], [0.1, -math.inf])
    assert found.auc == 1
    for same, different in (([], [0.5]), ([0.5], []), ([], [])):
        assert all(value.isnan() for value in verification_scores(same, different))
        assert verification_curve(same, different).threshold[0] == math.inf
    assert verification_scores([0.5], [0.5]).auc == 0.5
    assert verification_scores([0.5], [0.4]).dprime.isnan(), "neither varies"


@pytest.mark.parametrize("bins", [16, 64, 512])
@pytest.mark.parametrize("seed", range(10))
def test_a_histogram_errs_by_no_more_than_it_says(seed: int, bins: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    same = torch.rand(150, generator=generator).double() * 0.6 + 0.3
    different = torch.rand(700, generator=generator).double() - 0.3
    counts = [torch.bincount(bin_of(scores, bins), minlength=bins) for scores in (same, different)]
    found, exact = verification_histograms(*counts, far=0.05), verification_scores(same, different, far=0.05)
    curve, width = verification_curve(same, different), 2 / bins
    assert (found.auc - exact.auc).abs() <= tie_share(*counts) + 1e-12 < 0.5
    in_one_bin = counts[0].max() / len(same)
    assert exact.tpr - in_one_bin <= found.tpr <= exact.tpr
    assert found.threshold < exact.threshold + width + 1e-7, "cosines are multiples of 2**-24"
    assert (different > found.threshold + 1e-7).double().mean() <= 0.05
    steps = (counts[0] / len(same)).max(), (counts[1] / len(different)).max()
    assert (found.eer - exact.eer).abs() <= max(steps)
    # Means are off by half a bin at most, and so is the standard deviation.
    deviation = ((same.var(correction=0) + different.var(correction=0)) / 2).sqrt()
    distance = same.mean() - different.mean()
    low, high = (distance - width) / (deviation + width / 2), (distance + width) / (deviation - width / 2)
    assert low <= found.dprime <= high
    assert curve.fmr[-1] == curve.tpr[-1] == 1


def records(seed: int = 0, several: bool = True) -> dict[str, Any]:
    """Dialogues of 1 to 6 images with up to two subjects, of ids that occur in other dialogues as well."""
    generator = torch.Generator().manual_seed(seed)
    lengths = torch.randint(1, 7, (12,), generator=generator)
    dialogue = torch.randperm(40, generator=generator)[:12].repeat_interleave(lengths)
    turn = torch.cat([torch.arange(1, int(length) + 1) for length in lengths])
    subject = (turn + dialogue) % 3
    images = torch.randn(40, 3, 1, 6, generator=generator)[dialogue, subject * several][:, 0]
    images = images + 0.7 * torch.randn(len(turn), 6, generator=generator)
    images[::9] = 0
    order = torch.randperm(len(turn), generator=generator)
    columns = {"images": images, "dialogue": dialogue, "turn": turn, "group": dialogue % 3 - 1}
    columns |= {"subject": subject} if several else {}
    return {name: column[order] for name, column in columns.items()}


def loop(rows: dict[str, Any]) -> dict[str, list[float]]:
    """Cosines by kind, pair by pair."""
    found: dict[str, list[float]] = {kind: [] for kind in KINDS}
    for one, two in itertools.combinations(range(len(rows["turn"])), 2):
        if not (rows["images"][one].any() and rows["images"][two].any()):
            continue
        cosine = float(torch.nn.functional.cosine_similarity(*rows["images"][[one, two]].double(), dim=0))
        together = rows["dialogue"][one] == rows["dialogue"][two]
        alike = rows["subject"][one] == rows["subject"][two] if "subject" in rows else together
        hard = rows["group"][one] == rows["group"][two] != -1
        kind = {(True, True): "same", (True, False): "within", (False, False): "across", (False, True): "shared"}
        name = kind[bool(together), bool(alike)]
        found[name].append(cosine)
        if hard and name in ("within", "across"):
            found["hard_within" if name == "within" else "hard"].append(cosine)
    return found


@pytest.mark.parametrize("several", [True, False])
@pytest.mark.parametrize("seed", range(4))
def test_pairs_are_of_the_kind_that_they_are_called(seed: int, several: bool) -> None:
    rows = records(seed, several)
    found, expected = identity_pairs(**rows), loop(rows)
    for kind in KINDS:
        mine = getattr(found, kind).sort().values
        torch.testing.assert_close(mine, torch.tensor(sorted(expected[kind])).double(), rtol=0, atol=1e-7, msg=kind)
    assert bool(expected["within"]) == bool(expected["shared"]) == several


@pytest.mark.parametrize("several", [True, False])
@pytest.mark.parametrize("bins", [8, 512])
def test_histograms_hold_the_same_pairs(bins: int, several: bool) -> None:
    for seed in range(4):
        rows = records(seed, several)
        found, exact = identity_pairs(**rows, bins=bins), identity_pairs(**rows)
        for kind in KINDS:
            counts = torch.bincount(bin_of(getattr(exact, kind), bins), minlength=bins)
            assert torch.equal(getattr(found, kind), counts), kind


@pytest.mark.parametrize("negatives", ["across", "within", "hard", "hard_within"])
def test_the_area_is_that_of_the_pairs_against_the_kind_that_is_named(negatives: Any) -> None:
    rows = records()
    pairs = identity_pairs(**rows)
    expected = verification_scores(pairs.same, getattr(pairs, negatives)).auc
    assert identity_verification(**rows, negatives=negatives) == expected
    counts = identity_pairs(**rows, bins=512)
    binned = identity_verification(**rows, negatives=negatives, bins=512)
    assert (binned - expected).abs() <= tie_share(counts.same, getattr(counts, negatives)) + 1e-12


@pytest.mark.parametrize("bins", [None, 128])
def test_values_of_records_are_means_over_their_pairs_of_the_share_that_is_less_close(bins: int | None) -> None:
    rows = records()
    values = identity_verification(**rows, bins=bins, reduction="none")
    key = rows["dialogue"] * 3 + rows["subject"]
    there = rows["images"].any(1)
    partners = ((key[:, None] == key) & there & there[:, None]).sum(1) - there.long()
    assert torch.equal(values.isnan(), partners < 1)
    mean = (values.nan_to_num() * partners).sum() / partners.clamp_min(0).sum()
    torch.testing.assert_close(mean, identity_verification(**rows, bins=bins), rtol=1e-9, atol=0)
    if bins is None:
        different = loop(rows)["across"]
        row = int((partners == 1).nonzero()[0])
        other = int(((key == key[row]) & there & (torch.arange(len(key)) != row)).nonzero()[0])
        cosine = float(torch.nn.functional.cosine_similarity(*rows["images"][[row, other]].double(), dim=0))
        assert float(values[row]) == pytest.approx(np.mean([d < cosine for d in different]), abs=1e-9)


def test_padded_records_and_names_give_the_same() -> None:
    generator = torch.Generator().manual_seed(3)
    images, subject = torch.randn(5, 4, 6, generator=generator), torch.arange(20).view(5, 4) % 2
    names = [["cat", "dog"] * 2] * 5
    flat = {"dialogue": torch.arange(5).repeat_interleave(4), "turn": torch.arange(1, 5).repeat(5)}
    expected = identity_pairs(images.flatten(0, 1), subject=subject.flatten(), group=subject.flatten(), **flat)
    for group in (subject, names, [[*line[:3], line[3]] for line in names]):
        for kind, found in zip(KINDS, identity_pairs(images, subject=subject, group=group)):
            torch.testing.assert_close(found.sort().values, getattr(expected, kind).sort().values, msg=kind)


def test_one_image_for_everything_is_at_chance() -> None:
    images = torch.randn(1, 1, 6).expand(5, 3, 6)
    assert identity_verification(images) == 0.5
    assert identity_verification(images, bins=16) == 0.5


def test_without_pairs_of_both_kinds_there_is_nothing_to_say() -> None:
    images = torch.randn(4, 3, 6)
    assert identity_verification(images[:, :1]).isnan(), "no two images of one subject"
    assert identity_verification(images[:1]).isnan(), "no other subject"
    assert identity_verification(images, negatives="within").isnan()
    assert identity_verification(images[:0].flatten(0, 1), dialogue=[], turn=[]).isnan()
    assert identity_verification(images[:1], reduction="none").isnan().all()


def test_the_distance_of_pairs_has_a_gradient_that_draws_images_of_one_subject_together() -> None:
    images = torch.randn(6, 3, 8, dtype=torch.float64, generator=torch.Generator().manual_seed(0)).requires_grad_()

    def distance(rows: Tensor) -> Tensor:
        pairs = identity_pairs(rows)
        return verification_scores(pairs.same, pairs.across).dprime

    before = distance(images)
    (gradient,) = torch.autograd.grad(before, images)
    assert gradient.isfinite().all()
    assert distance(images.detach() + 0.1 * gradient / gradient.norm()) > before


def test_groups_that_are_none_are_no_group() -> None:
    assert group_column([1, -1, None]).values.isnan().tolist() == [False, True, True]
    assert group_column(["a", None, "a"]).values.isnan().tolist() == [False, True, False]
    named = group_column([["a"], ["b", "a"]])
    assert named.ends == (1, 2)
    assert named.values[0] == named.values[3] != named.values[2]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: verification_scores([0.1], [0.2], far=0), "`far` to be between 0 and 1, got 0"),
        (lambda: verification_scores([[0.1]], [0.2]), r"`same` to have shape \[P\], got \[1, 1\]"),
        (lambda: verification_histograms(torch.ones(2), torch.ones(3)), "`different` to have 2 bins, as `same`, got 3"),
        (lambda: verification_histograms(torch.ones(2), -torch.ones(2)), "`different` to hold whole numbers .* got -1"),
        (lambda: verification_histograms([0.5, 0.5], [1, 1]), "`same` to hold whole numbers of at least 0, got 0.5"),
        (lambda: verification_histograms([1, math.nan], [1, 1]), "`same` to hold whole numbers .* got nan at row 1"),
        (lambda: verification_histograms([1, 1], [1, math.inf]), "`different` to hold whole numbers .* got inf"),
        (lambda: identity_pairs(torch.ones(1, 2, 3), bins=513), "`bins` to be an integer from 2 to 512, got 513"),
        (lambda: identity_pairs(torch.ones(1, 2, 3), group=["a", 1]), "`group` to hold names or integers, not mixed"),
        (lambda: identity_pairs(torch.ones(1, 2, 3), group=[[0.5, 1]]), "`group` to hold names or integers, got 0.5"),
        (lambda: identity_pairs(torch.ones(1, 2, 3), group=[["a"]]), "`group` to have"),
    ],
)
def test_wrong_arguments_are_named(call: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        call()


def test_a_spread_beyond_all_numbers_is_unknown() -> None:
    found = verification_scores([1e300, 1e308], [-1e308, 1e300])
    assert float(found.auc) == 0.875
    assert found.dprime.isnan(), "0 would say that the kinds are alike"


def test_unknown_choices_are_refused() -> None:
    with pytest.raises(ValueError, match="`negatives` to be one of"):
        identity_verification(torch.ones(1, 2, 3), negatives="all")
    with pytest.raises(ValueError, match="`reduction` to be 'mean' or 'none'"):
        identity_verification(torch.ones(1, 2, 3), reduction="sum")
