# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""The tables of encoders of style are those of their example, whose styles and contents are what they are called."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest
import torch

for package in ("skimage", "sklearn", "matplotlib"):
    pytest.importorskip(package, reason=f"{package} is not installed")

DOCS = Path(__file__).resolve().parents[2] / "docs"
PAGE = DOCS / "encoders" / "style.md"


@pytest.fixture(scope="module")
def example() -> ModuleType:
    spec = importlib.util.spec_from_file_location("style_example", DOCS / "style_example.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_a_row_of_the_page_is_what_the_example_gives(example: ModuleType) -> None:
    name, encoder = next(example.encoders())
    assert example.retrieval_row(name, encoder) in PAGE.read_text(encoding="utf-8")


def test_the_page_has_a_row_for_all_that_is_tried(example: ModuleType) -> None:
    page = PAGE.read_text(encoding="utf-8")
    for name in (example.FILTERS, example.STAGES, f"{example.STAGES}, the first three", example.CONTENT):
        assert f"\n| {name} | " in page
    for content in example.CONTENTS:
        for style in ("stays", "drifts"):
            for name in (example.FILTERS, example.STAGES):
                assert f"\n| {content} | {style} | {name} | " in page


def test_what_is_perfect_by_style_or_by_content_is_said_to_be(example: ModuleType) -> None:
    content, style = torch.arange(12).div(4, rounding_mode="floor"), torch.arange(12) % 4
    by_style = torch.nn.functional.one_hot(style)
    assert example.retrieval(by_style, content, style) == (1, 1)
    mixed = torch.cat([by_style, 3 * torch.nn.functional.one_hot(content)], 1)
    assert example.retrieval(mixed, content, style) == (1, 0)


def test_a_style_that_stays_is_one_and_a_content_that_stays_is_near(example: ModuleType) -> None:
    lines = example.dialogues("stays", False)
    assert {len(line) for line in lines} == {example.TURNS}
    assert {image.size for line in lines for image in line} == {(example.SIDE, example.SIDE)}
    assert example.dialogues("stays", False)[0][3].tobytes() == lines[0][3].tobytes()
