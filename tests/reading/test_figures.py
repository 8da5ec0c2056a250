# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Figures in one form."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from imug_metrics.reading.figures import plain_figures


def test_one_form() -> None:
    table = {
        "1,234 or 1'234 or 1_234": "1234 or 1234 or 1234",
        "1,234.5": "1234.5",
        "1,23": "1,23",
        "1,2345": "1,2345",
        "0,123": "0,123",
        "1.234.567": "1.234.567",
        "1,234'567": "1,234'567",
        "12,34,567": "1234567",
        "1,234,56": "1,234,56",
        "10 000": "10 000",
        "10\u202f000": "10000",
        "٣٬٠٠٠٫٥": "3000.5",
        "１，０００": "1000",
        "３，４": "3,4",
        "有3，4，500": "有3，4，500",
        "½ 1½ ½5": "1/2 1 1/2 1/2 5",
        "10⁻⁵ m²": "10^-5 m^2",
        "–5 to −5": "−5 to −5",
        "3–5": "3–5",
        "a − b": "a - b",
        "50٪": "50%",
        "v1,234": "v1,234",
    }
    assert {text: plain_figures(text) for text in table} == table


def test_comma_and_space_are_options() -> None:
    assert plain_figures("1.234,5", decimal=",") == "1234,5"
    assert plain_figures("10 000 and 2020 300 and 1 23", spaces=True) == "10000 and 2020 300 and 1 23"
    with pytest.raises(ValueError, match="`decimal`"):
        plain_figures("1", decimal=";")  # type: ignore[arg-type]


@settings(max_examples=200, deadline=None)
@given(text=st.text(alphabet="abc ABC.!?()äß漢字", max_size=40))
def test_text_without_figures_stays_as_it_is(text: str) -> None:
    assert plain_figures(text, spaces=True) == text
