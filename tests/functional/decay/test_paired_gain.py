# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""paired_gain, and arms that come as two lists."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch

from imug_metrics import PairedGain
from imug_metrics.functional import exposure_bias, pair_records, paired_gain
from tests.metrics.decay.ragged import arms, found

NAN = math.nan


def test_two_lists_pair_by_dialogue_and_turn_in_any_order() -> None:
    scores, baseline, dialogue, turn = arms(5)
    names = np.array([f"sample/{d}" for d in dialogue])
    order = np.random.default_rng(0).permutation(len(turn))
    pairs = pair_records(
        scores,
        dialogue=names.tolist(),
        turn=turn,
        baseline=baseline[order],
        baseline_dialogue=names[order].tolist(),
        baseline_turn=turn[order],
    )
    assert len(pairs.scores_only) == len(pairs.baseline_only) == 0
    one, two = PairedGain(detail=True), PairedGain(detail=True)
    two.update(**pairs.rows)
    expected = found(one, scores, baseline, dialogue=names.tolist(), turn=turn)
    assert {k: float(v) for k, v in two.compute().items()} == pytest.approx(expected, abs=1e-12, nan_ok=True)


def test_unpaired_rows_are_named_in_their_own_arm() -> None:
    a = {"scores": [0.5, 0.6, 0.7], "dialogue": ["x", "x", "y"], "turn": [1, 2, 1]}
    with pytest.raises(ValueError, match=r"got `scores` alone at row 1 \(dialogue 'x', turn 2\)\."):
        pair_records(**a, baseline=[0.1, 0.2], baseline_dialogue=["y", "x"], baseline_turn=[1, 1])
    with pytest.raises(ValueError, match=r"`baseline` alone at row 0 \(dialogue 'z', turn 9\)\."):
        pair_records(
            [0.5], dialogue=["x"], turn=[1], baseline=[0.1, 0.2], baseline_dialogue=["z", "x"], baseline_turn=[9, 1]
        )
    with pytest.raises(ValueError, match=r"`scores` alone at row 0 .* and 3 more\."):
        pair_records([0.5] * 8, dialogue=range(8), turn=[1] * 8, baseline=[], baseline_dialogue=[], baseline_turn=[])


def test_unpaired_rows_can_be_kept_and_are_then_counted() -> None:
    pairs = pair_records(
        [0.5, 0.6],
        dialogue=[1, 2],
        turn=[1, 1],
        baseline=[0.25, 0.5],
        baseline_dialogue=[3, 1],
        baseline_turn=[1, 1],
        unpaired="keep",
    )
    assert (pairs.scores_only.tolist(), pairs.baseline_only.tolist()) == ([1], [0])
    values = found(PairedGain(detail=True), **pairs.rows)
    assert (values["paired_gain"], values["paired_gain_unpaired"], values["paired_gain_n"]) == (0, 2, 1)


def test_two_lists_with_subjects_pair_by_subject() -> None:
    pairs = pair_records(
        [0.5, 0.75],
        dialogue=[1, 1],
        turn=[1, 1],
        baseline=[0.25, 0.5],
        baseline_dialogue=[1, 1],
        baseline_turn=[1, 1],
        subject=["a", "b"],
        baseline_subject=["b", "a"],
    )
    assert sorted((pairs.rows["scores"] - pairs.rows["baseline"]).tolist()) == [0.0, 0.5]
    with pytest.raises(ValueError, match="`subject` and `baseline_subject` together"):
        pair_records(
            [0.5], dialogue=[1], turn=[1], baseline=[0.5], baseline_dialogue=[1], baseline_turn=[1], subject=[1]
        )


@pytest.mark.parametrize(
    ("baseline", "dialogue", "turn", "message"),
    [
        ([0.5, 0.5], [1, 1], [1, 1], "`baseline_turn` to come once"),
        ([0.5], [1, 1], [1], r"`baseline_dialogue` to have the shape of `baseline`, \[1\], got \[2\]"),
        ([0.5], [1], [0], "`baseline_turn` to be >= 1"),
        ([[0.5]], [1], [1], r"`baseline` to have shape \[N\]"),
    ],
)
def test_a_malformed_arm_is_named(baseline: Any, dialogue: Any, turn: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        pair_records([0.5], dialogue=[1], turn=[1], baseline=baseline, baseline_dialogue=dialogue, baseline_turn=turn)


def test_pairing_takes_only_what_it_knows() -> None:
    with pytest.raises(ValueError, match="`unpaired`"):
        pair_records(
            [0.5], dialogue=[1], turn=[1], baseline=[0.5], baseline_dialogue=[1], baseline_turn=[1], unpaired="drop"
        )


def test_lengths_leave_out_what_lies_behind_a_dialogue() -> None:
    own, reference = (
        torch.tensor([[0.5, 0.5, 0.9], [0.5, 0.5, 0.5]]),
        torch.tensor([[0.75, 0.5, 0.1], [0.25, 0.5, 0.5]]),
    )
    lengths = torch.tensor([2, 3])
    each = paired_gain(own, reference, lengths=lengths, reduction="none")
    torch.testing.assert_close(
        each, torch.tensor([[-0.25, 0, torch.nan], [0.25, 0, 0]], dtype=torch.float64), equal_nan=True
    )
    assert found(PairedGain(detail=True), own, reference, lengths=lengths)["paired_gain_unpaired"] == 0
    excess = exposure_bias(own, reference, lengths=lengths, reduction="none")
    alone = exposure_bias(own[:, :2], reference[:, :2], reduction="none")
    torch.testing.assert_close(excess[:2], alone)


def test_the_function_gives_the_gain_of_the_class_and_of_each_record() -> None:
    own, reference, dialogue, turn = arms(8)
    own[5] = NAN
    metric = PairedGain()
    metric.update(own, reference, dialogue=dialogue, turn=turn)
    assert paired_gain(own, reference, dialogue=dialogue, turn=turn).item() == pytest.approx(
        metric.compute().item(), abs=1e-12
    )
    each = paired_gain(own, reference, dialogue=dialogue, turn=turn, reduction="none").numpy()
    np.testing.assert_allclose(each, own - reference)


def test_gradients_of_a_gain_pass_absent_records() -> None:
    own = torch.tensor([[0.5, NAN, 0.25]], requires_grad=True)
    paired_gain(own, torch.tensor([[0.75, 0.5, 0.5]])).backward()
    assert own.grad.tolist() == [[0.5, 0.0, 0.5]]
