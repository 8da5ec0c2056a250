# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""The streaming verifier curve against the exact one, and its intervals."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from imug_metrics import BestOfN, VerifierCurve
from imug_metrics.functional import rejection_sampling, verified_accuracy, verifier_curve
from tests.coverage.data import Records
from tests.coverage.estimates import by_run
from tests.metrics import cases

CASES = {
    "verifier": cases.Case(lambda **k: VerifierCurve(bins=8, **k), cases.verified),
}


def data(records: int, seed: int, spread: float = 0.0) -> dict[str, Tensor]:
    """Four candidates a record on a grid of 1/32; with `spread` some records are easier than others."""
    generator = torch.Generator().manual_seed(seed)
    odds = -0.5 + spread * torch.randn(records, 1, generator=generator)
    target = (torch.rand(records, 4, generator=generator) < odds.sigmoid()).double()
    scores = (torch.randn(records, 4, generator=generator) + 1.5 * target - 0.5).sigmoid()
    scores = ((scores * 32).floor().clamp(0, 31) + 0.5).double() / 32
    place = torch.arange(records)
    return {"scores": scores, "target": target, "dialogue": place // 2, "turn": place % 2 + 1}


def test_on_the_grid_of_its_bins_it_is_exact() -> None:
    columns = data(400, 0)
    metric = VerifierCurve(ns=(2, 16), thresholds=(0.5, 0.75), detail=True)
    metric.update(**columns)
    found = metric.compute()
    roc = verifier_curve(columns["scores"], columns["target"])
    torch.testing.assert_close(found["verifier_curve"], roc.auroc)
    torch.testing.assert_close(found["verifier_curve_base"], roc.base)
    predicted = verified_accuracy(roc.base, roc.true_accept, roc.false_accept, [2, 16, float("inf")])
    names = [f"verifier_curve_{name}" for name in ("best_of_2", "best_of_16", "ceiling")]
    torch.testing.assert_close(torch.stack([found[name] for name in names]), predicted)
    for i, threshold in ((1, 0.5), (2, 0.75)):
        last = (roc.threshold >= threshold).sum() - 1
        accuracy, tries = rejection_sampling(roc.base, roc.true_accept[last], roc.false_accept[last])
        torch.testing.assert_close(found[f"verifier_curve_accepted_{i}"], accuracy)
        torch.testing.assert_close(found[f"verifier_curve_tries_{i}"], tries)
        torch.testing.assert_close(found[f"verifier_curve_true_accept_{i}"], roc.true_accept[last])


def test_intervals_cover_the_truth() -> None:
    exact = verifier_curve(*(data(200_000, 1)[name] for name in ("scores", "target")))
    truth = {"auroc": exact.auroc, "base": exact.base}
    truth["best_of_4"] = verified_accuracy(exact.base, exact.true_accept, exact.false_accept, 4)
    columns = data(120 * 150, 10)
    rows = Records(columns.pop("dialogue"), columns.pop("turn"), 150, 60)
    found = by_run(VerifierCurve(ns=(4,), max_turns=1, detail=True), rows, **columns)
    for name, value in truth.items():
        bounds = found[name][0]
        held = ((bounds.lower <= value) & (value <= bounds.upper)).double().mean()
        assert 0.89 <= held <= 0.99, name


def test_prediction_is_too_high_where_records_differ_in_difficulty() -> None:
    """A pool forgets that candidates of one turn share its difficulty; best-of-n itself does not."""
    columns = data(4000, 2, spread=3.0)
    predicted, seen = VerifierCurve(ns=(4,), detail=True), BestOfN(4)
    predicted.update(**columns)
    seen.update(columns["target"], columns["scores"], dialogue=columns["dialogue"], turn=columns["turn"])
    assert predicted.compute()["verifier_curve_best_of_4_lower"] > seen.compute() + 0.05
    same = data(4000, 2)
    predicted.reset()
    predicted.update(**same)
    seen.reset()
    seen.update(same["target"], same["scores"], dialogue=same["dialogue"], turn=same["turn"])
    found = predicted.compute()
    assert found["verifier_curve_best_of_4"].item() == pytest.approx(seen.compute().item(), abs=0.02)


def test_base_is_shown_by_turn() -> None:
    metric = VerifierCurve(detail=True)
    columns = data(100, 3)
    metric.update(**columns)
    found = metric.compute()
    first = columns["target"][columns["turn"] == 1].mean()
    torch.testing.assert_close(found["verifier_curve_base_turn_1"], first)
    assert "verifier_curve_turn_1" not in found


def test_labels_that_are_neither_are_refused() -> None:
    with pytest.raises(ValueError, match="`target` to hold 0 and 1"):
        VerifierCurve().update([[0.5]], [[0.5]], dialogue=[0], turn=[1])


def test_scores_beyond_the_bins_are_refused_or_left_out_and_never_clamped() -> None:
    """A perfect verifier whose logits all lie beyond the last bin would have the AUROC of chance."""
    logits, target = torch.tensor([[[4.0, 2.0]], [[3.0, -1.5]]]), torch.tensor([[[1, 0]], [[1, 0]]])
    metric = VerifierCurve()
    with pytest.raises(
        ValueError, match=r"`scores` to lie in 0 to 1, .*set `low` and `high`.* got 4 at row \[0, 0, 0\]"
    ):
        metric.update(logits, target)
    with pytest.raises(ValueError, match=r"got -1\.5 at row \[1, 0, 1\]"):
        VerifierCurve(high=4.0).update(logits, target)
    assert metric.update_count == 0
    unseen = VerifierCurve(validate=False, detail=True)
    unseen.update(logits, target)
    found = unseen.compute()
    assert found["verifier_curve"].isnan()
    assert found["verifier_curve_coverage"] == 0
    wide = VerifierCurve(low=-5, high=5, thresholds=(0,))
    wide.update(logits, target)
    assert wide.compute() == verifier_curve(logits, target).auroc == 1
    # What is not there may have any score, and ends of the range may be rounded.
    metric.update(torch.tensor([[7.0, 1 + 1e-7, -1e-7]]), torch.tensor([[torch.nan, 1, 0]]), dialogue=[0], turn=[1])
    assert metric.compute() == 1


@pytest.mark.parametrize("validate", [True, False])
def test_infinite_scores_are_those_of_the_outer_bins(validate: bool) -> None:
    scores = torch.tensor([[torch.inf, 0.5, -torch.inf]])
    metric = VerifierCurve(validate=validate)
    metric.update(scores, torch.tensor([[1, 1, 0]]), dialogue=[0], turn=[1])
    assert metric.compute() == verifier_curve(scores, torch.tensor([[1, 1, 0]])).auroc == 1


@pytest.mark.parametrize("arguments", [{"low": 1.0}, {"ns": [0]}, {"thresholds": [2.0]}, {"bins": 1}])
def test_wrong_arguments_are_refused(arguments: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=f"`{next(iter(arguments))}`"):
        VerifierCurve(**arguments)
