# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""The model checks its own output, and repairs what it rejects."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from imug_metrics import LoopConvergence, PairedGain, SelfCorrection, SelfVerification
from imug_metrics.errors import ArgumentError
from imug_metrics.inference.strategies.self_verification import SelfVerificationLoop
from imug_metrics.inference.strategies.verdict_records import verdict_records
from imug_metrics.inference.strategies.wording import REPAIR, VERIFY
from tests.inference.strategies.simulated import (
    PROMPT,
    RIGHT,
    KnownRates,
    Simulation,
    answered,
    holds,
    replies,
    simulate,
    turn_of,
)


def test_what_is_accepted_stays() -> None:
    ask = replies("B", "ACCEPT, it is right.")
    answer = answered(SelfVerificationLoop(3), turn_of(ask))
    assert [message.parts for message in ask.requests[1][0]] == [(PROMPT,), ("B",), (VERIFY,)]
    assert (answer.output, answer.attempts) == ("B", ())
    assert answer.log == {"verdicts": [True], "criticism": ["ACCEPT, it is right."]}


def test_what_is_rejected_is_made_again_with_the_criticism_in_the_history() -> None:
    ask = replies("B", "REJECT: two are red.", "A")
    answer = answered(SelfVerificationLoop(), turn_of(ask))
    said = [message.parts for message in ask.requests[2][0]]
    assert said == [(PROMPT,), ("B",), (VERIFY,), ("REJECT: two are red.",), (REPAIR["text"],)]
    assert answer.output == "A"
    assert (answer.output, answer.attempts, answer.candidates) == ("A", ("B",), ())
    assert answer.log["verdicts"] == [False]


def test_another_model_may_be_the_checker() -> None:
    ask, checker = replies("B", "A"), replies("REJECT: two are red.", "ACCEPT")
    turn = replace(turn_of(ask), roles={"checker": checker})
    answer = answered(SelfVerificationLoop(2), turn)
    assert (answer.output, answer.log["verdicts"]) == ("A", [False, True])
    assert (len(ask.requests), checker.last_words()) == (2, [VERIFY, VERIFY])


def test_rounds_end_with_the_first_output_that_is_accepted() -> None:
    ask = replies("B", "REJECT", "C", "REJECT", "A", "ACCEPT")
    answer = answered(SelfVerificationLoop(5), turn_of(ask))
    assert answer.log["verdicts"] == [False, False, True]
    assert (*answer.attempts, answer.output) == ("B", "C", "A")
    steps = [step for _, _, step in ask.requests]
    assert steps == [("attempt", 0), ("verdict", 0), ("attempt", 1), ("verdict", 1), ("attempt", 2), ("verdict", 2)]


def test_the_last_repair_is_not_checked() -> None:
    ask = replies("B", "REJECT", "C", "REJECT", "D")
    assert answered(SelfVerificationLoop(2), turn_of(ask)).output == "D"


@pytest.mark.parametrize("verdict", ["It looks right.", "!busy"])
def test_a_verdict_that_is_none_leaves_the_output(verdict: str) -> None:
    answer = answered(SelfVerificationLoop(), turn_of(replies("B", verdict)))
    assert (answer.output, answer.log["verdicts"]) == ("B", [None])
    assert answer.log.get("verdict_error") == ("busy" if verdict == "!busy" else None)


def test_a_repair_that_fails_leaves_the_output() -> None:
    answer = answered(SelfVerificationLoop(), turn_of(replies("B", "REJECT", "!busy")))
    assert (answer.output, answer.attempts, answer.log["repair_error"]) == ("B", (), "busy")


def test_images_are_checked_in_words_and_drawn_again() -> None:
    ask = replies(b"first", "REJECT", b"second")
    answered(SelfVerificationLoop(), turn_of(ask, want="image"))
    assert [want for _, want, _ in ask.requests] == ["image", "text", "image"]


def test_no_round_is_refused() -> None:
    with pytest.raises(ArgumentError, match="rounds from 1, got 0"):
        SelfVerificationLoop(0)


P, T, F, Q = 0.5, 0.85, 0.35, 0.65
MODEL = KnownRates(base=P, accept_right=T, accept_wrong=F, repaired=Q)


def accuracy(begin: float, rounds: int) -> float:
    """Of the last output, by recursion over rounds: what is rejected begins anew at the accuracy of a repair."""
    return begin if rounds == 0 else begin * T + rejected(begin) * accuracy(Q, rounds - 1)


def requests(begin: float, rounds: int) -> float:
    return 1.0 if rounds == 0 else 2 + rejected(begin) * requests(Q, rounds - 1)


def rejected(share_right: float) -> float:
    return 1 - (share_right * T + (1 - share_right) * F)


def scores(found: Simulation) -> list[list[float]]:
    """1 for each attempt of each turn that is right."""
    return [[float(output == RIGHT) for output in (*answer.attempts, answer.output)] for answer in found.answers]


@pytest.mark.parametrize("rounds", [1, 3])
def test_accuracy_and_requests_are_those_of_the_known_rates(rounds: int) -> None:
    found = simulate(SelfVerificationLoop(rounds), MODEL)
    records = verdict_records(found.dialogue, found.turn, [answer.log for answer in found.answers], scores(found))
    correction = SelfCorrection(detail=True)
    correction.update(**records.correction)
    gained = correction.compute()
    assert holds(gained, "self_correction", accuracy(P, rounds) - P)
    assert holds(gained, "self_correction_after", accuracy(P, rounds))
    made = PairedGain(detail=True)
    made.update(torch.tensor(found.requests).double(), torch.full((len(found.requests),), 2.0), **found.places)
    assert holds(made.compute(), "paired_gain", requests(P, rounds) - 2)
    assert found.tokens == [3.0 * number for number in found.requests]


def test_one_round_is_the_closed_form() -> None:
    assert accuracy(P, 1) == pytest.approx(P * T + (1 - (P * T + (1 - P) * F)) * Q)
    assert requests(P, 1) == pytest.approx(2 + rejected(P))


def test_verdicts_and_loops_are_read_from_the_logs() -> None:
    found = simulate(SelfVerificationLoop(2), MODEL)
    records = verdict_records(found.dialogue, found.turn, [answer.log for answer in found.answers], scores(found))
    verification = SelfVerification(detail=True)
    verification.update(**records.verification)
    judged = verification.compute()
    assert holds(judged, "self_verification_false_accept", F)
    assert holds(judged, "self_verification_false_reject", 1 - T)
    loops = LoopConvergence(detail=True)
    loops.update(**records.loops)
    several = [row for row in scores(found) if len(row) > 1]
    expected = sum(row[-1] - row[0] for row in several) / len(several)
    assert float(loops.compute()["loop_convergence"]) == pytest.approx(expected)


def test_turns_without_verdicts_are_refused() -> None:
    with pytest.raises(ArgumentError, match="verdicts and scores at turn 2 of b"):
        verdict_records(["a", "b"], [1, 2], [{"verdicts": [True]}, {}], [[1], [1]])
    with pytest.raises(ArgumentError, match="expected those of 1 logs"):
        verdict_records(["a"], [1], [{"verdicts": [True]}], [])
