# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""The HTML page: well formed, self-contained, harmless whatever a model wrote, small."""

from __future__ import annotations

import base64
import io
import math
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from imug_metrics.report import write_report
from imug_metrics.report.images import MAX_SIDE, ThumbnailShelf, thumbnail

VOID = {"meta", "img", "br", "link", "input", "hr"}
SVG_VOID = {"line", "circle", "polygon", "polyline"}
EVIL = "<script>alert('x')</script><img src=http://evil.example/x onerror=alert(1)>"


class Page(HTMLParser):
    """Checks that tags balance and collects what a browser would load or run."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.text: list[str] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in SVG_VOID
        self.tags.append(tag)
        self.attributes += attrs

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text.append(data)

    @property
    def words(self) -> str:
        return " ".join("".join(self.text).split())


def written(models: list[Any], out: Path, **manifest: Any) -> Page:
    return Page(write_report(models, out, manifest=manifest).read_text(encoding="utf-8"))


def three(make_scores: Any) -> list[Any]:
    return [
        make_scores("steady", start=0.9),
        make_scores("fading", start=0.9, slope=-0.08),
        make_scores("copying", start=0.6, slope=-0.04, copy_rate=0.97, consistency=0.99),
    ]


def test_the_page_is_balanced_and_loads_nothing(make_scores: Any, tmp_path: Path) -> None:
    page = written(three(make_scores), tmp_path / "out", encoder={"name": "scene"})
    assert not {"script", "link", "iframe", "object", "form", "base"} & set(page.tags)
    assert not [value for name, value in page.attributes if name.startswith("on")]
    sources = [value for name, value in page.attributes if name in ("src", "href", "xlink:href", "srcset")]
    assert sources
    assert all(value.startswith("data:image/jpeg;base64,") for value in sources)
    raw = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert not re.search(r"https?:|//[a-z]|url\(|@import", re.sub(r"data:image/jpeg;base64,[\w+/=]+", "", raw))


def test_what_a_model_wrote_is_shown_as_text_and_never_run(make_scores: Any, tmp_path: Path) -> None:
    model = make_scores(f"m{EVIL}", dialogues=2)
    for item in model.items:
        item["prompt"] = f"prompt {EVIL}"
        item["text"] = None if item["text"] is None else f"reply {EVIL}"
        item["dialogue"] = f"{item['dialogue']}{EVIL}"
    model.scores[f"score{EVIL}"] = 1.0
    page = written([model, make_scores("other")], tmp_path / "out", note=EVIL, **{f"key{EVIL}": 1})
    assert "script" not in page.tags
    assert not [name for name, _ in page.attributes if name.startswith("on")]
    assert f"prompt {EVIL}" in page.words
    assert f"reply {EVIL}" in page.words


def test_the_page_says_what_the_numbers_mean(make_scores: Any, tmp_path: Path) -> None:
    page = written(three(make_scores), tmp_path / "out")
    assert "copying repeats its own images: copy rate 0.97, so its consistency of 0.99 (the highest)" in page.words
    assert "fading loses 0.080 of answer accuracy per turn (95 % interval −0.100 to −0.060)" in page.words
    assert "steady shows no decay in answer accuracy, alignment and retrieval" in page.words
    assert page.tags.count("polygon") == 5 * 3, "one band a metric and model"


def test_thumbnails_are_small_jpegs(make_scores: Any, tmp_path: Path) -> None:
    page = written([make_scores()], tmp_path / "out")
    sources = [value for name, value in page.attributes if name == "src"]
    assert len(sources) == 3 * 3, "three images in each of three dialogues"
    for source in sources:
        image = Image.open(io.BytesIO(base64.b64decode(source.partition(",")[2])))
        assert image.format == "JPEG"
        assert image.size == (160, 107)


def test_missing_images_and_answers_are_named_and_counted(make_scores: Any, tmp_path: Path) -> None:
    model = make_scores(dialogues=3)
    for item in model.items[:5]:
        item["image"] = None
        item["text"] = None
        item["alignment"] = -1.0 if item["modality"] == "image" else None  # ranked worst, so that it is shown
    page = written([model], tmp_path / "out")
    assert "Missing outputs: steady 3 of 9 images and 2 of 6 answers." in page.words
    assert page.words.count("no image") == 3
    assert page.words.count("no answer") == 2


def test_a_image_file_that_vanished_or_is_broken_does_not_stop_the_report(make_scores: Any, tmp_path: Path) -> None:
    model = make_scores(dialogues=1)
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"\x89PNG\r\n\x1a\nnot an image")
    model.items[0]["image"] = str(broken)
    model.items[2]["image"] = str(tmp_path / "gone.png")
    page = written([model], tmp_path / "out")
    assert page.words.count("unreadable image") == 2
    assert str(tmp_path) not in page.words


def test_undefined_scores_show_as_a_dash(make_scores: Any, tmp_path: Path) -> None:
    model = make_scores()
    model.scores.update(dict.fromkeys(model.scores, math.nan))
    page = written([model], tmp_path / "out")
    assert "nan" not in page.words.lower().split()
    assert "svg" not in page.tags


def test_a_single_turn_has_points_but_no_slope(make_scores: Any, tmp_path: Path) -> None:
    model = make_scores(turns=1)
    page = written([model], tmp_path / "out")
    assert "polyline" not in page.tags
    assert "circle" in page.tags
    assert "no slope" in page.words
    assert "loses 0" not in page.words


def test_scores_without_any_record_still_make_a_page(make_scores: Any, tmp_path: Path) -> None:
    model = make_scores()
    model.items.clear()
    assert "Nothing to rank." in written([model], tmp_path / "out").words


def test_few_dialogues_are_called_approximate(make_scores: Any, tmp_path: Path) -> None:
    assert "Approximate: fewer than 20 dialogues" in written([make_scores(dialogues=19)], tmp_path / "a").words
    assert "Approximate" not in written([make_scores(dialogues=20)], tmp_path / "b").words


def test_the_page_stays_below_five_megabytes_with_many_models(make_scores: Any, tmp_path: Path) -> None:
    import numpy as np

    noise = tmp_path / "noise.png"
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (160, 160, 3), dtype=np.uint8)).save(noise)
    models = [make_scores(f"model {i}", dialogues=4, turns=8) for i in range(25)]
    for model in models:
        for item in model.items:
            item["prompt"] = "word " * 2000
            item["image"] = None if item["image"] is None else str(noise)
    path = write_report(models, tmp_path / "out", manifest={})
    assert path.stat().st_size < 5_000_000
    page = Page(path.read_text(encoding="utf-8"))
    assert "left out: the page is full" in page.words


def test_a_image_of_too_many_pixels_is_refused_before_it_is_decoded(tmp_path: Path, monkeypatch: Any) -> None:
    path = tmp_path / "huge.png"
    Image.new("1", (8000, 8000)).save(path)
    monkeypatch.setattr(Image.Image, "load", lambda self: pytest.fail("decoded"))
    with pytest.raises(ValueError, match="8000 x 8000 pixels"):
        thumbnail(path)
    assert ThumbnailShelf().take(path)[0] is None


def test_a_file_of_too_many_bytes_is_refused_before_it_is_opened(tmp_path: Path, monkeypatch: Any) -> None:
    path = tmp_path / "long.png"
    with path.open("wb") as file:
        file.truncate(33 * 2**20)
    monkeypatch.setattr(Image, "open", lambda *args, **kwargs: pytest.fail("opened"))
    with pytest.raises(ValueError, match="bytes"):
        thumbnail(path)


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L", "P", "1", "LA"])
def test_images_of_any_mode_become_thumbnails(tmp_path: Path, mode: str) -> None:
    path = tmp_path / "image.png"
    Image.new(mode, (400, 100)).save(path)
    data = base64.b64decode(thumbnail(path).partition(",")[2])
    assert Image.open(io.BytesIO(data)).size == (MAX_SIDE, 40)


@pytest.mark.parametrize("counted", [False, True])
def test_scores_with_missing_outputs_stand_beside_those_with_absent_ones_as_0(
    make_scores: Any, tmp_path: Path, counted: bool
) -> None:
    model = make_scores("skips")
    scored = sum(item["alignment"] is not None for item in model.items)
    there = 0.5 if counted else 0.8
    new = {"turn_alignment": there, "turn_alignment_coverage": 0.625, "turn_alignment_n": scored / 0.625}
    model.scores.update(new)
    if not counted:
        model.scores["turn_alignment_n"] = scored
    page = " ".join(write_report([model], tmp_path, manifest={}).read_text(encoding="utf-8").split())
    section = page.partition("With absent outputs as 0")[2].partition("</table>")[0]
    assert "<td>Alignment</td><td>62.5 %</td><td>0.80</td><td>0.50</td>" in section
    assert section.count("<tr>") == 2, "the heading and one score"
    told = "the others count 0; without them it is 0.80" if counted else "with the others as 0 it is 0.50"
    assert f"62 % of the outputs were scored{', ' if counted else '; '}{told}" in page


def test_a_score_without_interval_says_why(make_scores: Any, tmp_path: Path) -> None:
    model = replace(make_scores("few"), reasons={"turn_alignment": "fewer than 2 effective dialogues carry it"})
    model.scores.update(dict.fromkeys(("turn_alignment_lower", "turn_alignment_upper"), math.nan))
    page = write_report([model], tmp_path, manifest={}).read_text(encoding="utf-8")
    assert '<span class="sub">fewer than 2 effective dialogues carry it</span>' in page
