# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Planted biases are found within their intervals, and fair judges show none."""

from __future__ import annotations

import math
from collections import defaultdict

import pytest

from imug_metrics.juries import Bias, Judgement, judge_biases, make_panel
from tests.juries.simulated import Planted, simulated_jury

NOISE = 0.3  # so that no probability is cut at 0 or 1
FIELDS = {"yes_saying": "yes", "first_item": "first"}
PLANTED = {
    "alpha": Planted(NOISE, leniency=0.1, family=0.15, yes=0.05),
    "y": Planted(NOISE),
    "z": Planted(NOISE, length=0.05, drift=0.08, order=0.1, first=0.15),
}


def found_in(judges: dict[str, Planted], seed: int) -> list[Bias]:
    said, _ = simulated_jury(judges, seed=seed)
    return judge_biases(make_panel(said))


def truth(judges: dict[str, Planted], bias: Bias) -> float:
    return float(getattr(judges[bias.judge], FIELDS.get(bias.name, bias.name)))


def test_fair_judges_show_no_bias() -> None:
    fair = {"alpha": Planted(NOISE), "y": Planted(NOISE), "z": Planted(NOISE)}
    pages = sum(any(bias.is_found for bias in found_in(fair, seed)) for seed in range(60))
    assert pages <= 3, f"{pages} of 60 pages on fair judges have a wrong sentence"


@pytest.mark.parametrize("more", [{}, {"v": Planted(NOISE), "w": Planted(NOISE)}], ids=["three", "five"])
def test_each_planted_bias_is_found_within_its_interval(more: dict[str, Planted]) -> None:
    judges = PLANTED | more
    seeds = 25
    inside: dict[tuple[str, str], list[bool]] = defaultdict(list)
    seen: dict[tuple[str, str], list[bool]] = defaultdict(list)
    for seed in range(seeds):
        for bias in found_in(judges, seed):
            key, size = (bias.judge, bias.name), truth(judges, bias)
            if bias.contrast.value != 0:  # of the judge in the middle
                inside[key].append(bias.contrast.lower <= size <= bias.contrast.upper)
            if size:
                seen[key].append(bias.is_found)
    assert all(sum(row) >= 0.9 * len(row) for row in inside.values() if len(row) >= 20), dict(inside)
    assert len(seen) == 7
    for key, row in seen.items():
        assert sum(row) >= (0.5 if key == ("alpha", "yes_saying") else 0.85) * seeds, key


def test_of_two_judges_the_difference_alone_is_known() -> None:
    found = {bias[:2]: bias for bias in found_in({"mild": Planted(NOISE, leniency=0.1), "other": Planted(NOISE)}, 1)}
    mild, other = found["mild", "leniency"], found["other", "leniency"]
    assert mild.contrast.value == pytest.approx(-other.contrast.value)
    assert mild.is_found
    assert other.is_found


def test_beside_people_a_bias_of_all_judges_shows() -> None:
    judges = {name: Planted(NOISE, leniency=0.25) for name in ("a", "b", "c")}
    said, known = simulated_jury(judges, dialogues=80, seed=2)
    said += [
        Judgement("eva", model, dialogue, turn, name, known[model, dialogue, turn, name], one.expected, order=one.order)
        for one in said
        if one.judge == "a" and int(one.dialogue) % 2 == 0
        for model, dialogue, turn, name in [(one.model, one.dialogue, one.turn, str(one.item))]
    ]
    found = judge_biases(make_panel(said, people=("eva",)))
    by_people = {bias.judge: bias for bias in found if (bias.name, bias.reference) == ("leniency", "people")}
    assert not any(bias.is_found for bias in found if (bias.name, bias.reference) == ("leniency", "judges"))
    met = [known[o.model, o.dialogue, o.turn, str(o.item)] == o.expected for o in said if o.judge == "a"]
    share = sum(met) / len(met)
    expected = (share * (1 - NOISE) + (1 - share) * NOISE + 0.25) - share
    for bias in by_people.values():
        assert bias.contrast.lower <= expected <= bias.contrast.upper
        assert bias.is_found
    assert len(by_people) == 3


def test_what_the_data_cannot_show_is_not_there() -> None:
    assert judge_biases(make_panel([])) == []
    assert judge_biases(make_panel([Judgement("a", "m", str(d), 1, value=0.5) for d in range(9)])) == []
    constant = [
        Judgement(judge, "m", str(d), 1, value=value) for judge, value in (("a", 0.8), ("b", 1.0)) for d in range(9)
    ]
    found = judge_biases(make_panel(constant))
    assert {bias.name for bias in found} == {"leniency"}
    assert [round(bias.contrast.value, 6) for bias in found] == [-0.2, 0.2]
    assert not any(bias.is_found for bias in found), "nothing varies: that is not to know all"
    apart = [Judgement("a", "m", "d", 1, value=0.5), Judgement("b", "m", "e", 1, value=0.5)]
    assert judge_biases(make_panel(apart)) == []


def test_families_can_be_told() -> None:
    said, _ = simulated_jury({"alpha": Planted(NOISE, family=0.2), "y": Planted(NOISE), "z": Planted(NOISE)}, seed=3)
    panel = make_panel(said)
    assert any(bias.name == "family" for bias in judge_biases(panel))
    assert not any(bias.name == "family" for bias in judge_biases(panel, {"alpha": "other"}))
    assert math.isfinite(
        next(bias.contrast.value for bias in judge_biases(panel, {"y": "beta"}) if bias[:2] == ("y", "family"))
    )
