# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""The metric that CONTRIBUTING adds as an example is complete: its files and the list of public names, and no other."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LISTED = re.compile(r"^from (imug_metrics\.\S+) import (\w+)$", re.M)


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The repository with the metric added as CONTRIBUTING says."""
    copy = tmp_path_factory.mktemp("clone")
    for name in ("imug_metrics", "kernels", "tests", "docs"):
        shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "mkdocs.yml", "README.md", "CONTRIBUTING.md"):
        shutil.copy(ROOT / name, copy)
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    files = re.findall(r"^`([\w/.]+)`:\n\n(`{3,})\w+\n(.*?)^\2$", text, re.M | re.S)
    assert len(files) == 5
    for path, _, content in files:
        (copy / path).write_text(content, encoding="utf-8")
    listed = re.search(r"^### 3\..*?```python\n(.*?)```", text, re.M | re.S)
    assert listed
    public = copy / "imug_metrics" / "__init__.py"
    before, opening, names = public.read_text(encoding="utf-8").partition("__all__ = [")
    added = "".join(f'\n    "{name}",' for _, name in LISTED.findall(listed[1]))
    public.write_text(f"{before}{listed[1]}\n{opening}{added}{names}", encoding="utf-8")
    return copy


def _run(copy: Path, *command: str) -> None:
    environment = {**os.environ, "PYTHONPATH": f"{copy}{os.pathsep}{copy / 'kernels'}", "OMP_NUM_THREADS": "1"}
    done = subprocess.run([sys.executable, "-m", *command], cwd=copy, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_test_of_a_metric_passes_on_the_example(copy: Path) -> None:
    written = [str(path.relative_to(copy)) for path in copy.rglob("*answer_brevity.py")]
    every = ["test_names.py", "docs/test_site.py", "docs/test_docs.py", "metrics/test_invariances.py"]
    chosen = "brevity or Brevity or navigation or every_page"
    _run(copy, "pytest", "-q", "-p", "no:cacheprovider", *written, *(f"tests/{file}" for file in every), "-k", chosen)


def test_example_is_formatted_as_the_checks_demand(copy: Path) -> None:
    public = "imug_metrics/__init__.py"
    written = [str(path.relative_to(copy)) for path in copy.rglob("*answer_brevity.py")]
    assert len(written) == 4
    _run(copy, "ruff", "check", "--fix", public)
    _run(copy, "ruff", "check", *written)
    _run(copy, "ruff", "format", "--check", public, *written)
