# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Cells of numbers, and names of files."""

from __future__ import annotations

import math
import re

import pytest

from imug_metrics.report.estimates import Estimate
from imug_metrics.report.tables.cells import change_cell, count_cell, coverage_cell, estimate_cell, share_cell
from imug_metrics.report.tables.names import file_names


def test_a_value_without_interval_shows_the_reason_and_an_unknown_one_does_not() -> None:
    assert estimate_cell(Estimate(0.5), reason="too few").below == "too few"
    assert estimate_cell(Estimate(math.nan), reason="too few")[:3] == ("–", "", "")


@pytest.mark.parametrize(
    ("higher_is_better", "rise", "fall"), [(True, "good", "bad"), (False, "bad", "good"), (None, "", "")]
)
def test_a_change_is_told_by_sign_and_tone(higher_is_better: bool | None, rise: str, fall: str) -> None:
    up = change_cell(Estimate(0.1, 0.05, 0.15), higher_is_better=higher_is_better)
    down = change_cell(Estimate(-0.1, -0.15, -0.05), higher_is_better=higher_is_better)
    assert (up.text, up.tone, down.text, down.tone) == ("▲ +0.100", rise, "▼ −0.100", fall)


def test_a_change_whose_interval_covers_0_or_has_no_width_has_no_sign() -> None:
    for found in (Estimate(0.1, -0.1, 0.3), Estimate(0.1, 0.1, 0.1), Estimate(0.1)):
        assert change_cell(found)[:2] == ("+0.100", "")


@pytest.mark.parametrize(
    ("share", "text", "marked"), [(1.0, "100 %", False), (0.9999, "99.9 %", False), (0.949, "94.9 %", True)]
)
def test_a_share_is_rounded_towards_not_all(share: float, text: str, marked: bool) -> None:
    cell = coverage_cell(share)
    assert (cell.text, bool(cell.marks), cell.value) == (text, marked, share)


def test_what_is_not_known_is_a_dash() -> None:
    assert (coverage_cell(math.nan).text, count_cell(math.nan).text) == ("–", "–")
    assert coverage_cell(math.nan).content is None
    assert share_cell("3", math.nan).marks == ()


def test_names_of_files_are_safe_and_different() -> None:
    texts = ["a", "A", "a_2", "a", "../../x", "ü", "", "\x00", "x" * 300, "CON"]
    names = file_names(texts, "by_")
    assert len(set(names)) == len(texts)
    assert all(re.fullmatch(r"by_[a-z0-9_]+", name) and len(name) < 60 for name in names)
