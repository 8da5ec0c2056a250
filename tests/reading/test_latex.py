# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Numbers in LaTeX as plain text."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from imug_metrics.reading.latex import plain_latex


@pytest.mark.parametrize(
    ("latex", "plain"),
    [
        ("9{,}500", "9,500"),
        (r"10,\!000", "10,000"),
        (r"10\,000", "10\u2009000"),
        (r"10{\ }000", "10\u2009000"),
        (r"\num{12345}", "12345"),
        (r"\frac12", "1/2"),
        (r"\tfrac{1}{2}", "1/2"),
        (r"1\dfrac{1}{2}", "1 1/2"),
        (r"-\frac{3}{4}", "-3/4"),
        (r"\frac{x}{2}", "√"),
        (r"\frac{1}{\frac{1}{2}}", "√"),
        (r"\sqrt[3]{8}", "√"),
        (r"2\pi", "2π"),
        (r"90^{\circ}", "90°"),
        (r"10^{-5}", "10^-5"),
        (r"50\%", "50%"),
        (r"\$5", "$5"),
        ("no LaTeX, 1.5", "no LaTeX, 1.5"),
    ],
)
def test_numbers_are_written_as_in_plain_text(latex: str, plain: str) -> None:
    assert plain_latex(latex).strip() == plain


@settings(max_examples=100, deadline=None)
@given(text=st.text(alphabet="\\{}[]fracsqrtext 12,^_~", max_size=60))
def test_braces_and_fractions_never_remain(text: str) -> None:
    assert not set(plain_latex(text)) & set("{}")
