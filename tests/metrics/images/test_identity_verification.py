# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Verification of subjects from histograms and a bounded sample: what all pairs give, in constant memory."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

from imug_metrics import IdentityVerification
from imug_metrics.functional import identity_pairs, identity_verification, verification_histograms
from imug_metrics.stats.bounded_sample import hash_keys
from tests.metrics import cases

SMALL: dict[str, Any] = {"sample": 128, "bins": 64, "groups": 8}
REFUSED = ("missing", "average", "bootstrap", "seed")


def _grouped(dialogue: Tensor, turn: Tensor) -> cases.Batch:
    return {**cases.images(dialogue, turn), "group": cases.labels(dialogue, torch.zeros_like(turn), 51, 3).float()}


def _several_subjects(dialogue: Tensor, turn: Tensor) -> cases.Batch:
    grouped = _grouped(dialogue, turn)
    return {**grouped, "group": grouped["group"].long(), "subject": (turn > 2).long()}


CASES = {
    "identity": cases.Case(lambda **k: IdentityVerification(cases.WIDTH, **SMALL, **k), _grouped, refuses=REFUSED),
    "identity-subjects": cases.Case(
        lambda **k: IdentityVerification(cases.WIDTH, negatives="within", **SMALL, **k),
        _several_subjects,
        rows="codes",
        refuses=REFUSED,
    ),
}

NAME = "identity_verification"
WIDTH = 8


def records(count: int = 60, seed: int = 0, turns: int = 5, noise: float = 1.0) -> dict[str, Tensor]:
    """Dialogues of one or two subjects that fade over turns, some harder than others."""
    draw = torch.Generator().manual_seed(seed)
    subjects = torch.randn(count, 1, 2, WIDTH, generator=draw).expand(-1, turns, -1, -1)
    fading = noise * torch.linspace(0.5, 1.2, turns)[:, None] * (0.5 + torch.rand(count, 1, 1, generator=draw))
    chosen = torch.arange(turns).expand(count, turns) % (1 + torch.arange(count) % 2)[:, None]
    images = subjects.gather(2, chosen[..., None, None].expand(-1, -1, 1, WIDTH))[:, :, 0]
    images = images + fading * torch.randn(count, turns, WIDTH, generator=draw)
    dialogue, turn = torch.arange(count)[:, None].expand(count, turns), torch.arange(1, turns + 1).expand(count, turns)
    columns = {"images": images, "dialogue": dialogue, "turn": turn, "subject": chosen, "group": dialogue % 7}
    return {name: column.flatten(0, 1) for name, column in columns.items()}


def part(rows: dict[str, Tensor], mask: Tensor) -> dict[str, Tensor]:
    return {name: column[mask] for name, column in rows.items()}


def fed(*batches: dict[str, Tensor], **options: Any) -> IdentityVerification:
    metric = IdentityVerification(WIDTH, **{"detail": True, "sample": 1000, "bins": 64, "max_turns": 6} | options)
    for batch in batches:
        metric.update(**batch)
    return metric


@pytest.mark.parametrize("negatives", ["across", "within", "hard", "hard_within"])
def test_all_pairs_are_counted_while_the_sample_holds_all_images(negatives: Any) -> None:
    rows = records()
    counts, metric = identity_pairs(**rows, bins=64), fed(rows, negatives=negatives, far=0.05)
    found, held = metric.compute(), metric.histograms()
    for kind in ("same", "within", "across", "hard", "hard_within"):
        assert torch.equal(held[kind].long(), getattr(counts, kind)), kind
        assert found[f"{NAME}_{kind}_pairs"] == getattr(counts, kind).sum() > 0
    assert len(held["edges"]) == 65
    expected = verification_histograms(counts.same, getattr(counts, negatives), far=0.05)
    for name, value in expected._asdict().items():
        torch.testing.assert_close(found[f"{NAME}_{name}"], value, rtol=1e-12, atol=1e-12, equal_nan=True)
    assert found[NAME] == found[f"{NAME}_{negatives}"] == identity_verification(**rows, bins=64, negatives=negatives)
    plain = fed(rows, negatives=negatives, detail=False)
    assert plain.compute() == found[NAME]
    assert (found[NAME] - identity_verification(**rows, negatives=negatives)).abs() <= found[f"{NAME}_bin_error"]


def test_the_curve_is_that_of_pairs_with_the_first_image() -> None:
    rows = records()
    found, different = fed(rows).compute(), identity_pairs(**rows, bins=64).across
    for turn in range(2, 6):
        subject = rows["dialogue"] * 2 + rows["subject"]
        opening = rows["turn"] == torch.where((rows["subject"] == 1), 2, 1)
        same = torch.zeros(64)
        for row in ((rows["turn"] == turn) & ~opening).nonzero()[:, 0]:
            first = (opening & (subject == subject[row])).nonzero()[0, 0]
            pair = {name: rows[name][torch.stack([first, row])] for name in ("images", "dialogue", "turn")}
            same += identity_pairs(**pair, bins=64).same
        expected = verification_histograms(same, different).auc
        torch.testing.assert_close(found[f"{NAME}_turn_{turn}"], expected)
    assert found[f"{NAME}_turn_2"] > found[f"{NAME}_turn_5"], "subjects fade"
    assert found[f"{NAME}_dprime_slope_upper"] < 0
    assert found[f"{NAME}_turn_6"].isnan()


def test_equal_subject_ids_in_two_dialogues_are_no_pair_of_two_subjects() -> None:
    rows = records()
    found, apart = fed(rows).compute(), fed({**rows, "subject": rows["subject"] + 2 * rows["dialogue"]}).compute()
    assert found[f"{NAME}_across_pairs"] < apart[f"{NAME}_across_pairs"]
    alike = fed(rows, shared_subjects=True).compute()
    assert alike.keys() - found.keys() == {f"{NAME}_shared{end}" for end in ("", "_lower", "_upper", "_pairs")}
    total = alike[f"{NAME}_shared_pairs"] + alike[f"{NAME}_across_pairs"]
    assert total == apart[f"{NAME}_across_pairs"]
    assert alike[NAME] == found[NAME], "by themselves"
    assert 0.4 < alike[f"{NAME}_shared"] < 0.6, "here they are other subjects"


@pytest.mark.parametrize("ids", [[0, 1, 2, 3], [0, 1 << 56, 2 << 56, 1], [-1, 1 << 62, -(1 << 61), 0]])
def test_dialogues_of_any_ids_are_pairs_with_each_other(ids: list[int]) -> None:
    metric = IdentityVerification(width=3, detail=True)
    metric.update(torch.eye(3).expand(4, 3, 3), dialogue=torch.tensor(ids))
    assert metric.compute()["identity_verification_across_pairs"] == 6 * 9


def test_subjects_of_one_update_are_none_of_dialogues_without_names() -> None:
    metric = IdentityVerification(width=3, detail=True, shared_subjects=True)
    metric.update(torch.eye(3).expand(2, 3, 3), dialogue=[0, 1])
    metric.update(torch.eye(3).expand(2, 3, 3), dialogue=[2, 3], subject=torch.tensor([[0], [1]]).expand(2, 3))
    found = metric.compute()
    assert found["identity_verification_across_pairs"] == 6 * 9
    assert found["identity_verification_shared_pairs"] == 0


def test_without_subjects_a_dialogue_is_one() -> None:
    rows = records()
    del rows["subject"]
    found = fed(rows, sample=64).compute()
    assert found[f"{NAME}_same_pairs"] == 60 * 10
    assert found[f"{NAME}_within"].isnan()
    assert found[f"{NAME}_within_pairs"] == 0


def test_the_sample_holds_the_images_of_the_smallest_keys_whatever_the_order() -> None:
    rows = records(200)
    keys = hash_keys(rows["dialogue"], rows["turn"], rows["subject"])
    smallest = rows["images"][keys.argsort()[:100]].double()
    order = torch.randperm(1000, generator=torch.Generator().manual_seed(1))
    shuffled = part(rows, order)
    batches = [part(shuffled, shuffled["dialogue"] % 7 == number) for number in range(7)]
    for metric in (fed(rows, sample=100), fed(*batches, sample=100)):
        units = metric.sampled[:, 4:]
        torch.testing.assert_close(units, torch.nn.functional.normalize(smallest, dim=1))


def test_a_sample_is_near_to_all_pairs() -> None:
    rows = records(400)
    exact, found = identity_verification(**rows, bins=64), fed(rows, sample=256).compute()
    assert found[f"{NAME}_across_pairs"] < 256 * 255 / 2
    assert found[f"{NAME}_lower"] < exact < found[f"{NAME}_upper"]
    assert (found[NAME] - exact).abs() < 0.02


def test_a_dialogue_in_two_processes_is_once_in_the_sample() -> None:
    rows = records()
    one, two = fed(part(rows, rows["dialogue"] < 40)), fed(part(rows, rows["dialogue"] >= 20))
    one.merge_state(two)
    whole = fed(rows)
    assert torch.equal(one.sampled, whole.sampled)
    assert one.histograms()["across"].equal(whole.histograms()["across"])
    with pytest.warns(UserWarning, match="had been counted before"):
        one.compute()


def test_dialogues_without_ids_are_told_apart_by_their_images() -> None:
    rows = records(60)
    lines = {name: column.view(60, 5, *column.shape[1:]) for name, column in rows.items()}
    del lines["subject"], lines["dialogue"], lines["turn"], rows["subject"]
    unnamed = fed({name: column[:30] for name, column in lines.items()})
    unnamed.update(**{name: column[30:] for name, column in lines.items()})
    found, named = unnamed.compute(), fed(rows).compute()
    for key in ("", "_eer", "_dprime", "_turn_3", "_across_pairs", "_same_pairs", "_hard"):
        torch.testing.assert_close(found[f"{NAME}{key}"], named[f"{NAME}{key}"])


def test_coverage_is_of_images_with_another_of_their_subject() -> None:
    rows = records(4)
    rows["images"][:2] = 0  # of a dialogue of one subject, of whom three images are left
    alone = {name: column[:1] for name, column in records(1, seed=9).items()} | {"dialogue": torch.tensor([77])}
    found = fed(rows, alone).compute()
    assert found[f"{NAME}_n"] == 18
    assert found[f"{NAME}_coverage"] == 18 / 21
    assert found[f"{NAME}_dialogues"] == 4


def test_so_small_a_rate_has_a_reason_and_no_number() -> None:
    rows = records(4)
    metric = fed(rows, far=0.001)
    found = metric.compute()
    for key in ("_tpr", "_tpr_lower", "_threshold"):
        assert found[f"{NAME}{key}"].isnan()
    assert "too few pairs of two subjects" in metric.reasons[f"{NAME}_tpr"]
    assert found[NAME].isfinite()


def test_a_perfect_score_has_a_lower_bound() -> None:
    rows = records(30, noise=0.0)
    del rows["subject"]
    found = fed(part(rows, rows["dialogue"] % 2 == 0), groups=32).compute()
    assert found[NAME] == found[f"{NAME}_upper"] == 1
    assert found[f"{NAME}_lower"] == pytest.approx(0.025 ** (1 / 15)), "of 15 dialogues all of one outcome"
    assert found[f"{NAME}_eer"] == found[f"{NAME}_eer_lower"] == 0


def test_one_image_for_everything_is_at_chance_and_has_no_interval() -> None:
    rows = records()
    metric = fed({**rows, "images": torch.ones_like(rows["images"])})
    found = metric.compute()
    assert found[NAME] == 0.5
    assert found[f"{NAME}_lower"].isnan()
    assert "the same in all dialogues" in metric.reasons[NAME]


def test_few_dialogues_have_no_interval() -> None:
    metric = fed(records(1))
    found = metric.compute()
    assert found[NAME].isnan(), "no pair across dialogues"
    metric = fed(part(records(2), torch.ones(10, dtype=torch.bool)), groups=2)
    assert metric.compute()[f"{NAME}_lower"].isnan(), "without one of them there is no pair of two subjects"
    assert metric.reasons[NAME] == "fewer than 2 effective dialogues carry it"


@pytest.mark.parametrize("count", [12, 60])
def test_intervals_cover_the_value_of_many_dialogues(count: int) -> None:
    """Subjects are harder or easier, so that pairs of one dialogue go together."""
    samples = 60
    rows = records(count * samples, seed=5, turns=3)
    truth = fed(rows, sample=1500, bins=512).compute()
    covered = dict.fromkeys(("", "_eer", "_dprime", "_turn_3", "_dprime_slope"), 0)
    for sample in range(samples):
        found = fed(part(rows, rows["dialogue"] // count == sample), sample=200, bins=512).compute()
        for key in covered:
            covered[key] += int(found[f"{NAME}{key}_lower"] <= truth[f"{NAME}{key}"] <= found[f"{NAME}{key}_upper"])
    assert min(covered.values()) >= 0.87 * samples, f"95 % are expected to: {covered}"


def test_the_state_travels_and_one_that_is_no_sample_is_refused() -> None:
    metric = fed(records())
    restored = IdentityVerification.from_bytes(metric.to_bytes())
    assert torch.equal(restored.sampled, metric.sampled)
    for key, value in metric.compute().items():
        torch.testing.assert_close(restored.compute()[key], value, rtol=0, atol=0, equal_nan=True)
    state = {name: value.clone() for name, value in metric.metric_state.items()}
    for wrong in (state["sampled"].flip(0), state["sampled"] + 0.5, -state["sampled"]):
        with pytest.raises(ValueError, match="sampled to hold rows of rising keys"):
            metric.merge_state({**state, "sampled": wrong})


def test_refused_batches_leave_the_state_as_it_was() -> None:
    rows = records()
    metric = fed(rows)
    before = {name: value.clone() for name, value in metric.metric_state.items()}
    for wrong, message in (
        ({"images": torch.randn(300, 5)}, "`images` to hold embeddings of one width in all updates, got 5 after 8"),
        ({"group": torch.full((300,), 0.5)}, "`group` to hold names or integers, got 0.5 at row 0"),
        ({"group": ["a"]}, "`group` to have one entry for each of `images`"),
        ({"subject": torch.rand(300)}, "`subject` to"),
    ):
        with pytest.raises(ValueError, match=message):
            metric.update(**{**rows, **wrong})
    with pytest.raises(ValueError, match="`images` to have the width of the metric, 3, got 8"):
        IdentityVerification(3).update(**rows)
    for name, value in before.items():
        assert torch.equal(metric.metric_state[name], value)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"negatives": "all"}, "`negatives` to be one of"),
        ({"far": 1.0}, "`far` to be between 0 and 1"),
        ({"bins": 1024}, "`bins` to be an integer from 2 to 512"),
        ({"sample": 1}, "`sample`"),
        ({"groups": 1}, "`groups`"),
        ({"missing": "zero"}, "no argument `missing`"),
        ({"width": None}, "`width`: it cannot be read off"),
    ],
)
def test_wrong_options_are_named(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        IdentityVerification(**{"width": WIDTH, **options})
