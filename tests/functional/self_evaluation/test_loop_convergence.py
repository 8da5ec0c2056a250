# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""loop_convergence against a plain loop over trajectories and numbers worked by hand."""

from __future__ import annotations

import itertools
import math

import pytest
import torch

from imug_metrics.functional import loop_convergence
from imug_metrics.functional.self_evaluation.loop_convergence import MEASURES
from tests.functional.self_evaluation.loops import flat, trajectories

NAN = math.nan


def plain(scores: list[float], threshold: float = 0.8) -> dict[str, float]:
    """The definitions, step by step, of one loop."""
    kept = [s for s in scores if not math.isnan(s)]
    steps = [b - a for a, b in itertools.pairwise(kept)]
    signs = [math.copysign(1, step) for step in steps if step != 0]
    changes = sum(a != b for a, b in itertools.pairwise(signs))
    early = sum(abs(step) for step in steps[:-1])
    return {
        "gain": kept[-1] - kept[0] if steps else NAN,
        "monotone": float(all(step > 0 for step in steps)) if steps else NAN,
        "never_falls": float(all(step >= 0 for step in steps)) if steps else NAN,
        "above": float(kept[-1] >= threshold) if kept else NAN,
        "sign_changes": changes if len(steps) > 1 else NAN,
        "oscillation": changes / (len(steps) - 1) if len(steps) > 1 else NAN,
        "contraction": sum(abs(step) for step in steps[1:]) / early if early else NAN,
    }


@pytest.mark.parametrize("measure", MEASURES)
def test_every_loop_equals_the_plain_definition(measure: str) -> None:
    loops = trajectories(0)
    found = loop_convergence(**flat(loops), measure=measure, reduction="none").tolist()
    assert found == pytest.approx([plain(loop)[measure] for loop in loops], nan_ok=True, abs=1e-12)
    assert len({value for value in found if not math.isnan(value)}) > 1


@pytest.mark.parametrize("rate", [-0.7, 0.25, 0.5, 0.9, 1.3])
def test_contraction_finds_the_factor_of_a_geometric_approach(rate: float) -> None:
    scores = 0.8 - 0.3 * rate ** torch.arange(6, dtype=torch.float64)
    assert loop_convergence(scores[None], measure="contraction").item() == pytest.approx(abs(rate))
    expected = 1 if rate < 0 else 0
    assert loop_convergence(scores[None], measure="oscillation").item() == expected


def test_a_plateau_is_no_rise_no_fall_and_no_change_of_direction() -> None:
    loop = [[0.2, 0.5, 0.5, 0.9]]
    found = [loop_convergence(loop, measure=m).item() for m in ("monotone", "never_falls", "sign_changes")]
    assert found == [0, 1, 0]
    assert loop_convergence([[0.2, 0.5, 0.5, 0.3]], measure="sign_changes").item() == 1


def test_short_and_still_loops_are_undefined_not_converged() -> None:
    assert loop_convergence([[0.9]], measure="monotone").isnan()
    assert loop_convergence([[0.9, 0.95]], measure="contraction").isnan()
    assert loop_convergence([[0.9, 0.9, 0.9]], measure="contraction").isnan()
    assert loop_convergence([[0.9]], measure="above").item() == 1


def test_contraction_of_many_loops_weighs_them_by_movement() -> None:
    halves, doubles = [0.0, 0.4, 0.6, 0.7], [0.5, 0.51, 0.53, 0.57]
    assert loop_convergence([halves, doubles], measure="contraction").item() == pytest.approx(0.36 / 0.63)


def test_several_loops_of_a_dialogue_are_told_apart_by_subject() -> None:
    scores, dialogue, turn, subject = [0.1, 0.5, 0.9, 0.3], [4] * 4, [1, 2, 1, 2], [0, 0, 1, 1]
    found = loop_convergence(scores, dialogue=dialogue, turn=turn, subject=subject, reduction="none")
    assert found.tolist() == pytest.approx([0.4, -0.6])


def test_lengths_end_the_loops_of_a_padded_batch() -> None:
    padded = torch.tensor([[0.2, 0.6, 0.9], [0.5, 0.7, 0.0]])
    found = loop_convergence(padded, lengths=torch.tensor([3, 2]), reduction="none")
    assert found.tolist() == pytest.approx([0.7, 0.2])


def test_threshold_and_unknown_measures() -> None:
    assert loop_convergence([[0.2, 0.6]], measure="above", threshold=0.6).item() == 1
    assert loop_convergence([[0.2, 0.6]], measure="above").item() == 0
    for score in (0.3, 0.7, 0.9):
        found = loop_convergence(torch.tensor([[0.2, score]]), measure="above", threshold=score)
        assert found.item() == 1, "as float32"
    with pytest.raises(ValueError, match="`measure`"):
        loop_convergence([[0.2]], measure="speed")
