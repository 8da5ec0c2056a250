# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""What is wrong with a chain of evidence by its form alone, before any model is asked."""

from __future__ import annotations

from collections.abc import Sequence

from imug_metrics.inference.strategies.asking import LONGEST_LOG
from imug_metrics.traces import STEPS, Review, Step, Trace, missing_steps, unresolved_cites


def broken_rules(trace: Trace) -> Review | None:
    """The review of a chain that breaks a rule: a step is missing or out of order, or a citation leads nowhere.

    Faulty are the steps that are missing, those out of order, and those with such citations, in the order of `STEPS`:
    an earlier fault may be the cause of later ones.

    Returns:
        None where no rule is broken.

    Example:
        >>> from imug_metrics.traces import Claim
        >>> cited = Step("conclusion", "B [image7]", (Claim("B", ("image7",)),))
        >>> broken_rules(Trace("d", 1, steps=(Step("task", ""), Step("observation", ""), cited)))
        Review(accepts=False, faulty=('inference', 'conclusion'), reason='The step inference is missing. In the step
        conclusion, [image7] is neither evidence nor an earlier step.')
    """
    missing, unresolved = missing_steps(trace), unresolved_cites(trace)
    faults = [(name, f"The step {name} is missing.") for name in missing]
    faults += [(name, f"The step {name} is there twice or not in its place.") for name in _misplaced(trace.steps)]
    where = "neither evidence nor an earlier step"
    faults += [(name, f"In the step {name}, [{cite}] is {where}.") for name, cite in dict.fromkeys(unresolved)]
    if not faults:
        return None
    ranked = sorted(dict.fromkeys(name for name, _ in faults), key=_place)
    return Review(False, tuple(ranked), " ".join(reason for _, reason in faults)[:LONGEST_LOG])


def steps_before(steps: Sequence[Step], name: str) -> tuple[Step, ...]:
    """What stays of a report that is made again from a step on: all before that step, or before its place.

    Example:
        >>> [step.name for step in steps_before([Step("task", ""), Step("inference", "")], "observation")]
        ['task']
    """
    for place, step in enumerate(steps):
        if step.name in STEPS and _place(step.name) >= _place(name):
            return tuple(steps[:place])
    return tuple(steps)


def _place(name: str) -> int:
    return STEPS.index(name) if name in STEPS else len(STEPS)


def _misplaced(steps: Sequence[Step]) -> list[str]:
    """Steps that come after a later one, or again.

    Made again from the earliest of them in `STEPS` a report is in order: those before it are in their places.
    """
    places = [_place(step.name) for step in steps if step.name in STEPS]
    found = (STEPS[place] for i, place in enumerate(places) if place <= max(places[:i], default=-1))
    return list(dict.fromkeys(found))
