# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Chains of evidence behind outputs: what was seen, what was concluded step by step, what a check made of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Claim:
    """One statement of a step.

    Attributes:
        text: the statement.
        cites: what it rests on: names of evidence, such as "image1", or of earlier steps; empty: it cites nothing.
    """

    text: str
    cites: tuple[str, ...] = ()


@dataclass(frozen=True)
class Step:
    """One step of a chain.

    Attributes:
        name: which of the steps that were asked for; names as they were written, also unknown or repeated ones.
        text: all of the step as it was written.
        claims: its statements in their order.
    """

    name: str
    text: str
    claims: tuple[Claim, ...] = ()


@dataclass(frozen=True)
class Review:
    """What a check made of a chain.

    Attributes:
        accepts: whether it passes; None: no verdict could be read.
        faulty: names of the steps that are held to be faulty, the most suspect first; empty where none is named.
        reason: what was said.
    """

    accepts: bool | None
    faulty: tuple[str, ...] = ()
    reason: str = ""


@dataclass(frozen=True)
class Trace:
    """One chain of evidence; a turn has several where the chain was made again.

    Attributes:
        dialogue: id of the dialogue.
        turn: number of the turn, from 1.
        attempt: which chain of the turn, from 1.
        evidence: texts by name: descriptions of the inputs, such as {"image1": "A red cup."}.
        steps: in the order in which they were written.
        review: of this chain; None: it was not checked.
        output: the text that came of it; None: an image, or nothing.
        restarted_from: name of the step that this attempt was made again from; None: of the first attempt.
        costs: of this attempt with its review, by name, such as {"requests": 3}.
    """

    dialogue: str
    turn: int
    attempt: int = 1
    evidence: Mapping[str, str] = field(default_factory=dict)
    steps: tuple[Step, ...] = ()
    review: Review | None = None
    output: str | None = None
    restarted_from: str | None = None
    costs: Mapping[str, float] = field(default_factory=dict)
