# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Names of scores as keys: taken by every tracker, apart as the names are, and read back."""

from __future__ import annotations

import posixpath
import re
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imug_metrics.report.trackers import read_key, tracker_key

RESERVED = {"project", "run", "timestamp", "step", "time", "metrics"}  # by trackio


def is_taken(key: str) -> bool:
    """Whether MLflow on any system, W&B and trackio take the key as it is."""
    path = posixpath.normpath(key) == key and key != "." and not key.startswith(("..", "/"))
    return bool(re.fullmatch(r"[/\w.\- ]+", key)) and path and key not in RESERVED and not key.startswith("_")


@pytest.mark.parametrize(
    "name", ["turn_alignment", "val/turn_alignment_lower", "Qwen/Qwen2.5-VL 7B/answer_accuracy", "a-b/c", "模型/score"]
)
def test_usual_names_stay_as_they_are(name: str) -> None:
    assert tracker_key(name) == name
    assert is_taken(name)


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("answer_accuracy[Static Spatial]", "answer_accuracy--5B-Static Spatial--5D-"),
        ("a:b", "a--3A-b"),
        ("../up", "--2E-./up"),
        ("..a", "--2E-.a"),
        ("/a//b/", "--2F-a--2F-/b--2F-"),
        ("a/./b", "a/--2E-/b"),
        ("time", "--74-ime"),
        ("_step", "--5F-step"),
        ("a--5B-", "a--2D--5B-"),
        ("two\nlines", "two--A-lines"),
    ],
)
def test_what_a_tracker_refuses_is_escaped(name: str, key: str) -> None:
    assert tracker_key(name) == key
    assert is_taken(key)
    assert read_key(key) == name


@pytest.mark.parametrize("name", ["time_mean", "run/time", "a_b", "metrics/step", "a.b", "a/...b"])
def test_what_only_looks_like_a_refused_name_stays(name: str) -> None:
    assert tracker_key(name) == name


def test_all_short_names_have_valid_keys_of_their_own() -> None:
    """All names up to five characters out of those that escapes and paths are made of."""
    names = ["".join(name) for size in range(1, 6) for name in product("-/.5B[_", repeat=size)]
    keys = [tracker_key(name) for name in names]
    assert len({*keys}) == len(names) == sum(7**size for size in range(1, 6))
    assert [read_key(key) for key in keys] == names
    assert [key for key in keys if not is_taken(key)] == []


@given(st.text(min_size=1))
def test_any_name_has_a_valid_key_and_is_read_back(name: str) -> None:
    assert is_taken(tracker_key(name))
    assert read_key(tracker_key(name)) == name
