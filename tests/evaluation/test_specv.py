# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Judged answers to SpecV as one call and one command: released files, strict scores, where both differ."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from imug_metrics.cli import main
from imug_metrics.errors import ArgumentError
from imug_metrics.evaluation import evaluate_specv
from tests.judges.server import Server, text_of
from tests.protocols.specv.make_golden import GOLDEN, write_tree

CASES = json.loads(GOLDEN.read_text(encoding="utf-8"))


def checkout(root: Path, answers: dict[str, list[str]]) -> Path:
    """Two tasks of one dimension with three items each, and a model's outputs and judged answers."""
    expected, weights = ["Yes", "Yes", "No"], [3, 1, 1]
    tasks = [{"id": name, "dimension": "style", "question": f"Draw {name}."} for name in ("a", "b")]
    write_tree(root / "eval_checklist/t2i/style", {
        f"{task['id']}.json": [
            {"id": n, "question": f"Is it {n}?", "category": "Style", "expected_answer": e, "score": w}
            for n, (e, w) in enumerate(zip(expected, weights, strict=True), 1)
        ]
        for task in tasks
    })  # fmt: skip
    data = root / "eval_data/t2i/style.jsonl"
    data.parent.mkdir(parents=True)
    data.write_text("\n".join(map(json.dumps, tasks)), encoding="utf-8")
    write_tree(root / "eval/t2i/results", {
        f"mine/style/{name}.json": [
            {"id": n, "expected_answer": e, "answer": a}
            for n, (e, a) in enumerate(zip(expected, given, strict=True), 1)
        ]
        for name, given in answers.items()
    })  # fmt: skip
    return root


def test_released_and_strict_scores_stand_side_by_side(tmp_path: Path) -> None:
    found = evaluate_specv(checkout(tmp_path, {"a": ["Yes", "yes ", "N/A"]}))
    [track] = found.tracks
    assert track.official["mine"].overall == 33.33, "one of three as text"
    assert track.strict["mine"][0].score == 1.0, "all that was answered is met"
    assert track.strict["mine"][0].coverage == 0.5, "a task without a result"
    touched = {one.rule.name: one.touched for one in track.differences["mine"]}
    assert (touched["spelling"], touched["no answer"], touched["absent result"]) == (1, 1, 1)
    page = found.report(tmp_path / "out")
    assert json.loads((tmp_path / "out/scores/t2i/mine/summary.json").read_text())["overall_average"] == 33.33
    assert "33.33" in page.read_text()


def test_the_command_writes_what_the_released_scripts_write(tmp_path: Path, capsys: Any) -> None:
    root = checkout(tmp_path / "checkout", {"a": ["Yes", "Yes", "No"]})
    write_tree(tmp_path / "results/t2i/results", CASES["t2i"]["results"])
    out = tmp_path / "out"
    code = main(["specv", "--checkout", str(root), "--results", str(tmp_path / "results"), "--out", str(out)])
    assert code in (0, 1)
    written = {
        str(path.relative_to(out / "scores/t2i")): json.loads(path.read_text()) for path in out.rglob("t2i/**/*.json")
    }
    assert written == CASES["t2i"]["scores"]
    assert "Released" in capsys.readouterr().out


def test_where_the_released_script_stops_it_is_told(tmp_path: Path) -> None:
    root = checkout(tmp_path, {"a": ["Yes", "Yes", "No"]})
    (root / "eval/t2i/results/mine/style/b.json").write_text('[{"id": 1}]', encoding="utf-8")
    found = evaluate_specv(root)
    assert not found.tracks[0].official
    assert "b.json" in found.notes[0]
    assert found.tracks[0].strict["mine"][0].score == 1.0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"results": "nowhere"}, "results"),
        ({"tracks": ["t3i"]}, "t3i"),
        ({"models": ["other"]}, "expected models"),
        ({"models": ["mine", "other"]}, "expected models that have results in .*, got other"),
        ({"tracks": ["edit"]}, "results"),
    ],
)
def test_what_is_not_there_is_refused(options: dict[str, Any], message: str, tmp_path: Path) -> None:
    root = checkout(tmp_path, {"a": ["Yes", "Yes", "No"]})
    if "results" in options:
        options = {"results": tmp_path / options["results"]}
    with pytest.raises(ArgumentError, match=message):
        evaluate_specv(root, **options)


def test_its_checklists_are_asked_of_judges_of_ones_own(tmp_path: Path, capsys: Any) -> None:
    pytest.importorskip("aiohttp", reason="aiohttp is not installed")
    root = checkout(tmp_path / "checkout", {})
    from tests.checklists.test_questions import png

    for name in ("a", "b"):
        path = root / f"model_outputs/t2i/mine/{name}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(png())

    def reply(body: dict[str, Any]) -> str:
        assert "Is it 3?" in text_of(body)
        return json.dumps({"answers": [{"id": n, "answer": "yes"} for n in (1, 2, 3)]})

    with Server(reply) as server:
        asked = ["--judge-url", server.url, "--judge-model", "one", "--out", str(tmp_path / "out")]
        assert main(["judge", "--specv", str(root), *asked, "--model", "mine", "nobody"]) == 2
        assert "--model" in capsys.readouterr().err
        assert not server.bodies
        assert main(["judge", "--specv", str(root), *asked]) == 1, "other dimensions of the track are not there"
    found = json.loads((tmp_path / "out/jury.json").read_text())
    assert found["scores"]["one"]["mine"]["value"] == pytest.approx(2 / 3), "the third expects a no"
