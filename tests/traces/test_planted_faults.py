# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Simulated traces with planted faults: their metrics give back what was planted, and a plain recount."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import numpy as np
import pytest
from scipy import stats

from imug_metrics import FaultLocalization, RepairGain, TraceCompliance, TraceSupport
from imug_metrics.traces import (
    STEPS,
    Claim,
    Review,
    Step,
    Trace,
    compliance_records,
    fault_records,
    repair_records,
    support_records,
)

DIALOGUES, TURNS = 300, 4
FAULTY = 0.6
"""Share of chains with a planted fault."""
MISSED, FALSE_ALARM = 0.2, 0.1
"""Of faulty chains that the check accepts, of sound ones that it rejects."""
FIRST = 0.7
"""Of faulty chains that it rejects, those whose faulty step it names first; else it is named second."""
REPAIRED, BROKEN = 0.5, 0.1
"""Of chains that are made again, faulty ones that become sound and sound ones that become faulty."""
LOST = 0.15
"""Of citations, those that lead nowhere."""
SUPPORTED = 0.8
"""Of claims with citations that lead somewhere, those that follow from them."""


@dataclass(frozen=True)
class Simulated:
    """What was drawn.

    Attributes:
        first: the first chain of each turn with its review.
        again: the chains that were made again.
        faulty: the planted fault of each first chain.
        sound_again: whether those that were made again are sound.
    """

    first: list[Trace]
    again: list[Trace]
    faulty: list[str | None]
    sound_again: list[bool]


@cache
def _simulated() -> Simulated:
    draw = np.random.default_rng(20261201)
    first, again, faulty, sound_again = [], [], [], []
    for dialogue in range(DIALOGUES):
        for turn in range(1, TURNS + 1):
            fault = STEPS[draw.integers(len(STEPS))] if draw.random() < FAULTY else None
            trace = Trace(f"d{dialogue}", turn, evidence={"image1": "yes"}, steps=_steps(draw), costs={"requests": 3.0})
            review = _review(draw, fault)
            first.append(replace(trace, review=review))
            faulty.append(fault)
            if not review.accepts:
                again.append(replace(trace, attempt=2, costs={"requests": float(draw.integers(1, 4))}))
                sound_again.append(bool(draw.random() < REPAIRED if fault else draw.random() >= BROKEN))
    return Simulated(first, again, faulty, sound_again)


def _steps(draw: np.random.Generator) -> tuple[Step, ...]:
    """Steps with up to three claims each; what a claim says is whether it follows."""
    return tuple(Step(name, "yes", tuple(_claim(draw) for _ in range(draw.integers(4)))) for name in STEPS)


def _claim(draw: np.random.Generator) -> Claim:
    return Claim("yes" if draw.random() < SUPPORTED else "no", ("image9" if draw.random() < LOST else "image1",))


def _review(draw: np.random.Generator, fault: str | None) -> Review:
    if fault is None:
        return Review(False, (STEPS[draw.integers(len(STEPS))],)) if draw.random() < FALSE_ALARM else Review(True)
    if draw.random() < MISSED:
        return Review(True)
    other = [name for name in STEPS if name != fault][draw.integers(len(STEPS) - 1)]
    return Review(False, (fault, other) if draw.random() < FIRST else (other, fault))


def _follows(premises: list[str], claims: list[str]) -> list[float]:
    return [float(premise == claim) for premise, claim in zip(premises, claims)]


def _result(metric: Any, records: dict[str, list[Any]]) -> dict[str, float]:
    metric.update(**records)
    return {key: float(value) for key, value in metric.compute().items()}


def _is_drawn_from(count: int, total: int, share: float) -> bool:
    """Whether a count is not too far from a planted share: the exact binomial test at one in ten thousand."""
    return bool(stats.binomtest(count, total, share).pvalue > 1e-4)


def test_localization_gives_back_what_the_check_does() -> None:
    drawn = _simulated()
    found = _result(FaultLocalization(detail=True), fault_records(drawn.first, drawn.faulty))
    first = second = missed = alarms = 0
    for trace, fault in zip(drawn.first, drawn.faulty):
        assert trace.review is not None
        named = trace.review.faulty
        first += fault is not None and named[:1] == (fault,)
        second += fault is not None and named[1:] == (fault,)
        missed += fault is not None and not named
        alarms += fault is None and bool(named)
    faults = sum(fault is not None for fault in drawn.faulty)
    sound = len(drawn.faulty) - faults
    assert found["fault_localization"] == pytest.approx(first / faults, abs=1e-12)
    assert found["fault_localization_reciprocal_rank"] == pytest.approx((first + second / 2) / faults, abs=1e-12)
    assert found["fault_localization_missed"] == pytest.approx(missed / faults, abs=1e-12)
    assert found["fault_localization_false_alarm"] == pytest.approx(alarms / sound, abs=1e-12)
    assert _is_drawn_from(faults, DIALOGUES * TURNS, FAULTY)
    assert _is_drawn_from(first, faults, (1 - MISSED) * FIRST)
    assert _is_drawn_from(missed, faults, MISSED)
    assert _is_drawn_from(alarms, sound, FALSE_ALARM)
    assert found["fault_localization_lower"] < (1 - MISSED) * FIRST < found["fault_localization_upper"]


@pytest.mark.parametrize(("review", "missed", "alarms"), [(Review(True), 1, 0), (Review(False, ("task",)), 0, 1)])
def test_a_check_that_looks_at_nothing_is_exposed(review: Review, missed: float, alarms: float) -> None:
    drawn = _simulated()
    traces = [replace(trace, review=review) for trace in drawn.first]
    found = _result(FaultLocalization(detail=True), fault_records(traces, drawn.faulty))
    assert (found["fault_localization_missed"], found["fault_localization_false_alarm"]) == (missed, alarms)
    faults = [fault for fault in drawn.faulty if fault is not None]
    hits = 0 if review.accepts else faults.count("task")
    assert found["fault_localization"] == pytest.approx(hits / len(faults), abs=1e-12)


def test_support_gives_back_what_follows_from_its_citations() -> None:
    drawn = _simulated()
    found = _result(TraceSupport(detail=True), support_records(drawn.first, _follows).records)
    shares, supported, total = [], 0, 0
    for trace in drawn.first:
        said = [claim for step in trace.steps for claim in step.claims]
        right = sum(claim.text == "yes" and claim.cites == ("image1",) for claim in said)
        shares += [right / len(said)] if said else []
        supported, total = supported + right, total + len(said)
    assert found["trace_support"] == pytest.approx(np.mean(shares), abs=1e-12)
    assert found["trace_support_claim"] == pytest.approx(supported / total, abs=1e-12)
    assert found["trace_support_n"] == len(shares)
    assert _is_drawn_from(supported, total, SUPPORTED * (1 - LOST))
    assert found["trace_support_lower"] < SUPPORTED * (1 - LOST) < found["trace_support_upper"]


def test_compliance_gives_back_the_citations_that_lead_somewhere() -> None:
    drawn = _simulated()
    found = _result(TraceCompliance(STEPS, detail=True), compliance_records(drawn.first))
    cites = [[cite for step in trace.steps for claim in step.claims for cite in claim.cites] for trace in drawn.first]
    kept = sum("image9" not in cited for cited in cites)
    assert found["trace_compliance"] == pytest.approx(kept / len(cites), abs=1e-12)
    assert (found["trace_compliance_present"], found["trace_compliance_ordered"]) == (1, 1)
    every = [cite for cited in cites for cite in cited]
    assert found["trace_compliance_resolved"] == pytest.approx(every.count("image1") / len(every), abs=1e-12)
    assert _is_drawn_from(every.count("image9"), len(every), LOST)


def test_repair_gives_back_what_was_fixed_and_broken_and_paid() -> None:
    drawn = _simulated()
    before = [float(fault is None) for fault in drawn.faulty]
    records = repair_records([*drawn.first, *drawn.again], [*before, *map(float, drawn.sound_again)])
    found = _result(RepairGain(detail=True, score_range=(0, 1)), records)
    was_sound = {(trace.dialogue, trace.turn): score for trace, score in zip(drawn.first, before)}
    fixed = broken = tried = spoiled = 0
    for trace, sound in zip(drawn.again, drawn.sound_again):
        was = was_sound[trace.dialogue, trace.turn]
        fixed, tried = fixed + (sound and not was), tried + (not was)
        broken, spoiled = broken + (was == 1 and not sound), spoiled + (was == 1)
    total, paid = len(before), sum(trace.costs["requests"] for trace in drawn.again)
    assert found["repair_gain"] == pytest.approx((fixed - broken) / total, abs=1e-12)
    assert (found["repair_gain_better"], found["repair_gain_worse"]) == pytest.approx((fixed / total, broken / total))
    assert found["repair_gain_cost"] == pytest.approx(paid / total)
    assert found["repair_gain_gain_per_cost"] == pytest.approx((fixed - broken) / paid)
    assert _is_drawn_from(fixed, tried, REPAIRED)
    assert _is_drawn_from(broken, spoiled, BROKEN)
    planted = FAULTY * (1 - MISSED) * REPAIRED - (1 - FAULTY) * FALSE_ALARM * BROKEN
    assert found["repair_gain_lower"] < planted < found["repair_gain_upper"]


def test_without_a_fault_or_a_second_attempt_nothing_is_claimed() -> None:
    drawn = _simulated()
    sound = [replace(trace, review=Review(True)) for trace in drawn.first]
    assert math.isnan(
        float(_result(FaultLocalization(detail=True), fault_records(sound, [None] * len(sound)))["fault_localization"])
    )
    found = _result(RepairGain(detail=True), repair_records(drawn.first, [1.0] * len(drawn.first)))
    assert (found["repair_gain"], found["repair_gain_cost"]) == (0, 0)
    assert math.isnan(found["repair_gain_gain_per_cost"])
