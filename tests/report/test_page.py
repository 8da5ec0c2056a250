# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""The HTML page: well formed, self-contained, harmless whatever a model wrote, small."""

from __future__ import annotations

import base64
import io
import math
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from imug_metrics.report.dialogues.thumbnails import MAX_SIDE, ThumbnailShelf, thumbnail
from imug_metrics.report.pages.render import environment
from tests.report.page_reader import Page, written

EVIL = "<script>alert('x')</script><img src=http://evil.example/x onerror=alert(1)>"


def three(make_scores: Any) -> list[Any]:
    return [
        make_scores("steady", start=0.9),
        make_scores("fading", start=0.9, slope=-0.08),
        make_scores("copying", start=0.6, slope=-0.04, copy_rate=0.97, consistency=0.99),
    ]


def scripts(page: Page) -> list[str]:
    return re.findall(r"<script[^>]*>(.*?)</script>", page.raw, re.S)


def test_the_page_is_balanced_and_loads_nothing(make_scores: Any, tmp_path: Path) -> None:
    page = written(three(make_scores), tmp_path / "out", manifest={"encoder": {"name": "scene"}})
    assert not {"link", "iframe", "object", "form", "base"} & set(page.tags)
    assert scripts(page) == [str(environment().globals["script"])], "its own, which the policy allows by its hash"
    assert not [value for name, value in page.attributes if name.startswith("on")]
    sources = [value or "" for name, value in page.attributes if name in ("src", "href", "xlink:href", "srcset")]
    assert any(value.startswith("data:image/jpeg;base64,") for value in sources)
    assert all(value.startswith(("data:", "#")) for value in sources)
    bare = re.sub(r"data:[\w/+-]+(;charset=utf-8)?;base64,[\w+/=]+", "", page.raw)
    bare = bare.replace(str(environment().globals["script"]), "").replace("http://www.w3.org/2000/svg", "")
    assert not re.search(r"https?:|url\(|@import", bare)


def test_what_a_model_wrote_is_shown_as_text_and_never_run(make_scores: Any, tmp_path: Path) -> None:
    model = make_scores(f"m{EVIL}", dialogues=2)
    for item in model.items:
        item["prompt"] = f"prompt {EVIL}"
        item["text"] = None if item["text"] is None else f"reply {EVIL}"
        item["dialogue"] = f"{item['dialogue']}{EVIL}"
        item["class"] = EVIL
    model.scores[f"score{EVIL}"] = 1.0
    page = written([model, make_scores("other")], tmp_path / "out", manifest={"note": EVIL, f"key{EVIL}": 1})
    assert page.tags.count("script") == 1
    assert not [name for name, _ in page.attributes if name.startswith("on")]
    assert f"prompt {EVIL}" in page.words
    assert f"reply {EVIL}" in page.words


def test_the_page_says_what_the_numbers_mean(make_scores: Any, tmp_path: Path) -> None:
    page = written(three(make_scores), tmp_path / "out")
    assert "copying repeats its own images: copy rate 0.97, so its consistency of 0.99 (the highest)" in page.words
    assert "fading loses 0.080 of answer accuracy per turn (95 % interval −0.100 to −0.060)" in page.words
    assert re.search(r"steady shows no decay in answer accuracy.*alignment.*retrieval", page.words)
    assert page.section("curves").count("<polygon") == 6 * 3, "one band a metric and model"


def test_every_thumbnail_is_a_small_jpeg(make_scores: Any, tmp_path: Path) -> None:
    page = written([make_scores()], tmp_path / "out")
    jpegs = [value for _, value in page.attributes if (value or "").startswith("data:image/jpeg")]
    assert jpegs
    for source in jpegs:
        image = Image.open(io.BytesIO(base64.b64decode(str(source).partition(",")[2])))
        assert image.format == "JPEG"
        assert image.size == (160, 107)


def test_missing_images_and_answers_are_named_and_counted(make_scores: Any, tmp_path: Path) -> None:
    model = make_scores(dialogues=3)
    for item in model.items[:5]:
        item["image"] = None
        item["text"] = None
    page = written([model], tmp_path / "out")
    assert "Missing outputs: steady 3 of 9 images and 2 of 6 answers." in page.words
    assert page.rows("coverage", "Coverage by metric")[1][1:5] == ["3", "15", "3 of 9", "2 of 6"]


def test_an_image_file_that_vanished_or_is_broken_does_not_stop_the_report(make_scores: Any, tmp_path: Path) -> None:
    model = make_scores(dialogues=1)
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"\x89PNG\r\n\x1a\nnot an image")
    model.items[0]["image"] = str(broken)
    model.items[2]["image"] = str(tmp_path / "gone.png")
    page = written([model], tmp_path / "out")
    assert "unreadable image" in page.words
    assert str(tmp_path) not in page.words


def test_undefined_scores_show_as_a_dash(make_scores: Any, tmp_path: Path) -> None:
    model = make_scores()
    model.scores.update(dict.fromkeys(model.scores, math.nan))
    page = written([model], tmp_path / "out")
    assert "nan" not in page.words.lower().split()
    assert page.section("curves") == ""


def test_a_single_turn_has_points_but_no_slope(make_scores: Any, tmp_path: Path) -> None:
    page = written([make_scores(turns=1)], tmp_path / "out")
    assert "polyline" not in page.section("curves")
    assert "<circle" in page.section("curves")
    assert "no slope" in page.words
    assert "loses 0" not in page.words


def test_scores_without_any_record_still_make_a_page(make_scores: Any, tmp_path: Path) -> None:
    model = make_scores()
    model.items.clear()
    page = written([model], tmp_path / "out")
    assert page.rows("scores", "Scores by model")[1][0] == "steady"


def test_few_dialogues_are_called_approximate(make_scores: Any, tmp_path: Path) -> None:
    assert "Approximate: fewer than 20 dialogues" in written([make_scores(dialogues=19)], tmp_path / "a").words
    assert "Approximate" not in written([make_scores(dialogues=20)], tmp_path / "b").words


def test_the_page_stays_below_five_megabytes_with_many_models(make_scores: Any, tmp_path: Path) -> None:
    noise = tmp_path / "noise.png"
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (160, 160, 3), dtype=np.uint8)).save(noise)
    models = [make_scores(f"model {i}", dialogues=4, turns=8) for i in range(25)]
    for model in models:
        for item in model.items:
            item["prompt"] = "word " * 2000
            item["image"] = None if item["image"] is None else str(noise)
    written(models, tmp_path / "out")
    assert (tmp_path / "out" / "report.html").stat().st_size < 5_000_000


def test_an_image_of_too_many_pixels_is_refused_before_it_is_decoded(tmp_path: Path, monkeypatch: Any) -> None:
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
