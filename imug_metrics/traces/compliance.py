# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Whether a trace keeps to its form: the expected steps are there, in order, and what they cite is there."""

from __future__ import annotations

from collections.abc import Sequence

from imug_metrics.traces.trace import Trace

STEPS = ("task", "observation", "inference", "conclusion")
"""Steps of a report in their order: what is asked, what the evidence shows, what follows, what the answer has to be.

UniM (arXiv 2603.05075) asks for a structured report of reasoning; these names are the project's own.
"""


def citable(trace: Trace, place: int) -> dict[str, str]:
    """What a step may cite: texts by name, of the evidence and of the steps before it.

    Args:
        trace: the trace.
        place: of the step, from 0.

    Returns:
        Names are compared as they stand. Evidence comes before a step of its name, and a step before an earlier one.

    Example:
        >>> from imug_metrics.traces import Step, Trace
        >>> trace = Trace("d", 1, evidence={"image1": "A red cup."}, steps=(Step("task", "Which colour?"),))
        >>> citable(trace, 1)
        {'task': 'Which colour?', 'image1': 'A red cup.'}
    """
    return {step.name: step.text for step in trace.steps[:place]} | dict(trace.evidence)


def unresolved_cites(trace: Trace) -> list[tuple[str, str]]:
    """Citations that lead nowhere: neither to evidence nor to an earlier step.

    Returns:
        Name of the citing step and the name cited, in the order of the claims, each as often as it is cited.

    Example:
        >>> from imug_metrics.traces import Claim, Step, Trace
        >>> claims = (Claim("It is red.", ("image1", "image7")), Claim("So it is B.", ("conclusion",)))
        >>> trace = Trace("d", 1, evidence={"image1": "A red cup."}, steps=(Step("conclusion", "...", claims),))
        >>> unresolved_cites(trace)
        [('conclusion', 'image7'), ('conclusion', 'conclusion')]
    """
    return [
        (step.name, cite)
        for place, step in enumerate(trace.steps)
        for known in (citable(trace, place),)
        for claim in step.claims
        for cite in claim.cites
        if cite not in known
    ]


def missing_steps(trace: Trace, steps: Sequence[str] = STEPS) -> tuple[str, ...]:
    """Expected steps that are not there, in the expected order.

    Example:
        >>> from imug_metrics.traces import Step, Trace
        >>> missing_steps(Trace("d", 1, steps=(Step("task", ""), Step("conclusion", ""))))
        ('observation', 'inference')
    """
    names = {step.name for step in trace.steps}
    return tuple(name for name in steps if name not in names)


def steps_in_order(trace: Trace, steps: Sequence[str] = STEPS) -> bool:
    """Whether those of the expected steps that are there follow each other as expected, each once.

    Other steps may stand between them. A trace with none of the expected steps is in order: nothing is out of place.

    Example:
        >>> from imug_metrics.traces import Step, Trace
        >>> steps_in_order(Trace("d", 1, steps=(Step("task", ""), Step("aside", ""), Step("conclusion", ""))))
        True
        >>> steps_in_order(Trace("d", 1, steps=(Step("task", ""), Step("task", ""))))
        False
    """
    expected = {name: place for place, name in enumerate(steps)}
    places = [expected[step.name] for step in trace.steps if step.name in expected]
    return places == sorted(set(places))
