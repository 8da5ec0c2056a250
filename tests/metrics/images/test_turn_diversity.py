# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""TurnDiversity against its function, on models that collapse and on what is no collapse."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch
from scipy import stats
from torch import Tensor

from imug_metrics import TurnDiversity
from imug_metrics.errors import InputError
from imug_metrics.functional import turn_diversity
from tests.metrics import cases

REFUSED = ("missing", "average", "bootstrap", "seed")
CASES = {
    "diversity": cases.Case(
        lambda **k: TurnDiversity(cases.WIDTH, sample=16, groups=8, **k), cases.images, refuses=REFUSED
    ),
    "diversity-distance": cases.Case(
        lambda **k: TurnDiversity(cases.WIDTH, kind="distance", sample=16, groups=8, **k), cases.images, refuses=REFUSED
    ),
}

NAME = "turn_diversity"
WIDTH, TURNS = 12, 5


def drawn(dialogues: int, lost: float = 0.0, seed: int = 0, cone: float = 1.5) -> dict[str, Tensor]:
    """Images about a common direction, from which those of each dialogue differ by less at each turn; 1 to 5 turns."""
    draw = torch.Generator().manual_seed(seed)
    common, own = torch.randn(1, 1, WIDTH, generator=draw), torch.randn(dialogues, 1, WIDTH, generator=draw)
    kept = (1 - lost * torch.arange(TURNS)).clamp_min(0.05)[:, None]
    images = cone * common + kept * (own + 0.5 * torch.randn(dialogues, TURNS, WIDTH, generator=draw))
    lengths = torch.randint(1, TURNS + 1, (dialogues,), generator=draw)
    return {"images": images, "lengths": lengths, "dialogue": torch.arange(dialogues)}


def computed(batch: dict[str, Tensor], **options: Any) -> dict[str, Tensor]:
    metric = TurnDiversity(WIDTH, detail=True, **options)
    metric.update(**batch)
    return metric.compute()


def part(batch: dict[str, Tensor], mask: Tensor) -> dict[str, Tensor]:
    return {name: column[mask] for name, column in batch.items()}


OPTIONS = [{}, {"order": 2}, {"order": math.inf}, {"kind": "distance"}]


@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_a_sample_that_holds_every_dialogue_gives_what_the_function_gives(options: dict[str, Any]) -> None:
    batch = drawn(20, 0.1)
    found = computed(batch, **options)
    assert found[NAME].item() == pytest.approx(turn_diversity(**batch, **options).item(), abs=1e-9)
    curve = turn_diversity(**batch, **options, reduction="none")
    assert [float(found[f"{NAME}_turn_{t}"]) for t in range(1, TURNS + 1)] == pytest.approx(curve.tolist(), abs=1e-9)
    assert found[f"{NAME}_sampled"] == 20


@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_the_interval_is_that_of_the_delete_one_jackknife(options: dict[str, Any]) -> None:
    batch = drawn(12, 0.1)
    batch["lengths"] = torch.full((12,), TURNS)
    found = computed(batch, **options, groups=32)
    each = torch.arange(12)
    without = [turn_diversity(**part(batch, each != left), **options).item() for left in range(12)]
    half = math.sqrt(np.var(without) * 11) * stats.t.ppf(0.975, 11)
    value = found[NAME].item()
    bounds = [max(value - half, -1), value + half]
    assert [float(found[f"{NAME}_{end}"]) for end in ("lower", "upper")] == pytest.approx(bounds, abs=1e-9)


def test_a_bounded_sample_is_that_of_the_same_dialogues_whatever_the_batches() -> None:
    batch, each = drawn(60, 0.1), torch.arange(60)
    whole = computed(batch, sample=10)
    first, second = (TurnDiversity(WIDTH, detail=True, sample=10) for _ in range(2))
    first.update(**part(batch, each % 3 == 1))
    second.update(**part(batch, each % 3 == 0))
    second.update(**part(batch, each % 3 == 2))
    second.merge_state(first)
    torch.testing.assert_close(second.compute(), whole, equal_nan=True, rtol=1e-9, atol=1e-9)
    assert whole[f"{NAME}_sampled"] == 10
    assert whole[f"{NAME}_dialogues"] == 60


@pytest.mark.parametrize("kind", ["vendi", "distance"])
def test_a_collapse_is_found_and_ending_dialogues_and_narrow_encoders_are_none(kind: Any) -> None:
    collapsing, honest = (computed(drawn(60, lost), kind=kind) for lost in (0.15, 0.0))
    assert collapsing[f"{NAME}_upper"] < -0.1
    assert honest[f"{NAME}_lower"] < 0 < honest[f"{NAME}_upper"]
    narrow = computed(drawn(60, 0.0, cone=6.0), kind=kind)
    assert narrow[f"{NAME}_mean"] < honest[f"{NAME}_mean"]
    assert narrow[f"{NAME}_lower"] < 0 < narrow[f"{NAME}_upper"]
    if kind == "vendi":
        assert honest[f"{NAME}_turn_5"] < honest[f"{NAME}_turn_1"], "fewer images have a lower Vendi score"


def test_one_image_for_all_dialogues_from_turn_2_on_loses_everything_at_once() -> None:
    images = torch.eye(4)[:, None].expand(-1, 3, -1).clone()
    images[:, 1:] = torch.tensor([1.0, 0, 0, 0])
    metric = TurnDiversity(4, detail=True)
    metric.update(images, dialogue=torch.arange(4))
    found = metric.compute()
    assert [float(found[f"{NAME}_turn_{t}"]) for t in (1, 2, 3)] == pytest.approx([4, 1, 1])
    assert found[f"{NAME}_retention"].item() == pytest.approx(0, abs=1e-9)
    assert found[NAME].item() == pytest.approx(-(1 + 2) / (1 + 4))
    assert found[f"{NAME}_slope"].item() == pytest.approx(-3 * (1 + 2) / (1 + 4))


def test_a_model_that_has_no_diversity_at_turn_1_has_none_to_lose() -> None:
    metric = TurnDiversity(4, detail=True)
    metric.update(torch.ones(5, 3, 4), dialogue=torch.arange(5))
    found = metric.compute()
    assert found[NAME].isnan()
    assert found[f"{NAME}_slope"].item() == pytest.approx(0, abs=1e-9)
    assert found[f"{NAME}_mean"].item() == pytest.approx(1)


def test_dialogues_without_ids_are_told_apart_by_their_images() -> None:
    batch = drawn(12, 0.1)
    named, unnamed = computed(batch), TurnDiversity(WIDTH, detail=True)
    for half in (torch.arange(12) < 6, torch.arange(12) >= 6):
        unnamed.update(**{name: column[half] for name, column in batch.items() if name != "dialogue"})
    found = unnamed.compute()
    assert found[f"{NAME}_sampled"] == 12
    assert found[NAME].item() == pytest.approx(named[NAME].item(), abs=1e-9)


def test_dialogues_without_ids_and_with_equal_images_count_once() -> None:
    metric = TurnDiversity(4, detail=True)
    metric.update(torch.eye(4)[[0, 1, 2, 0, 1], None])
    assert metric.compute()[f"{NAME}_sampled"] == 3
    named = TurnDiversity(4, detail=True)
    named.update(torch.eye(4)[[0, 1, 2, 0, 1], None], dialogue=torch.arange(5))
    assert named.compute()[f"{NAME}_sampled"] == 5


def test_one_dialogue_has_nothing_to_be_compared_with() -> None:
    found = computed(drawn(1))
    assert found[NAME].isnan()
    assert found[f"{NAME}_turn_1"].isnan()


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"kind": "entropy"}, "`kind` to be one of"),
        ({"order": 3}, "`order` to be one of"),
        ({"sample": 1}, "`sample` to be an integer >= 2"),
        ({"missing": "zero"}, "no argument `missing`"),
        ({"width": None}, "`width`: it cannot be read off"),
    ],
)
def test_options_out_of_their_range_are_refused(options: dict[str, Any], told: str) -> None:
    with pytest.raises(ValueError, match=told):
        TurnDiversity(**{"width": 4, **options})


def test_another_width_is_refused_before_anything_changes() -> None:
    metric = TurnDiversity(4)
    with pytest.raises(InputError, match="`images` to have the width of the metric, 4, got 5"):
        metric.update(torch.ones(1, 2, 5))
    assert metric.update_count == 0
