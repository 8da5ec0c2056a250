# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import math

import pytest
import torch

from imug_metrics import plots


def test_a_cell_has_the_score_of_its_dialogue_and_turn() -> None:
    _, axis = plots.heat_map({"a": {1: 0.9, 3: 0.2}, "b": {1: 0.5, 2: 0.4}}, label="alignment")
    cells = axis.images[0].get_array()
    assert cells.filled(-1).tolist() == [[0.9, -1, 0.2], [0.5, 0.4, -1]]
    assert [label.get_text() for label in axis.get_yticklabels()] == ["a", "b"]
    assert axis.images[0].colorbar.ax.get_ylabel() == "alignment"


def test_what_is_missing_is_hatched_where_it_is_and_named() -> None:
    _, axis = plots.heat_map({"a": {1: 0.9, 2: None}, "b": {1: math.nan}})
    assert {tuple(patch.get_center()) for patch in axis.patches} == {(2, 1), (1, 2)}
    assert all(patch.get_hatch() for patch in axis.patches)
    assert [text.get_text() for text in axis.get_legend().get_texts()] == ["missing"]


def test_a_turn_that_a_dialogue_does_not_have_is_not_called_missing() -> None:
    _, axis = plots.heat_map({"a": {1: 0.9, 2: 0.8}, "b": {1: 0.7}})
    assert not axis.patches
    assert axis.get_legend() is None


@pytest.mark.parametrize("rows", [[[0.5, math.nan], [0.1, 0.2]], torch.tensor([[0.5, math.nan], [0.1, 0.2]])])
def test_rows_are_numbered_and_their_turns_count_from_1(rows: object) -> None:
    _, axis = plots.heat_map(rows)
    assert axis.get_xticks().tolist() == [1, 2]
    assert [label.get_text() for label in axis.get_yticklabels()] == ["1", "2"]
    assert len(axis.patches) == 1


def test_the_colours_end_at_the_limits() -> None:
    _, axis = plots.heat_map({"a": {1: 0.4}}, limits=(0.0, 1.0))
    assert axis.images[0].get_clim() == (0.0, 1.0)


def test_many_dialogues_have_no_names() -> None:
    _, axis = plots.heat_map({str(i): {1: i / 100} for i in range(100)})
    assert not axis.get_yticklabels()


@pytest.mark.parametrize("scores", [{}, [], {"a": {}}, {"a": {1: math.nan}}])
def test_without_any_score_the_axis_says_so(scores: object) -> None:
    _, axis = plots.heat_map(scores)
    assert axis.texts[0].get_text() == "nothing could be scored"
