# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""The guide to test-time scaling shows what its example gives, and the example shows what it is meant to."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path
from types import ModuleType

import pytest

DOCS = Path(__file__).resolve().parents[2] / "docs"
GUIDE = DOCS / "guides" / "test-time-scaling.md"


@pytest.fixture(scope="module")
def example() -> ModuleType:
    spec = importlib.util.spec_from_file_location("scaling_example", DOCS / "scaling_example.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def found(example: ModuleType) -> dict[str, float]:
    return example.scores(example.draw())


def test_selected_lies_between_mean_and_oracle_and_rises_with_k(found: dict[str, float]) -> None:
    before = found["best_of_n_single"]
    for k in (2, 4, 8):
        selected, oracle = found[f"best_of_n_selected_{k}"], found[f"best_of_n_oracle_{k}"]
        assert before < selected < oracle
        assert found[f"best_of_n_gain_{k}_lower"] > 0
        before = selected


def test_table_of_the_guide_is_what_the_example_gives(found: dict[str, float]) -> None:
    page = GUIDE.read_text(encoding="utf-8")
    table = re.findall(r"^\| (\d+) \|(.*)\|$", page, re.M)
    rows = {int(k): [float(cell) for cell in cells.split("|") if cell.strip()] for k, cells in table}
    assert sorted(rows) == [1, 2, 4, 8]
    assert rows[1] == pytest.approx([found["best_of_n_single"]] * 2, abs=0.0051)
    for k in (2, 4, 8):
        shown = [found[f"best_of_n_{name}_{k}"] for name in ("oracle", "selected", "gain", "gap")]
        assert rows[k][:4] == pytest.approx(shown, abs=0.0051)
        assert rows[k][4] == pytest.approx(found[f"verifier_curve_best_of_{k}"], abs=0.0051)


def test_sentences_of_the_guide_are_what_the_example_gives(found: dict[str, float]) -> None:
    page = " ".join(GUIDE.read_text(encoding="utf-8").split())
    [numbers] = re.findall(r"tau ([\d.]+), AUROC within a turn ([\d.]+), its favourite is right at ([\d.]+)", page)
    shown = [found["selection"], found["selection_auroc"], found["best_of_n_selected_8"]]
    assert [float(number) for number in numbers] == pytest.approx(shown, abs=0.0051)


def test_image_of_the_guide_is_that_of_the_example(example: ModuleType, found: dict[str, float]) -> None:
    number = re.compile(r"\d+\.\d+")
    shown, drawn = example.FIGURE.read_text(encoding="utf-8"), example.figure(found)
    assert number.sub("#", shown) == number.sub("#", drawn)
    pairs = zip(number.findall(shown), number.findall(drawn), strict=True)
    assert all(abs(float(a) - float(b)) < 0.21 for a, b in pairs)
