# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Packing, padding, ids and the rollout buffer."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from imug_metrics.dialogues.alignment import Places, align_rows
from imug_metrics.dialogues.checks import look
from imug_metrics.dialogues.ids import hash_ids
from imug_metrics.dialogues.packing import from_lists, pack
from imug_metrics.dialogues.padded import to_padded
from imug_metrics.dialogues.rollout import RolloutBuffer

records = st.lists(
    st.tuples(st.integers(-(2**63), 2**63 - 1), st.integers(1, 9), st.integers(0, 2)), max_size=40, unique=True
)


@settings(max_examples=80, deadline=None)
@given(records)
def test_pack_sorts_and_unpack_restores(rows: list[tuple[int, int, int]]) -> None:
    dialogue, turn, subject = (torch.tensor([r[i] for r in rows], dtype=torch.int64) for i in range(3))
    batch = pack(dialogue, turn, subject=subject)
    packed = list(zip(*(batch.pack(c).tolist() for c in (dialogue, subject, turn))))
    assert packed == sorted((d, s, t) for d, t, s in rows)
    assert torch.equal(batch.unpack(batch.pack(turn)), turn)
    assert len(batch.ids) == len({d for d, _, _ in rows})
    assert len(batch.owner) == len({(d, s) for d, _, s in rows})
    assert batch.lengths().sum() == len(rows)
    for segment in range(len(batch.owner)):
        part = packed[batch.offsets[segment] : batch.offsets[segment + 1]]
        assert {(d, s) for d, s, _ in part} == {(batch.ids[batch.owner[segment]].item(), part[0][1])}


def test_pack_without_validation_gives_the_same_segments_and_empty_ones_behind() -> None:
    dialogue, turn = torch.tensor([4, 2, 4, 2, 4]), torch.tensor([3, 1, 1, 2, 2])
    sure, unsure = pack(dialogue, turn), pack(dialogue, turn, validate=False)
    assert torch.equal(sure.offsets, unsure.offsets[: len(sure.offsets)])
    assert (unsure.lengths()[len(sure.owner) :] == 0).all()
    assert torch.equal(sure.sum_dialogues(sure.sum_segments(turn)), unsure.sum_dialogues(unsure.sum_segments(turn))[:2])


def test_a_turn_below_one_is_named_with_its_row() -> None:
    with pytest.raises(ValueError, match=r"`turn` to be >= 1, got 0 at row 2"):
        pack(torch.tensor([1, 1, 0]), torch.tensor([1, 2, 0]))


def test_a_repeated_turn_is_named_with_both_rows() -> None:
    with pytest.raises(ValueError, match=r"dialogue 7, turn 2 at rows 0 and 3"):
        pack(torch.tensor([7, 7, 8, 7]), torch.tensor([2, 1, 2, 2]))
    pack(torch.tensor([7, 7]), torch.tensor([2, 2]), subject=torch.tensor([0, 1]))


def test_string_ids_are_the_same_in_every_process() -> None:
    """States of other processes and earlier runs are merged by them."""
    assert hash_ids(["a", "b/ü"]).tolist() == [4681665781835383343, -2133223150710066383]
    assert len(set(hash_ids([f"dialogue {i}" for i in range(20000)]).tolist())) == 20000


@pytest.mark.parametrize(("ids", "row"), [([1, 2.5], 1), ([True], 0), (["a", 1], 1), ([1, "a"], 1), ([None], 0)])
def test_ids_that_are_neither_integers_nor_strings_are_refused(ids: list[Any], row: int) -> None:
    with pytest.raises(TypeError, match=f"at row {row}"):
        hash_ids(ids)


@pytest.mark.parametrize("ids", [torch.tensor([0.0, 1.0]), torch.tensor([True, False])])
def test_tensor_ids_must_hold_integers(ids: torch.Tensor) -> None:
    with pytest.raises(TypeError, match="`dialogue` to hold integers"):
        align_rows((2,), ids, [1, 2])
    with pytest.raises(TypeError, match="`turn` to hold integers"):
        align_rows((2,), [0, 1], ids)


def test_flat_records_need_dialogue_and_turn_of_their_length() -> None:
    with pytest.raises(ValueError, match="`turn` with one entry for each of the 2"):
        align_rows((2,), [0, 1])
    with pytest.raises(ValueError, match=r"`dialogue` to have the shape of the records, \[2\], got \[3\]"):
        align_rows((2,), [0, 1, 2], [1, 2])
    with pytest.raises(ValueError, match="`valid` to have the shape"):
        align_rows((2,), [0, 1], [1, 2], valid=[True])
    with pytest.raises(TypeError, match="`valid` to be boolean"):
        align_rows((2,), [0, 1], [1, 2], valid=[1, 0])


def test_a_mask_that_ends_a_line_with_false_does_not_say_whether_that_is_padding() -> None:
    valid = torch.tensor([[True, False, True], [True, False, False]])
    places = align_rows((2, 3), ["a", "b"], valid=valid)
    assert places.turn is None
    assert places.record is None
    assert places.dialogue.tolist() == hash_ids(["a", "b"]).tolist()
    with pytest.raises(ValueError, match=r"`valid` .* got False in line 1, .* `lengths`, or by `turn` with 0"):
        look(places.checks, like=valid)
    places = align_rows((2, 3), valid=valid, turn=torch.tensor([[1, 2, 3], [1, 2, 0]]))
    look(places.checks, like=valid)
    assert record_of(places) == [[True, True, True], [True, True, False]]
    for said in ({"turn": [1, 2, 3]}, {"lengths": [3, 3]}, {"lists": {"scores": (3, 3)}}):
        look(align_rows((2, 3), valid=valid, **said).checks, like=valid)
    look(align_rows((2, 3), valid=valid[:, [1, 0]][:, [0, 1, 1]]).checks, like=valid)
    look(align_rows((2, 0), valid=valid[:, :0]).checks, like=valid)


def test_lengths_say_where_padded_dialogues_end_and_absent_outputs_stay() -> None:
    valid = torch.tensor([[True, False, True], [True, False, True]])
    places = align_rows((2, 3), valid=valid, lengths=torch.tensor([3, 2]))
    assert record_of(places) == [[True, True, True], [True, True, False]]
    places = align_rows((2, 3), turn=torch.tensor([[1, 2, 3], [2, 0, 0]]), lengths=[3, 2])
    assert record_of(places) == [[True, True, True], [True, False, False]]


def record_of(places: Places) -> list[list[bool]]:
    assert places.record is not None
    return places.record.tolist()


@pytest.mark.parametrize(
    ("shape", "lengths", "error", "message"),
    [
        ((2, 3), [4, 1], ValueError, "`lengths` to lie in 0 to 3, got 4 at row 0"),
        ((2, 3), [3, -1], ValueError, "`lengths` to lie in 0 to 3, got -1 at row 1"),
        ((2, 3), [3], ValueError, r"`lengths` to have shape \(2,\)"),
        ((2, 3), [3.0, 1.0], TypeError, "`lengths` to hold integers"),
        ((2,), [1, 1], ValueError, "`lengths` to be None unless"),
    ],
)
def test_lengths_that_cannot_be_are_refused(
    shape: tuple[int, ...], lengths: Any, error: type[Exception], message: str
) -> None:
    places = ([0, 1], [1, 1]) if len(shape) == 1 else ()
    with pytest.raises(error, match=message):
        look(align_rows(shape, *places, lengths=lengths).checks, like=torch.ones(1))


def test_numpy_ids_and_turns_are_taken() -> None:
    places = align_rows((3,), np.array([5, 5, 6]), np.array([1, 2, 1]))
    assert places.dialogue.tolist() == [5, 5, 6]
    assert places.turn is not None
    assert places.turn.dtype == torch.int64
    assert align_rows((1,), np.array(["x"]), [1]).dialogue.tolist() == hash_ids(["x"]).tolist()
    assert align_rows((1, 2), np.array([[3, 4]])).dialogue.tolist() == [[3, 4]]


def test_to_padded_and_back() -> None:
    values, dialogue, turn = torch.rand(4, 2), torch.tensor([9, 3, 9, 9]), torch.tensor([3, 1, 1, 2])
    padded, mask = to_padded(values, dialogue, turn)
    assert mask.tolist() == [[True, False, False], [True, True, True]]
    assert torch.equal(padded[1, 2], values[0])
    assert (padded[0, 1:] == 0).all()
    assert to_padded(values[:0], dialogue[:0], turn[:0])[0].shape == (0, 0, 2)


def test_lists_of_lists_need_one_id_each() -> None:
    assert from_lists([], [])[0] == []
    with pytest.raises(ValueError, match="`dialogue`"):
        from_lists([[1], [2]], ["a"])


class TestRolloutBuffer:
    def test_releases_whole_dialogues_in_turn_order_and_forgets_them(self) -> None:
        buffer = RolloutBuffer()
        buffer.add(["a", "b"], 2, texts=["a2", "b2"], scores=torch.tensor([0.2, 0.5]))
        buffer.add(["a"], 1, texts=["a1"], scores=torch.tensor([0.1]))
        rows = buffer.release(["a"])
        assert rows["texts"] == ["a1", "a2"]
        assert rows["turn"].tolist() == [1, 2]
        assert rows["dialogue"] == ["a", "a"]
        torch.testing.assert_close(rows["scores"], torch.tensor([0.1, 0.2]))
        assert len(buffer) == 1
        assert buffer.release()["texts"] == ["b2"]
        assert buffer.release() == {}

    def test_a_refused_call_adds_nothing(self) -> None:
        buffer = RolloutBuffer()
        buffer.add([1], 1, scores=torch.ones(1))
        for ids, turn, columns in [
            ([2, 1], 1, {"scores": torch.ones(2)}),
            ([2, 3], [1, 0], {"scores": torch.ones(2)}),
            ([2], 1, {"scores": torch.ones(2)}),
            ([2], 1, {"other": torch.ones(1)}),
            ([2, 2], [1, 1], {"scores": torch.ones(2)}),
        ]:
            with pytest.raises(ValueError, match="Expected"):
                buffer.add(ids, turn, **columns)
        assert len(buffer) == 1
        with pytest.raises(ValueError, match="2"):
            buffer.release([1, 2])
        assert len(buffer) == 1

    def test_keeps_no_graph(self) -> None:
        buffer = RolloutBuffer()
        buffer.add([1], 1, images=torch.ones(1, 3, requires_grad=True))
        assert not buffer.release()["images"].requires_grad
