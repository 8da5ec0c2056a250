# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""The kernels themselves, run by Triton's interpreter: no GPU is needed, but a process of its own is.

Triton decides when it is imported whether it compiles or interprets, and what is tested elsewhere must not depend on
who imported it first.
"""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]


@pytest.mark.skipif(importlib.util.find_spec("triton") is None, reason="triton is not installed")
def test_kernels_pass_the_tests_of_the_operations_when_interpreted() -> None:
    environment = {**os.environ, "TRITON_INTERPRET": "1", "IMUG_BACKEND": "triton", "OMP_NUM_THREADS": "1"}
    names = ("test_operations.py", "test_strides.py", "test_fair_tolerance.py", "interpreted")
    tests = [str(HERE / name) for name in names]
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-x", f"--confcutdir={HERE}", *tests]
    result = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=500)
    assert result.returncode == 0, result.stdout[-6000:] + result.stderr[-2000:]
    assert "skipped" not in result.stdout.splitlines()[-1], result.stdout
