# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Padding is never taken for data, nor the first turn for padding; what was given in error is named as it was given."""

from __future__ import annotations

import math
import warnings
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from imug_metrics import BestOfN, Reliability, TurnAlignment, TurnConsistency, TurnDecay, TurnRetrieval
from imug_metrics.errors import InputError

LENGTHS = torch.tensor([2, 4, 3])
TURNS = torch.tensor([[1, 2, 0, 0], [1, 2, 3, 4], [1, 2, 3, 0]])


def padded(width: int | None, filler: float) -> Tensor:
    generator = torch.Generator().manual_seed(0)
    parts = [torch.rand(int(n), *([width] if width else []), generator=generator) + 0.1 for n in LENGTHS]
    return pad_sequence(parts, batch_first=True, padding_value=filler)


NAN = math.nan
BATCHES: dict[str, tuple[Any, dict[str, Tensor]]] = {
    "scores, NaN": (TurnDecay, {"scores": padded(None, NAN)}),
    "images, zeros": (TurnConsistency, {"images": padded(8, 0)}),
    "images, NaN": (TurnConsistency, {"images": padded(8, NAN)}),
    "images and texts, zeros": (TurnAlignment, {"images": padded(8, 0), "texts": padded(8, 0)}),
    "images and texts, NaN": (TurnAlignment, {"images": padded(8, NAN), "texts": padded(8, NAN)}),
    "images in half precision": (TurnConsistency, {"images": padded(8, 0).half()}),
    "images to be ranked": (TurnRetrieval, {"images": padded(8, 0), "texts": padded(8, 0)}),
    "candidates, NaN": (lambda **options: BestOfN(k=2, **options), {"scores": padded(3, NAN)}),
    "runs, NaN": (Reliability, {"scores": padded(3, NAN)}),
    "arrays": (TurnDecay, {"scores": padded(None, NAN).numpy()}),
}


@pytest.mark.parametrize("name", BATCHES)
def test_padding_that_nobody_named_is_refused_with_the_cure(name: str) -> None:
    make, batch = BATCHES[name]
    first, metric = next(iter(batch)), make()
    with pytest.raises(InputError, match=r"`lengths`, or by `turn` with 0 there") as found:
        metric.update(**batch)
    assert (found.value.argument, found.value.row) == (first, [0, 3])
    assert not metric.update_called
    said = []
    for cure in ({"lengths": LENGTHS}, {"turn": TURNS}, {"lengths": LENGTHS.tolist()}):
        metric = make()
        metric.update(**batch, **cure)
        said.append(float(metric.compute()))
    assert said == pytest.approx([said[0]] * 3, abs=0, nan_ok=True)
    lists = {key: [row[:n] for row, n in zip(column, LENGTHS.tolist())] for key, column in batch.items()}
    metric = make()
    metric.update(**lists)
    assert float(metric.compute()) == pytest.approx(said[0], nan_ok=True)
    make(validate=False).update(**batch)  # nobody looks


@pytest.mark.parametrize(
    "scores",
    [
        padded(None, 0),  # zeros are values
        padded(None, NAN)[1:2],
        padded(None, NAN)[:, :1],
        torch.tensor([[NAN, 0.5], [0.5, NAN]])[:, [0, 1, 0, 0]].nan_to_num(0.1),
        torch.tensor([[NAN], [0.5]]),  # of one turn each there is nothing to pad
        torch.tensor([[0.5, NAN, 0.5], [NAN, 0.5, 0.5]]),
        [[0.5, NAN], [0.5, 0.5]],  # lists say where they end
        [[0.5, None], [0.5]],
    ],
)
def test_what_is_no_padding_is_taken(scores: Any) -> None:
    TurnDecay().update(scores)


@pytest.mark.parametrize(
    ("turn", "row"),
    [
        ([0, 1, 2], 0),
        ([0, 0, 0], 0),
        ([[0, 1, 2], [0, 1, 2]], [0, 0]),
        ([[1, 2, 3], [0, 1, 2]], [1, 0]),
        ([[1, 2, 3], [0, 1, 0]], [1, 0]),
        ([[1, 0, 2], [1, 2, 3]], [0, 1]),
        (torch.tensor([[0, 1, 2], [0, 1, 2]], dtype=torch.int8), [0, 0]),
        ([range(3), range(2)], [0, 0]),
    ],
)
def test_turns_that_count_from_0_are_refused_with_the_cure(turn: Any, row: Any) -> None:
    with pytest.raises(InputError, match=r"`turn` to count from 1, .*add 1") as found:
        TurnDecay().update(torch.rand(2, 3), turn=turn)
    assert found.value.row == row


def test_lines_of_one_turn_that_counts_from_0_are_not_padding_all_together() -> None:
    with pytest.raises(InputError, match="`turn` to count from 1"):
        TurnDecay().update(torch.rand(3, 1), turn=torch.zeros(3, 1, dtype=torch.int64))
    TurnDecay().update(torch.rand(3, 1), turn=torch.tensor([[1], [0], [1]]))


@pytest.mark.parametrize(
    "turn", [[1, 2, 3], [3, 1, 2], [2, 0, 1], [[1, 2, 3], [1, 0, 0]], [[1, 2, 3], [0, 0, 0]], [[3, 1, 2], [2, 1, 0]]]
)
def test_zeros_behind_the_turns_are_padding(turn: Any) -> None:
    TurnDecay().update(torch.rand(2, 3), turn=turn)


@pytest.mark.parametrize(
    ("where", "message"),
    [
        ({"dialogue": ["a", "b", "a"], "turn": [1, 1, 1]}, "dialogue 'a', turn 1 at rows 0 and 2"),
        ({"dialogue": ["猫", "猫", "b"], "turn": [2, 2, 1]}, "dialogue '猫', turn 2 at rows 0 and 1"),
        ({"dialogue": [7, 7, 8], "turn": [1, 1, 1]}, "dialogue 7, turn 1 at rows 0 and 1"),
        ({"dialogue": torch.tensor([8, 7, 7]), "turn": [1, 3, 3]}, "dialogue 7, turn 3 at rows 1 and 2"),
    ],
)
def test_a_repeated_turn_is_named_by_the_id_that_was_given(where: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        TurnDecay().update([0.1, 0.2, 0.3], **where)


@pytest.mark.parametrize(
    ("where", "message"),
    [
        ({"dialogue": ["x", "y"], "turn": [[1, 2], [2, 2]]}, r"dialogue 'y', turn 2 at rows \[1, 0\] and \[1, 1\]"),
        ({"dialogue": ["x", "x"]}, r"dialogue 'x', turn 1 at rows \[0, 0\] and \[1, 0\]"),
        ({"dialogue": [["x", "x"], ["x", "x"]]}, r"dialogue 'x', turn 1 at rows \[0, 0\] and \[1, 0\]"),
        ({"turn": [[1, 2], [1, 1]]}, r"dialogue 1, turn 1 at rows \[1, 0\] and \[1, 1\]"),
    ],
)
def test_a_repeated_turn_of_padded_records_is_named_too(where: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        TurnDecay().update(torch.rand(2, 2), **where)


def test_widths_that_differ_name_both_arguments_and_both_updates() -> None:
    with pytest.raises(InputError, match="`texts` to hold embeddings as wide as those of `images`, 16, got 8"):
        TurnAlignment().update(torch.rand(2, 3, 16), torch.rand(2, 3, 8))
    for make, columns in ((TurnAlignment, ("images", "texts")), (TurnConsistency, ("images",))):
        metric = make()
        metric.update(**{name: torch.rand(2, 3, 16) for name in columns})
        before = metric.compute()
        with pytest.raises(InputError, match="`images` to hold embeddings of one width in all updates, got 8 after 16"):
            metric.update(**{name: torch.rand(2, 3, 8) for name in columns})
        metric._computed = None
        assert metric.compute() == before
        other = make()
        other.update(**{name: torch.rand(2, 3, 8) for name in columns})
        with pytest.raises(ValueError, match="width 16, got 8"):
            metric.merge_state(other)
        metric.reset()
        metric.update(**{name: torch.rand(2, 3, 8) for name in columns})


@pytest.mark.parametrize("average", ["record", "dialogue"])
def test_a_curve_that_ends_before_the_turns_do_says_so(average: Any) -> None:
    scores = torch.linspace(1, 0, 40).expand(3, 40)
    metric = TurnDecay(detail=True, average=average)
    metric.update(scores)
    with pytest.warns(UserWarning, match="ends at turn 16: 72 of 120 scored records .*`max_turns`"):
        found = metric.compute()
    assert found["turn_decay_later_n"] == 72
    metric = TurnDecay(detail=True, average=average, max_turns=40)
    metric.update(scores)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert metric.compute()["turn_decay_later_n"] == 0


def test_a_curve_that_ends_early_says_so_once_at_the_line_of_the_caller() -> None:
    metric = TurnDecay(detail=True)
    with warnings.catch_warnings(record=True) as found:
        warnings.simplefilter("always")
        for _ in range(3):
            metric(torch.rand(3, 40))
            assert metric.compute()["turn_decay_later_n"] > 0
    assert "ends at turn 16" in str(found[0].message)
    assert [warning.filename for warning in found] == [__file__]


def test_dialogues_of_one_turn_may_all_be_absent() -> None:
    metric = TurnDecay(detail=True)
    metric.update(torch.rand(3, 1), valid=torch.tensor([[True], [False], [False]]))
    metric.update([[None]])
    metric.update(torch.tensor([[torch.nan]]))
    assert metric.compute()["turn_decay_coverage"] == 1 / 5
