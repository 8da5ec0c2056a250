# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""How large a comparison of two models must be: power, the smallest detectable difference, the dialogues needed.

Everything here is of a two-sided paired t-test over `G` dialogues: `t = mean difference / error` with `G - 1` degrees
of freedom. Where the true difference is `d`, t follows the non-central t distribution shifted by `d / error`, and the
power is the probability that it lies beyond the critical value on either side (Cohen, Statistical Power Analysis for
the Behavioral Sciences, 1988).
"""

from __future__ import annotations

import math

from scipy import optimize, special, stats

MOST_DIALOGUES = 10**9
"""More dialogues than this are not searched for: nobody will run them, and their t is a normal distribution."""

_FAR = 1e4  # of the shift; above, the power is that of a shift without noise to within 1e-8


def paired_power(difference: float, error: float, dialogues: int, level: float = 0.95, comparisons: int = 1) -> float:
    """Power: the probability that a paired comparison finds a true difference.

    `P(|T| > t_{1 - alpha/2})`, `T` non-central t with `dialogues - 1` degrees of freedom, shifted by `difference /
    error`; `alpha = (1 - level) / comparisons`.

    Args:
        difference: the true difference; its sign does not matter.
        error: standard error of the difference, robust by dialogue, above 0.
        dialogues: number of dialogues, from 2.
        level: probability with which the intervals of all comparisons cover together.
        comparisons: number of comparisons made at once. Each is planned at Bonferroni's level; Holm's rule, which
            never finds less, has at least this power.

    Returns:
        Between `alpha` (where there is no difference) and 1; higher is better.

    Raises:
        ValueError: if an argument is out of its range.

    Example:
        >>> round(paired_power(0.05, error=0.02, dialogues=100), 3)
        0.697
    """
    _check_level(level, comparisons)
    _check_positive("error", error)
    _check_dialogues(dialogues)
    if not math.isfinite(difference):
        raise ValueError(f"Expected argument `difference` to be finite, got {difference}.")
    return _power(abs(difference) / error, dialogues, (1 - level) / comparisons)


def smallest_difference(
    error: float, dialogues: int, level: float = 0.95, power: float = 0.8, comparisons: int = 1
) -> float:
    """Smallest detectable difference (minimum detectable effect, MDE): what a comparison finds with the given power.

    Exact under the non-central t distribution, where `(t_{1 - alpha/2} + t_power) * error` is the usual approximation
    (Bloom, Evaluation Review 19, 1995).

    Args:
        error: standard error of the difference, robust by dialogue, above 0.
        dialogues: number of dialogues it comes from, from 2.
        level: probability with which the intervals of all comparisons cover together.
        power: wanted probability of finding the difference, above `(1 - level) / comparisons` and below 1.
        comparisons: number of comparisons made at once, see `paired_power`.

    Returns:
        The difference, in the unit of `error`; lower is better. True differences below it are missed more often.

    Raises:
        ValueError: if an argument is out of its range.

    Example:
        >>> round(smallest_difference(error=0.02, dialogues=100), 4)
        0.0566
    """
    _check_power(power, level, comparisons)
    _check_positive("error", error)
    _check_dialogues(dialogues)
    alpha = (1 - level) / comparisons
    high = 1.0
    while _power(high, dialogues, alpha) < power:
        high *= 2
    shift = optimize.brentq(lambda shift: _power(shift, dialogues, alpha) - power, 0.0, high, xtol=1e-12)
    return float(shift) * error


def dialogues_needed(
    difference: float,
    spread: float,
    level: float = 0.95,
    power: float = 0.8,
    comparisons: int = 1,
    repeat_variance: float = 0.0,
    repeats: int = 1,
) -> int:
    """Smallest number of dialogues with which a paired comparison has the power to find a difference.

    Args:
        difference: the true difference that is to be found, above 0.
        spread: standard deviation of one dialogue's difference, above 0: `error * sqrt(G)` of earlier results, or
            `assumed_spread`.
        level: probability with which the intervals of all comparisons cover together.
        power: wanted probability of finding the difference, above `(1 - level) / comparisons` and below 1.
        comparisons: number of comparisons made at once, see `paired_power`.
        repeat_variance: the part of `spread ** 2` that another repeat of the same dialogue draws anew; of a difference
            it is that of both models together. From 0 to `spread ** 2`.
        repeats: how often each dialogue will be repeated and averaged, from 1: `repeat_variance` is divided by it.

    Returns:
        The number, from 2: the result of `statsmodels.stats.power.TTestPower().solve_power`, rounded up.

    Raises:
        ValueError: if an argument is out of its range, or more than `MOST_DIALOGUES` would be needed.

    Example:
        >>> dialogues_needed(0.05, spread=0.2)
        128
        >>> dialogues_needed(0.05, spread=0.2, repeat_variance=0.02, repeats=4)
        81
    """
    _check_power(power, level, comparisons)
    _check_positive("difference", difference)
    alpha, effect = (1 - level) / comparisons, difference / _repeated_spread(spread, repeat_variance, repeats)
    few, enough = 1, 2  # one dialogue has no error; power grows with their number
    while _power(effect * math.sqrt(enough), enough, alpha) < power:
        few, enough = enough, enough * 2
        if few > MOST_DIALOGUES:
            raise ValueError(
                f"Expected argument `difference` to need at most {MOST_DIALOGUES} dialogues, got {difference}."
            )
    while enough - few > 1:
        middle = (few + enough) // 2
        if _power(effect * math.sqrt(middle), middle, alpha) < power:
            few = middle
        else:
            enough = middle
    return enough


def design_effect(correlation: float, turns: float) -> float:
    """Design effect `1 + (m - 1) * rho`: how many turns of one dialogue say as much as an independent one.

    Kish, Survey Sampling, 1965.

    Args:
        correlation: intra-cluster correlation (ICC) rho of the scores of one dialogue, from `-1 / (turns - 1)` to 1.
        turns: scored turns a dialogue m, from 1; a mean number may be given.

    Returns:
        The factor by which the variance of the mean is that of independent turns; 1 for independent ones.

    Raises:
        ValueError: if an argument is out of its range.

    Example:
        >>> round(design_effect(0.2, turns=5), 3)
        1.8
    """
    if not 1 <= turns < math.inf:
        raise ValueError(f"Expected argument `turns` to be a number from 1, got {turns}.")
    effect = 1 + (turns - 1) * correlation
    if not (correlation <= 1 and effect >= 0):
        raise ValueError(f"Expected argument `correlation` to be from -1 / (turns - 1) to 1, got {correlation}.")
    return effect


def assumed_spread(p: float, correlation: float, turns: float, paired_correlation: float = 0.5) -> float:
    """Standard deviation of one dialogue's difference between two models, from assumptions alone.

    Each model's dialogue mean has the variance `p (1 - p) (1 + (m - 1) rho) / m`, their difference `2 (1 - r)` times
    that.

    Args:
        p: the share of right answers of both models, between 0 and 1. 0.5 asks for the most dialogues.
        correlation: intra-cluster correlation (ICC) rho of the scores of one dialogue, see `design_effect`.
        turns: scored turns a dialogue m, from 1.
        paired_correlation: correlation r of the two models' means of one dialogue, from -1 and below 1; 0 where the
            models are not compared on the same dialogues.

    Returns:
        The standard deviation, for `dialogues_needed`.

    Raises:
        ValueError: if an argument is out of its range, or nothing is left to vary.

    Example:
        >>> spread = assumed_spread(0.7, correlation=0.2, turns=5)
        >>> round(spread, 4), dialogues_needed(0.05, spread)
        (0.275, 240)
    """
    if not 0 < p < 1:
        raise ValueError(f"Expected argument `p` to be above 0 and below 1, got {p}.")
    if not -1 <= paired_correlation < 1:
        raise ValueError(f"Expected argument `paired_correlation` to be from -1 and below 1, got {paired_correlation}.")
    effect = design_effect(correlation, turns)
    if effect == 0:
        raise ValueError(f"Expected argument `correlation` to be above -1 / (turns - 1), got {correlation}.")
    return math.sqrt(2 * (1 - paired_correlation) * p * (1 - p) * effect / turns)


def _power(shift: float, dialogues: int, alpha: float) -> float:
    freedom = dialogues - 1
    critical = -special.stdtrit(freedom, alpha / 2)
    if shift > _FAR:  # only the error's own error is left; scipy's series would take time in proportion to the shift
        return float(special.gammainc(freedom / 2, freedom * (shift / critical) ** 2 / 2))
    found, wrong = float(stats.nct.sf(critical, freedom, shift)), float(stats.nct.cdf(-critical, freedom, shift))
    if math.isnan(found):  # the series ends without a result at some shifts far above the critical value
        found = float(shift > critical)
    # What lies beyond on the wrong side is NaN where it is too small for the series.
    return found if math.isnan(wrong) else found + wrong


def _repeated_spread(spread: float, repeat_variance: float, repeats: int) -> float:
    """The spread of the mean of several repeats of a dialogue."""
    _check_positive("spread", spread)
    if not repeats >= 1:
        raise ValueError(f"Expected argument `repeats` to be a number from 1, got {repeats}.")
    if not 0 <= repeat_variance <= spread**2:
        raise ValueError(
            f"Expected argument `repeat_variance` to be from 0 to spread ** 2 = {spread**2}, got {repeat_variance}."
        )
    left = spread**2 - repeat_variance * (1 - 1 / repeats)
    return math.sqrt(left)


def _check_level(level: float, comparisons: int) -> None:
    if not 0 < level < 1:
        raise ValueError(f"Expected argument `level` to be above 0 and below 1, got {level}.")
    if not comparisons >= 1:
        raise ValueError(f"Expected argument `comparisons` to be a number from 1, got {comparisons}.")


def _check_power(power: float, level: float, comparisons: int) -> None:
    _check_level(level, comparisons)
    alpha = (1 - level) / comparisons
    if not alpha < power < 1:
        raise ValueError(f"Expected argument `power` to be above {alpha:g}, found by chance, and below 1, got {power}.")


def _check_positive(name: str, value: float) -> None:
    if not 0 < value < math.inf:
        raise ValueError(f"Expected argument `{name}` to be positive and finite, got {value}.")


def _check_dialogues(dialogues: int) -> None:
    if not 2 <= dialogues <= 2 * MOST_DIALOGUES:
        raise ValueError(f"Expected argument `dialogues` to be a number from 2, got {dialogues}.")
