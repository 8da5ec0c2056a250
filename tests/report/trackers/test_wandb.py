# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Weights & Biases, offline: what its own reader finds in the run's file."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from imug_metrics import Comparison, Evaluation

SCRIPT = """
import struct
import wandb
from wandb.proto.wandb_internal_pb2 import Record

run = wandb.init(project="scores")
returned = evaluation.to_wandb(run, step=3)
trackers.log_wandb(metric.compute(), prefix="val/", step=4)  # in the run that is active
compare(evaluation).to_wandb(detail="primary", step=5)
run.finish()
try:
    trackers.log_wandb({"a": 0.5})
except wandb.Error as error:
    without_run = str(error)
wandb.teardown()  # a run that has finished may not be in its file yet; it is once the service has ended

def messages(data, block=32768):
    "The file is a log of LevelDB: blocks of pieces, each with a checksum, its length and its place in a message."
    at, whole = 7, b""
    while at + 7 <= len(data):
        if block - at % block < 7:
            at += block - at % block
            continue
        _, length, place = struct.unpack("<IHB", data[at : at + 7])
        whole += data[at + 7 : at + 7 + length]
        at += 7 + length
        if place in (1, 4):  # all of it, or its end
            yield whole
            whole = b""

[file] = Path("wandb").glob("offline-run-*/*.wandb")
history = {}
for message in messages(file.read_bytes()):
    record = Record.FromString(message)
    if record.HasField("history"):
        row = {}
        for item in record.history.item:
            key, *inner = item.nested_key or [item.key]
            into = row.setdefault(key, {}) if inner else row
            into["/".join(inner) or key] = json.loads(item.value_json)
        history[row["_step"]] = {key: value for key, value in row.items() if key[0] != "_"}
tables = {key: json.loads((file.parent / "files" / value["path"]).read_text())
          for row in history.values() for key, value in row.items() if isinstance(value, dict)}
numbers = {step: {key: value for key, value in row.items() if key not in tables} for step, row in history.items()}
read_back({"returned": returned, "numbers": numbers, "tables": tables, "without_run": without_run})
"""


def test_a_run_holds_the_scores_and_tables(
    run_script: Callable[[str, str], Any],
    evaluation: Evaluation,
    comparison: Comparison,
    expected: dict[str, float],
) -> None:
    found = run_script("wandb", SCRIPT)
    assert found["returned"] == expected
    assert [*found["numbers"]] == ["3", "4", "5"]
    assert found["numbers"]["3"] == expected
    assert found["numbers"]["4"] == {"val/answer_accuracy": 0.5, "val/answer_accuracy_n": 2}
    assert found["numbers"]["5"] == {
        f"steady 2.5/minus/fading/{row['metric']}": pytest.approx(row["value"]) for row in comparison.rows()
    }
    assert {*found["tables"]} == {"leaderboard", "per_turn", "differences"}
    leaderboard = found["tables"]["leaderboard"]
    for row, (model, scores) in zip(leaderboard["data"], evaluation.scores.items(), strict=True):
        cells = dict(zip(leaderboard["columns"], row, strict=True))
        assert cells.pop("model") == model
        assert {name: value for name, value in cells.items() if value is not None} == {
            name: scores[name] for name in cells if f"{model}/{name}" in expected
        }
    per_turn = found["tables"]["per_turn"]
    assert per_turn["columns"] == ["model", "metric", "turn", "value", "lower", "upper", "n"]
    assert len(per_turn["data"]) == 2 * 4 * 3, "models, curves and turns"
    assert "wandb.init()" in found["without_run"]
