# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Gradients of every plain form by finite differences in float64: widths, strides, masks and repeated rows."""

from __future__ import annotations

from collections.abc import Callable

import imug_kernels as ops
import pytest
import torch
from torch import Tensor

from tests.kernels.naive import noise

COUNT = 9
OFFSETS = torch.tensor([0, 4, 4, 5, COUNT])
VALID = torch.tensor([1, 1, 0, 1, 1, 1, 1, 0, 1]).bool()
POSITIONS = torch.tensor([1, 2, 3, 4, 1, 1, 3, 4, 6])
REPEATED = torch.tensor([2, -1, 2, 0, 8, 8, 1, 3, 5])

Loss = Callable[[Tensor, Tensor], tuple[Tensor, ...]]

FORMS: dict[str, Loss] = {
    "paired_cosine": lambda x, y: (ops.paired_cosine(x, y), ops.paired_cosine(x, y, REPEATED, scale=2.5, floor=0.05)),
    "dialogue_gram": lambda x, y: (*ops.dialogue_gram(x, OFFSETS), *ops.dialogue_gram(y, OFFSETS, VALID)),
    "dialogue_cosine_sum": lambda x, y: (
        ops.dialogue_cosine_sum(x, OFFSETS)[0],
        ops.dialogue_cosine_sum(y, OFFSETS, VALID)[0],
    ),
    "delta_curve": lambda x, y: (
        ops.delta_curve(x, OFFSETS, POSITIONS, 3)[0],
        ops.delta_curve(y, OFFSETS, POSITIONS, 3, VALID)[0],
    ),
    "segment_sum": lambda x, y: (ops.segment_sum(x, OFFSETS), ops.segment_sum(y[:, 0], OFFSETS)),
    "segment_reduce": lambda x, y: tuple(
        field for stats in (ops.segment_reduce(x, OFFSETS, VALID), ops.segment_reduce(y, OFFSETS)) for field in stats
    ),
    "rbf_sum": lambda x, y: (ops.rbf_sum(x, y, sigma=0.8), ops.rbf_sum(x, sigma=1.3)),
}

VIEWS: dict[str, Callable[[Tensor], Tensor]] = {
    "rows": lambda leaf: leaf,
    "with gaps": lambda leaf: torch.cat([leaf, 2 * leaf], 1)[:, : leaf.shape[1]],
    "every other element": lambda leaf: torch.stack([leaf, 3 * leaf], 2)[..., 0],
    "columns": lambda leaf: leaf.T.contiguous().T,
}


def leaves(width: int) -> tuple[Tensor, Tensor]:
    return tuple(noise(COUNT, width, seed, torch.float64).requires_grad_() for seed in (1, 2))  # type: ignore[return-value]


def weighted(parts: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    """Each result as one number, in which every finite element has a weight of its own: few gradients show all."""
    weights = (noise(part.numel(), 1, seed, torch.float64).view_as(part) for seed, part in enumerate(parts))
    return tuple((weight * part.nan_to_num()).sum() for weight, part in zip(weights, parts, strict=True))


@pytest.mark.usefixtures("block_size")
@pytest.mark.parametrize("form", FORMS)
def test_of_whole_segments_and_in_chunks(form: str) -> None:
    assert torch.autograd.gradcheck(lambda x, y: weighted(FORMS[form](x, y)), leaves(5))


@pytest.mark.parametrize("view", [name for name in VIEWS if name != "rows"])
@pytest.mark.parametrize("form", FORMS)
def test_of_rows_that_lie_otherwise(form: str, view: str) -> None:
    def loss(x: Tensor, y: Tensor) -> tuple[Tensor, ...]:
        return weighted(FORMS[form](VIEWS[view](x), VIEWS[view](y)))

    assert torch.autograd.gradcheck(loss, leaves(3))


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("option", [{}, {"exclude_self": True}, {"exclude_same_group": True}], ids=str)
def test_of_all_pairs(option: dict[str, bool], view: str) -> None:
    groups = {"groups_x": POSITIONS % 3, "groups_y": POSITIONS % 2} if "exclude_same_group" in option else {}

    def loss(x: Tensor, y: Tensor) -> tuple[Tensor, ...]:
        x, y = VIEWS[view](x), VIEWS[view](y)
        found = ops.cross_stats(x, y, k=2, positive=REPEATED, lse=True, scale=3.0, **option, **groups)
        return weighted((found.values, found.positive, found.lse))

    # Wide steps: cosines come rounded to multiples of 2**-24.
    assert torch.autograd.gradcheck(loss, leaves(4), eps=1e-3, atol=1e-3)
