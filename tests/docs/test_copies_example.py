# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Copies of photographs and scenes are found and honest edits are not, and the page lists what its example tries."""

from __future__ import annotations

import importlib.util
import random
from pathlib import Path
from types import ModuleType

import pytest

for package in ("skimage", "sklearn", "matplotlib"):
    pytest.importorskip(package, reason=f"{package} is not installed")

DOCS = Path(__file__).resolve().parents[2] / "docs"
PAGE = DOCS / "metrics" / "copy_guard.md"
SUBTLE = "any region filled smoothly"


@pytest.fixture(scope="module")
def example() -> ModuleType:
    spec = importlib.util.spec_from_file_location("copies_example", DOCS / "copies_example.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("kind", ["photographs", "scenes"])
def test_copies_are_found_and_honest_edits_are_not(example: ModuleType, kind: str) -> None:
    rng = random.Random(1)
    images = example.photographs() if kind == "photographs" else example.scenes(8, rng)
    images = {name: images[name] for name in list(images)[:8]}
    found = example.by_parts(list(example.copies(images, rng)))
    exact = ("returned as it is", "JPEG, quality 60 to 90", "resized and back", "mirrored")
    assert [found[name, 0.0] for name in exact] == [1] * 4
    assert sum(found.values()) / len(found) > 0.93
    assert min(found.values()) >= 0.75
    edited = example.by_parts(list(example.edits(images, rng)))
    honest = [share for (name, size), share in edited.items() if 0.03 <= size < 1 and name != SUBTLE]
    assert sum(honest) / len(honest) < 0.05
    assert {edited[f"{what} replaced", 1.0] for what in ("background", "subject")} == {0}


def test_a_mean_over_the_image_finds_neither(example: ModuleType) -> None:
    rng, images = random.Random(1), {name: example.photographs()[name] for name in ("coffee", "china", "chelsea")}
    copies, edits = list(example.copies(images, rng)), list(example.edits(images, rng))
    assert example.by_mean(copies)["mirrored", 0.0] == 0
    small = [share for (_, size), share in example.by_mean(edits).items() if size <= 0.02]
    assert sum(small) / len(small) > 0.5


def test_the_page_has_a_row_for_everything_that_is_tried(example: ModuleType) -> None:
    page = PAGE.read_text(encoding="utf-8")
    sized = [f"{kind}, {100 * size:g} %" for kind in example.EDITS for size in example.SIZES]
    missing = [kind for kind in (*example.COPIES, *sized, "background replaced") if f"\n| {kind} | " not in page]
    assert missing == []
