# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Cosines with prompts that no image was asked for, and the chains of links to those that it was."""

from __future__ import annotations

from typing import Any

import networkx
import pytest
import torch
from torch import Tensor

from imug_metrics import ContextForgetting, RecencyReliance
from imug_metrics.dialogues.columns import embedding_column
from imug_metrics.dialogues.inputs import pack_inputs
from imug_metrics.functional import context_forgetting, recency_reliance
from imug_metrics.functional.decay.prompt_margins import FURTHEST, mean_distractor, near_prompts, read_distractors


def test_the_mean_cosine_with_distractors_is_that_of_all_pairs() -> None:
    generator = torch.Generator().manual_seed(0)
    images, others = (torch.randn(rows, 4, generator=generator).double() for rows in (3, 5))
    columns = {name: embedding_column(name, images[None]) for name in ("images", "texts")}
    found = mean_distractor(near_prompts(pack_inputs(columns), 2), read_distractors(others))
    torch.testing.assert_close(found, torch.cosine_similarity(images[:, None], others, dim=2).mean(1))


@pytest.mark.parametrize("dtype", [torch.float16, torch.float32, torch.float64])
def test_distractors_that_cancel_out_have_a_mean_cosine_of_0(dtype: torch.dtype) -> None:
    generator = torch.Generator().manual_seed(0)
    images, prompts = (torch.randn(2, 3, 4, generator=generator).to(dtype) for _ in range(2))
    images[1, 1] = 0
    inputs = pack_inputs({"images": embedding_column("images", images), "texts": embedding_column("texts", prompts)})
    row = torch.randn(1, 4, generator=generator)
    angles = torch.tensor([0.0, 2.0, 4.0]) * torch.pi / 3
    corners = torch.stack([angles.cos(), angles.sin(), 0 * angles, 0 * angles], 1)
    for cancelling in (torch.cat([row, -row]), torch.cat([row, -3 * row, 0 * row]), corners):
        found = mean_distractor(near_prompts(inputs, 2), read_distractors(cancelling.to(dtype)))
        assert found.isnan().tolist() == [False] * 4 + [True, False]
        assert found.nan_to_num(0).abs().max() < (1e-3 if dtype == torch.float16 else 1e-6)


def prompts_of(lines: int, width: int, links: list[list[int]], max_back: int, valid: Tensor | None = None) -> Any:
    rows = torch.ones(lines, width, 2)
    columns = {name: embedding_column(name, rows) for name in ("images", "texts")}
    inputs = pack_inputs(columns, valid=valid, lengths=None if valid is None else valid.sum(1))
    return near_prompts(inputs, max_back, torch.tensor(links, dtype=torch.int64).reshape(-1, 2))


def by_row(chosen: Tensor) -> list[set[int]]:
    """Which earlier rows are chosen, by row, from bool `[N, K]` of those before, of which the nearest comes last."""
    back = chosen.shape[1]
    return [{row + place - back for place in line.nonzero()[:, 0].tolist()} for row, line in enumerate(chosen)]


@pytest.mark.parametrize("max_back", [1, 3, 7, 30])
@pytest.mark.parametrize("share", [0.05, 0.3])
def test_chains_of_links_are_those_of_a_graph(max_back: int, share: float) -> None:
    chosen = torch.rand(24, 24, generator=torch.Generator().manual_seed(max_back)).tril(-1) > 1 - share
    links = chosen.nonzero().tolist()
    found = prompts_of(1, 24, links, max_back)
    graph = networkx.DiGraph([link for link in links if link[0] - link[1] <= max_back])
    graph.add_nodes_from(range(24))
    assert by_row(found.held) == [set(graph.successors(row)) for row in range(24)]
    near = [{row for row in networkx.descendants(graph, start) if start - row <= max_back} for start in range(24)]
    assert by_row(found.context) == near


def test_all_chains_of_many_links_are_counted() -> None:
    assert torch.finfo(torch.float64).max > 2.0 ** (FURTHEST - 1)  # chains where every image is linked to all before
    width = 200
    found = prompts_of(1, width, torch.ones(width, width).tril(-1).nonzero().tolist(), width)
    assert found.context.sum(1).tolist() == list(range(width))
    found = prompts_of(1, width, [[row, row - 1] for row in range(1, width)], width)
    assert found.context.sum(1).tolist() == list(range(width))


def test_a_dialogue_has_links_if_one_leads_to_another_record_of_it() -> None:
    free: list[set[int]] = [set(), {0}, {0, 1}, {0, 1, 2}]
    for links in ([], [[2, 2]], [[5, 2]], [[7, 0]], [[3, 4]]):
        found = prompts_of(2, 4, links, 3)
        assert by_row(found.context) == [*free, *({row + 4 for row in rows} for rows in free)]
    far = prompts_of(1, 4, [[3, 0]], 2)  # further back than is looked at
    assert by_row(far.context) == [set(), set(), set(), set()]


def test_the_later_record_of_a_link_builds_on_the_earlier_one_whichever_comes_first() -> None:
    for links in ([[3, 1], [1, 0]], [[1, 3], [0, 1]]):
        assert by_row(prompts_of(1, 4, links, 3).context) == [set(), {0}, set(), {0, 1}]


def test_padded_records_with_gaps_in_their_turns_are_those_of_a_flat_batch() -> None:
    images, texts = (torch.randn(6, 4, generator=torch.Generator().manual_seed(seed)) for seed in (0, 1))
    places = {"dialogue": torch.arange(3).repeat_interleave(2), "turn": torch.tensor([1, 5] * 3)}
    flat, padded = (ContextForgetting(detail=True, distractors=torch.eye(4)) for _ in range(2))
    flat.update(images, texts, **places)
    padded.update(images.view(3, 2, 4), texts.view(3, 2, 4), turn=places["turn"].view(3, 2))
    found = flat.compute()
    assert not found["context_forgetting_lost_4"].isnan()
    torch.testing.assert_close(padded.compute(), found, equal_nan=True)


def test_an_image_whose_links_all_lead_too_far_back_lowers_the_coverage() -> None:
    rows = torch.eye(6)[None]
    for metric in (ContextForgetting, RecencyReliance):
        found = metric(detail=True, max_back=2, distractors=-torch.eye(6))
        found.update(rows, rows, links=[[1, 0], [5, 0]])
        result = found.compute()
        assert (int(result[f"{metric.name}_n"]), float(result[f"{metric.name}_coverage"])) == (1, 0.5)


def test_links_of_and_to_padding_are_none() -> None:
    valid = torch.tensor([[True, True, False], [True, True, True], [True, False, False]])
    for link in ([2, 0], [2, 1], [8, 6], [8, 7], [5, 2], [6, 2]):
        found = prompts_of(3, 3, [link], 2, valid)
        assert by_row(found.context) == [set(), {0}, set(), set(), {3}, {3, 4}, set(), set(), set()]


@pytest.mark.parametrize("max_back", [0, FURTHEST + 1, 1.5, True, "2"])
def test_how_far_back_is_looked_is_checked(max_back: Any) -> None:
    rows = torch.ones(1, 2, 2)
    for call in (context_forgetting, recency_reliance):
        with pytest.raises(ValueError, match="`max_back` to be an integer, 1 to 1000"):
            call(rows, rows, max_back=max_back)
