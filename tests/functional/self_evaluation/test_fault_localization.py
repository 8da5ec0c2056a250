# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Named steps against faulty ones, one trace at a time."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from imug_metrics.functional import fault_localization


def test_random_checks_against_a_plain_loop() -> None:
    draw = np.random.default_rng(1)
    named = [(draw.permutation(4)[: draw.integers(0, 5)] + 1).tolist() for _ in range(300)]
    faulty = draw.integers(0, 5, 300)
    expected = [float(row[:1] == [fault]) if fault else math.nan for row, fault in zip(named, faulty)]
    places = {"dialogue": range(300), "turn": [1] * 300}
    values = fault_localization(named, faulty, **places, reduction="none")
    assert values.tolist() == pytest.approx(expected, nan_ok=True)
    assert fault_localization(named, faulty, **places).item() == pytest.approx(np.nanmean(expected))


def test_padded_traces_keep_their_shape() -> None:
    values = fault_localization([[[1], [2]], [[], None]], torch.tensor([[1, 1], [1, 1]]), reduction="none")
    assert values.tolist()[0] == [1, 0]
    assert values[1, 0] == 0
    assert values[1, 1].isnan()


def test_what_is_not_known_or_sound_has_no_value() -> None:
    assert fault_localization([[[1], [1], None]], [[0, math.nan, 1]], reduction="none").isnan().all()
    assert fault_localization([], [], dialogue=[], turn=[]).isnan()


def test_a_step_behind_cells_without_a_name_is_the_first() -> None:
    assert fault_localization(torch.tensor([[[0.0, math.nan, 3.0]]]), [[3]]) == 1


@pytest.mark.parametrize(
    ("preds", "target", "message"),
    [
        ([[math.inf]], [1], "`preds` .* got inf at row 0"),
        ([[1]], [math.inf], "`target` .* got inf at row 0"),
        ([[1], [1]], [1], "`target` to have one entry for each of `preds`"),
        (["inference"], [1], "`preds` to hold a list of numbers for each turn"),
    ],
)
def test_refused(preds: list, target: list, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        fault_localization(preds, target, dialogue=range(len(preds)), turn=[1] * len(preds))
