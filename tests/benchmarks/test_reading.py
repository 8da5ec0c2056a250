# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""What is timed of reading: replies that are read, and updates that read their texts once."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import pytest

from benchmarks.cases.reading import LETTERS, REPLIES, SIZES, TEXTS, replies
from benchmarks.cases.updates import update_case
from benchmarks.metric_inputs import METRICS
from benchmarks.registry import Setup
from imug_metrics.reading.choice import read_choice


@pytest.mark.parametrize("size", [200, 1_000, 20_000])
@pytest.mark.parametrize("options", [LETTERS, TEXTS], ids=["letters", "texts"])
def test_replies_are_read_as_they_are_meant_in_any_length(size: int, options: Any) -> None:
    read = [read_choice(text, options) for text in replies(size, 2 * len(REPLIES))]
    declined = [place for place, reading in enumerate(read) if reading.reason == "declined"]
    assert declined == [len(REPLIES) - 1, 2 * len(REPLIES) - 1]
    assert all(len(reading.letters) == 1 for place, reading in enumerate(read) if place not in declined)


def test_replies_have_about_the_size_asked_for_and_differ() -> None:
    made = replies(1_000, 5 * len(REPLIES))
    assert all(1_000 <= len(text) < 1_200 for text in made)
    assert len(set(made)) == len(made)


def test_every_size_has_each_kind_of_reply_as_often() -> None:
    assert {count % len(REPLIES) for _, count in SIZES} == {0}


@pytest.mark.parametrize("name", [name for name, entry in METRICS.items() if entry.reader])
def test_an_update_whose_texts_were_read_before_reads_none(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    entry = METRICS[name]
    assert entry.reader is not None
    place, calls = import_module(entry.reader[0]), []
    reader = getattr(place, entry.reader[1])
    monkeypatch.setattr(
        place, entry.reader[1], lambda *given, **options: (calls.append(given), reader(*given, **options))[1]
    )
    providers = {provider.name: provider for provider in update_case(Setup(quick=True), name, entry).providers}
    for form in entry.forms:
        calls.clear()
        providers[f"imug_metrics, {form}, once read"].run()
        assert calls
        calls.clear()
        providers[f"imug_metrics, {form}, once read"].run()
        assert calls == []
        providers[f"imug_metrics, {form}"].run()
        assert calls
