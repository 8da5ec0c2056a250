# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""turn_consistency: the modes against plain formulas; turn_copies."""

from __future__ import annotations

import pytest
import torch
from sklearn.metrics.pairwise import cosine_similarity
from torch import Tensor
from torchmetrics.functional.pairwise import pairwise_cosine_similarity

from imug_metrics.functional import turn_consistency, turn_copies
from tests.functional.images.consistent import angles, dialogue

D = torch.float64


def flat(images: Tensor, mode: str, **arguments: object) -> Tensor:
    turns = torch.arange(1, len(images) + 1)
    return turn_consistency(
        images, dialogue=torch.zeros_like(turns), turn=turns, mode=mode, reduction="none", **arguments
    )


def test_pairwise_equals_torchmetrics_and_sklearn_without_the_diagonal() -> None:
    images = dialogue()
    found = flat(images, "pairwise")
    torch.testing.assert_close(found, pairwise_cosine_similarity(images, zero_diagonal=True).sum(1) / 4)
    matrix = torch.tensor(cosine_similarity(images))
    torch.testing.assert_close(found, (matrix.sum(1) - 1) / 4)


def test_vbench_follows_its_formula() -> None:
    images = dialogue(6, seed=1) - 1.2
    matrix = torch.tensor(cosine_similarity(images)).clamp_min(0)
    expected = [(matrix[i, i - 1] + matrix[i, 0]) / 2 for i in range(1, 6)]
    torch.testing.assert_close(flat(images, "vbench")[1:], torch.stack(expected))
    assert turn_consistency(images[None], mode="vbench").item() == pytest.approx(float(sum(expected)) / 5)


def test_anchor_against_given_references() -> None:
    images, references = dialogue(4), dialogue(4, seed=3)
    expected = torch.nn.functional.cosine_similarity(images, references)
    torch.testing.assert_close(flat(images, "anchor", references=references), expected)


def test_graph_means_over_the_links_of_an_image() -> None:
    images, bank = dialogue(4), dialogue(2, seed=5)
    matrix = torch.tensor(cosine_similarity(images))
    found = flat(images, "graph", links=torch.tensor([[2, 0], [2, 1], [3, 0]]))
    torch.testing.assert_close(found[2:], torch.stack([(matrix[2, 0] + matrix[2, 1]) / 2, matrix[3, 0]]))
    assert found[:2].isnan().all()
    found = flat(images, "graph", links=torch.tensor([[1, 1]]), references=bank)
    assert found[1].item() == pytest.approx(float(cosine_similarity(images[1:2], bank[1:2])[0, 0]))
    for links, message in (([[4, 0]], "existing rows"), ([[0, -1]], "existing rows"), ([0, 1], "integers")):
        with pytest.raises(ValueError, match=message):
            flat(images, "graph", links=torch.tensor(links))
    with pytest.raises(ValueError, match="`links`"):
        flat(images, "graph")


def test_rows_that_are_not_finite_count_as_absent_and_spoil_no_other() -> None:
    images = dialogue(4)
    broken = images.clone()
    broken[1, 3] = torch.inf
    found = flat(broken, "pairwise")
    assert found[1].isnan()
    torch.testing.assert_close(
        found[[0, 2, 3]], flat(images, "pairwise", valid=torch.tensor([True, False, True, True]))[[0, 2, 3]]
    )


def test_copies_count_from_the_second_image_on() -> None:
    copies = turn_copies(angles(0, 1, 30, 30)[None], threshold=0.999)
    assert copies.isnan().tolist() == [[True, False, False, False]]
    assert copies[0, 1:].tolist() == [1, 0, 1]


def test_lengths_leave_what_is_behind_them_out() -> None:
    images = torch.stack([dialogue(4), dialogue(4, seed=1)])
    found = turn_consistency(images, lengths=torch.tensor([4, 2]), reduction="none")
    torch.testing.assert_close(found[1, :2], flat(images[1, :2], "pairwise"))
    assert found.isnan().tolist() == [[False] * 4, [False, False, True, True]]
