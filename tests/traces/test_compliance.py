# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Whether a trace keeps to its form."""

from __future__ import annotations

from itertools import combinations, permutations

import pytest

from imug_metrics.traces import (
    STEPS,
    Claim,
    Step,
    Trace,
    citable,
    missing_steps,
    steps_in_order,
    unresolved_cites,
)


def _of(*names: str) -> Trace:
    return Trace("d", 1, steps=tuple(Step(name, f"text of {name}") for name in names))


def _citing(**cites: tuple[str, ...]) -> Trace:
    steps = tuple(Step(name, name, (Claim("It is so.", cited),)) for name, cited in cites.items())
    return Trace("d", 1, evidence={"image1": "A cup.", "prompt": "Which?"}, steps=steps)


def test_every_order_of_the_steps_but_one_is_out_of_order() -> None:
    in_order = [names for names in permutations(STEPS) if steps_in_order(_of(*names))]
    assert in_order == [STEPS]


@pytest.mark.parametrize("count", range(5))
def test_steps_that_are_left_out_are_missing_and_leave_the_order(count: int) -> None:
    for kept in combinations(STEPS, count):
        assert steps_in_order(_of(*kept))
        assert missing_steps(_of(*kept)) == tuple(name for name in STEPS if name not in kept)


@pytest.mark.parametrize("name", STEPS)
def test_a_step_that_comes_twice_is_out_of_order_and_not_missing(name: str) -> None:
    assert not steps_in_order(_of(*STEPS, name))
    assert missing_steps(_of(*STEPS, name)) == ()


def test_other_steps_are_passed_over_unless_they_are_expected() -> None:
    trace = _of("preface", "task", "aside", *STEPS[1:], "thanks")
    assert steps_in_order(trace)
    assert missing_steps(trace) == ()
    assert missing_steps(trace, ("aside", "proof", "task")) == ("proof",)
    assert not steps_in_order(trace, ("aside", "task"))


def test_names_are_compared_as_they_stand() -> None:
    assert missing_steps(_of("Task", "task ")) == STEPS


def test_a_step_may_cite_evidence_and_earlier_steps_alone() -> None:
    trace = _citing(
        task=("prompt", "observation"),
        observation=("image1", "image2", "task"),
        inference=("inference", "conclusion", "Image1"),
        conclusion=("task", "inference", "image1"),
    )
    assert unresolved_cites(trace) == [
        ("task", "observation"),
        ("observation", "image2"),
        ("inference", "inference"),
        ("inference", "conclusion"),
        ("inference", "Image1"),
    ]


def test_each_citation_that_leads_nowhere_counts() -> None:
    claims = (Claim("One.", ("image9", "image9")), Claim("Two.", ("image9",)), Claim("Three."))
    assert unresolved_cites(Trace("d", 1, steps=(Step("task", "", claims),))) == [("task", "image9")] * 3


def test_the_text_of_what_is_cited_is_the_evidence_or_the_latest_earlier_step() -> None:
    steps = (Step("task", "first"), Step("task", "second"), Step("image1", "not this"), Step("conclusion", "own"))
    trace = Trace("d", 1, evidence={"image1": "A cup."}, steps=steps)
    assert citable(trace, 0) == {"image1": "A cup."}
    assert citable(trace, 1) == {"task": "first", "image1": "A cup."}
    assert citable(trace, 3) == {"task": "second", "image1": "A cup."}


def test_an_empty_trace_misses_every_step_and_has_nothing_out_of_place() -> None:
    trace = Trace("d", 1)
    assert (missing_steps(trace), steps_in_order(trace), unresolved_cites(trace)) == (STEPS, True, [])
