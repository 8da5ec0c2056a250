# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""What Lightning logs in a fit on two real processes is what one process logs, and what the library says."""

from __future__ import annotations

import math
import os
import warnings
from typing import Any

import pytest
import torch
from torch.utils.data import DataLoader

from imug_metrics import AnswerAccuracy
from imug_metrics.dialogues.batch_sampler import DialogueBatchSampler
from imug_metrics.errors import RepeatedDialoguesWarning
from tests.integrations.recorded import DIALOGUES, expected, rows
from tests.processes import run_processes

lightning = pytest.importorskip("lightning", reason="lightning is not installed")

pytestmark = pytest.mark.filterwarnings("ignore")


class Module(lightning.LightningModule):
    """Replies what was recorded; two validation loaders, each with a metric of its own."""

    def __init__(self, whole: bool) -> None:
        super().__init__()
        self.whole = whole
        self.layer = torch.nn.Linear(1, 1)
        self.answers = torch.nn.ModuleList([AnswerAccuracy(detail=True), AnswerAccuracy()])

    def training_step(self, batch: list[dict[str, Any]], step: int) -> torch.Tensor:
        return self.layer(torch.ones(len(batch), 1)).sum()

    def validation_step(self, batch: list[dict[str, Any]], step: int, dataloader_idx: int) -> None:
        names = {"preds": "reply", "target": "answer", "dialogue": "dialogue", "turn": "turn"}
        self.answers[dataloader_idx].update(**{name: [row[key] for row in batch] for name, key in names.items()})
        if dataloader_idx:
            self.log("val/second", self.answers[1], batch_size=len(batch), add_dataloader_idx=False)

    def on_validation_epoch_end(self) -> None:
        self.answers[0].log(self, prefix="val/", detail=True)
        self.answers[0].reset()

    def val_dataloader(self) -> list[DataLoader]:
        given = rows()
        if not self.whole:
            return [DataLoader(given, batch_size=8, collate_fn=list) for _ in range(2)]
        dialogue = [row["dialogue"] for row in given]
        share = {"rank": self.trainer.global_rank, "world_size": self.trainer.world_size}
        batches = DialogueBatchSampler(dialogue, 4, **share)
        return [DataLoader(given, batch_sampler=batches, collate_fn=list) for _ in range(2)]

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.SGD(self.parameters(), 0.01)


def fit(devices: int, whole: bool) -> tuple[dict[str, float], list[str]]:
    """What is logged after two epochs, behind a sanity check, and what was warned of."""
    trainer = lightning.Trainer(
        **{"max_epochs": 2, "accelerator": "cpu", "devices": devices, "strategy": "ddp" if devices > 1 else "auto"},
        **{"logger": False, "enable_checkpointing": False, "enable_progress_bar": False},
        **{"enable_model_summary": False, "use_distributed_sampler": not whole},
    )
    train = DataLoader(range(4), batch_size=2, collate_fn=list)
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        trainer.fit(Module(whole), train)
    repeated = [str(one.message) for one in said if one.category is RepeatedDialoguesWarning]
    return {name: float(value) for name, value in trainer.callback_metrics.items()}, repeated


def work(rank: int) -> list[Any]:
    os.environ |= {"RANK": str(rank), "LOCAL_RANK": str(rank), "WORLD_SIZE": "2", "LOCAL_WORLD_SIZE": "2"}
    os.environ |= {"TORCHELASTIC_RUN_ID": "1", "GROUP_RANK": "0", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": "29500"}
    return [fit(2, whole=True), fit(2, whole=False)]


def same(found: dict[str, float], rel_tol: float) -> None:
    shown = {name: value for name, value in expected().items() if math.isfinite(value)}
    assert {name for name in found if name != "val/second"} == {f"val/{name}" for name in shown}
    for name, value in shown.items():
        assert math.isclose(found[f"val/{name}"], value, rel_tol=rel_tol), name
    assert math.isclose(found["val/second"], expected()["answer_accuracy"], rel_tol=1e-6)


def test_one_process_logs_what_the_library_says() -> None:
    found, repeated = fit(1, whole=True)
    same(found, 1e-6)  # what is logged is float32
    assert repeated == []


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> list[Any]:
    return run_processes(work, tmp_path_factory.mktemp("processes"))


def test_two_processes_with_whole_dialogues_log_the_same(found: list[Any]) -> None:
    for logged, repeated in (process[0] for process in found):
        same(logged, 1e-6)
        assert repeated == []


def test_rows_that_a_sampler_dealt_out_are_warned_of(found: list[Any]) -> None:
    logged, repeated = found[0][1]
    assert logged["val/answer_accuracy_dialogues"] > DIALOGUES
    assert "had been counted before" in repeated[0]
