# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""The call for a GPU, run dry: every phase and every operation is there, and what it writes can be read."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import imug_kernels
import pytest
import torch

from benchmarks.cases import counters
from benchmarks.cases.correctness import LAYOUTS, THOROUGH, make_batch
from benchmarks.groups import GPU_PHASES, GROUPS
from benchmarks.journal import document, read
from benchmarks.operations import OPERATIONS
from imug_metrics.cli import main

ROOT = Path(__file__).resolve().parents[2]
KIT = ROOT / "benchmarks"
OPTIONAL = {"imug_metrics", "torchmetrics"}  # what groups may need that then say so


def python(*arguments: str, path: Path = ROOT, **environment: str) -> subprocess.CompletedProcess[str]:
    places = os.pathsep.join(map(str, (path, ROOT, ROOT / "kernels")))
    command = [sys.executable, *arguments]
    given = {**os.environ, "PYTHONPATH": places, "OMP_NUM_THREADS": "1", **environment}
    return subprocess.run(command, env=given, cwd=path, capture_output=True, text=True, timeout=550, check=False)


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run as of the installed package, with programs of NVIDIA's that print what real ones print."""
    folder = tmp_path_factory.mktemp("dry")
    (folder / "imug_benchmarks").symlink_to(KIT)
    programs = folder / "bin"
    programs.mkdir()
    table = '"ID","Kernel Name","Metric Name","Metric Unit","Metric Value"\n'
    table += '"0","_gram_kernel","launch__registers_per_thread","register/thread","96"\n'
    (programs / "ncu").write_text(f"#!/bin/sh\ncat <<'END'\n==PROF== 1\n{table}END\n")
    (programs / "ncu").chmod(0o755)
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(folder)
        patch.setenv("PATH", str(programs), prepend=os.pathsep)
        patch.setenv("OMP_NUM_THREADS", "1")
        assert main(["bench", "gpu", "--dry", "--out", str(folder / "out")]) == 0
    for name in [name for name in sys.modules if name.partition(".")[0] == "imug_benchmarks"]:
        del sys.modules[name]
    return folder / "out"


@pytest.fixture(scope="module")
def found(out: Path) -> dict[str, Any]:
    (file,) = out.glob("*.json")
    loaded: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return loaded


def test_every_phase_ran_and_nothing_failed(found: dict[str, Any]) -> None:
    assert list(found["phases"]) == [phase.name for phase in GPU_PHASES]
    assert found["finished"]
    assert found["troubles"] == []
    assert found["problems"] == []


def test_every_public_operation_is_checked_in_every_dtype(found: dict[str, Any]) -> None:
    public = {name for name in imug_kernels.__all__ if name[0].islower()}
    assert set(OPERATIONS) == public
    assert {(row["operation"], row["dtype"]) for row in found["checks"]} == {
        (name, dtype) for name in public for dtype in ("float32", "bfloat16")
    }
    assert all(row["same_bits"] for row in found["checks"])
    assert [row for row in found["checks"] if not row["passed"]] == []


def test_every_operation_is_timed_against_a_baseline(found: dict[str, Any]) -> None:
    rows = [row for row in found["rows"] if row["quantity"] == "throughput" and row["axis"] is None]
    ours = {row["provider"].split()[1] for row in rows if row["provider"].startswith("imug_kernels")}
    assert ours == set(OPERATIONS)
    assert {row["name"] for row in rows} == {row["name"] for row in rows if row["baseline"]}


def test_what_the_programs_print_is_read(found: dict[str, Any]) -> None:
    said = {(row["program"], row["name"]): row["said"] for row in found["counters"]}
    assert {program for program, _ in said} == {"ncu", "compute-sanitizer", "nsys"}
    assert next(text for (program, _), text in said.items() if program == "ncu") == (
        "_gram_kernel: registers 96 register/thread\nended with 0"
    )
    assert "absent" in {text for (program, _), text in said.items() if program != "ncu"}


def test_lines_json_csv_and_summary_hold_the_same(out: Path, found: dict[str, Any]) -> None:
    files = {path.suffix: path for path in out.iterdir()}
    assert set(files) == {".json", ".jsonl", ".csv", ".md"}
    assert document(read(files[".jsonl"])) == found
    text = files[".md"].read_text(encoding="utf-8")
    for heading in ("Correctness against float64", "Timings", "Counts of one update", "Counters"):
        assert f"## {heading}" in text
    for name in {row["name"] for row in found["rows"]}:
        assert f"**{name} (" in text


def imports(path: Path) -> set[str]:
    """Packages that a module imports when it is imported, but for its own."""
    names = set()
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Import):
            names |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level:
            names.add((node.module or "").partition(".")[0])
    return names - set(sys.stdlib_module_names)


def test_the_kit_needs_torch_numpy_triton_and_the_kernels_alone() -> None:
    needed = {"torch", "numpy", "triton", "imug_kernels"}
    metrics = {"metric_inputs", "update_counts", "updates", "profiled_updates"}
    groups = {group for phase in GPU_PHASES for group in phase.groups} - metrics
    files = [*KIT.glob("*.py"), *(KIT / "cases" / f"{group}.py" for group in groups), KIT / "cases" / "providers.py"]
    found = {path.stem: imports(path) - needed for path in files if path.stem not in metrics}
    assert {name: packages for name, packages in found.items() if packages} == {}


def test_groups_are_modules_and_import_only_what_they_may() -> None:
    for group in GROUPS:
        path = KIT / "cases" / f"{group}.py"
        assert f"\ndef {group}(setup: Setup) -> Iterator[Job]:" in path.read_text(encoding="utf-8")


@pytest.mark.parametrize("layout", [name for name in LAYOUTS if name != "contiguous"])
def test_layouts_have_the_same_numbers_elsewhere(layout: str) -> None:
    variant = next(variant for variant in THOROUGH if variant.layout == layout and variant.masked)
    plain, other = (make_batch(variant._replace(layout=name), 7, torch.float32) for name in ("contiguous", layout))
    for name, tensor in vars(plain).items():
        moved = getattr(other, name)
        assert moved.nan_to_num().equal(tensor.nan_to_num()), name
        assert not moved.is_contiguous(), name


def test_counters_of_several_kernels_are_told_apart() -> None:
    head = '"ID","Kernel Name","Metric Name","Metric Unit","Metric Value"\n'
    lines = [f'"{number}","_k","gpu__time_duration.sum","us","{number}.5"' for number in range(2)]
    assert counters.read_counters(head + "\n".join(lines)) == "_k: time 0.5 us\n_k: time 1.5 us"


def test_settings_can_be_tried_in_one_size(tmp_path: Path) -> None:
    """As on a GPU: the table's settings and others side by side, and a refusal of those that no kernel has."""
    size = ("--rows", "16", "--width", "8", "--dtype", "bf16", "--turns", "2-3", "--quick", "--out", str(tmp_path))
    configs = ("--config", "BLOCK_K=16,num_stages=2", "--config", "BLOCK_X=1")
    interpreted = {"TRITON_INTERPRET": "1", "IMUG_BACKEND": "triton"}
    done = python("-m", "benchmarks", "--ops", "gram", *size, *configs, **interpreted)
    assert done.returncode == 0, done.stdout + done.stderr
    found = json.loads(next(tmp_path.glob("*.json")).read_text(encoding="utf-8"))
    rows = [row for row in found["rows"] if row["quantity"] == "throughput"]
    assert [row["provider"] for row in rows][-2:] == [
        "imug_kernels dialogue_gram",
        "imug_kernels dialogue_gram, BLOCK_K=16,num_stages=2",
    ]
    assert {row["sizes"]["dtype"] for row in rows} == {"bfloat16"}
    (problem,) = found["problems"]
    assert problem["error"] == "ValueError: Expected settings of the kernels that were launched, got `BLOCK_X`."
