# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Scores of outputs are those of the metrics themselves; epochs repeat dialogues and are no new ones."""

from __future__ import annotations

import math
import random

import pytest
import torch

from imug_metrics import BestOfN, CopyGuard, Reliability, TurnAlignment, TurnConsistency
from imug_metrics.errors import ArgumentError
from imug_metrics.functional import answer_accuracy, turn_alignment
from imug_metrics.integrations.inspect_outputs import Measure, Output, packed, packed_pixels
from imug_metrics.integrations.inspect_scores import dialogue_scores, epoch_scores
from tests.integrations.recorded import expected, rows

ANSWERS = Measure("answer_accuracy", (0.0, 1.0))
CONSISTENCY = Measure("turn_consistency", None, "pairwise")


def recorded(epochs: int = 1) -> list[Output]:
    """The recorded run, in every epoch the same."""
    given = rows()
    values = answer_accuracy([row["reply"] for row in given], [row["answer"] for row in given], reduction="none")
    return [
        Output(row["dialogue"], row["turn"], row["id"], value, epoch)
        for epoch in range(1, epochs + 1)
        for row, value in zip(given, values.tolist())
    ]


def strayed(epochs: int) -> list[Output]:
    """Eight dialogues of three turns, right or wrong by chance in every epoch."""
    chance = random.Random(0)
    return [
        Output(f"d{number}", turn, f"{number}-{turn}", float(chance.random() < 0.7 - 0.1 * turn), epoch)
        for epoch in range(1, epochs + 1)
        for number in range(8)
        for turn in (1, 2, 3)
    ]


def test_scores_of_answers_are_those_of_the_metric_in_any_order() -> None:
    outputs = recorded()
    random.Random(1).shuffle(outputs)
    found = dialogue_scores(ANSWERS, outputs)
    assert {"answer_accuracy_slope_lower", "answer_accuracy_coverage", "answer_accuracy_turn_5"} < found.keys()
    assert found == pytest.approx({name: expected()[name] for name in found}, abs=1e-14)


def test_scores_of_alignment_are_those_of_the_metric() -> None:
    generator = torch.Generator().manual_seed(0)
    images, texts = torch.randn(2, 12, 8, generator=generator)
    dialogue, turn = [f"d{n // 3}" for n in range(12)], [n % 3 + 1 for n in range(12)]
    values = turn_alignment(images, texts, reduction="none").tolist()
    outputs = [Output(*each, str(n), value) for n, (*each, value) in enumerate(zip(dialogue, turn, values))]
    metric = TurnAlignment(detail=True)
    metric.update(images, texts, dialogue=dialogue, turn=turn)
    found = dialogue_scores(Measure("turn_alignment", (0.0, 2.5)), outputs)
    whole = metric.compute()
    assert found == pytest.approx({name: whole[name].item() for name in found}, nan_ok=True)


def drawn(epoch: int, seed: int) -> tuple[list[Output], torch.Tensor]:
    """The images of three dialogues of three turns, the last of them absent."""
    images = torch.randn(9, 4, generator=torch.Generator().manual_seed(seed))
    texts = [*packed(images[:-1]), None]
    outputs = [Output(f"d{n // 3}", n % 3 + 1, f"s{n}", math.nan, epoch, "", text) for n, text in enumerate(texts)]
    return outputs, images


def test_scores_of_consistency_are_those_of_the_metric() -> None:
    outputs, images = drawn(1, 0)
    metric = TurnConsistency(detail=True)
    places = {"dialogue": [output.dialogue for output in outputs], "turn": [output.turn for output in outputs]}
    guard = CopyGuard(detail=True)
    for each in (metric, guard):
        each.update(images, **places, valid=torch.arange(9) < 8)
    found = dialogue_scores(CONSISTENCY, outputs)
    whole = metric.compute() | guard.compute()
    assert {"copy_guard", "turn_consistency_worst_pair", "turn_consistency_turn_3"} < found.keys()
    assert found == pytest.approx({name: whole[name].item() for name in found}, nan_ok=True)
    assert found["turn_consistency_coverage"] == 8 / 9


def test_copies_are_told_by_the_pixels_of_images_that_an_encoder_finds_alike() -> None:
    alike, small = packed(torch.ones(3, 4)), torch.rand(2, 3 * 32 * 32, generator=torch.Generator().manual_seed(0))
    pixels = packed_pixels(small[[0, 0, 1]])
    outputs = [Output("d", n + 1, f"s{n}", math.nan, 1, "", alike[n], pixels[n]) for n in range(3)]
    assert dialogue_scores(CONSISTENCY, outputs)["copy_guard"] == 0.5
    without = [output._replace(pixels=None) for output in outputs]
    assert dialogue_scores(CONSISTENCY, without)["copy_guard"] == 1.0, "of older logs, by embeddings alone"


def test_images_of_two_epochs_are_never_compared() -> None:
    one, two = (dialogue_scores(CONSISTENCY, drawn(1, seed)[0]) for seed in (0, 1))
    both = dialogue_scores(CONSISTENCY, drawn(1, 0)[0] + drawn(2, 1)[0])
    assert both["turn_consistency"] == pytest.approx((one["turn_consistency"] + two["turn_consistency"]) / 2)
    assert (both["turn_consistency_dialogues"], both["turn_consistency_epochs"]) == (3, 2)


def test_repeating_a_run_makes_no_interval_narrower() -> None:
    once, often = dialogue_scores(ANSWERS, recorded()), dialogue_scores(ANSWERS, recorded(5))
    assert often.pop("answer_accuracy_epochs") == 5
    assert often == pytest.approx(once, abs=1e-14)


def test_what_could_not_be_scored_lowers_the_coverage_in_every_epoch() -> None:
    outputs = [Output("a", 1, "a1", math.nan), Output("a", 1, "a1", 1.0, 2), Output("b", 1, "b1", 0.0)]
    outputs.append(Output("b", 1, "b1", math.nan, 2))
    skipped, zeros = (dialogue_scores(ANSWERS, outputs, missing=missing) for missing in ("skip", "zero"))
    assert (skipped["answer_accuracy"], zeros["answer_accuracy"]) == (0.5, 0.25)
    assert skipped["answer_accuracy_coverage"] == zeros["answer_accuracy_coverage"] == 0.5


def test_all_unscored_is_undefined() -> None:
    found = dialogue_scores(ANSWERS, [Output("a", turn, f"a{turn}", math.nan) for turn in (1, 2)])
    assert math.isnan(found["answer_accuracy"])
    assert (found["answer_accuracy_coverage"], found["answer_accuracy_n"]) == (0, 0)


def test_two_samples_at_one_turn_are_refused() -> None:
    outputs = [Output("a", 1, "x", 1.0), Output("a", 1, "y", 1.0)]
    for scores in (dialogue_scores, epoch_scores):
        with pytest.raises(ArgumentError, match="turn 1 of dialogue 'a' is there twice, in samples x and y"):
            scores(ANSWERS, outputs)


def test_turns_beyond_the_sixteenth_are_on_the_curve() -> None:
    found = dialogue_scores(ANSWERS, [Output("a", turn, str(turn), 1.0) for turn in (1, 40)])
    assert [name for name in found if "_turn_" in name] == ["answer_accuracy_turn_1", "answer_accuracy_turn_40"]


def test_nothing_has_no_scores() -> None:
    assert dialogue_scores(ANSWERS, []) == epoch_scores(ANSWERS, []) == {}


def test_epochs_are_runs_of_reliability_and_candidates_of_the_best() -> None:
    outputs = strayed(4)
    places = sorted({(output.dialogue, output.turn) for output in outputs})
    values = [[output.value for output in outputs if output[:2] == place] for place in places]
    given = {"dialogue": [dialogue for dialogue, _ in places], "turn": [turn for _, turn in places]}
    found = epoch_scores(ANSWERS, outputs)
    reliability, best = Reliability(detail=True), BestOfN(4, ks=(2, 3, 4), score_range=(0, 1), detail=True)
    for metric in (reliability, best):
        metric.update(torch.tensor(values, dtype=torch.float64), **given)
    for end in ("", "_lower", "_upper"):
        assert found[f"answer_accuracy_reliability{end}"] == pytest.approx(reliability.compute()[f"reliability{end}"])
        for k in (2, 3, 4):
            assert found[f"answer_accuracy_best_of_{k}{end}"] == pytest.approx(
                best.compute()[f"best_of_n_oracle_{k}{end}"]
            )
    assert found["answer_accuracy_reliability_average"] == pytest.approx(
        dialogue_scores(ANSWERS, outputs)["answer_accuracy"]
    )


def test_an_epoch_that_a_record_lacks_leaves_it_out_of_the_best_of_all() -> None:
    outputs = [Output("a", 1, "a1", 1.0), Output("a", 1, "a1", 0.0, 2), Output("b", 1, "b1", 0.0)]
    assert epoch_scores(ANSWERS, outputs)["answer_accuracy_best_of_2"] == 1


@pytest.mark.parametrize(
    ("measure", "outputs"), [(ANSWERS, recorded()), (CONSISTENCY, drawn(1, 0)[0] + drawn(2, 1)[0])]
)
def test_one_epoch_and_consistency_say_nothing_of_epochs(measure, outputs) -> None:
    assert epoch_scores(measure, outputs) == {}


def test_epochs_of_scores_without_a_range_are_refused() -> None:
    with pytest.raises(ArgumentError, match="expected what values of 'grade' lie within"):
        epoch_scores(Measure("grade"), recorded(2))
