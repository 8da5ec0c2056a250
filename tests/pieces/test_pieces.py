# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""A part of what `python -m tests.pieces` counts: no false alarm, and the power that the documentation states."""

from __future__ import annotations

import pytest

from tests.pieces.__main__ import SIZES
from tests.pieces.page import page
from tests.pieces.simulation import LOADERS, back_again, simulate, tail_of_pairs, whole


@pytest.mark.parametrize("dialogues", SIZES)
def test_whole_dialogues_are_never_taken_for_repeated(dialogues: int) -> None:
    row = simulate("whole", whole, dialogues, max(min(1_000_000 // dialogues, 500), 3), 1)
    assert row.noticed == 0


@pytest.mark.parametrize("dialogues", SIZES)
def test_a_twentieth_that_comes_back_is_noticed_whatever_their_number(dialogues: int) -> None:
    row = simulate("5%", back_again(0.05), dialogues, max(min(1_000_000 // dialogues, 200), 3), 1)
    assert row.noticed >= 0.96 * row.runs  # below 100 dialogues it is a handful, which may share a bucket
    assert row.estimate == pytest.approx(row.repeated, rel=0.1, abs=3 * row.spread / row.runs**0.5)


def test_400_dialogues_in_pieces_are_noticed_for_certain() -> None:
    for divide in (LOADERS["turns dealt out to 4 processes"], LOADERS["turns in batches of 16, shuffled"]):
        row = simulate("", divide, 400, 20, 1)
        assert row.noticed == row.runs
        assert row.estimate == pytest.approx(row.repeated, rel=0.02)


@pytest.mark.parametrize("dialogues", [41, 100, 401, 3113])
@pytest.mark.parametrize("kind", LOADERS)
def test_loaders_repeat_and_cut_as_they_are_said_to(kind: str, dialogues: int) -> None:
    row = simulate(kind, LOADERS[kind], dialogues, 6, 1)  # the bound is that of a single run, however many there are
    assert row.repeated > 0 or dialogues % 8 == 0
    assert abs(row.estimate - row.repeated) <= 4 * max(row.spread, 0.1)


def test_the_tail_of_the_sum_over_pairs_is_as_heavy_as_is_said() -> None:
    tail = tail_of_pairs(16_384, 1000, 1)
    for level, share in zip(tail.levels, tail.shares):
        assert abs(share - level) <= 4 * (level / tail.runs) ** 0.5


def test_the_page_says_what_was_counted() -> None:
    silent, back = [simulate("whole", whole, 10, 5, 1)], [simulate("5%", back_again(0.05), 60, 5, 1)]
    text = page(silent, back, back, [tail_of_pairs(16_384, 2, 1)], "seed 1")
    assert "**0 of 5 data sets of whole dialogues were warned of**" in text
    assert "| 60 | 100.0% |" in text
