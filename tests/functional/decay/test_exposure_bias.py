# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""exposure_bias against numbers worked by hand."""

from __future__ import annotations

import math

import pytest
import torch

from imug_metrics import ExposureBias
from imug_metrics.functional import exposure_bias, own_history_share, scheduled_sampling
from imug_metrics.stats import poisson_weights
from tests.metrics.decay.ragged import arms

NAN = math.nan

OWN = torch.tensor([[0.8, 0.5, 0.2], [0.6, 0.5, 0.4]])

REFERENCE = torch.tensor([[0.8, 0.7, 0.8], [0.6, 0.7, 0.6]])


def test_errors_before_a_perfect_start_are_undefined_until_the_reference_errs() -> None:
    curve = exposure_bias([[0.5, 0.5]], [[1.0, 0.75]], reduction="none")
    assert curve[0].isnan()
    assert curve[1].item() == pytest.approx(100 * (1.0 / 0.25 - 1))


def test_a_horizon_below_one_is_refused() -> None:
    with pytest.raises(ValueError, match="`horizon`"):
        exposure_bias([[0.5]], [[0.5]], horizon=0)


def test_the_curve_of_the_excess_by_hand() -> None:
    curve = exposure_bias(OWN.double(), REFERENCE.double(), reduction="none")
    torch.testing.assert_close(curve, torch.tensor([0, 100 / 3, 200 / 3]).double(), rtol=1e-6, atol=1e-5)


def test_a_reference_arm_without_errors_has_no_multiple() -> None:
    assert exposure_bias([[1.0, 0.5]], [[1.0, 1.0]]).isnan()


def test_the_function_gives_the_excess_of_the_class() -> None:
    own, reference, dialogue, turn = arms(8)
    own[5] = NAN
    metric = ExposureBias()
    metric.update(own, reference, dialogue=dialogue, turn=turn)
    assert exposure_bias(own, reference, dialogue=dialogue, turn=turn).item() == pytest.approx(
        metric.compute().item(), abs=1e-9
    )


def test_gradients_of_the_excess_pass_absent_records() -> None:
    own = torch.tensor([[0.5, NAN, 0.25]], requires_grad=True)
    exposure_bias(own, torch.tensor([[0.75, 0.5, 0.5]])).backward()
    # 100 (R / E - 1) with E = 0.75 falls by 100 / 0.75 for each point of score.
    assert own.grad.flatten().tolist() == pytest.approx([-100 / 0.75, 0, -100 / 0.75], rel=1e-6)


STEPS = [0.0, 1.0, 3.0, 10.0, 50.0]


def test_shares_are_those_of_scheduled_sampling() -> None:
    reference = {
        ("linear", 20.0): [max(0.0, 1 - i / 20) for i in STEPS],
        ("exponential", 0.9): [0.9**i for i in STEPS],
        ("exponential", 0.0): [1.0, 0.0, 0.0, 0.0, 0.0],
        ("inverse_sigmoid", 5.0): [5 / (5 + math.exp(i / 5)) for i in STEPS],
    }
    for (schedule, k), expected in reference.items():
        found = own_history_share(STEPS, schedule, k)  # type: ignore[arg-type]
        torch.testing.assert_close(found, 1 - torch.tensor(expected, dtype=torch.float64))
    late = own_history_share(torch.tensor([[0], [10**6]]), "inverse_sigmoid", 2.0)
    assert late.flatten().tolist() == pytest.approx([1 / 3, 1.0])


@pytest.mark.parametrize(
    ("schedule", "k"),
    [("linear", 0), ("exponential", 1), ("exponential", -0.1), ("inverse_sigmoid", 0.5), ("linear", NAN)],
)
def test_a_parameter_outside_its_range_is_refused(schedule: str, k: float) -> None:
    with pytest.raises(ValueError, match="`k`"):
        own_history_share([1], schedule, k)  # type: ignore[arg-type]


def test_steps_and_schedules_that_mean_nothing_are_refused() -> None:
    with pytest.raises(ValueError, match="`step` to hold numbers from 0, got -1"):
        own_history_share([1, -1], "linear", 2)
    with pytest.raises(ValueError, match="`schedule`"):
        own_history_share([1], "cosine", 2)  # type: ignore[arg-type]


def turns_of(dialogues: int) -> tuple[torch.Tensor, torch.Tensor]:
    return torch.arange(dialogues).repeat_interleave(5), torch.arange(1, 6).repeat(dialogues)


def test_a_share_of_turns_is_on_the_own_history_at_every_turn() -> None:
    dialogue, turn = turns_of(4000)
    for share in (0.1, 0.5, 0.8):
        own = scheduled_sampling(dialogue=dialogue, turn=turn, share=share).double()
        for position in range(1, 6):
            assert own[turn == position].mean().item() == pytest.approx(share, abs=4 * 0.5 / 4000**0.5)
        table = own.view(-1, 5).mT.corrcoef()
        assert (table - torch.eye(5)).abs().max() < 0.08, "turns of a dialogue are drawn independently"
    assert not scheduled_sampling(dialogue=dialogue, turn=turn, share=0.0).any()
    assert scheduled_sampling(dialogue=dialogue, turn=turn, share=1.0).all()


def test_the_draw_hangs_on_dialogue_turn_and_seed_alone() -> None:
    dialogue, turn = turns_of(300)
    own = scheduled_sampling(dialogue=dialogue, turn=turn, share=0.4)
    order = torch.randperm(len(turn), generator=torch.Generator().manual_seed(0))
    assert torch.equal(scheduled_sampling(dialogue=dialogue[order], turn=turn[order], share=0.4), own[order])
    padded = scheduled_sampling(dialogue=torch.arange(300), turn=turn.view(300, 5), share=0.4)
    assert torch.equal(padded.flatten(), own)
    names = [f"d{i}" for i in dialogue.tolist()]
    assert torch.equal(
        scheduled_sampling(dialogue=names[:7], turn=turn[:7], share=0.4),
        scheduled_sampling(dialogue=names, turn=turn, share=0.4)[:7],
    )
    assert not torch.equal(scheduled_sampling(dialogue=dialogue, turn=turn, share=0.4, seed=1), own)


def test_more_share_takes_no_turn_back() -> None:
    dialogue, turn = turns_of(300)
    less, more = (scheduled_sampling(dialogue=dialogue, turn=turn, share=share) for share in (0.3, 0.6))
    assert (more | ~less).all()
    rising = scheduled_sampling(dialogue=dialogue, turn=turn, share=own_history_share(turn - 1, "linear", 4))
    assert not rising[turn == 1].any()
    assert rising[turn == 5].all()


def test_the_draw_is_not_that_of_the_bootstrap() -> None:
    dialogue = torch.arange(20_000)
    own = scheduled_sampling(dialogue=dialogue, turn=torch.ones_like(dialogue), share=0.5).double()
    weights = poisson_weights(dialogue, 3)
    for replicate in weights.unbind(1):
        assert abs(torch.stack([own, replicate]).corrcoef()[0, 1].item()) < 0.03


def test_shares_outside_their_range_are_refused() -> None:
    for share in (-0.1, 1.1, NAN):
        with pytest.raises(ValueError, match="`share` to lie in 0 to 1"):
            scheduled_sampling(dialogue=[1, 2], turn=[1, 1], share=share)
    with pytest.raises(ValueError, match="`share` to have the shape"):
        scheduled_sampling(dialogue=[1, 2], turn=[1, 1], share=[0.5, 0.5, 0.5])
    with pytest.raises(ValueError, match="`dialogue`"):
        scheduled_sampling(dialogue=[1, 2, 3], turn=[1, 1], share=0.5)
