# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""LoopConvergence against its function, which is tested against a plain loop over trajectories, and by hand."""

from __future__ import annotations

import math

import pytest
import torch

from imug_metrics import LoopConvergence, TurnDecay
from imug_metrics.functional import loop_convergence
from imug_metrics.functional.self_evaluation.loop_convergence import MEASURES
from tests.functional.self_evaluation.loops import flat, trajectories
from tests.metrics import cases

CASES = {
    "loops-gain": cases.Case(LoopConvergence, cases.scores),
    "loops-contraction": cases.Case(lambda **k: LoopConvergence("contraction", **k), cases.scores),
}

NAN = math.nan


def test_every_measure_is_that_of_the_function() -> None:
    loops = flat(trajectories(1))
    metric = LoopConvergence(detail=True)
    metric.update(**loops)
    found = metric.compute()
    for measure in MEASURES:
        key = "loop_convergence" if measure == "gain" else f"loop_convergence_{measure}"
        each = loop_convergence(**loops, measure=measure, reduction="none")
        assert found[key].item() == pytest.approx(loop_convergence(**loops, measure=measure).item()), measure
        if measure != "contraction":
            assert found[key].item() == pytest.approx(each.nanmean().item()), measure
        assert found[f"{key}_lower"] < found[key] < found[f"{key}_upper"]


def test_contraction_of_many_loops_weighs_them_by_movement() -> None:
    halves, doubles = [0.0, 0.4, 0.6, 0.7], [0.5, 0.51, 0.53, 0.57]
    metric = LoopConvergence("contraction")
    metric.update(torch.tensor([halves, doubles], dtype=torch.float64))
    assert metric.compute().item() == pytest.approx(0.36 / 0.63)


def test_scores_that_only_scatter_do_not_contract() -> None:
    metric = LoopConvergence("contraction", detail=True)
    metric.update(torch.rand(4000, 6, generator=torch.Generator().manual_seed(0)))
    found = metric.compute()
    assert found["loop_convergence_lower"] < 1 < found["loop_convergence_upper"]
    assert found["loop_convergence"].item() == pytest.approx(1, abs=0.02)


def test_slope_by_step_is_that_of_turn_decay() -> None:
    loops = flat(trajectories(2))
    metric, decay = LoopConvergence(detail=True), TurnDecay(detail=True)
    for one in (metric, decay):
        one.update(**loops)
    found, expected = metric.compute(), decay.compute()
    for end in ("", "_lower", "_upper"):
        assert found[f"loop_convergence_slope{end}"].item() == pytest.approx(expected[f"turn_decay{end}"].item())


def test_several_loops_of_a_dialogue_are_told_apart_by_subject() -> None:
    scores, dialogue, turn, subject = [0.1, 0.5, 0.9, 0.3], [4] * 4, [1, 2, 1, 2], [0, 0, 1, 1]
    metric = LoopConvergence(detail=True)
    metric.update(scores, dialogue=dialogue, turn=turn, subject=subject)
    found = metric.compute()
    assert found["loop_convergence"].item() == pytest.approx(-0.1)
    assert found["loop_convergence_dialogues"].item() == 1
    assert found["loop_convergence_lower"].isnan(), "one dialogue has no interval, however many loops it holds"


def test_missing_steps_are_passed_over_or_zero() -> None:
    for missing, expected in (("skip", 1.0), ("zero", 0.0)):
        metric = LoopConvergence("monotone", missing=missing)
        metric.update([[0.2, NAN, 0.5]])
        assert metric.compute().item() == expected


def test_threshold_and_unknown_measures() -> None:
    metric = LoopConvergence("above", threshold=0.6)
    metric.update([[0.2, 0.6], [0.2, 0.5]])
    assert metric.compute().item() == 0.5
    with pytest.raises(ValueError, match="`measure`"):
        LoopConvergence("speed")
