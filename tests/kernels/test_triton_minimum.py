# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""The kernels say nothing that the oldest Triton they are promised for does not know.

triton_3_5.json holds the functions of `triton.language` 3.5.0 with their parameters. Whether the kernels compile under
that version is for `python -m benchmarks.offline` with its package to say.
"""

from __future__ import annotations

import ast
import json
from collections.abc import Iterator
from pathlib import Path

import imug_kernels
from imug_kernels.backend import MIN_TRITON

ROOT = Path(__file__).resolve().parents[2]
KERNELS = Path(imug_kernels.__file__).parent / "triton_kernels"
FUNCTIONS: dict[str, list[str]] = json.loads(Path(__file__).with_name("triton_3_5.json").read_text(encoding="utf-8"))


def unknown(source: str) -> Iterator[str]:
    """What calls of `tl` functions ask for that 3.5 has not."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and ast.unparse(node.func.value) == "tl":
            name, parameters = node.func.attr, FUNCTIONS.get(node.func.attr)
            if parameters is None:
                yield name
            else:
                yield from (f"{name}({key.arg}=)" for key in node.keywords if key.arg not in parameters)
                yield from [f"{name} of {len(node.args)}"] * (len(node.args) > len(parameters))


def test_no_kernel_asks_for_what_came_later() -> None:
    found = [(path.name, what) for path in KERNELS.glob("*.py") for what in unknown(path.read_text(encoding="utf-8"))]
    assert found == []


def test_what_came_later_would_be_found() -> None:
    source = "tl.range(4, later=True)\ntl.later(x)\ntl.where(a, b, c, d)\ntl.load(p, m, other=0)"
    assert list(unknown(source)) == ["range(later=)", "later", "where of 4"]


def test_promise_and_dispatch_are_of_that_version() -> None:
    assert '"triton>=3.5;' in (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    assert MIN_TRITON == (3, 5)
