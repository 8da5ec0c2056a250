# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""recency_reliance against a loop over images."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from imug_metrics.errors import InputError
from imug_metrics.functional import recency_reliance
from tests.functional.decay.prompts import Seen, dialogues, mean, rows_of, seen


def value(one: Seen, bar: float) -> float:
    if math.isnan(one.own) or not one.linked:
        return math.nan
    return float(one.own > bar) - mean(cosine > bar for cosine in one.linked.values())


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("way", ["others", "bank", "threshold"])
def test_values_equal_a_loop_over_images(seed: int, way: str) -> None:
    data = dialogues(seed)
    bank = np.random.default_rng(seed + 50).normal(size=(2, data.texts.shape[1]))
    bars = {
        one.row: -0.1 if way == "threshold" else max(one.rivals, default=math.nan)
        for one in seen(data, bank if way == "bank" else None)
    }
    expected = {one.row: value(one, bars[one.row]) for one in seen(data) if not math.isnan(bars[one.row])}
    options = {"others": {}, "bank": {"distractors": torch.tensor(bank)}, "threshold": {"threshold": -0.1}}[way]
    found = recency_reliance(**data.batch(), **options, reduction="none")
    torch.testing.assert_close(found, rows_of(expected, len(found)), rtol=1e-9, atol=1e-9, equal_nan=True)
    assert len(found.nan_to_num(5).unique()) > 3


def test_an_equal_distractor_is_not_further_away() -> None:
    prompts = torch.tensor([[1.0, 0.0], [0.0, 1.0], [0.0, 2.0]])  # the last prompt says what the second did
    images = prompts[[0, 1, 1]]
    found = recency_reliance(images[None], prompts[None], turn=[1, 2, 3], reduction="none")[0]
    assert found.nan_to_num(5).tolist() == [5, 0, 5]


def test_only_one_rule_says_what_fits() -> None:
    prompts = torch.eye(3)[None]
    with pytest.raises(ValueError, match="got both"):
        recency_reliance(prompts, prompts, distractors=torch.eye(3), threshold=0.5)
    with pytest.raises(ValueError, match="to be a cosine"):
        recency_reliance(prompts, prompts, threshold=1.5)


@pytest.mark.parametrize("distractors", [torch.ones(2, 4), torch.ones(2, 2, 3), torch.zeros(0, 3), ["a red cup"]])
def test_distractors_are_embeddings_as_wide_as_the_others(distractors: object) -> None:
    with pytest.raises(InputError, match="`distractors`"):
        recency_reliance(torch.eye(3)[None], torch.eye(3)[None], distractors=distractors)
