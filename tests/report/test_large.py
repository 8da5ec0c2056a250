# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""However many dialogues there are, whatever was written in them, the page stays small enough to open."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from imug_metrics.report.dialogues.thumbnails import ThumbnailShelf
from tests.report.large import large_scores
from tests.report.page_reader import written

LIMIT = 5_000_000


def test_the_page_of_three_thousand_dialogues_stays_below_five_megabytes(tmp_path: Path) -> None:
    page = written(large_scores(3, 3000, 4), tmp_path)
    assert (tmp_path / "report.html").stat().st_size < LIMIT
    assert page.section("samples").count("<details") == 3000
    assert (tmp_path / "samples.csv").read_text(encoding="utf-8").count("\n") == 1 + 3 * 3000


def test_so_it_does_whatever_was_written(tmp_path: Path) -> None:
    models = large_scores(3, 1000, 6)
    for model in models:
        for row in model.items:
            row |= {"dialogue": f"{row['dialogue']}{'<&>' * 400}", "class": "&" * 400}
            row |= {"prompt": "<" * 3000, "text": None if row["text"] is None else "&\"'" * 2000}
            row["target"] = None if row["target"] is None else "'" * 1000
    written(models, tmp_path)
    assert (tmp_path / "report.html").stat().st_size < LIMIT


def test_no_image_of_one_dialogue_is_taken_for_that_of_another(tmp_path: Path) -> None:
    models = large_scores(1, 30, 2)
    page = written(models, tmp_path)
    shown = re.findall(r'<img src="([^"]+)" alt="Image of model 0 at turn 1"', page.section("dialogues"))
    names = re.findall(r"<h4><code>([^<]+)</code>", page.section("dialogues"))
    expected = []
    for name in names:
        row = next(row for row in models[0].items if row["dialogue"] == name and row["turn"] == 1)
        if row["image"]:
            expected.append(ThumbnailShelf().take(models[0].embedded[row["image"]])[0])
    assert shown == expected


def test_an_image_that_is_shown_twice_is_decoded_once_and_counts_twice(monkeypatch: Any) -> None:
    made = []
    monkeypatch.setattr(
        "imug_metrics.report.dialogues.thumbnails.thumbnail", lambda source: made.append(source) or "12345"
    )
    shelf = ThumbnailShelf(budget=12)
    assert [shelf.take(b"a")[0] for _ in range(3)] == ["12345", "12345", None]
    assert made == [b"a"]
    assert shelf.take(b"a")[1] == "left out: the page is full"
