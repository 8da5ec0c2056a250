# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""TensorBoard: what its own reader finds in the file of events."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from imug_metrics import Comparison, Evaluation
from imug_metrics.errors import ArgumentError
from imug_metrics.report.trackers import log_tensorboard

tensorboard = pytest.importorskip("torch.utils.tensorboard", reason="tensorboard is not installed")
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator  # noqa: E402


def float32(value: float) -> float:
    [rounded] = struct.unpack("f", struct.pack("f", value))
    return float(rounded)


def read(folder: Path) -> EventAccumulator:
    found = EventAccumulator(str(folder))
    found.Reload()
    return found


def test_every_score_is_a_scalar_at_its_step(
    evaluation: Evaluation, expected: dict[str, float], tmp_path: Path
) -> None:
    with tensorboard.SummaryWriter(tmp_path) as writer:
        assert evaluation.to_tensorboard(writer, step=3) == expected
        evaluation.to_tensorboard(writer, prefix="val/", detail="primary")
    found = read(tmp_path)
    points = {key: [(point.step, point.value) for point in found.Scalars(key)] for key in found.Tags()["scalars"]}
    assert {key: of for key, of in points.items() if not key.startswith("val/")} == {
        key: [(3, float32(value))] for key, value in expected.items()
    }
    primary = {key: value for key, value in expected.items() if key.endswith(("accuracy", "imug"))}
    assert {key: of for key, of in points.items() if key.startswith("val/")} == {
        f"val/{key}": [(0, float32(value))] for key, value in primary.items()
    }


def test_tables_are_text(evaluation: Evaluation, comparison: Comparison, tmp_path: Path) -> None:
    with tensorboard.SummaryWriter(tmp_path) as writer:
        log_tensorboard(evaluation, writer)
        log_tensorboard(comparison, writer)
    found = read(tmp_path)
    assert {*found.Tags()["tensors"]} == {f"{name}/text_summary" for name in ("leaderboard", "per_turn", "differences")}
    [table] = found.Tensors("leaderboard/text_summary")
    assert "| steady 2.5 | 0.867 |" in table.tensor_proto.string_val[0].decode()


def test_nothing_is_logged_of_what_is_refused(tmp_path: Path) -> None:
    with tensorboard.SummaryWriter(tmp_path) as writer, pytest.raises(ArgumentError):
        log_tensorboard({"a": 0.5, "b": "much"}, writer)
    assert read(tmp_path).Tags()["scalars"] == []
