# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Every Triton kernel compiles for GPUs that are not here, without what would make it slow or wrong there.

A process of its own compiles: another test may have imported Triton as an interpreter. sm_90 gets every configuration
that the launchers can choose, sm_80 and sm_100 the typical ones.
"""

from __future__ import annotations

import importlib.util
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
KERNELS = ROOT / "kernels" / "imug_kernels" / "triton_kernels"

pytestmark = pytest.mark.skipif(importlib.util.find_spec("triton") is None, reason="triton is not installed")

Row = dict[str, Any]


def _python(*arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if name != "TRITON_INTERPRET"}
    environment["PYTHONPATH"] = os.pathsep.join((str(ROOT), str(ROOT / "kernels")))
    command = [sys.executable, *arguments]
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=550, check=False)


def _kernels() -> set[str]:
    source = "".join(path.read_text(encoding="utf-8") for path in KERNELS.glob("*.py"))
    return set(re.findall(r"^def (_\w+_kernel)\(", source, re.MULTILINE))


@pytest.fixture(scope="module")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> list[Row]:
    out = tmp_path_factory.mktemp("offline") / "kernels.json"
    done = _python("-m", "benchmarks.offline", "--json", str(out))
    assert out.is_file(), done.stdout + done.stderr
    rows: list[Row] = json.loads(out.read_text(encoding="utf-8"))
    return rows


def test_every_kernel_is_compiled_for_every_architecture(compiled: list[Row]) -> None:
    kernels = _kernels()
    assert kernels
    for architecture in (80, 90, 100):
        assert {row["kernel"] for row in compiled if row["architecture"] == architecture} == kernels


def test_no_kernel_is_at_fault(compiled: list[Row]) -> None:
    faults = [
        f"sm_{row['architecture']} {row['kernel']} {' '.join(row['configuration'])}: {'; '.join(row['problems'])}"
        for row in compiled
        if row["problems"]
    ]
    assert not faults, "\n".join(faults)


def test_dots_of_embeddings_run_on_tensor_cores(compiled: list[Row]) -> None:
    counts = {row["kernel"]: row["tensor_core"] for row in compiled if row["has_dot"] and row["architecture"] == 90}
    for kernel in ("_gram_kernel", "_rank_kernel", "_curve_kernel", "_cross_kernel", "_positive_kernel", "_rbf_kernel"):
        assert counts[kernel] > 0, kernel


def test_shapes_nobody_listed_choose_nothing_that_was_not_compiled() -> None:
    done = _python("-c", OTHER_SHAPES)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "", done.stdout


def test_no_launch_is_larger_than_a_grid_may_be() -> None:
    """The second and third axis end at 65,535, the first at 2**31 - 1, which only the number of rows may near."""
    done = _python("-m", "tests.kernels.large_launches")
    assert done.returncode == 0, done.stderr
    launches = json.loads(done.stdout)
    assert {name for name, _ in launches} == _kernels()
    for name, (x, *others) in launches:
        assert x < 2**31, name
        assert all(axis <= 65_535 for axis in others), name


def test_gate_finds_what_is_wrong_with_bad_kernels() -> None:
    done = _python("-m", "tests.kernels.bad_kernels")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["good"] == []
    assert any("registers spill" in fault for fault in found["spills"])
    assert any("without tensor-core" in fault for fault in found["ieee"])
    assert any("cut to TF32" in fault for fault in found["tf32"])
    assert any("2 bytes" in fault for fault in found["narrow"])
    assert any("shared memory" in fault for fault in found["large"])


OTHER_SHAPES = """
import random
import torch
from benchmarks.offline.launches import all_calls, distinct
from imug_kernels.tolerances import TIE
from imug_kernels.triton_kernels import cosine_sum, cross, gram, paired, rank

def calls():
    choose = random.Random(0)
    for _ in range(300):
        dtype = choose.choice([torch.bfloat16, torch.float16, torch.float32])
        width, length, segments = choose.randint(1, 8192), choose.randint(1, 70), choose.randint(1, 5)
        if choose.random() < 0.5:
            width = -(-width // 8) * 8
        x = torch.zeros(length * segments, width, dtype=dtype)
        offsets, valid = torch.arange(0, len(x) + 1, length), torch.ones(len(x), dtype=torch.bool)
        yield lambda: paired.paired_cosine(x, x, None, None, 1.0, None)
        yield lambda: cosine_sum.dialogue_cosine_sum(x, offsets, valid)
        yield lambda: cross.scales(x)
        yield lambda: gram.dialogue_gram(x, offsets, valid)
        yield lambda: rank.own_rank(x, x, offsets, None, None, TIE)

def shape(configuration):
    return tuple(part for part in configuration if part != "unaligned")

known = {shape(configuration) for configuration in distinct(all_calls())}
for configuration in distinct(calls()):
    if shape(configuration) not in known:
        print(*configuration)
"""
