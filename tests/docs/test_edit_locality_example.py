# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""The page of edit locality shows what its example gives."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path
from types import ModuleType

import pytest

DOCS = Path(__file__).resolve().parents[2] / "docs"
PAGE = (DOCS / "metrics" / "edit_locality.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def example() -> ModuleType:
    pytest.importorskip("skimage", reason="scikit-image is not installed")
    spec = importlib.util.spec_from_file_location("edit_locality_example", DOCS / "edit_locality_example.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def shown(name: str) -> list[float]:
    """The numbers of a row of the table."""
    [cells] = re.findall(rf"^\| {re.escape(name)} \|(.*)\|$", PAGE, re.M)
    return [float(cell) for cell in cells.split("|")]


def test_every_editor_has_a_row(example: ModuleType) -> None:
    assert all(len(shown(name)) == len(example.COLUMNS) for name in example.EDITORS)


def test_a_row_of_the_page_is_what_the_example_gives(example: ModuleType) -> None:
    name = "the same, with growing noise"
    assert list(example.scores(example.EDITORS[name]).values()) == pytest.approx(shown(name), rel=0.002, abs=0.0001)
