# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Models compared from states alone: the same as from rows, however the states came about, and refused where unlike."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import pytest
import torch
from torch import Tensor

from imug_metrics import AnswerAccuracy, ContextDecay, TurnDecay
from imug_metrics.metrics.dialogue_metric import DialogueMetric
from imug_metrics.metrics.metric_differences import metric_differences
from imug_metrics.stats import id_fingerprint
from imug_metrics.stats.comparison import PairedDifference, paired_differences

DIALOGUES, TURNS = 60, 4
NAMES = [f"dialogue {place}" for place in range(DIALOGUES)]
GAINS = {"weak": 0.0, "middle": 0.05, "strong": 0.4}


def scores() -> Tensor:
    """Scores `[models, dialogues, turns]` between 0 and 1, of which the dialogue explains a part."""
    rng = torch.Generator().manual_seed(0)
    draws = torch.randn(len(GAINS), DIALOGUES, TURNS, generator=rng, dtype=torch.float64)
    shared = torch.randn(1, DIALOGUES, 1, generator=rng, dtype=torch.float64)
    slopes = torch.tensor([-0.02, -0.02, -0.2]).double()[:, None, None] * torch.arange(TURNS)
    return (0.5 + torch.tensor([*GAINS.values()])[:, None, None] + slopes + 0.1 * (draws + shared)).clamp(0, 1)


SCORES = scores()


def decay(place: int, rows: Sequence[int] = range(DIALOGUES), **options: Any) -> TurnDecay:
    metric = TurnDecay(**{"bootstrap": 400, **options})
    metric.update(SCORES[place, list(rows)], dialogue=torch.tensor(rows, dtype=torch.int64))
    return metric


def models(**options: Any) -> dict[str, DialogueMetric]:
    return {name: decay(place, **options) for place, name in enumerate(GAINS)}


def assert_same(found: list[PairedDifference], expected: list[PairedDifference]) -> None:
    for one, other in zip(found, expected, strict=True):
        assert one[:-1] == pytest.approx(other[:-1], rel=1e-11, abs=1e-12, nan_ok=True)
        assert one.reason == other.reason


@pytest.mark.parametrize("detail", [False, True])
def test_answers_compared_from_states_are_those_compared_from_rows(detail: bool) -> None:
    right = torch.rand(SCORES.shape, generator=torch.Generator().manual_seed(1), dtype=torch.float64) < SCORES
    metrics = {}
    for name, answers in zip(GAINS, right.tolist(), strict=True):
        metrics[name] = AnswerAccuracy(bootstrap=8000, detail=detail)
        said = [["A" if one else "B" for one in line] for line in answers]
        metrics[name].update(said, [["A"] * TURNS] * DIALOGUES, dialogue=NAMES)
    rows = paired_differences(right.flatten(1).double(), torch.arange(DIALOGUES).repeat_interleave(TURNS))
    for found, expected in zip(metric_differences(metrics), rows, strict=True):
        width = expected.joint_upper - expected.joint_lower
        assert found.value == pytest.approx(expected.value, rel=1e-12)
        assert found.error == pytest.approx(expected.error, rel=0.05)
        for bound in ("lower", "upper", "joint_lower", "joint_upper"):
            assert getattr(found, bound) == pytest.approx(getattr(expected, bound), abs=0.05 * width)
        assert found.dialogues == pytest.approx(expected.dialogues, abs=4), "effective ones, from the replicates"
        assert found.leader == expected.leader
        assert found.reason == ""


def test_slopes_compared_from_states_are_differences_of_the_metrics_values() -> None:
    metrics = models()
    found = metric_differences(metrics)
    values = [float(metric.compute()) for metric in metrics.values()]
    assert [one.value for one in found] == pytest.approx([values[one.first] - values[one.second] for one in found])
    assert [one.leader for one in found] == [None, 0, 1], "the strong one falls faster"


@pytest.mark.parametrize("detail", [False, True])
def test_batches_order_and_merged_states_change_nothing(detail: bool) -> None:
    whole = metric_differences(models(detail=detail))
    order = torch.randperm(DIALOGUES, generator=torch.Generator().manual_seed(2)).tolist()
    in_parts, merged = {}, {}
    for place, name in enumerate(GAINS):
        in_parts[name] = decay(place, order[:7], detail=detail)
        for start in range(7, DIALOGUES, 9 + place):  # each model in batches of its own
            rows = order[start : start + 9 + place]
            in_parts[name].update(SCORES[place, rows], dialogue=torch.tensor(rows))
        merged[name] = decay(place, order[20:], detail=detail)
        merged[name].merge_state(decay(place, order[:20], detail=detail))
    assert_same(metric_differences(in_parts), whole)
    assert_same(metric_differences(merged), whole)


def test_only_the_ids_of_dialogues_matter_to_a_draw() -> None:
    turned = {name: decay(place, range(DIALOGUES)[::-1]) for place, name in enumerate(GAINS)}
    assert_same(metric_differences(turned), metric_differences(models()))


def test_detail_changes_no_difference() -> None:
    assert_same(metric_differences(models(detail=True)), metric_differences(models(detail=False)))


def test_models_of_one_state_have_no_leader() -> None:
    [found] = metric_differences({"one": decay(0), "same": decay(0)})
    assert found.value == 0
    assert math.isnan(found.lower)
    assert math.isnan(found.p)
    assert found.leader is None
    assert "the same in all dialogues" in found.reason


def test_the_level_is_that_of_the_metrics_unless_another_is_wanted() -> None:
    pair = {name: decay(place, level=0.8) for place, name in enumerate(("weak", "strong"))}
    [own], [same], [wider] = (metric_differences(pair, level) for level in (None, 0.8, 0.99))
    assert own == same
    assert wider.upper - wider.lower > 1.5 * (own.upper - own.lower)


REFUSED: dict[str, tuple[Any, str]] = {
    "another class": (lambda: {"a": decay(0), "b": ContextDecay(bootstrap=400)}, "'b' has another than 'a'"),
    "another option": (lambda: {"a": decay(0), "b": decay(1, average="dialogue")}, "'b' has another than 'a'"),
    "another seed": (lambda: {"a": decay(0), "b": decay(1, seed=1)}, "'b' has another than 'a'"),
    "more replicates": (lambda: {"a": decay(0), "b": decay(1, bootstrap=401)}, "'b' has another than 'a'"),
    "detail of one": (lambda: {"a": decay(0), "b": decay(1, detail=True)}, "'b' has another than 'a'"),
    "no bootstrap": (
        lambda: {"a": decay(0, bootstrap=0), "b": decay(1, bootstrap=0)},
        "'a' has no replicates: compare rows of records instead",
    ),
    "fewer dialogues": (lambda: {"a": decay(0), "b": decay(1, range(59))}, "'b' has scores of 59 and 'a' of 60"),
    "other dialogues": (
        lambda: {"a": decay(0, [1, 4]), "b": decay(1, [2, 3])},
        "'b' has scores of 2 and 'a' of 2, not all of them the same",
    ),
    "one model": (lambda: {"a": decay(0)}, r"two models or more, got \['a'\]"),
    "none": (dict, r"two models or more, got \[\]"),
}


@pytest.mark.parametrize("why", REFUSED)
def test_states_that_cannot_be_compared_are_refused(why: str) -> None:
    make, message = REFUSED[why]
    with pytest.raises(ValueError, match=message):
        metric_differences(make())


def test_a_dialogue_without_any_score_does_not_count_as_seen() -> None:
    absent = SCORES[1].clone()
    absent[5] = torch.nan
    lacks = TurnDecay(bootstrap=400)
    lacks.update(absent, dialogue=torch.arange(DIALOGUES), lengths=[absent.shape[1]] * DIALOGUES)
    with pytest.raises(ValueError, match="'b' has scores of 59 and 'a' of 60"):
        metric_differences({"a": decay(0), "b": lacks})


def test_a_fingerprint_adds_and_tells_sets_apart() -> None:
    def of(*ids: int) -> Tensor:
        return id_fingerprint(torch.tensor(ids), torch.ones(len(ids), dtype=torch.bool))

    assert of(1, 4)[0] == of(2, 3)[0] == 2
    assert not of(1, 4).equal(of(2, 3))
    assert of(1, 2, 3, 4).equal(of(4, 1) + of(3, 2))
    assert of(1, 4).equal(id_fingerprint(torch.tensor([1, 9, 4]), torch.tensor([True, False, True])))
    assert len({tuple(of(a, b).tolist()) for a in range(60) for b in range(a)}) == 60 * 59 // 2


def test_fingerprints_of_very_many_dialogues_stay_exact() -> None:
    ids = torch.randint(-(2**62), 2**62, (200_000,), generator=torch.Generator().manual_seed(0))
    whole = id_fingerprint(ids, torch.ones_like(ids).bool())
    parts = sum(id_fingerprint(part, torch.ones_like(part).bool()) for part in ids.flip(0).split(777))
    assert whole.equal(parts)
    assert whole.equal(whole.round())
    assert float(whole.max()) / len(ids) * 2**29 < 2**53, (
        "no third of the bits is too large for as many as are promised"
    )


def test_names_and_numbers_of_dialogues_are_both_ids() -> None:
    keys, half = [["A"]] * DIALOGUES, DIALOGUES // 2
    metrics = {}
    for name, wrong in (("good", 5), ("bad", 40)):
        metrics[name] = AnswerAccuracy(bootstrap=200)
        said = [["B"]] * wrong + [["A"]] * (DIALOGUES - wrong)
        for part in (slice(half, None), slice(half)):
            metrics[name].update(said[part], keys[part], dialogue=NAMES[part])
    [found] = metric_differences(metrics)
    assert found.value == pytest.approx(35 / 60)
    assert found.leader == 0
    metrics["other"] = AnswerAccuracy(bootstrap=200)
    metrics["other"].update(keys, keys, dialogue=torch.arange(DIALOGUES))
    with pytest.raises(ValueError, match="not all of them the same"):
        metric_differences(metrics)
