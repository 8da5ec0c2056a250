# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""SampleDiversity: sums over dialogues against numpy, and models whose samples grow alike."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from imug_metrics import SampleDiversity
from imug_metrics.functional import sample_diversity
from tests.metrics import cases
from tests.metrics.interval_reference import bounds_of, ratio_error, student_bounds


def _samples(dialogue: Tensor, turn: Tensor) -> cases.Batch:
    common = cases.embeddings(dialogue, turn)[:, None, :8]
    return {"images": common + cases.noise(dialogue, turn, 80).view(-1, 3, 8)}


CASES = {
    "samples": cases.Case(SampleDiversity, _samples, refuses=("missing",)),
    "samples-distance": cases.Case(lambda **k: SampleDiversity(kind="distance", **k), _samples, refuses=("missing",)),
}

NAME = "sample_diversity"
TURNS, SAMPLES, WIDTH = 5, 4, 8


def drawn(dialogues: int, lost: float = 0.0, seed: int = 0) -> dict[str, Tensor]:
    """Samples about what their turn shows; dialogues leave more or less open, and have 1 to 5 turns."""
    draw = torch.Generator().manual_seed(seed)
    shown = 2 * torch.randn(dialogues, TURNS, 1, WIDTH, generator=draw)
    left = (1 - lost * torch.arange(TURNS)).clamp_min(0.05)[:, None, None]
    spread = 0.5 + 1.5 * torch.rand(dialogues, 1, 1, 1, generator=draw)
    images = shown + spread * left * torch.randn(dialogues, TURNS, SAMPLES, WIDTH, generator=draw)
    lengths = torch.randint(1, TURNS + 1, (dialogues,), generator=draw)
    return {"images": images, "lengths": lengths, "dialogue": torch.arange(dialogues)}


def computed(batch: dict[str, Tensor], **options: Any) -> dict[str, Tensor]:
    metric = SampleDiversity(detail=True, **options)
    metric.update(**batch)
    return metric.compute()


@pytest.mark.parametrize(("kind", "none"), [("vendi", 1), ("distance", 0)])
def test_change_and_its_interval_equal_the_ratio_of_sums_over_dialogues(kind: Any, none: int) -> None:
    batch = drawn(30, 0.1)
    values = sample_diversity(batch["images"], lengths=batch["lengths"], kind=kind, reduction="none").numpy()
    above, below = [], []
    for line, length in zip(values, batch["lengths"].tolist()):
        if length > 1:
            x = np.arange(length)
            above.append(np.polyfit(x, line[:length], 1)[0] * x.var() * length)
            below.append(x.var() * length * (line[0] - none))
    expected = student_bounds(sum(above) / sum(below), ratio_error(np.array(above), np.array(below)), np.array(below))
    found = computed(batch, kind=kind)
    assert bounds_of(found, NAME) == pytest.approx(expected, abs=1e-9)
    assert found[f"{NAME}_mean"].item() == pytest.approx(np.nanmean(values), abs=1e-9)


@pytest.mark.parametrize("kind", ["vendi", "distance"])
def test_samples_that_grow_alike_are_found_and_dialogues_that_leave_little_open_are_not(kind: Any) -> None:
    assert computed(drawn(60, 0.15), kind=kind)[f"{NAME}_upper"] < -0.08
    honest = computed(drawn(60), kind=kind)
    assert honest[f"{NAME}_lower"] < 0 < honest[f"{NAME}_upper"]


def test_retention_is_what_is_left_above_equal_images() -> None:
    shown = [[[0, 1, 2, 3], [0, 1, 2, 2], [0, 0, 1, 1]], [[0, 0, 1, 1], [0, 0, 1, 1], [0, 0, 0, 0]]]
    images = torch.eye(4)[torch.tensor(shown)]
    found = computed({"images": images})
    assert found[f"{NAME}_retention"].item() == pytest.approx(((2 - 1) + (1 - 1)) / ((4 - 1) + (2 - 1)))
    assert [float(found[f"{NAME}_turn_{t}"]) for t in (1, 3)] == pytest.approx([3, 1.5])


def test_one_sample_has_no_diversity_and_lowers_the_coverage() -> None:
    masks = torch.ones(2, 2, 3, dtype=torch.bool)
    masks[0, 1, 1:] = False
    found = computed({"images": torch.randn(2, 2, 3, 4), "masks": masks})
    assert found[f"{NAME}_coverage"].item() == pytest.approx(3 / 4)
    assert found[f"{NAME}_n"] == 3


def test_equal_first_samples_leave_nothing_to_lose() -> None:
    assert computed({"images": torch.ones(4, 3, 2, 5)})[NAME].isnan()


def test_an_absent_turn_is_no_turn_of_any_diversity() -> None:
    images, valid = torch.eye(2).expand(1, 3, 2, 2), torch.tensor([[False, True, True]])
    found = computed({"images": images, "valid": valid, "lengths": torch.tensor([3])})
    assert [found[f"{NAME}{end}"].item() for end in ("", "_slope", "_mean")] == pytest.approx([0, 0, 2])
    assert found[f"{NAME}_coverage"].item() == pytest.approx(2 / 3)
    with pytest.raises(ValueError, match="`missing` to be 'skip'"):
        SampleDiversity(missing="zero")


@pytest.mark.parametrize("options", [{"kind": "entropy"}, {"order": 0.5}, {"order": math.nan}])
def test_unknown_kinds_and_orders_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="to be one of"):
        SampleDiversity(**options)


@pytest.mark.parametrize("kind", ["vendi", "distance"])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_a_model_whose_samples_are_equal_has_no_diversity_to_lose(kind: str, dtype: torch.dtype) -> None:
    for seed in range(3):
        one = torch.randn(12, 3, 1, 64, generator=torch.Generator().manual_seed(seed), dtype=dtype)
        metric = SampleDiversity(kind=kind, detail=True)  # type: ignore[arg-type]
        metric.update(one.expand(12, 3, 6, 64).contiguous())
        found = metric.compute()
        assert isinstance(found, dict)
        assert found["sample_diversity"].isnan()
        assert found["sample_diversity_retention"].isnan()
