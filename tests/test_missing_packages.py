# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""With PyTorch, Triton, NumPy and pytest alone, `pytest -m gpu` finds the tests of kernels and names what it skips."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
GPU_TESTS = ROOT / "tests" / "kernels" / "gpu"

# Refuses, as if it were not installed, every distribution that those four do not bring.
BARE = """
import re, sys
from importlib.metadata import PackageNotFoundError, packages_distributions, requires

def normal(name):
    return re.sub(r"[-_.]+", "-", name).lower()

there, wanted = set(), ["torch", "triton", "numpy", "pytest"]
while wanted:
    name = normal(wanted.pop())
    if name not in there:
        there.add(name)
        try:
            needed = requires(name) or ()
        except PackageNotFoundError:
            continue
        wanted += [re.match(r"[\\w.-]+", line).group() for line in needed if "extra ==" not in line]

class Refuse:
    modules = {module for module, owners in packages_distributions().items() if there.isdisjoint(map(normal, owners))}

    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in self.modules - {"imug_metrics", "imug_kernels", "benchmarks"}:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

assert "torchmetrics" in Refuse.modules and "PIL" in Refuse.modules
sys.meta_path.insert(0, Refuse())
import pytest
sys.exit(pytest.main(["-p", "no:cacheprovider", "--collect-only", "-rs", *sys.argv[1:]]))
"""


def collect(*arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-c", BARE, *arguments]
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=300, check=False)


def names_of_tests(text: str) -> set[str]:
    return set(re.findall(r"^def (test_\w+)", text, re.MULTILINE))


@pytest.fixture(scope="module")
def bare() -> subprocess.CompletedProcess[str]:
    return collect("-m", "gpu")


def test_every_test_of_the_kernels_is_found(bare: subprocess.CompletedProcess[str]) -> None:
    assert bare.returncode == 0, bare.stdout[-3000:]
    for path in GPU_TESTS.glob("test_*.py"):
        found = re.findall(rf"^tests/kernels/gpu/{path.name}::(\w+)", bare.stdout, re.MULTILINE)
        assert set(found) == names_of_tests(path.read_text(encoding="utf-8")), path.name


def test_what_is_skipped_names_the_package_it_needs(bare: subprocess.CompletedProcess[str]) -> None:
    skipped = dict(re.findall(r"^SKIPPED \[1\] (tests/[\w/.]+):1: (\w+) is not installed$", bare.stdout, re.MULTILINE))
    assert skipped["tests/encoders/test_preprocessing.py"] == "PIL"
    assert "tests/metrics/test_invariances.py" in skipped
    assert not set(skipped.values()) & {"torch", "triton", "numpy", "pytest", "imug_metrics"}


def test_tests_of_the_kernels_for_a_gpu_stand_where_nothing_else_is_imported() -> None:
    elsewhere = [path for path in GPU_TESTS.parent.rglob("test_*.py") if path.parent != GPU_TESTS]
    assert not [path.name for path in elsewhere if "mark.gpu" in path.read_text(encoding="utf-8")]


def test_elsewhere_a_missing_package_stays_an_error() -> None:
    done = collect("tests/kernels/test_preprocess.py")
    assert done.returncode == pytest.ExitCode.INTERRUPTED
    assert "No module named 'PIL'" in done.stdout
