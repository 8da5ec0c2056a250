# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""The benchmark command at tiny sizes: everything runs, the answers agree and the file follows its schema."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from benchmarks import plots

ROOT = Path(__file__).resolve().parents[2]
FIELDS = {
    "name", "provider", "baseline", "sizes", "quantity", "unit", "median", "p20", "p80", "ratio", "roofline", "axis",
}  # fmt: skip
# Float64 to the last digit on a CPU; the others round cosines to 6e-8 or pixels to float32.
PACKED = {"imug_kernels paired_cosine", "imug_kernels dialogue_gram", "imug_kernels rbf_sum"}


@pytest.fixture(scope="module")
def document(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    out = tmp_path_factory.mktemp("benchmarks")
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join((str(ROOT), str(ROOT / "kernels")))}
    command = [sys.executable, "-m", "benchmarks", "--quick", "--out", str(out)]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=900, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    (file,) = out.glob("*.json")
    loaded: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return loaded | {"file": file}


def test_rows_follow_the_schema(document: dict[str, Any]) -> None:
    assert document["rows"]
    for row in document["rows"]:
        assert set(row) == FIELDS
        assert row["p20"] <= row["median"] <= row["p80"]
        assert row["sizes"]["rows"] > 0


def test_every_case_has_one_baseline_whose_ratio_is_one(document: dict[str, Any]) -> None:
    throughput = [row for row in document["rows"] if row["quantity"] == "throughput" and row["axis"] is None]
    cases = {row["name"] for row in throughput}
    kernels = {"paired_cosine", "dialogue_gram", "dialogue_cosine_sum", "delta_curve", "own_rank", "segment_reduce"}
    kernels |= {"cross_stats: 10 largest", "cross_stats: log-sum-exp", "rbf_sum", "preprocess"}
    assert kernels | {"stream: retrieval", "stream: consistency, alignment, decay"} <= cases
    for case in cases:
        baselines = [row for row in throughput if row["name"] == case and row["baseline"]]
        assert [row["ratio"] for row in baselines] == [1.0]


def test_every_provider_gives_the_same_answer(document: dict[str, Any]) -> None:
    errors = {(row["name"], row["provider"]): row["median"] for row in document["rows"] if row["quantity"] == "error"}
    assert errors
    levels = {name: error for name, error in errors.items() if name[0] == "preprocess"}
    assert max(levels.values()) < 1.02 / 255 / 0.26, "one level, by the smallest deviation"
    assert max(error for name, error in errors.items() if name not in levels) < 1e-5
    exact = {name: error for name, error in errors.items() if name[1] in PACKED}
    assert {provider for _, provider in exact} == PACKED
    rounded = {name: error for name, error in exact.items() if name[0].startswith(("paired_cosine", "gradient"))}
    assert max(rounded.values()) < 5e-7, "products or results in float32"
    assert max(error for name, error in exact.items() if name not in rounded) < 1e-12


def test_updates_are_timed_against_those_of_torchmetrics(document: dict[str, Any]) -> None:
    rows = [row for row in document["rows"] if row["name"] == "update of TurnDecay" and row["quantity"] == "throughput"]
    assert [row["provider"] for row in rows] == [
        "torchmetrics MeanMetric",
        "torchmetrics CosineSimilarity",
        *(f"imug_metrics, {form}" for form in ("padded", "padded, unchecked", "flat", "flat, unchecked")),
    ]
    assert all(row["roofline"] is None for row in rows)


def test_machine_is_described(document: dict[str, Any]) -> None:
    assert {"cpu", "cores", "threads", "python", "versions"} <= set(document["machine"])
    assert all(document["ceilings"][name] > 0 for name in ("bytes_per_second", "flops_per_second", "launch_seconds"))
    assert document["troubles"] == document["problems"] == []


def test_csv_holds_the_same_rows(document: dict[str, Any]) -> None:
    with document["file"].with_suffix(".csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [set(row) for row in rows] == [FIELDS] * len(document["rows"])
    assert [float(row["median"]) for row in rows] == [row["median"] for row in document["rows"]]


def test_plots_hold_every_sweep_and_every_kernel(document: dict[str, Any], tmp_path: Path) -> None:
    plots.main([str(document["file"]), "--out", str(tmp_path)])
    sweeps, roofline = (
        next(tmp_path.glob(f"*-{name}.svg")).read_text(encoding="utf-8") for name in ("sweeps", "roofline")
    )
    small = {(f"{name}, back to back", "rows") for name in ("paired_cosine", "dialogue_gram")}
    others = {("paired_cosine", "rows"), ("letters of replies", "characters")}
    assert set(plots.sweep_lines(document)) == others | small
    assert "imug_kernels paired_cosine" in sweeps
    for name in ("dialogue_gram", "cross_stats", "rbf_sum"):
        assert name in roofline
    seconds = plots.sweep_lines(document)["paired_cosine", "rows"]["imug_kernels paired_cosine"]
    rows = [row for row in document["rows"] if row["name"] == "paired_cosine" and row["axis"] == "rows"]
    row = next(row for row in rows if row["provider"] == "imug_kernels paired_cosine")
    assert seconds[0] == (row["sizes"]["rows"], row["sizes"]["rows"] / row["median"])
