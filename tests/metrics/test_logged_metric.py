# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Metrics, breakdowns and suites in a real Lightning loop: what the logger wrote is what `compute` gives."""

from __future__ import annotations

import csv
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor
from torchmetrics import MeanMetric, MetricCollection

from imug_metrics import Breakdown, ImugSuite, PairedGain, TurnDecay
from imug_metrics.errors import ArgumentError

lightning = pytest.importorskip("lightning")
pytestmark = pytest.mark.filterwarnings("ignore")

NAME = "turn_decay"
ENDS = ("", "_lower", "_upper", "_n")
EPOCHS = 2


def batches(epoch: int) -> list[Tensor]:
    """Two batches of four dialogues of three turns; of the second epoch one turn only, so that a slope is undefined."""
    generator = torch.Generator().manual_seed(epoch)
    return [torch.rand(4, 3 if epoch == 0 else 1, generator=generator) for _ in range(2)]


class Module(lightning.LightningModule):  # type: ignore[name-defined,misc]
    """Trains nothing, and validates with what it is given.

    Args:
        metrics: by attribute.
        step, end: called with the module and a batch, and with the module at the end of an epoch.
    """

    def __init__(
        self,
        metrics: dict[str, Any],
        step: Callable[[Any, Tensor], None],
        end: Callable[[Any], None] = lambda module: None,
    ) -> None:
        super().__init__()
        for name, metric in metrics.items():
            setattr(self, name, metric)
        self.step, self.end = step, end
        self.weight = torch.nn.Parameter(torch.zeros(()))

    def training_step(self, batch: Tensor, place: int) -> Tensor:
        return self.weight**2

    def validation_step(self, batch: Tensor, place: int) -> None:
        self.step(self, batches(self.current_epoch)[place])

    def on_validation_epoch_end(self) -> None:
        self.end(self)

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.SGD(self.parameters(), lr=0.1)


def logged(module: Module, folder: Path) -> list[dict[str, float]]:
    """What the CSV logger wrote, a dict an epoch."""
    trainer = lightning.Trainer(
        max_epochs=EPOCHS,
        accelerator="cpu",
        logger=lightning.pytorch.loggers.CSVLogger(str(folder)),
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        num_sanity_val_steps=0,
        log_every_n_steps=1,
    )
    data = torch.utils.data.DataLoader(torch.zeros(2), batch_size=1)
    trainer.fit(module, data, data)
    rows: list[dict[str, float]] = [{} for _ in range(EPOCHS)]
    with (Path(trainer.log_dir) / "metrics.csv").open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            found = {key: float(value) for key, value in row.items() if value and key not in ("epoch", "step")}
            rows[int(row["epoch"])] |= found
    return rows


def expected(epoch: int, metric: Any) -> dict[str, float]:
    """The finite numbers of a metric after the batches of an epoch."""
    for batch in batches(epoch):
        metric.update(batch)
    found = metric.compute()
    found = found if isinstance(found, dict) else {NAME: found}
    return {key: float(value) for key, value in found.items() if math.isfinite(value)}


def assert_written(rows: list[dict[str, float]], wanted: list[dict[str, float]]) -> None:
    """Lightning keeps float32."""
    for row, numbers in zip(rows, wanted, strict=True):
        assert row == pytest.approx(numbers, rel=1e-6)


def add(module: Any, batch: Tensor) -> None:
    module.metric.update(batch)


def end(**options: Any) -> Callable[[Any], None]:
    def log(module: Any) -> None:
        module.metric.log(module, **options)
        module.metric.reset()

    return log


@pytest.mark.parametrize("detail", [False, "interval", True])
@pytest.mark.parametrize("asked", [False, "interval", True])
def test_a_metric_logs_itself_in_any_form_and_leaves_out_what_is_undefined(
    detail: Any, asked: Any, tmp_path: Path
) -> None:
    rows = logged(Module({"metric": TurnDecay(detail=detail)}, add, end(detail=asked)), tmp_path)
    form = min(detail, asked, key=[False, "interval", True].index)
    wanted = [expected(epoch, TurnDecay(detail=form)) for epoch in range(EPOCHS)]
    assert_written(rows, wanted)
    assert NAME in rows[0]
    assert NAME not in rows[1], "one turn has no slope"


def test_as_a_rule_four_keys_are_logged_under_a_name_and_prefix_of_choice(tmp_path: Path) -> None:
    log = end(name="fall", prefix="val/", prog_bar=True)
    rows = logged(Module({"metric": TurnDecay(detail=True)}, add, log), tmp_path)
    found = expected(0, TurnDecay(detail=True))
    assert rows[0] == pytest.approx({f"val/fall{end}": found[f"{NAME}{end}"] for end in ENDS}, rel=1e-6)


def test_lightning_logs_a_metric_without_detail_and_resets_it(tmp_path: Path) -> None:
    def step(module: Any, batch: Tensor) -> None:
        module.metric.update(batch)
        module.log("x", module.metric)

    rows = logged(Module({"metric": TurnDecay("pooled", missing="zero")}, step), tmp_path)
    assert rows[0] == pytest.approx({"x": expected(0, TurnDecay("pooled", missing="zero"))[NAME]}, rel=1e-6)


def test_lightning_logs_a_collection_without_detail(tmp_path: Path) -> None:
    def step(module: Any, batch: Tensor) -> None:
        module.metrics.update(scores=batch, baseline=batch / 2)
        module.log_dict(module.metrics)

    metrics = MetricCollection([TurnDecay(), PairedGain()], prefix="val/")
    rows = logged(Module({"metrics": metrics}, step), tmp_path)
    assert rows[0]["val/TurnDecay"] == pytest.approx(expected(0, TurnDecay())[NAME], rel=1e-6)
    assert rows[0].keys() == {"val/TurnDecay", "val/PairedGain"}


def test_the_metrics_of_a_collection_log_themselves(tmp_path: Path) -> None:
    def step(module: Any, batch: Tensor) -> None:
        module.metrics.update(scores=batch, baseline=batch / 2)

    def log(module: Any) -> None:
        for metric in module.metrics.values():
            metric.log(module)
        module.metrics.reset()

    metrics = MetricCollection([TurnDecay(detail=True), PairedGain(detail="interval")])
    rows = logged(Module({"metrics": metrics}, step, log), tmp_path)
    assert rows[0].keys() == {f"{name}{end}" for name in (NAME, "paired_gain") for end in ENDS}
    found = expected(0, TurnDecay(detail="interval"))
    assert {key: rows[0][key] for key in found} == pytest.approx(found, rel=1e-6)


def test_a_breakdown_logs_each_group(tmp_path: Path) -> None:
    def step(module: Any, batch: Tensor) -> None:
        size, turns = batch.shape
        columns = {
            "dialogue": torch.arange(size).repeat_interleave(turns),
            "turn": torch.arange(1, turns + 1).repeat(size),
        }
        module.metric.update(batch.flatten(), group=["a", "b"] * (batch.numel() // 2), **columns)

    metric = Breakdown(TurnDecay(detail=True), ["a", "b"])
    rows = logged(Module({"metric": metric}, step, end(name="fall")), tmp_path)
    assert {key for key in rows[0] if key.startswith("fall[a]")} == {f"fall[a]{end}" for end in ENDS}
    for batch in batches(0):
        step(type("Holder", (), {"metric": metric}), batch)
    found = metric.compute()
    assert rows[0]["fall[b]"] == pytest.approx(float(found[f"{NAME}[b]"]), rel=1e-6)
    assert rows[0]["fall_upper"] == pytest.approx(float(found[f"{NAME}_upper"]), rel=1e-6)


@pytest.mark.parametrize("detail", [False, "interval", True])
def test_a_suite_logs_every_metric_of_it(detail: Any, tmp_path: Path) -> None:
    def step(module: Any, batch: Tensor) -> None:
        module.metric.update(scores=batch, value=batch)

    def suite() -> ImugSuite:
        return ImugSuite({"fall": TurnDecay(detail=True), "mean": MeanMetric()}, prefix="val/")

    rows = logged(Module({"metric": suite()}, step, end(detail=detail, prefix="my ")), tmp_path)
    whole = suite()
    for batch in batches(0):
        whole.update(scores=batch, value=batch)
    found = {f"my {key}": value for key, value in whole.compute().items() if math.isfinite(value)}
    ends = {False: ENDS[:1], "interval": ENDS}.get(detail)
    wanted = found if ends is None else {f"my val/fall{end}" for end in ends} | {"my val/mean"}
    assert rows[0] == pytest.approx({key: found[key] for key in wanted}, rel=1e-6)


@pytest.mark.parametrize("detail", ["interval", True])
def test_lightning_itself_takes_no_dict_and_says_so(detail: Any, tmp_path: Path) -> None:
    """If it ever does, the guide may say less."""

    def step(module: Any, batch: Tensor) -> None:
        module.metric.update(batch)
        module.log("x", module.metric)

    with pytest.raises(ValueError, match="logged as 'x' must be a tensor"):
        logged(Module({"metric": TurnDecay(detail=detail)}, step), tmp_path)


@pytest.mark.parametrize("holder", [TurnDecay(), Breakdown(TurnDecay(), ["a"]), ImugSuite([TurnDecay()])])
def test_what_cannot_log_is_named(holder: Any) -> None:
    with pytest.raises(ArgumentError, match="`module`: expected a LightningModule with `log_dict`, got Linear"):
        holder.log(torch.nn.Linear(1, 1))
    with pytest.raises(ValueError, match="`detail`"):
        holder.log(lightning.LightningModule(), detail="all")
