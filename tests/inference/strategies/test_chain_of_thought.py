# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""The model thinks in words before it answers."""

from __future__ import annotations

import pytest

from imug_metrics import PairedGain
from imug_metrics.inference.strategies.asking import LONGEST_LOG
from imug_metrics.inference.strategies.chain_of_thought import ChainOfThought
from imug_metrics.inference.strategies.direct import Direct
from imug_metrics.inference.strategies.wording import ANSWER, THINK
from tests.inference.strategies.simulated import PROMPT, KnownRates, answered, holds, replies, simulate, turn_of


def test_thoughts_stand_between_the_question_and_the_answer() -> None:
    ask = replies("It is a cup.", "B")
    answer = answered(ChainOfThought(), turn_of(ask))
    thinking, answering = (history for history, _, _ in ask.requests)
    assert [message.parts for message in thinking] == [(PROMPT, THINK["text"])]
    assert [message.parts for message in answering] == [
        (PROMPT, THINK["text"]),
        ("It is a cup.",),
        (ANSWER["text"],),
    ]
    assert (answer.output, answer.candidates, answer.log) == ("B", (), {"thoughts": "It is a cup."})


def test_before_an_image_the_thoughts_are_words() -> None:
    ask = replies("A red square.", b"png")
    answered(ChainOfThought(), turn_of(ask, want="image"))
    assert [(want, step) for _, want, step in ask.requests] == [("text", ("thoughts",)), ("image", ("answer",))]


def test_without_thoughts_the_answer_is_asked_as_if_none_had_been_wanted() -> None:
    ask = replies("!no thoughts", "B")
    answer = answered(ChainOfThought(), turn_of(ask))
    assert [message.parts for message in ask.requests[1][0]] == [(PROMPT,)]
    assert (answer.output, answer.log) == ("B", {"thoughts": None, "thoughts_error": "no thoughts"})


def test_long_thoughts_are_cut_in_the_log_and_not_in_the_history() -> None:
    thoughts = "x" * (LONGEST_LOG + 1)
    ask = replies(thoughts, "B")
    answer = answered(ChainOfThought(), turn_of(ask))
    assert answer.log["thoughts"] == thoughts[:LONGEST_LOG]
    assert ask.requests[1][0][1].parts == (thoughts,)


def test_a_failed_answer_is_a_failed_turn() -> None:
    with pytest.raises(RuntimeError, match="gone"):
        answered(ChainOfThought(), turn_of(replies("Hm.", "!gone")))


def test_the_gain_is_the_known_one_at_twice_the_requests() -> None:
    model = KnownRates(base=0.45, thoughtful=0.65)
    plain, cot = simulate(Direct(), model), simulate(ChainOfThought(), model)
    gain = PairedGain(detail=True)
    gain.update(cot.right(), plain.right(), **cot.places)
    found = gain.compute()
    assert holds(found, "paired_gain", 0.65 - 0.45)
    assert holds(found, "paired_gain_slope", 0.0)
    assert set(plain.requests) == {1}
    assert set(cot.requests) == {2}
    assert set(cot.tokens) == {20.0 + 3.0}
