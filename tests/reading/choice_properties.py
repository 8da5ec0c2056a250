# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""What holds for the reading of any reply, as two properties that count their inputs.

An input is one reply with its options; an example that Hypothesis draws is many inputs, so that a million of them take
minutes. The tests try a few hundred examples, `make choices` as many as are asked for.
"""

from __future__ import annotations

import string
from collections import Counter
from collections.abc import Callable, Mapping

from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st

from imug_metrics.reading.choice import REASONS, read_choice
from tests.reading.choice_replies import ENDS, LEADS, TEXTS, decorated, joined, options_of

_STEP = 29  # one example tries one reply in so many, from a drawn first one


def check_any(text: str, options: str | Mapping[str, str]) -> None:
    """A reading never raises, and is some of the options, each once and in order, with a documented reason."""
    reading = read_choice(text, options)
    assert reading.letters == "".join(sorted(set(reading.letters))), (text, options, reading)
    assert set(reading.letters) <= set(options), (text, options, reading)
    assert reading.reason in REASONS, (text, options, reading)


def check_decorated(reply: str, letter: str, options: str) -> None:
    """A reply that is exactly one option's letter is read as this letter."""
    reading = read_choice(reply, options)
    assert reading.letters == letter, (reply, options, reading)


def try_any(examples: int, inputs: Counter[str], start: int | None = None) -> None:
    """Any text with any options, with or without the options' texts."""

    @given(parts=TEXTS, options=options_of())
    def some(parts: list[str], options: str | Mapping[str, str]) -> None:
        for text in joined(parts):
            check_any(text, options)
            inputs["any text"] += 1

    _run(some, examples, start)


def try_decorated(examples: int, inputs: Counter[str], start: int | None = None) -> None:
    """One letter of any options in every decoration, behind any lead and before any end."""

    @given(
        letter=st.sampled_from(string.ascii_uppercase),
        others=st.sets(st.sampled_from(string.ascii_uppercase)),
        lead=st.sampled_from(LEADS),
        end=st.sampled_from(ENDS),
        first=st.integers(0, _STEP - 1),
    )
    def some(letter: str, others: set[str], lead: str, end: str, first: int) -> None:
        options = "".join(sorted({letter, *others}))
        for reply in list(decorated(letter))[first::_STEP]:
            check_decorated(lead + reply + end, letter, options)
            inputs["decorated letter"] += 1

    _run(some, examples, start)


def _run(test: Callable[[], None], examples: int, start: int | None) -> None:
    quick = settings(max_examples=examples, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    quick(test if start is None else seed(start)(test))()
