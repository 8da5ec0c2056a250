# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Chains of evidence by models whose rates are known have the accuracy and the costs that follow from these rates."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import pytest
from scipy import stats

from imug_metrics.inference.model import Message, Reply, Want
from imug_metrics.inference.strategies import EvidenceChain, logged_traces
from imug_metrics.inference.turn import Turn
from imug_metrics.traces import STEPS, Trace
from tests.inference.strategies.simulated import PROMPT, RIGHT, WRONG
from tests.inference.strategies.simulated_chain import FAULT, ChainRates, faulty, report

TURNS = 1500
RATES = [
    (ChainRates(), 1),
    (ChainRates(kept=1.0), 3),
    (ChainRates(right=0.9, accept_right=0.4, accept_wrong=0.9, kept=0.2), 1),  # does more harm than good
    (ChainRates(right=0.1, accept_wrong=0.0, located=1.0, repaired=1.0, kept=1.0), 2),
]


@dataclass
class Chains:
    """Many turns by chains of evidence."""

    right: list[bool]
    requests: list[int]
    traces: list[list[Trace]]


@cache
def simulate(rates: ChainRates, rounds: int) -> Chains:
    found = Chains([], [], [])

    async def one(dialogue: str) -> None:
        requests = 0

        def role(reply: Callable[[Sequence[Message], random.Random], str]) -> Any:
            async def ask(history: Sequence[Message], want: Want, step: tuple[Any, ...]) -> Reply:
                nonlocal requests
                requests += 1
                return Reply(reply(history, random.Random(f"{dialogue} {step}")))

            return ask

        def final(history: Sequence[Message], draw: random.Random) -> str:
            return RIGHT if faulty(history[-2].text) is None else WRONG

        roles = {name: role(getattr(rates, name)) for name in ("reasoner", "checker", "judger")}
        turn = Turn(dialogue, 1, "text", (Message("user", (PROMPT,)),), PROMPT, role(final), roles=roles)
        answer = await EvidenceChain(rounds).answer(turn)
        found.right.append(answer.output == RIGHT)
        found.requests.append(requests)
        found.traces.append(logged_traces(answer.log))

    async def all_turns() -> None:
        for row in range(TURNS):
            await one(f"d{row}")

    asyncio.run(all_turns())
    return found


def _agrees(hits: int, of: int, share: float) -> bool:
    """Whether a count is one that a share gives but once in ten thousand draws or more often."""
    return stats.binomtest(hits, of, share).pvalue > 1e-4


@pytest.mark.parametrize(("rates", "rounds"), RATES, ids=["usual", "rounds", "harm", "perfect"])
def test_accuracy_is_what_the_rates_say(rates: ChainRates, rounds: int) -> None:
    found = simulate(rates, rounds)
    accuracy, _ = rates.expected(rounds)
    assert _agrees(sum(found.right), TURNS, accuracy)
    assert not _agrees(sum(found.right), TURNS, rates.right)  # the chain does something, for better or for worse


@pytest.mark.parametrize(("rates", "rounds"), RATES, ids=["usual", "rounds", "harm", "perfect"])
def test_requests_are_what_the_rates_say(rates: ChainRates, rounds: int) -> None:
    found = simulate(rates, rounds)
    _, requests = rates.expected(rounds)
    assert stats.ttest_1samp(found.requests, requests).pvalue > 1e-4
    # And of each turn: a report, an answer, and with each attempt a verdict, a faulty step and a report more.
    for count, traces in zip(found.requests, found.traces, strict=True):
        rejected = sum(trace.review is not None and trace.review.accepts is False for trace in traces)
        checked = sum(trace.review is not None for trace in traces)
        assert count == 2 + checked + 2 * rejected
        assert count - 1 == sum(trace.costs["requests"] for trace in traces)


def test_one_round_has_the_closed_form() -> None:
    rates = ChainRates()
    p, t, f = rates.right, rates.accept_right, rates.accept_wrong
    accuracy = p * (t + (1 - t) * rates.kept) + (1 - p) * (1 - f) * rates.located * rates.repaired
    reject = p * (1 - t) + (1 - p) * (1 - f)
    assert rates.expected(1) == pytest.approx((accuracy, 3 + 2 * reject))


def test_traces_tell_the_rates_of_each_role() -> None:
    rates = ChainRates()
    found = simulate(rates, 1)
    firsts = [traces[0] for traces in found.traces]
    faults = [faulty(_text(trace)) for trace in firsts]
    assert _agrees(faults.count(None), TURNS, rates.right)
    verdicts = [
        (fault is None, trace.review.accepts) for fault, trace in zip(faults, firsts, strict=True) if trace.review
    ]
    for is_right, rate in ((True, rates.accept_right), (False, rates.accept_wrong)):
        accepted = [accepts for right, accepts in verdicts if right is is_right]
        assert _agrees(accepted.count(True), len(accepted), rate)
    named = [
        trace.review.faulty == (fault,)
        for fault, trace in zip(faults, firsts, strict=True)
        if fault is not None and trace.review and trace.review.accepts is False
    ]
    assert _agrees(named.count(True), len(named), rates.located)
    pairs = [(fault, traces[1]) for fault, traces in zip(faults, found.traces, strict=True) if len(traces) == 2]
    mended = [faulty(_text(again)) is None for fault, again in pairs if again.restarted_from == fault]
    assert _agrees(mended.count(True), len(mended), rates.repaired)


def test_what_is_made_again_keeps_the_steps_before_it() -> None:
    for first, *others in simulate(ChainRates(), 1).traces:
        for again in others:
            assert again.restarted_from in STEPS
            place = STEPS.index(again.restarted_from)
            assert again.steps[:place] == first.steps[:place]


def test_a_checker_that_always_accepts_makes_nothing_again() -> None:
    rates = replace(ChainRates(), accept_right=1.0, accept_wrong=1.0)
    found = simulate(rates, 3)
    assert set(found.requests) == {3}
    assert {len(traces) for traces in found.traces} == {1}
    assert _agrees(sum(found.right), TURNS, rates.right)


def test_a_fault_that_is_named_too_late_stays() -> None:
    rates = replace(ChainRates(), accept_wrong=0.0, accept_right=1.0, located=0.0, repaired=1.0)
    found = simulate(rates, 3)
    assert {len(traces) for traces in found.traces} == {1, 4}
    assert rates.expected(3)[0] == rates.right
    assert _agrees(sum(found.right), TURNS, rates.right)


def test_the_simulated_report_has_the_fault_where_it_was_planted() -> None:
    assert [faulty(report(step)) for step in STEPS] == list(STEPS)
    assert faulty(report(None)) is None
    assert FAULT in report("task")


def _text(trace: Trace) -> str:
    return "\n".join(f"## {step.name}\n{step.text}" for step in trace.steps)
