# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Cosines with prompts that no image was asked for."""

from __future__ import annotations

import pytest
import torch

from imug_metrics.dialogues.columns import embedding_column
from imug_metrics.dialogues.inputs import pack_inputs
from imug_metrics.functional.decay.prompt_margins import mean_distractor, near_prompts, read_distractors


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
