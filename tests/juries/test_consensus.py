# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""What a jury says together: nearer to the truth than its judges where theory says so, never far from their mean."""

from __future__ import annotations

import pytest
import torch

from imug_metrics.juries import Judgement, consensus, make_panel, summarize_jury
from tests.juries.simulated import MODELS, Planted, simulated_jury

SETTINGS = {
    "equal": {name: Planted(0.2) for name in "abcde"},
    "one is bad": {**{name: Planted(0.15) for name in "abcd"}, "e": Planted(0.5)},
    "one is good": {"a": Planted(0.05), **{name: Planted(0.35) for name in "bcde"}},
    "all are bad": {name: Planted(0.45) for name in "abc"},
}


def shares_right(judges: dict[str, Planted], seed: int, items: int = 6) -> tuple[float, float, float]:
    """Share of items that the consensus, the majority and the best single judge answer right."""
    said, truth = simulated_jury(judges, dialogues=40, items=items, seed=seed)
    panel = make_panel(said)
    right = torch.tensor(
        [truth[o.model, o.dialogue, o.turn, item.name] for item in panel.items for o in [panel.outputs[item.output]]]
    )
    together = ((consensus(panel).answers > 0.5) == right).double().mean()
    majority = ((panel.answers.mean(1) > 0.5) == right).double().mean()
    best = (panel.answers == right[:, None]).double().mean(0).max()
    return float(together), float(majority), float(best)


@pytest.mark.parametrize("seed", range(3))
def test_the_consensus_beats_the_best_judge_of_equal_ones_and_the_majority_of_unequal_ones(seed: int) -> None:
    together, majority, best = shares_right(SETTINGS["equal"], seed)
    assert together > best + 0.03
    assert together > majority - 0.01
    together, majority, _ = shares_right(SETTINGS["one is good"], seed)
    assert together > majority + 0.03


@pytest.mark.parametrize("name", SETTINGS)
@pytest.mark.parametrize("items", [2, 6])
def test_it_is_never_worse_than_the_mean_by_more_than_its_interval(name: str, items: int) -> None:
    said, truth = simulated_jury(SETTINGS[name], dialogues=40, items=items, seed=5)
    expected = {(one.model, one.dialogue, one.turn, str(one.item)): one.expected for one in said}
    found = summarize_jury(said).together
    for model in MODELS:
        mine = [value == expected[key] for key, value in truth.items() if key[0] == model]
        share = sum(mine) / len(mine)
        mean, weighted = found["mean"][model], found["weighted"][model]
        reach = (mean.upper - mean.lower) / 2
        assert abs(weighted.value - share) <= abs(mean.value - share) + reach


def test_grades_listen_to_the_precise_judge() -> None:
    generator = torch.Generator().manual_seed(0)
    truth = torch.rand(200, generator=generator)
    noise = {"precise": 0.02, "rough": 0.3, "rougher": 0.4}
    said = [
        Judgement(name, "m", str(row), 1, value=float(value))
        for name, size in noise.items()
        for row, value in enumerate(truth + size * torch.randn(200, generator=generator))
    ]
    found = consensus(make_panel(said))
    away = {rule: float((scores - truth).square().mean().sqrt()) for rule, scores in found.scores.items()}
    assert away["weighted"] < 0.5 * away["mean"]
    assert found.reliability["precise"]["weight"] > 0.6
    assert "majority" not in found.scores


def test_two_judges_have_no_consensus_that_weighs_them() -> None:
    said, _ = simulated_jury({"a": Planted(), "b": Planted()}, dialogues=5)
    found = consensus(make_panel(said))
    assert set(found.scores) == {"mean", "majority"}
    assert found.answers.isnan().all()
