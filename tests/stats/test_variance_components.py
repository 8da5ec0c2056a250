# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Variance components against statsmodels, a table by hand, exact expectations and simulation."""

from __future__ import annotations

import math
import warnings

import numpy as np
import pytest
import torch

from imug_metrics.stats.variance_components import Component, mean_variance, repeats_worth, variance_components


def nested(shape: tuple[int, ...], deviations: tuple[float, ...], seed: int = 0) -> torch.Tensor:
    """Normal scores of dialogues, records, (outputs,) repeats, each level with its standard deviation."""
    rng = np.random.default_rng(seed)
    total = np.full(shape, 3.0)
    for depth, deviation in enumerate(deviations, 1):
        total += deviation * rng.normal(size=shape[:depth]).reshape(shape[:depth] + (1,) * (len(shape) - depth))
    return torch.tensor(total)


def uneven(shape: tuple[int, ...], seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    """Scores with gaps, some records or outputs without any answer, and dialogues of one to four records."""
    rng = np.random.default_rng(seed)
    dialogue = np.repeat(np.arange(12), rng.integers(1, 5, 12))
    scores = rng.normal(size=(len(dialogue), *shape))
    scores[rng.random(scores.shape) < 0.35] = math.nan
    return torch.tensor(scores), torch.tensor(dialogue) * 7 + 3


def test_even_numbers_give_what_restricted_likelihood_gives():
    frames = pytest.importorskip("pandas", reason="pandas is not installed")
    formula = pytest.importorskip("statsmodels.formula.api", reason="statsmodels is not installed")
    scores = nested((25, 4, 3), (1.0, 0.8, 0.6))
    rows = [(d, f"{d}/{r}", float(scores[d, r, k])) for d in range(25) for r in range(4) for k in range(3)]
    frame = frames.DataFrame(rows, columns=["dialogue", "record", "score"])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        parts = {"groups": "dialogue", "re_formula": "1", "vc_formula": {"record": "0 + C(record)"}}
        fit = formula.mixedlm("score ~ 1", frame, **parts).fit(reml=True)
    expected = {"dialogue": float(fit.cov_re.iloc[0, 0]), "record": float(fit.vcomp[0]), "repeat": float(fit.scale)}
    found = variance_components(scores.reshape(100, 3), torch.arange(25).repeat_interleave(4))
    for level, variance in expected.items():
        assert found[level].variance == pytest.approx(variance, rel=2e-3), level


def test_even_numbers_give_what_the_table_of_mean_squares_gives():
    scores = nested((9, 4, 3, 2), (1.0, 0.8, 0.5, 0.6)).numpy()
    means = [scores.mean(tuple(range(depth, 4)), keepdims=True) for depth in range(5)]
    squares = [float(((means[k + 1] - means[k]) ** 2).sum() * scores.size / means[k + 1].size) for k in range(4)]
    freedoms = [8, 9 * 3, 9 * 4 * 2, 9 * 4 * 3]
    mean_squares = [square / freedom for square, freedom in zip(squares, freedoms, strict=True)]
    sizes = [24, 6, 2, 1]
    found = variance_components(torch.tensor(scores).reshape(36, 3, 2), torch.arange(9).repeat_interleave(4))
    assert list(found) == ["dialogue", "record", "output", "repeat"]
    for place, component in enumerate(found.values()):
        below = mean_squares[place + 1] if place < 3 else 0.0
        assert component.raw == pytest.approx((mean_squares[place] - below) / sizes[place], rel=1e-10)
        assert component.freedom == freedoms[place]
        assert component.units == [9, 36, 108, 216][place]


@pytest.mark.parametrize("shape", [(3,), (3, 2)])
def test_uneven_numbers_are_free_of_bias_exactly(shape):
    # Estimates are quadratic forms: their expectation under a variance of 1 at one level is the sum of what they give
    # for the indicators of that level's units.
    scores, dialogue = uneven(shape)
    gaps = scores.isnan()
    place = torch.arange(scores.numel()).reshape(scores.shape)
    units = [
        dialogue.reshape(-1, *[1] * len(shape)).expand_as(scores),
        *(place.div(math.prod(scores.shape[depth:]), rounding_mode="floor") for depth in range(1, len(scores.shape))),
        place,
    ]
    for level, unit in enumerate(units):
        total = torch.zeros(len(units), dtype=torch.float64)
        for one in unit[~gaps].unique():
            indicator = (unit == one).double().masked_fill(gaps, math.nan)
            found = variance_components(indicator, dialogue)
            total += torch.tensor([component.raw for component in found.values()], dtype=torch.float64)
        expected = torch.nn.functional.one_hot(torch.tensor(level), len(units)).double()
        torch.testing.assert_close(total, expected, atol=1e-10, rtol=0)


def test_a_shift_changes_nothing_and_a_constant_varies_nowhere():
    scores, dialogue = uneven((3,))
    plain = variance_components(scores, dialogue)
    for level, component in variance_components(scores + 1e6, dialogue).items():
        assert component.raw == pytest.approx(plain[level].raw, abs=1e-6)
    for component in variance_components(
        torch.full_like(scores, 0.1).where(~scores.isnan(), math.nan), dialogue
    ).values():
        assert component.raw == component.variance == 0


def test_a_negative_estimate_is_kept_beside_0():
    scores = torch.tensor([[1.0, 2.0], [2.0, 1.0], [1.0, 2.0], [2.0, 1.0]])
    found = variance_components(scores, torch.tensor([0, 0, 1, 1]))
    assert found["record"].variance == 0 > found["record"].raw
    assert found["record"].raw == pytest.approx(-0.25)


def test_what_cannot_be_told_apart_is_undefined():
    once = variance_components(torch.tensor([[1.0], [2.0], [3.0]]), torch.tensor([0, 0, 1]))
    assert all(math.isnan(once[level].variance) for level in ("dialogue", "record", "repeat"))
    assert once["repeat"].freedom == 0
    single = variance_components(torch.tensor([[1.0, 2.0], [2.0, 4.0]]), torch.tensor([0, 1]))
    assert single["repeat"].variance == pytest.approx(1.25)
    assert math.isnan(single["record"].variance)
    empty = variance_components(torch.full((2, 2), math.nan), torch.tensor([0, 1]))
    assert all(math.isnan(component.raw) and component.units == 0 for component in empty.values())


def test_the_variance_of_a_mean_is_that_of_simulated_means():
    deviations = (0.5, 0.7, 0.4, 0.9)
    means = torch.stack([nested((10, 3, 2, 2), deviations, seed).mean() for seed in range(4000)])
    levels = ("dialogue", "record", "output", "repeat")
    parts = {level: Component(d * d, d * d, 9, 9) for level, d in zip(levels, deviations, strict=True)}
    expected = mean_variance(parts, dialogues=10, records=3, outputs=2, repeats=2)
    assert float(means.var()) == pytest.approx(expected, rel=0.08)  # 3.5 standard errors of a variance


def test_the_best_number_of_repeats_is_that_of_the_shortest_interval_for_the_cost():
    parts = {"dialogue": Component(0.1, 0.1, 9, 9), "record": Component(0.5, 0.5, 9, 9)}
    parts["repeat"] = Component(2.0, 2.0, 9, 9)
    best = repeats_worth(parts, records=4, costs=(5.0, 0.5)).best

    def price(repeats: float) -> float:
        return mean_variance(parts, dialogues=1, records=4, repeats=repeats) * 4 * (5.0 + 0.5 * repeats)

    assert best == pytest.approx(math.sqrt(2.0 / 0.9 * 10))
    assert price(best) < min(price(0.9 * best), price(1.1 * best))


def test_what_repeats_are_worth_in_the_extremes():
    silent = {level: Component(v, v, 9, 9) for level, v in (("dialogue", 1.0), ("record", 1.0), ("repeat", 0.0))}
    assert set(repeats_worth(silent, 2).widths.values()) == {1.0}
    assert repeats_worth(silent, 2).best == 0
    noise = {level: Component(v, v, 9, 9) for level, v in (("dialogue", 0.0), ("record", 0.0), ("repeat", 1.0))}
    found = repeats_worth(noise, 2)
    assert (found.widths[math.inf], found.widths[2], found.share) == (0.0, pytest.approx(2**-0.5), 1.0)
    assert found.best == math.inf
    unknown = {**noise, "record": Component(math.nan, math.nan, 0, 9)}
    assert math.isnan(repeats_worth(unknown, 2).best)
    assert all(math.isnan(width) for width in repeats_worth(unknown, 2).widths.values())


def test_what_cannot_be_used_is_refused():
    scores, dialogue = torch.zeros(3, 2), torch.arange(3)
    with pytest.raises(ValueError, match=r"`scores` to have shape \[N, R\]"):
        variance_components(scores[:, 0], dialogue)
    with pytest.raises(ValueError, match="`dialogue` to hold 3 records"):
        variance_components(scores, dialogue[:2])
    with pytest.raises(ValueError, match="an infinity at row 1"):
        variance_components(scores.index_fill(0, torch.tensor([1]), math.inf), dialogue)
    parts = {"repeat": Component(1.0, 1.0, 9, 9)}
    with pytest.raises(ValueError, match="`costs` to be"):
        repeats_worth(parts, 1, costs=(1.0, 0.0))
    with pytest.raises(ValueError, match="`records` to be at least 1"):
        repeats_worth(parts, 0)
