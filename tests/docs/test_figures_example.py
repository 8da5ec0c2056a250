# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""The guide to figures shows what its code draws."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path
from types import ModuleType

import pytest

DOCS = Path(__file__).resolve().parents[2] / "docs"
WORDS = re.compile(r"<text[^>]*>(.*?)</text>", re.S)


@pytest.fixture(scope="module")
def example() -> ModuleType:
    pytest.importorskip("matplotlib")
    spec = importlib.util.spec_from_file_location("figures_example", DOCS / "figures_example.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def drawn(example: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Path:
    pyplot = pytest.importorskip("matplotlib.pyplot")
    folder = tmp_path_factory.mktemp("figures")
    example.draw(folder)
    pyplot.close("all")
    return folder


def test_every_image_that_is_drawn_is_shown_and_the_other_way_round(example: ModuleType, drawn: Path) -> None:
    shown = re.findall(r"\(figures/(\w+\.svg)\)", example.GUIDE.read_text(encoding="utf-8"))
    names = sorted(path.name for path in drawn.iterdir())
    assert sorted(shown) == names == sorted(path.name for path in example.IMAGES.iterdir())


def test_the_images_say_what_the_code_draws(example: ModuleType, drawn: Path) -> None:
    for path in drawn.iterdir():
        kept, now = ((folder / path.name).read_text(encoding="utf-8") for folder in (example.IMAGES, drawn))
        assert WORDS.findall(kept) == WORDS.findall(now), path.name


def test_the_images_are_small(example: ModuleType) -> None:
    assert all(path.stat().st_size < 60_000 for path in example.IMAGES.iterdir())
