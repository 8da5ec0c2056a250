# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Each figure names the simulated model whose failure it is about, and no other; the page has a row for each."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

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


@pytest.fixture(scope="module")
def scored(example: ModuleType) -> Any:
    return example.scored_models(dialogues=300, seed=0)


def test_each_figure_finds_its_own_failure_and_accuses_nobody_else(example: ModuleType, scored: Any) -> None:
    figures = example.failure_figures(scored)
    found, planted = example.named(scored, figures), {(name, key) for name, (_, key) in example.PLANTED.items()}
    assert found.keys() <= planted
    assert len(found) >= len(planted) - 1, "one may be too small for a single benchmark"
    assert {figure.failure.key for figure in figures} == {key for _, key in planted}


def test_beside_an_honest_model_each_has_its_failure_and_the_honest_one_has_none(
    example: ModuleType, scored: Any
) -> None:
    honest, *others = scored
    found = {}
    for other in others:
        found |= example.named([honest, other], example.failure_figures([honest, other]))
    assert not [key for name, key in found if name == example.HONEST]
    missed = {(name, key) for name, (_, key) in example.PLANTED.items()} - found.keys()
    assert len(missed) <= 1, "one may be too small for a single benchmark"


def test_honest_models_alone_have_no_one_who_stands_out(example: ModuleType) -> None:
    tasks = example.made_tasks(150, seed=1)
    scored = [example.scored_model(str(seed), example.Model(), tasks, 100 + seed) for seed in range(3)]
    assert [figure.worst for figure in example.failure_figures(scored)] == [None] * len(example.PLANTED)


def test_the_page_has_a_row_for_every_planted_failure(example: ModuleType) -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert [name for name in (*example.PLANTED, example.HONEST) if f"\n| {name} | " not in page] == []
