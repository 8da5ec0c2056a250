# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Each figure names the simulated model whose failure it is about, and no other; the page has a row for each."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

DOCS = Path(__file__).resolve().parents[2] / "docs"
PAGE = DOCS / "guides" / "which_failure.md"


@pytest.fixture(scope="module")
def example() -> ModuleType:
    spec = importlib.util.spec_from_file_location("failures_example", DOCS / "failures_example.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # where its dataclasses look for their annotations
    spec.loader.exec_module(module)
    return module


def test_each_figure_finds_its_own_failure_and_accuses_nobody_else(example: ModuleType) -> None:
    models, figures = example.figures(dialogues=300, seed=0)
    found = {figure.failure.key: models[figure.worst] for figure in figures if figure.worst is not None}
    planted = {key: name for name, (_, key) in example.PLANTED.items()}
    assert found.items() <= planted.items()
    assert len(found) >= len(planted) - 1, "one may be too small for a single benchmark"
    assert {figure.failure.key for figure in figures} == planted.keys()


def test_honest_models_alone_have_no_one_who_stands_out(example: ModuleType) -> None:
    tasks = example.made_tasks(150, seed=1)
    scored = [example.scored_model(str(seed), example.Model(), tasks, 100 + seed) for seed in range(3)]
    assert [figure.worst for figure in example.failure_figures(scored)] == [None] * len(example.PLANTED)


def test_the_page_has_a_row_for_every_planted_failure(example: ModuleType) -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert [name for name in (*example.PLANTED, example.HONEST) if f"\n| {name} | " not in page] == []
