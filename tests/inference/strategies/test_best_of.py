# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Several candidates, of which a selector picks one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
import torch

from imug_metrics import BestOfN
from imug_metrics.errors import ArgumentError
from imug_metrics.functional import verified_accuracy
from imug_metrics.inference.model import Part, Want
from imug_metrics.inference.strategies.best_of import BestOf
from imug_metrics.inference.strategies.selectors.own import OwnSelector
from imug_metrics.inference.strategies.self_verification import SelfVerificationLoop
from imug_metrics.inference.turn import Turn
from tests.inference.strategies.simulated import RIGHT, Asked, KnownRates, answered, holds, replies, simulate, turn_of


class Given:
    """Scores that are known beforehand."""

    name = "given"

    def __init__(self, *scores: float | None, wants: Sequence[Want] = ("text",)) -> None:
        self.found, self.wants = scores, wants

    async def scores(self, turn: Turn, outputs: Sequence[Part]) -> list[float | None]:
        return list(self.found[: len(outputs)])


@pytest.mark.parametrize(
    ("scores", "output"),
    [
        ((0.1, 0.9, 0.5), "B"),
        ((0.5, 0.9, 0.9), "B"),
        ((None, 0.1, None), "B"),
        ((None, None, None), "A"),
        ((float("nan"), -1.0, -2.0), "B"),
        ((float("inf"), 0.0, 1.0), "C"),
    ],
)
def test_the_first_of_the_highest_scores_wins(scores: tuple[float | None, ...], output: str) -> None:
    answer = answered(BestOf(3, Given(*scores)), turn_of(replies("A", "B", "C")))
    assert answer.output == output
    assert [each.output for each in answer.candidates] == ["A", "B", "C"]
    finite = [score if score is not None and abs(score) < 10 else None for score in scores]
    assert [each.score for each in answer.candidates] == finite
    assert (answer.log["selector"], answer.log["pick"]) == ("given", "ABC".index(output))


def test_a_candidate_that_fails_is_absent() -> None:
    answer = answered(BestOf(3, Given(0.1, 0.9)), turn_of(replies("A", "!busy", "C")))
    assert [each.output for each in answer.candidates] == ["A", "C"]
    assert (answer.output, answer.log["failed"]) == ("C", ["busy"])


def test_where_all_fail_the_turn_fails_for_the_first_reason() -> None:
    with pytest.raises(RuntimeError, match="first"):
        answered(BestOf(2, Given()), turn_of(replies("!first", "!second")))


def test_another_error_than_the_models_is_not_hidden() -> None:
    with pytest.raises(IndexError):
        answered(BestOf(2, Given(1.0, 1.0)), turn_of(replies("A")))


def test_each_kind_of_output_has_the_first_selector_that_scores_it() -> None:
    strategy = BestOf(2, [Given(0, 1), Given(1, 0, wants=("text", "image"))])
    assert answered(strategy, turn_of(replies("A", "B"))).output == "B"
    drawn = answered(strategy, turn_of(replies(b"a", b"b"), want="image")).output
    assert getattr(drawn, "data", None) == b"a"


def test_what_no_selector_scores_is_answered_once() -> None:
    ask = replies(b"a")
    answer = answered(BestOf(8, Given()), turn_of(ask, want="image"))
    assert (len(ask.requests), answer.candidates, answer.log) == (1, (), {})


def test_candidates_have_steps_of_their_own() -> None:
    ask = replies("A", "B", "7", "3")
    answered(BestOf(2, OwnSelector()), turn_of(ask))
    steps = [step for _, _, step in ask.requests]
    assert steps == [("candidate", 0), ("candidate", 1), ("selector", 0), ("selector", 1)]


def test_logs_of_what_is_inside_are_kept() -> None:
    ask = Asked(lambda history, want, step: "ACCEPT" if "verdict" in step else "A")
    answer = answered(BestOf(2, Given(0, 1), SelfVerificationLoop()), turn_of(ask))
    assert [log["verdicts"] for log in answer.log["candidates"]] == [[True], [True]]


@pytest.mark.parametrize("n", [0, 1, 5000])
def test_numbers_of_candidates_that_make_no_sense_are_refused(n: int) -> None:
    with pytest.raises(ArgumentError, match=f"`n`: expected 2 to 4096 candidates for best-of, got {n}"):
        BestOf(n, Given())


def test_no_selector_is_refused() -> None:
    with pytest.raises(ArgumentError, match="`selectors`: expected a selector"):
        BestOf(2, [])


def test_a_selector_with_another_number_of_scores_is_refused() -> None:
    with pytest.raises(ArgumentError, match="the selector given has 1 scores for 2 outputs"):
        answered(BestOf(2, Given(1.0)), turn_of(replies("A", "B")))


RIGHT_GRADES = {3: 0.1, 5: 0.2, 7: 0.3, 9: 0.4}
WRONG_GRADES = {3: 0.4, 5: 0.3, 7: 0.2, 9: 0.1}


def roc() -> tuple[torch.Tensor, torch.Tensor]:
    """Shares of right and of wrong candidates with at least each grade, from above the highest."""
    grades = sorted(RIGHT_GRADES, reverse=True)
    shares = [torch.tensor([0.0, *(chances[g] for g in grades)]).cumsum(0) for chances in (RIGHT_GRADES, WRONG_GRADES)]
    return shares[0], shares[1]


def graded(answers: Sequence[Any]) -> dict[str, list[list[float]]]:
    """Scores of all candidates by the truth and by the selector."""
    return {
        "scores": [[float(each.output == RIGHT) for each in answer.candidates] for answer in answers],
        "selector": [[each.score for each in answer.candidates] for answer in answers],
    }


def test_a_verifier_of_known_roc_brings_what_theory_says() -> None:
    model = KnownRates(base=0.4, grades=(RIGHT_GRADES, WRONG_GRADES))
    found = simulate(BestOf(4, OwnSelector()), model)
    metric = BestOfN(k=4, detail=True)
    metric.update(**graded(found.answers), **found.places)
    estimates = metric.compute()
    for k in (2, 4):
        truth = float(verified_accuracy(0.4, *roc(), k))
        assert holds(estimates, f"best_of_n_selected_{k}", truth), k
        assert holds(estimates, f"best_of_n_oracle_{k}", 1 - 0.6**k), k
    assert holds(estimates, "best_of_n_single", 0.4)
    picked = BestOfN(k=2, ks=[2], detail=True)  # the mean of the picks themselves, with its interval
    picked.update([[value, value] for value in found.right()], **found.places)
    assert holds(picked.compute(), "best_of_n", float(verified_accuracy(0.4, *roc(), 4)))


def test_a_turn_costs_a_request_and_a_grade_for_each_candidate() -> None:
    found = simulate(BestOf(4, OwnSelector()), KnownRates(), dialogues=5)
    assert set(found.requests) == {8}
    assert set(found.tokens) == {8 * 3.0}
