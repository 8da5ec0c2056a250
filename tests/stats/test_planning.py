# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Power, detectable differences and numbers of dialogues against statsmodels, an integral and drawn data."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import integrate, special, stats
from statsmodels.stats.power import TTestPower

from imug_metrics.stats.planning import (
    MOST_DIALOGUES,
    assumed_spread,
    design_effect,
    dialogues_needed,
    paired_power,
    smallest_difference,
)


def integral(shift: float, dialogues: int, alpha: float) -> float:
    """The power as the mean of a normal test's over the error's own distribution, without the non-central t."""
    freedom, critical = dialogues - 1, stats.t.isf(alpha / 2, dialogues - 1)

    def at(ratio: float) -> float:
        beyond = special.ndtr(shift - critical * ratio) + special.ndtr(-shift - critical * ratio)
        return float(beyond * stats.chi.pdf(ratio * math.sqrt(freedom), freedom) * math.sqrt(freedom))

    points = sorted({shift / critical, 1 / critical, 5 / critical, 1.0})
    found = integrate.quad(at, 0, 1 + 40 / math.sqrt(freedom), points=points, epsabs=1e-12, limit=500)
    return float(found[0])


@pytest.mark.parametrize("dialogues", [2, 3, 12, 60, 500])
@pytest.mark.parametrize("shift", [0.0, 0.3, 1.5, 2.8, 6.0, 40.0])
@pytest.mark.parametrize("comparisons", [1, 45])
def test_power_is_the_integral_over_the_error(dialogues: int, shift: float, comparisons: int) -> None:
    found = paired_power(shift * 0.02, 0.02, dialogues, comparisons=comparisons)
    assert found == pytest.approx(integral(shift, dialogues, 0.05 / comparisons), abs=1e-8)


@pytest.mark.parametrize("dialogues", [3, 10, 80, 3000])
@pytest.mark.parametrize("effect", [0.0, 0.05, 0.2, 1.0])
@pytest.mark.parametrize("level", [0.9, 0.95, 0.99])
def test_power_is_that_of_statsmodels(dialogues: int, effect: float, level: float) -> None:
    expected = TTestPower().power(effect, dialogues, 1 - level)
    if math.isnan(expected):  # where the wrong side is too far away for it
        expected = TTestPower().power(effect, dialogues, (1 - level) / 2, alternative="larger")
    assert paired_power(effect, 1 / math.sqrt(dialogues), dialogues, level) == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("difference", [0.02, 0.05, 0.2, 0.5])
@pytest.mark.parametrize("power", [0.3, 0.5, 0.8, 0.95])
@pytest.mark.parametrize(("level", "comparisons"), [(0.95, 1), (0.95, 3), (0.99, 1)])
def test_dialogues_needed_are_those_of_statsmodels(
    difference: float, power: float, level: float, comparisons: int
) -> None:
    exact = TTestPower().solve_power(effect_size=difference / 0.4, alpha=(1 - level) / comparisons, power=power)
    assert dialogues_needed(difference, 0.4, level, power, comparisons) == math.ceil(exact)


@pytest.mark.parametrize("difference", [0.003, 0.1, 0.7, 3.0, 1e3, 1e9])
@pytest.mark.parametrize("power", [0.3, 0.8, 0.99])
def test_one_dialogue_less_has_too_little_power(difference: float, power: float) -> None:
    """Also where so few are needed that statsmodels finds no solution."""
    found = dialogues_needed(difference, 0.3, 0.99, power, comparisons=10)
    assert paired_power(difference, 0.3 / math.sqrt(found), found, 0.99, 10) >= power
    if found > 2:
        assert paired_power(difference, 0.3 / math.sqrt(found - 1), found - 1, 0.99, 10) < power


@pytest.mark.parametrize("dialogues", [2, 5, 40, 10**6])
@pytest.mark.parametrize("power", [0.06, 0.5, 0.8, 0.999])
@pytest.mark.parametrize("comparisons", [1, 10])
def test_smallest_difference_is_found_with_the_power(dialogues: int, power: float, comparisons: int) -> None:
    found = smallest_difference(0.02, dialogues, power=power, comparisons=comparisons)
    assert paired_power(found, 0.02, dialogues, comparisons=comparisons) == pytest.approx(power, abs=1e-7)


def test_smallest_difference_of_many_dialogues_is_the_usual_approximation() -> None:
    usual = (stats.norm.ppf(0.975) + stats.norm.ppf(0.8)) * 0.01
    assert smallest_difference(0.01, 10**6) == pytest.approx(usual, rel=1e-5)
    t = stats.t(19)
    assert smallest_difference(0.01, 20) == pytest.approx((t.ppf(0.975) + t.ppf(0.8)) * 0.01, rel=0.01)


def test_difference_and_dialogues_are_inverse() -> None:
    needed = dialogues_needed(0.05, 0.3, power=0.9)
    assert smallest_difference(0.3 / math.sqrt(needed), needed, power=0.9) <= 0.05
    assert smallest_difference(0.3 / math.sqrt(needed - 1), needed - 1, power=0.9) > 0.05


def test_power_does_not_depend_on_the_sign_and_ends_in_alpha_and_1() -> None:
    assert paired_power(-0.05, 0.02, 30) == paired_power(0.05, 0.02, 30)
    assert paired_power(0.0, 0.02, 30, 0.9, 4) == pytest.approx(0.025, abs=1e-12)
    assert paired_power(1e9, 0.02, 3) == 1
    assert paired_power(1.00001e4, 1.0, 2, 1 - 1e-5) == pytest.approx(
        paired_power(0.99999e4, 1.0, 2, 1 - 1e-5), abs=1e-5
    )


def test_more_comparisons_need_more_dialogues() -> None:
    counts = [dialogues_needed(0.05, 0.3, comparisons=count) for count in (1, 3, 10)]
    assert counts == sorted(set(counts))
    assert dialogues_needed(0.05, 0.3, comparisons=5) == dialogues_needed(0.05, 0.3, level=0.99)


def test_repeats_divide_their_own_part_of_the_variance() -> None:
    assert dialogues_needed(0.05, 0.5, repeat_variance=0.16, repeats=1) == dialogues_needed(0.05, 0.5)
    assert dialogues_needed(0.05, 0.5, repeat_variance=0.16, repeats=4) == dialogues_needed(0.05, math.sqrt(0.13))
    assert dialogues_needed(0.05, 0.5, repeat_variance=0.25, repeats=100) == dialogues_needed(0.05, 0.05)


@pytest.mark.parametrize("turns", [1, 4, 9])
@pytest.mark.parametrize(("correlation", "between"), [(0.0, 0.0), (0.2, 0.5), (0.6, 0.3)])
def test_assumed_spread_is_that_of_drawn_dialogues(turns: int, correlation: float, between: float) -> None:
    """Scores of variance p(1 - p) with one effect a dialogue, part of it shared by the models, as turns' noise is."""
    p, count, draw = 0.7, 200_000, np.random.default_rng(turns).standard_normal
    scale = math.sqrt(p * (1 - p))

    def pair(*shape: int) -> list[np.ndarray]:
        both, *own = (draw(shape) for _ in range(3))
        return [math.sqrt(between) * both + math.sqrt(1 - between) * one for one in own]

    means = [
        scale * (math.sqrt(correlation) * effect + math.sqrt(1 - correlation) * noise.mean(1))
        for effect, noise in zip(pair(count), pair(count, turns), strict=True)
    ]
    assert assumed_spread(p, correlation, turns, between) == pytest.approx((means[0] - means[1]).std(), rel=0.01)


def test_design_effect_of_extremes() -> None:
    assert design_effect(0.0, 7) == 1
    assert design_effect(1.0, 7) == 7
    assert design_effect(0.4, 1) == 1
    assert design_effect(-0.5, 3) == 0
    assert assumed_spread(0.5, 1.0, 7, 0.0) == pytest.approx(math.sqrt(0.5)), "all turns of a dialogue are one"


@pytest.mark.parametrize(
    ("call", "named"),
    [
        (lambda: paired_power(math.nan, 0.1, 10), "difference"),
        (lambda: paired_power(0.1, 0.0, 10), "error"),
        (lambda: paired_power(0.1, math.nan, 10), "error"),
        (lambda: paired_power(0.1, 0.1, 1), "dialogues"),
        (lambda: paired_power(0.1, 0.1, 10, 1.0), "level"),
        (lambda: paired_power(0.1, 0.1, 10, 95), "level"),
        (lambda: paired_power(0.1, 0.1, 10, comparisons=0), "comparisons"),
        (lambda: smallest_difference(0.1, 10, power=0.05), "power"),
        (lambda: smallest_difference(0.1, 10, power=1.0), "power"),
        (lambda: smallest_difference(0.1, 10, power=math.nan), "power"),
        (lambda: smallest_difference(-0.1, 10), "error"),
        (lambda: smallest_difference(0.1, 0), "dialogues"),
        (lambda: dialogues_needed(0.0, 0.1), "difference"),
        (lambda: dialogues_needed(-0.1, 0.1), "difference"),
        (lambda: dialogues_needed(1e-9, 0.1), f"difference.*{MOST_DIALOGUES}"),
        (lambda: dialogues_needed(0.1, 0.0), "spread"),
        (lambda: dialogues_needed(0.1, math.inf), "spread"),
        (lambda: dialogues_needed(0.1, 0.1, repeat_variance=0.02), "repeat_variance"),
        (lambda: dialogues_needed(0.1, 0.1, repeat_variance=-0.001), "repeat_variance"),
        (lambda: dialogues_needed(0.1, 0.1, repeats=0), "repeats"),
        (lambda: design_effect(0.5, 0), "turns"),
        (lambda: design_effect(1.1, 3), "correlation"),
        (lambda: design_effect(-0.6, 3), "correlation"),
        (lambda: design_effect(math.nan, 3), "correlation"),
        (lambda: assumed_spread(0.0, 0.2, 4), "`p`"),
        (lambda: assumed_spread(1.0, 0.2, 4), "`p`"),
        (lambda: assumed_spread(0.5, 0.2, 4, 1.0), "paired_correlation"),
        (lambda: assumed_spread(0.5, -0.5, 3), "correlation"),
    ],
)
def test_arguments_out_of_range_are_named(call, named) -> None:
    with pytest.raises(ValueError, match=named):
        call()
