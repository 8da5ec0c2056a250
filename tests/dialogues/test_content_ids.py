# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Dialogues that hold other rows have other ids, whatever numbers embeddings are made of."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product

import pytest
import torch
from torch import Tensor

from imug_metrics.dialogues.columns import embedding_column
from imug_metrics.dialogues.content_ids import content_ids
from imug_metrics.dialogues.inputs import pack_inputs

D = torch.float64


def ids_of(dialogues: Tensor) -> Tensor:
    inputs = pack_inputs({"images": embedding_column("images", dialogues)})
    return content_ids(inputs.batch, inputs.columns["images"])


def signs(width: int, size: float) -> Tensor:
    return size * torch.tensor([*product((-1.0, 1.0), repeat=width)], dtype=D)


def drawn(*shape: int) -> Tensor:
    return torch.randn(*shape, dtype=D, generator=torch.Generator().manual_seed(0))


def quantised(levels: int) -> Tensor:
    return (drawn(3000, 16) * levels).round() / levels


ROWS: dict[str, Callable[[], Tensor]] = {
    "one-hot": lambda: torch.eye(512, dtype=D),
    "two of 60": lambda: (torch.eye(60, dtype=D)[:, None] + torch.eye(60, dtype=D))[tuple(torch.triu_indices(60, 60))],
    "halves": lambda: signs(16, 0.5),
    "powers of two": lambda: signs(12, 2.0**-20),
    "unit signs": lambda: signs(15, 15**-0.5),
    "opposite": lambda: torch.cat([drawn(1000, 8), -drawn(1000, 8)]),
    "opposite float32": lambda: torch.cat([drawn(1000, 8), -drawn(1000, 8)]).float().double(),
    "eighths": lambda: quantised(8),
    "scaled": lambda: drawn(1, 8) * 2.0 ** torch.arange(-30, 30)[:, None],
}


@pytest.mark.parametrize("rows", ROWS.values(), ids=ROWS)
def test_other_rows_have_other_ids(rows: Callable[[], Tensor]) -> None:
    different = rows().unique(dim=0)
    assert len(ids_of(different[:, None]).unique()) == len(different) > 50


def test_ids_depend_on_the_turns_of_rows() -> None:
    a, b = torch.eye(2, dtype=D)
    found = ids_of(torch.stack([torch.stack(pair) for pair in ((a, b), (b, a), (a, a), (b, b))]))
    assert len(found.unique()) == 4


def test_equal_rows_have_one_id_and_the_sign_of_zero_is_nothing() -> None:
    rows = drawn(1, 3, 4)
    rows[0, 1, 2] = 0.0
    other = rows.clone()
    other[0, 1, 2] = -0.0
    assert len(ids_of(torch.cat([rows, rows, other])).unique()) == 1


def test_ids_are_whole_numbers_that_float64_holds() -> None:
    found = ids_of(drawn(500, 2, 4))
    assert found.dtype == torch.int64
    assert 0 <= int(found.min()) < int(found.max()) < 2**53
    assert torch.equal(found.double().long(), found)
