# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""What holds for every file of the package: who may print, what a newcomer finds where."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import imug_metrics

PACKAGE = Path(imug_metrics.__file__).parent
LIBRARY = sorted(path for path in PACKAGE.rglob("*.py") if path.relative_to(PACKAGE).parts[0] != "cli")
COMMAND = sorted((PACKAGE / "cli").rglob("*.py"))
TERMINAL = {"argparse", "rich", "getpass", "curses"}
TERMINAL_NAMES = {"argv", "exit", "stdout", "stderr", "stdin"}


def talks(source: str) -> Iterator[str]:
    """What a module does that only the command may do."""
    for node in ast.walk(ast.parse(source)):
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Name)
            and node.func.id in ("print", "input", "exit")
        ):
            yield f"line {node.lineno}: {node.func.id}()"
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            if node.value.id == "sys" and node.attr in TERMINAL_NAMES:
                yield f"line {node.lineno}: sys.{node.attr}"
        elif isinstance(node, (ast.Import, ast.ImportFrom)):
            names = [node.module or ""] if isinstance(node, ast.ImportFrom) else [alias.name for alias in node.names]
            if isinstance(node, ast.ImportFrom) and node.module == "sys":
                yield from (f"line {node.lineno}: sys.{a.name}" for a in node.names if a.name in TERMINAL_NAMES)
            yield from (f"line {node.lineno}: import {n}" for n in names if n.split(".")[0] in TERMINAL)


def test_the_check_sees_what_it_looks_for() -> None:
    said = "import sys\nfrom rich.console import Console\nimport argparse\nprint(1)\nsys.stderr.write('x')\nsys.exit(1)"
    assert len(list(talks(said))) == 5
    assert not list(talks("x = sys.version_info; file.write('print(1)')"))


@pytest.mark.parametrize("path", LIBRARY, ids=lambda path: path.relative_to(PACKAGE).as_posix())
def test_nothing_outside_the_command_prints_or_reads_its_arguments(path: Path) -> None:
    assert list(talks(path.read_text(encoding="utf-8"))) == []


def test_the_command_knows_no_metric_and_no_file_format() -> None:
    """It parses, calls and prints: what it calls lies in evaluation, demo, judges and the caches."""
    allowed = {
        "cli",
        "evaluation",
        "demo",
        "report",
        "errors",
        "encoders",
        "formats",
        "inference",
        "judges",
        "protocols",
        "reading",
        "_version",
    }
    found = {
        node.module.split(".")[1]
        for path in COMMAND
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("imug_metrics.")
    }
    assert found <= allowed


def test_no_module_bears_the_name_of_the_call() -> None:
    """`imug_metrics.evaluate` is a function; a module of that name would take its place once it is imported."""
    for name in ("evaluate", "infer"):
        assert not [path for path in PACKAGE.rglob(f"{name}*") if path.parent == PACKAGE and path.stem == name]
        assert callable(getattr(imug_metrics, name))
