# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Shift of the distribution of images over turns, from sums: nearly the exact one."""

from __future__ import annotations

import copy
import pickle
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from imug_metrics import TurnConsistency, TurnDistributionShift
from imug_metrics.functional import turn_distribution_shift
from tests.metrics import cases
from tests.metrics.images.drifting_dialogues import WIDTH, records
from tests.processes import run_processes

CASES = {
    "distribution-shift": cases.Case(
        lambda **k: TurnDistributionShift(cases.WIDTH, **k),
        cases.images,
        refuses=("missing", "average", "bootstrap", "seed"),
    )
}

NAME = "turn_distribution_shift"


def chosen(rows: dict[str, Tensor], mask: Tensor) -> dict[str, Tensor]:
    return {name: column[mask] for name, column in rows.items()}


def whole(**options: Any) -> dict[str, Tensor]:
    metric = TurnDistributionShift(WIDTH, detail=True, **options)
    metric.update(**records())
    return metric.compute()


def assert_same(found: dict[str, Tensor], expected: dict[str, Tensor]) -> None:
    assert found.keys() == expected.keys()
    for key, value in expected.items():
        torch.testing.assert_close(found[key], value, rtol=1e-9, atol=1e-9, equal_nan=True, msg=key)


@pytest.mark.parametrize("unbiased", [True, False])
@pytest.mark.parametrize(("sigma", "error"), [(10.0, 0.003), (5.0, 0.012)])
@pytest.mark.parametrize("drift", [0.2, 1.0])
def test_class_is_as_close_to_the_function_as_it_says(drift: float, sigma: float, error: float, unbiased: bool) -> None:
    rows = records(300, drift)
    metric = TurnDistributionShift(WIDTH, sigma=sigma, unbiased=unbiased, detail=True)
    metric.update(**rows)
    found, exact = metric.compute(), turn_distribution_shift(**rows, sigma=sigma, unbiased=unbiased, reduction="none")
    for t in range(2, 5):
        torch.testing.assert_close(found[f"{NAME}_turn_{t}"], exact[t - 1], rtol=error, atol=0)


def test_interval_holds_zero_where_there_is_no_shift() -> None:
    metric = TurnDistributionShift(WIDTH, detail=True)
    metric.update(**records(400, drift=0.0))
    found = metric.compute()
    assert found[f"{NAME}_lower"] < 0 < found[f"{NAME}_upper"]


def test_shift_grows_with_drift_and_its_interval_leaves_zero_out() -> None:
    found = whole()
    assert found[f"{NAME}_turn_2"] < found[f"{NAME}_turn_3"] < found[f"{NAME}_turn_4"]
    assert 0 < found[f"{NAME}_lower"] < found[NAME] < found[f"{NAME}_upper"]
    assert found[f"{NAME}_turn_5"].isnan()


def test_interval_covers_the_value_of_many_dialogues() -> None:
    truth = turn_distribution_shift(**{**records(4000, seed=0), "valid": None})
    covered = 0
    everyone = records(4000, seed=0)
    part = everyone["dialogue"].unique(return_inverse=True)[1] % 40
    for sample in range(40):
        metric = TurnDistributionShift(WIDTH, detail=True)
        metric.update(**{**chosen(everyone, part == sample), "valid": None})
        found = metric.compute()
        covered += int(found[f"{NAME}_lower"] <= truth <= found[f"{NAME}_upper"])
    assert covered >= 34, "95 % are expected to"


@pytest.mark.parametrize("parts", [2, 7])
def test_batches_merges_and_order_do_not_change_the_result(parts: int) -> None:
    rows = records()
    split, merged = (TurnDistributionShift(WIDTH, detail=True) for _ in range(2))
    for part in range(parts):
        batch = chosen(rows, rows["dialogue"] % parts == part)
        split.update(**batch)
        alone = TurnDistributionShift(WIDTH, detail=True)
        assert_same(alone(**batch), alone.compute())
        merged.merge_state(alone)
    order = torch.randperm(len(rows["turn"]), generator=torch.Generator().manual_seed(1))
    shuffled = TurnDistributionShift(WIDTH, detail=True)
    shuffled.update(**chosen(rows, order))
    for metric in (split, merged, shuffled):
        assert_same(metric.compute(), whole())


def test_padded_records_give_the_same() -> None:
    rows = records()
    ids, line = rows["dialogue"].unique(return_inverse=True)
    images = torch.full((len(ids), 6, WIDTH), torch.nan).index_put((line, rows["turn"] - 1), rows["images"])
    turns = torch.zeros(len(ids), 6, dtype=torch.int64).index_put((line, rows["turn"] - 1), rows["turn"])
    valid = torch.zeros(len(ids), 6, dtype=torch.bool).index_put((line, rows["turn"] - 1), rows["valid"])
    metric = TurnDistributionShift(WIDTH, detail=True)
    metric.update(images, dialogue=ids, turn=turns, valid=valid)
    assert_same(metric.compute(), whole())


def test_absent_zero_and_unknown_images_count_alike() -> None:
    rows = records()
    for value in (0.0, torch.nan):
        images = rows["images"].masked_fill(~rows["valid"][:, None], value)
        metric = TurnDistributionShift(WIDTH, detail=True)
        metric.update(images, dialogue=rows["dialogue"], turn=rows["turn"])
        assert_same(metric.compute(), whole())
        exact = turn_distribution_shift(images, dialogue=rows["dialogue"], turn=rows["turn"])
        torch.testing.assert_close(exact, turn_distribution_shift(**rows))


def test_counts_and_coverage() -> None:
    rows, found = records(), whole()
    assert found[f"{NAME}_n"] == rows["valid"].sum()
    assert found[f"{NAME}_coverage"] == rows["valid"].double().mean()
    assert found[f"{NAME}_dialogues"] == len(rows["dialogue"][rows["valid"]].unique())


def test_one_image_for_everything_has_no_shift_and_no_spread() -> None:
    rows = records()
    metric = TurnDistributionShift(WIDTH, detail=True)
    metric.update(**{**rows, "images": rows["images"][:1].expand_as(rows["images"])})
    found = metric.compute()
    for key in ("", "_turn_2", "_spread", "_spread_turn_1", "_spread_lower", "_spread_upper"):
        assert found[f"{NAME}{key}"].item() == pytest.approx(0, abs=1e-9)
    assert whole()[f"{NAME}_spread_lower"] > 0.1


def test_spread_is_one_less_the_mean_cosine_of_images_of_one_turn() -> None:
    rows, found, parts = records(), whole(), {}
    for turn in range(1, 5):
        units = torch.nn.functional.normalize(rows["images"][rows["valid"] & (rows["turn"] == turn)].double(), dim=1)
        cosines = units @ units.mT
        pairs = ~torch.eye(len(units), dtype=torch.bool)
        parts[turn] = (1 - cosines[pairs].mean(), len(units))
        torch.testing.assert_close(found[f"{NAME}_spread_turn_{turn}"], parts[turn][0])
    total = sum(number for _, number in parts.values())
    torch.testing.assert_close(found[f"{NAME}_spread"], sum(value * n for value, n in parts.values()) / total)


def test_nothing_to_compare_is_nan_not_zero() -> None:
    metric = TurnDistributionShift(WIDTH, detail=True)
    with pytest.warns(UserWarning, match="compute"):
        assert metric.compute()[NAME].isnan()
    metric.update(torch.rand(3, 1, WIDTH), dialogue=torch.arange(3))
    metric.update(
        torch.zeros(0, WIDTH), dialogue=torch.zeros(0, dtype=torch.int64), turn=torch.zeros(0, dtype=torch.int64)
    )
    assert metric.compute()[NAME].isnan()


def test_state_is_of_constant_size_in_float64_and_survives_copies() -> None:
    model = torch.nn.Module()
    model.metric = TurnDistributionShift(WIDTH, detail=True)
    model.to(torch.bfloat16)
    shapes = {name: state.shape for name, state in model.metric.metric_state.items()}
    model.metric.update(**records())
    assert {name: state.shape for name, state in model.metric.metric_state.items()} == shapes
    assert model.metric.sums.dtype == torch.float64
    for metric in (pickle.loads(pickle.dumps(model.metric)), model.metric.clone(), copy.deepcopy(model.metric)):
        assert_same(metric.compute(), whole())
    model.metric.reset()
    model.metric.update(**records())
    assert_same(model.metric.compute(), whole())


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_input_dtype(dtype: torch.dtype) -> None:
    rows = records()
    low, high = TurnDistributionShift(WIDTH), TurnDistributionShift(WIDTH)
    low.update(**{**rows, "images": rows["images"].to(dtype)})
    high.update(**{**rows, "images": rows["images"].to(dtype).double()})
    torch.testing.assert_close(low.compute(), high.compute(), rtol=1e-9, atol=0)


def test_gradients_pull_the_turns_together() -> None:
    rows = records(20)
    images = rows["images"].double().requires_grad_()
    (exact,) = torch.autograd.grad(
        turn_distribution_shift(images, dialogue=rows["dialogue"], turn=rows["turn"]), images
    )
    value = TurnDistributionShift(WIDTH)(images, dialogue=rows["dialogue"], turn=rows["turn"])
    (streamed,) = torch.autograd.grad(value, images)
    torch.testing.assert_close(streamed, exact, rtol=0, atol=0.01 * float(exact.abs().max()))
    moved = images.detach() - 0.1 * exact / exact.norm()
    before = turn_distribution_shift(images.detach(), dialogue=rows["dialogue"], turn=rows["turn"])
    assert turn_distribution_shift(moved, dialogue=rows["dialogue"], turn=rows["turn"]) < before


def test_collection_keeps_it_apart_from_others() -> None:
    from torchmetrics import MetricCollection

    both = MetricCollection(
        {"shift": TurnDistributionShift(WIDTH), "biased": TurnDistributionShift(WIDTH, unbiased=False),
         "consistency": TurnConsistency()}
    )  # fmt: skip
    rows = records()
    for part in range(2):
        both.update(**chosen(rows, rows["dialogue"] % 2 == part))
    assert len(both.compute_groups) == 3
    found = both.compute()
    assert found["shift"] < found["biased"]


def test_refused_batch_leaves_the_state_as_it_was() -> None:
    metric = TurnDistributionShift(WIDTH, detail=True)
    metric.update(**records())
    with pytest.raises(ValueError, match="`images` to hold embeddings of one width in all updates, got 5 after 24"):
        metric(torch.rand(2, 2, 5))
    with pytest.raises(ValueError, match="`turn` to be >= 1"):
        metric.update(torch.rand(1, WIDTH), dialogue=torch.tensor([1]), turn=torch.tensor([-1]))
    assert_same(metric.compute(), whole())


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"sigma": 1.0}, "`sigma` to be at least 5, got 1.0"),
        ({"groups": 1}, "`groups` to be at least 2"),
        ({"missing": "zero"}, "no argument `missing`"),
        ({"bootstrap": 10}, "no argument `bootstrap`"),
        ({"width": None}, "`width`: it cannot be read off"),
    ],
)
def test_wrong_options_are_named(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        TurnDistributionShift(**{"width": WIDTH, **options})


def _values(rank: int) -> list[Any]:
    rows, found = records(), []
    for share in (rows["dialogue"] % 2 == rank, torch.full_like(rows["valid"], rank == 0)):
        metric = TurnDistributionShift(WIDTH, detail=True)
        if share.any():
            metric.update(**chosen(rows, share))
        found.append(metric.compute())
    return found


def test_two_processes_equal_one(tmp_path: Path) -> None:
    for process in run_processes(_values, tmp_path):
        for found in process:
            assert_same(found, whole())
