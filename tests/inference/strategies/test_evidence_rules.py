# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""What rules say of a chain, and what stays of it when it is made again."""

from __future__ import annotations

from itertools import product

import pytest

from imug_metrics.inference.strategies.evidence_rules import broken_rules, steps_before
from imug_metrics.traces import STEPS, Claim, Step, Trace, missing_steps, steps_in_order, unresolved_cites

NAMES = (*STEPS, "aside")


def _of(*names: str) -> Trace:
    return Trace("d", 1, steps=tuple(Step(name, name) for name in names))


@pytest.mark.parametrize("length", range(5))
def test_rules_reject_what_the_functions_of_compliance_find_and_nothing_else(length: int) -> None:
    for names in product(NAMES, repeat=length):
        trace = _of(*names)
        review = broken_rules(trace)
        assert (review is None) == (not missing_steps(trace) and steps_in_order(trace))
        if review is not None:
            assert review.accepts is False
            assert set(missing_steps(trace)) <= set(review.faulty) <= set(STEPS)
            assert list(review.faulty) == sorted(review.faulty, key=STEPS.index)


@pytest.mark.parametrize("length", range(5))
def test_making_it_again_from_the_first_fault_can_make_it_whole(length: int) -> None:
    for names in product(NAMES, repeat=length):
        review = broken_rules(_of(*names))
        if review is not None:
            kept = steps_before(_of(*names).steps, review.faulty[0])
            again = [*(step.name for step in kept), *STEPS[STEPS.index(review.faulty[0]) :]]
            assert broken_rules(_of(*again)) is None


def test_steps_with_citations_that_lead_nowhere_are_faulty() -> None:
    claims = (Claim("x", ("image1", "image2")), Claim("y", ("image2",)))
    steps = tuple(Step(name, name, claims if name in ("inference", "aside") else ()) for name in (*STEPS, "aside"))
    trace = Trace("d", 1, evidence={"image1": "A cup."}, steps=steps)
    review = broken_rules(trace)
    assert review is not None
    assert len(unresolved_cites(trace)) == 4
    assert review.faulty == ("inference", "aside")
    assert review.reason.count("[image2]") == 2


@pytest.mark.parametrize("name", STEPS)
def test_what_stays_is_what_stands_before_the_step(name: str) -> None:
    assert steps_before(_of(*STEPS).steps, name) == _of(*STEPS).steps[: STEPS.index(name)]
    others = [step for step in STEPS if step != name]
    assert steps_before(_of(*others).steps, name) == _of(*STEPS).steps[: STEPS.index(name)]
