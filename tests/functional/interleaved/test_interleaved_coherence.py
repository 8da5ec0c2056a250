# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""interleaved_coherence: its formula, scales, and the cells of UniM's tables (arXiv 2603.05075)."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from imug_metrics.functional import interleaved_coherence
from imug_metrics.functional.interleaved.coupling import graded

# By field: Natural, Social, General, in per cent.
ICS = {
    "AnyGPT": [(39.9, 46.3, 41.8), (31.3, 35.3, 32.1), (36.5, 41.9, 43.6)],
    "NExT-GPT": [(23.5, 26.1, 24.9), (24.5, 27.1, 21.4), (27.9, 31.1, 28.1)],
    "MIO": [(49.4, 63.7, 52.1), (46.3, 55.0, 51.6), (68.3, 77.7, 60.0)],
    "UniMA": [(68.4, 71.9, 69.1), (73.1, 76.5, 73.8), (68.7, 74.3, 69.8)],
}

REPRODUCED = {("UniMA", 0), ("UniMA", 1), ("UniMA", 2), ("AnyGPT", 1)}

OUTSIDE = {("AnyGPT", 2), ("NExT-GPT", 1), ("MIO", 2)}

SHARES = st.floats(0, 1)


@pytest.mark.parametrize(("model", "field"), [(model, field) for model in ICS for field in range(3)])
def test_published_coherence_is_reproduced_where_the_cells_are_consistent(model: str, field: int) -> None:
    holistic, style, published = ICS[model][field]
    found = 100 * interleaved_coherence([holistic / 100], [style / 100]).item()
    assert (abs(found - published) < 0.1) == ((model, field) in REPRODUCED)
    # The mean of a linear score lies between the means of its parts, whatever the instances.
    assert (holistic - 0.1 <= published <= style + 0.1) == ((model, field) not in OUTSIDE)


@settings(deadline=None)
@given(SHARES, SHARES, SHARES)
def test_coherence_lies_between_its_parts(first: float, second: float, eta: float) -> None:
    mixed = interleaved_coherence([first], [second], eta=eta).item()
    assert min(first, second) - 1e-12 <= mixed <= max(first, second) + 1e-12


def test_scales_of_grades() -> None:
    plain, divided = graded(("grade", "grade/5"), style=[1, 2, 5], holistic=[1, 2, 5])
    torch.testing.assert_close(plain, torch.tensor([0, 0.25, 1]).double())
    torch.testing.assert_close(divided, torch.tensor([0.2, 0.4, 1]).double())


def test_arguments_of_coherence_are_refused() -> None:
    with pytest.raises(ValueError, match="`style` to have one entry for each of `holistic`"):
        interleaved_coherence([1.0], [1.0, 0.5])
    with pytest.raises(ValueError, match="`scale`"):
        interleaved_coherence([1.0], [1.0], scale="percent")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="`eta`"):
        interleaved_coherence([1.0], [1.0], eta=-0.1)
