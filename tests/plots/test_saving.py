# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import re
from pathlib import Path

import pytest
from PIL import Image

from imug_metrics import plots


def draw() -> object:
    return plots.curves({"mine": {1: (0.9, 0.8, 1.0), 2: (0.5, 0.4, 0.6)}, "b": {1: 0.5, 2: 0.6}}, note="bands")[0]


@pytest.mark.parametrize("kind", ["svg", "pdf", "png"])
def test_a_figure_drawn_twice_is_the_same_file(tmp_path: Path, kind: str) -> None:
    first, second = (plots.save(draw(), tmp_path / f"{name}.{kind}") for name in ("first", "second"))
    assert first.read_bytes() == second.read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == [f"first.{kind}", f"second.{kind}"]


def test_an_svg_holds_its_words_as_text_and_no_date(tmp_path: Path) -> None:
    text = plots.save(draw(), tmp_path / "a.svg").read_text(encoding="utf-8")
    assert re.search(r">\s*turn\s*</text>", text)
    assert "<dc:date>" not in text


def test_a_pdf_holds_fonts_that_can_be_edited_and_no_date(tmp_path: Path) -> None:
    content = plots.save(draw(), tmp_path / "a.PDF").read_bytes()
    assert content.startswith(b"%PDF")
    assert b"/Type3" not in content
    assert b"CreationDate" not in content


def test_a_png_has_300_points_an_inch(tmp_path: Path) -> None:
    with Image.open(plots.save(draw(), tmp_path / "a.png")) as image:
        assert image.width == pytest.approx(3.3 * 300, abs=1)


@pytest.mark.parametrize("name", ["a.jpg", "a", "a.svgz"])
def test_another_ending_is_refused_and_nothing_written(tmp_path: Path, name: str) -> None:
    with pytest.raises(ValueError, match=r"`path`: expected a name that ends in .svg, .pdf or .png"):
        plots.save(draw(), tmp_path / name)
    assert not list(tmp_path.iterdir())


def test_a_folder_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="a folder that is there"):
        plots.save(draw(), tmp_path / "no" / "a.svg")
