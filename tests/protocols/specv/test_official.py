# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Scores of SpecV against what its released scripts wrote for the same judged answers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from imug_metrics.protocols.specv import (
    TRACKS,
    OfficialError,
    OfficialScores,
    list_models,
    official_files,
    official_scores,
    read_results,
)
from imug_metrics.reading.files import Problems
from tests.protocols.specv.make_golden import GOLDEN, write_tree


def scores_of(results: Path, track: str) -> list[OfficialScores]:
    return [official_scores(read_results(results / model, track, Problems())) for model in list_models(results)]


CASES = json.loads(GOLDEN.read_text(encoding="utf-8"))


@pytest.mark.parametrize("track", TRACKS)
def test_every_file_of_the_released_script_is_the_same(track: str, tmp_path: Path) -> None:
    write_tree(tmp_path, CASES[track]["results"])
    found = official_files(scores_of(tmp_path, track))
    assert found == CASES[track]["scores"]
    assert [*map(repr, found.values())] == [*map(repr, (CASES[track]["scores"][name] for name in found))]


def test_the_cases_hold_what_is_hard() -> None:
    scores = [content for track in CASES.values() for content in track["scores"].values() if isinstance(content, dict)]
    overall = [content["overall_average"] for content in scores if "overall_average" in content]
    assert len(set(overall)) < len(overall), "ties"
    assert 0.0 in overall, "a model without anything"
    assert any(content.get("questions") == [] for content in scores), "an empty dimension"
    tasks = [task for content in scores for task in content.get("questions", ())]
    assert any(task["total"] == 0 for task in tasks), "an empty list"
    lacking = [content for content in scores if "tracks" in content and 0 < len(content["tracks"]) < 4]
    assert lacking, "a model that lacks dimensions"


@pytest.mark.parametrize(
    "content",
    [
        [{"expected_answer": "Yes"}],
        [{"answer": "Yes"}],
        {"answer": "Yes"},
        ["Yes"],
        None,
        [{"expected_answer": "Yes", "answer": "Yes", "subcategory": None, "category": None}],
    ],
)
def test_where_the_released_script_stops_there_are_no_scores(content: Any, tmp_path: Path) -> None:
    write_tree(tmp_path, {"m/maze/a.json": content})
    with pytest.raises(OfficialError, match=r"a\.json"):
        scores_of(tmp_path, "think_with_img")


def test_broken_json_and_links_out_of_the_folder_stop_it_too(tmp_path: Path) -> None:
    write_tree(tmp_path, {"results/m/style/b.json": []})
    (tmp_path / "results/m/style/a.json").write_text("[{", encoding="utf-8")
    with pytest.raises(OfficialError, match="expected JSON"):
        scores_of(tmp_path / "results", "t2i")
    secret = tmp_path / "secret.json"
    secret.write_text("[]", encoding="utf-8")
    (tmp_path / "results/m/style/a.json").unlink()
    (tmp_path / "results/m/style/a.json").symlink_to(secret)
    with pytest.raises(OfficialError, match="leads out of the model"):
        scores_of(tmp_path / "results", "t2i")
