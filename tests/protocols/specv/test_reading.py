# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Tasks, checklists, outputs and judged answers of SpecV: what is read, what is refused, nothing outside its folder."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from imug_metrics.errors import ArgumentError
from imug_metrics.protocols import specv
from imug_metrics.protocols.specv import Task, TaskKey
from imug_metrics.reading.files import Problems
from tests.protocols.specv.make_golden import DIMENSIONS, write_tree

ITEM = {"id": 1, "question": "Is it?", "category": "C", "subcategory": "S", "expected_answer": "Yes", "score": 9.5}


def read(root: Path, rows: list[Any], checklists: dict[str, Any]) -> tuple[list[Task], Problems]:
    data = root / "eval_data/t2i/style.jsonl"
    data.parent.mkdir(parents=True)
    data.write_text("\n".join(row if isinstance(row, str) else json.dumps(row) for row in rows), encoding="utf-8")
    write_tree(root / "eval_checklist/t2i/style", checklists)
    problems = Problems()
    return specv.read_tasks(root, problems, ["t2i"]), problems


def messages(problems: Problems) -> str:
    return "\n".join(str(problem) for problem in problems if "style" in problem.file)


def test_a_task_is_read_with_its_checklist_and_the_file_names_its_dimension(tmp_path: Path) -> None:
    row = {"id": "a", "dimension": "other", "question": "Draw.", "question_img": ["images/style/a.png"]}
    tasks, problems = read(tmp_path, [row], {"a.json": [ITEM]})
    [task] = tasks
    assert task.key == TaskKey("t2i", "style", "a")
    assert task.items[0].weight == 9.5
    assert task.images[0].name == "a.png"
    assert "other" in messages(problems)


def test_the_tracks_are_those_of_the_released_scripts() -> None:
    assert {name: set(track.dimensions) for name, track in specv.TRACKS.items()} == {
        name: set(dimensions) for name, dimensions in DIMENSIONS.items()
    }
    with pytest.raises(ArgumentError, match="t3i"):
        specv.find_track("t3i")


@pytest.mark.parametrize(
    ("rows", "checklists"),
    [
        (["{"], {}),
        ([{"question": "no id"}], {}),
        ([{"id": "../../secret", "question": "q"}], {}),
        ([{"id": "a", "question": "q"}], {}),
        ([{"id": "a", "question": "q"}], {"a.json": {"no": "list"}}),
        ([{"id": "a", "question": "q"}], {"a.json": ["text", 7, None]}),
        ([{"id": "a", "question": "q"}], {"a.json": [{**ITEM, "score": -1}]}),
        ([{"id": "a", "question": "q"}, {"id": "a", "question": "again"}], {"a.json": [ITEM]}),
        ([{"id": "a", "question": "q", "question_img": ["../../../etc/passwd"]}], {"a.json": [ITEM]}),
        ([{"id": "a", "question": 7, "question_img": "text"}], {"a.json": [ITEM]}),
        ([{"id": "a", "question": "q", "question_img": ["x" * 900]}], {"a.json": [ITEM]}),
        ([{"id": "a", "question": "q"}], {"a.json": [{**ITEM, "score": 10**400}]}),
        ([], {"stray.json": [ITEM]}),
    ],
)
def test_what_is_wrong_with_tasks_is_told_and_stops_nothing(
    rows: list[Any], checklists: dict[str, Any], tmp_path: Path
) -> None:
    tasks, problems = read(tmp_path, rows, checklists)
    assert messages(problems)
    assert len(tasks) <= 1
    assert all(not str(image).endswith("passwd") for task in tasks for image in task.images)


def output(tmp_path: Path, track: str, name: str, files: dict[str, Any]) -> tuple[specv.Output, Problems]:
    write_tree(tmp_path / "mine", files | {"/": None})
    problems = Problems()
    task = Task(track, specv.TRACKS[track].dimensions[0], name, "Do.")
    found = specv.read_outputs(tmp_path / "mine", [task], problems)
    return found[task.key], problems


def test_interleaved_outputs_keep_the_order_of_texts_and_images(tmp_path: Path) -> None:
    content = [
        {"type": "text", "text": "First."},
        {"type": "image", "image": "1.png"},
        {"type": "text", "text": "Then."},
        {"type": "image", "image": "2.png"},
    ]
    found, problems = output(
        tmp_path, "interleave", "a", {"a/response.json": {"content": content}, "a/1.png": 0, "a/2.png": 0}
    )
    assert [part if isinstance(part, str) else part.name for part in found.parts] == [
        "First.",
        "1.png",
        "Then.",
        "2.png",
    ]
    assert problems == []
    [record] = specv.output_records([Task(*found.key, "Do.")], {found.key: found})
    assert record.text == "First.\n\nThen."
    assert Path(str(record.image)).name == "2.png"


@pytest.mark.parametrize(
    "content",
    [
        {"content": [{"type": "image", "image": "../../secret.png"}]},
        {"content": [{"type": "image", "image": "/etc/passwd"}]},
        {"content": [{"type": "image", "image": "link.png"}]},
        {"content": [{"type": "image", "image": "x" * 5000}]},
        {"content": [{"type": "image", "image": 7}]},
        {"content": [7, None, "text"]},
        {"content": "text"},
        {"content": []},
        [],
        None,
    ],
)
def test_no_file_outside_of_an_output_is_read(content: Any, tmp_path: Path) -> None:
    (tmp_path / "secret.png").write_bytes(b"secret")
    (tmp_path / "mine/a").mkdir(parents=True)
    (tmp_path / "mine/a/link.png").symlink_to(tmp_path / "secret.png")
    found, problems = output(tmp_path, "interleave", "a", {"a/response.json": content})
    assert not found.images
    assert problems.errors


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ({"id": "a", "response": "Five.", "error": None}, "Five."),
        ({"id": "a", "response": None, "error": "timeout"}, None),
        ({"id": "a", "response": ["Five."]}, None),
        ({"response": "  "}, None),
        ("Five.", None),
    ],
)
def test_texts_of_understanding_are_read_or_told(content: Any, text: str | None, tmp_path: Path) -> None:
    found, problems = output(tmp_path, "understanding", "a", {"a.json": content})
    assert found.texts == ((text,) if text else ())
    assert bool(problems.errors) == (text is None)


def test_an_image_is_found_in_the_order_of_the_released_judge(tmp_path: Path) -> None:
    found, _ = output(tmp_path, "edit", "a", {"a.webp": 0, "a.jpg": 0})
    assert [image.name for image in found.images] == ["a.jpg"]
    nothing, problems = output(tmp_path, "edit", "b", {})
    assert nothing.parts == ()
    assert problems.errors == 1


def test_a_long_checklist_is_read_and_scored_in_full(tmp_path: Path) -> None:
    items = [{**ITEM, "id": number} for number in range(20_000)]
    tasks, _ = read(tmp_path, [{"id": "a", "question": "q"}], {"a.json": items})
    write_tree(tmp_path / "results/mine/style", {"a.json": [{**item, "answer": "Yes"} for item in items]})
    results = specv.read_results(tmp_path / "results/mine", "t2i", Problems())
    assert specv.official_scores(results).overall == 100.0
    assert specv.strict_scores(tasks, results)[0].score == 1.0


def test_strict_weighs_items_and_leaves_out_what_was_not_answered(tmp_path: Path) -> None:
    items = [{**ITEM, "id": number, "score": weight} for number, weight in ((1, 6.0), (2, 3.0), (3, 1.0))]
    tasks, _ = read(tmp_path, [{"id": "a", "question": "q"}], {"a.json": items})
    answers = [{**item, "answer": answer} for item, answer in zip(items, (" YES", "no", "N/A"), strict=True)]
    write_tree(tmp_path / "results/mine/style", {"a.json": answers})
    results = specv.read_results(tmp_path / "results/mine", "t2i", Problems())
    whole, style = specv.strict_scores(tasks, results)
    assert whole.score == pytest.approx(6 / 9)
    assert whole.unweighted == pytest.approx(1 / 2)
    assert (whole.answered, whole.items, whole.coverage) == (2, 3, 1.0)
    assert style.score == whole.score
    assert specv.official_scores(results).overall == 0.0
