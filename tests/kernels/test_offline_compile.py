# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Every Triton kernel compiles for GPUs that are not here, without what would make it slow or wrong there.

A process of its own compiles: another test may have imported Triton as an interpreter. Here every kernel and dtype is
compiled in its typical configuration; `make offline` compiles every configuration that the launchers can choose.
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

from benchmarks.offline.occupancy import bytes_in_flight, resident_blocks

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
    done = _python("-m", "benchmarks.offline", "--typical", "--json", str(out))
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
    products = {row["kernel"]: row["products"] for row in compiled if row.get("has_dot") and row["architecture"] == 90}
    for kernel in ("_gram_kernel", "_rank_kernel", "_curve_kernel", "_cross_kernel", "_positive_kernel", "_rbf_kernel"):
        assert products[kernel], kernel


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


FAULTS = {
    "good": None,
    "good in float32": None,
    "good with descriptors": None,
    "spills": "registers spill",
    "ieee": "without tensor-core",
    "tf32": "cut to TF32",
    "narrow loads": "loads of 2 bytes",
    "large": "shared memory, at most 101376",
    "large with descriptors": "shared memory, at most 232448",
    "narrow products": "wgmma of 32 columns",
    "narrow products in float32": "wgmma of 16 columns",
    "repeated products": "made by 2 warps",
    "products of warps": "without wgmma",
    "refused": "does not compile",
}


def test_gate_finds_what_is_wrong_with_bad_kernels() -> None:
    done = _python("-m", "tests.kernels.bad_kernels")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found.keys() == FAULTS.keys()
    for name, fault in FAULTS.items():
        assert any(fault in line for line in found[name]) if fault else not found[name], (name, found[name])


@pytest.mark.parametrize(
    ("blocks", "architecture", "limited"),
    [
        (2, 90, {"warps": 8, "registers": 128, "shared": 72 * 1024}),  # by registers
        (12, 90, {"warps": 4, "registers": 40, "shared": 64}),  # by registers that are left over, too few for 13
        (3, 80, {"warps": 4, "registers": 32, "shared": 48 * 1024}),  # by shared memory
        (8, 90, {"warps": 8, "registers": 30, "shared": 0}),  # by threads
        (32, 90, {"warps": 1, "registers": 16, "shared": 0}),  # by blocks
        (2, 100, {"warps": 4, "registers": 40, "shared": 0, "tensor_memory": 256}),
    ],
)
def test_blocks_of_a_multiprocessor_are_what_its_scarcest_resource_holds(
    blocks: int, architecture: int, limited: dict[str, int]
) -> None:
    assert resident_blocks(architecture, **limited) == blocks


def test_bytes_in_flight_are_those_of_the_steps_ahead() -> None:
    pairs = {"BLOCK_R": 4, "BLOCK_D": 1024, "D": 768, "STRIDE_X": 768, "STRIDE_Y": 768}
    assert bytes_in_flight(pairs, itemsize=2, blocks=6, stages=3, asynchronous=False) == 6 * (4 + 4) * 768 * 2
    tile = {"BLOCK_M": 128, "BLOCK_N": 64, "BLOCK_K": 64, "D": 768}
    both, one = {**tile, "STRIDE_X": 768, "STRIDE_Y": 768}, {**tile, "STRIDE": 768}
    assert bytes_in_flight(both, itemsize=2, blocks=1, stages=3, asynchronous=True) == 2 * (128 + 64) * 64 * 2
    assert bytes_in_flight(one, itemsize=2, blocks=1, stages=3, asynchronous=True) == 2 * 128 * 64 * 2


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
