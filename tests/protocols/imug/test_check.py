# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""The checks list what is wrong, each once, with file, line and field, and nothing where all is right."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from PIL import Image

from imug_metrics.protocols import imug
from imug_metrics.protocols.imug.check import check_benchmark, check_judged, check_outputs

GRID = {"domain": "Geometric_Coloring", "subdomain": "cubes_coloring"}
BOARD = [["0", "1", "r"], ["g", "0", "0"], ["0", "0", "0"]]


def link(turn, *refs, **head):
    rows = [{"ref_turn": other, "ref_type": kind} for other, kind in refs]
    head = {"domain": "Cooking", "subdomain": "pan", "sample_id": "1", **head}
    return {**head, "reference_links": [{"turn_idx": turn, "refs": rows}]}


def dynamic(turn, refs, **head):
    head = {"domain": "Cooking", "subdomain": "pan", "sample_id": "1", **head}
    return {**head, "turn_idx": turn, "ref_turn_idxs": refs}


def with_image(task, name="in.png"):
    task["input"].append({"image": name})
    return task


@pytest.fixture
def whole(folder):
    """A benchmark of one sample in which everything is there."""
    tasks = with_image(folder.image(1)), folder.text(2, "A+<DYNAMIC>"), folder.image(3), folder.text(4, "B")
    folder.samples(folder.sample(*tasks))
    folder.lines("data/image_references.jsonl", link(3, (1, "output"), (1, "input")))
    folder.lines("data/dynamic_references.jsonl", dynamic(2, [1]))
    images = folder.benchmark / "data/images"
    images.mkdir()
    Image.new("RGB", (8, 8)).save(images / "in.png")
    folder.reply((1, "turn_1_output.png"), (2, "A"), (3, "turn_3_output.png"), (4, "B"))
    folder.draw("turn_1_output.png"), folder.draw("turn_3_output.png")
    folder.judgements("dynamic_answer", {"turn": 2, "determined_answer": "AB"})
    points = [{"point_id": n, "score": 5} for n in (1, 2)]
    folder.judgements("score_img", {"turn": 1, "scores": points}, {"turn": 3, "scores": points})
    return folder


def check(folder):
    """(level, file, line, field) of everything that is wrong."""
    folder.problems.clear()
    samples = check_benchmark(folder.benchmark, folder.problems)
    check_outputs(samples, folder.model, folder.problems)
    check_judged(samples, folder.judged, "mine", folder.problems)
    return [(p.level, Path(p.file).name, p.line, p.field) for p in folder.problems]


def test_nothing_is_said_where_nothing_is_wrong(whole):
    assert check(whole) == []


@pytest.mark.parametrize(
    ("task", "level", "field"),
    [
        ({"input": "Draw."}, "error", "input"),
        ({"input": [{"text": "Draw."}, {"sound": "x"}]}, "error", "input[1]"),
        ({"input": [{"text": 7}, {"text": "Draw."}]}, "error", "input[0].text"),
        ({"input": [{"text": "Draw."}, {"image": None}]}, "error", "input[1].image"),
        ({"input": [{"text": "Draw."}, {"image": "lost.png"}]}, "error", "input[1].image"),
        ({"input": [{"text": "Draw."}, {"image": "../../config/domain_classes.json"}]}, "error", "input[1].image"),
        ({"input": [{"image": "in.png"}, {"text": "Draw."}]}, "warning", "input[0]"),
        ({"input": [{"image": "in.png"}]}, "warning", "input"),
        ({"output": {}}, "warning", "output.evaluation_points"),
        ({"output": {"evaluation_points": "red"}}, "error", "output.evaluation_points"),
        ({"output": {"evaluation_points": ["red", ""]}}, "error", "output.evaluation_points"),
        ({"modality": "text", "output": {}}, "warning", "output.answer"),
        ({"modality": "text", "output": {"answer": "BD"}}, "warning", "output.answer"),
        ({"modality": "text", "output": {"answer": "none"}}, "warning", "output.answer"),
        ({"modality": "text", "output": {"answer": ["B"]}}, "error", "output.answer"),
    ],
)
def test_a_wrong_task_is_named_by_its_place(whole, task, level, field):
    tasks = json.loads((whole.benchmark / "data/benchmark.jsonl").read_text())["tasks"]
    whole.samples(whole.sample(*tasks, {**whole.image(5), **task}))
    found = [row for row in check(whole) if row[1] == "benchmark.jsonl"]
    assert (level, "benchmark.jsonl", 1, f"tasks[4].{field}") in found


@pytest.mark.parametrize(
    ("turns", "wrong"), [((1, 2, 3), False), ((2, 3), True), ((1, 3), True), ((2, 1), True), ((), True)]
)
def test_turns_are_expected_from_1_without_gaps(folder, turns, wrong):
    folder.samples(folder.sample(*(folder.text(turn) for turn in turns)))
    check_benchmark(folder.benchmark, folder.problems)
    assert (("benchmark.jsonl", 1, "tasks") in folder.said("warning")) == wrong


def test_a_broken_row_is_said_once(folder):
    folder.samples("{broken", {"domain": "Cooking"}, folder.sample(folder.text(1), {"turn": "x"}, 7))
    check_benchmark(folder.benchmark, folder.problems)
    assert folder.said() == [
        ("benchmark.jsonl", 1, ""),
        ("benchmark.jsonl", 2, "subdomain"),
        ("benchmark.jsonl", 3, "tasks[1].turn"),
        ("benchmark.jsonl", 3, "tasks[2]"),
    ]


@pytest.mark.parametrize(
    ("row", "field"),
    [
        (link(3, (2, "output")), "reference_links[0].refs[0]"),  # a text turn
        (link(3, (3, "output")), "reference_links[0].refs[0]"),  # itself
        (link(3, (3, "input")), "reference_links[0].refs[0]"),  # brings no image
        (link(3, (1, "output"), (9, "output")), "reference_links[0].refs[1]"),  # no such turn
        (link(2, (1, "output")), "reference_links[0].turn_idx"),  # a text turn's links
        (link(8, (1, "output")), "reference_links[0].turn_idx"),
        (link(3, (1, "output"), sample_id="77"), "sample_id"),
    ],
)
def test_a_link_that_leads_nowhere_is_named(whole, row, field):
    whole.lines("data/image_references.jsonl", row)
    assert check(whole) == [("warning", "image_references.jsonl", 1, field)]


@pytest.mark.parametrize(
    ("row", "level", "field"),
    [
        (dynamic(2, [1, 9]), "warning", "ref_turn_idxs[1]"),
        (dynamic(2, [3]), "warning", "ref_turn_idxs[0]"),
        (dynamic(2, []), "warning", "ref_turn_idxs"),
        (dynamic(2, None), "error", "ref_turn_idxs"),
    ],
)
def test_a_dynamic_reference_that_leads_nowhere_is_named(whole, row, level, field):
    whole.lines("data/dynamic_references.jsonl", row)
    assert check(whole) == [(level, "dynamic_references.jsonl", 1, field)]


@pytest.mark.parametrize("row", [dynamic(4, [1]), dynamic(9, [1]), dynamic(2, [1], sample_id="77"), "{broken"])
def test_a_dynamic_question_without_an_entry_is_an_error(whole, row):
    whole.lines("data/dynamic_references.jsonl", row)
    found = check(whole)
    assert found[0][:3] == ("error" if row == "{broken" else "warning", "dynamic_references.jsonl", 1)
    assert found[1] == ("error", "dynamic_references.jsonl", None, "Cooking/pan/1 turn 2")
    (whole.benchmark / "data/dynamic_references.jsonl").unlink()
    assert check(whole) == [("error", "dynamic_references.jsonl", None, "")]


@pytest.mark.parametrize(
    ("name", "rows", "expected"),
    [
        ("cubes_coloring__1", [{"turn": 1, "grid": BOARD}], []),
        ("cubes_coloring__1", [], [("warning", "grid_gt", None)]),
        ("cubes_coloring__1", [{"turn": 1, "grid": BOARD[:2]}], [("error", "F", 1)]),
        ("cubes_coloring__1", [{"turn": 1, "grid": [[0] * 3] * 3}], [("error", "F", 1)]),
        ("cubes_coloring__1", [{"turn": 1, "grid": BOARD}] * 2, [("warning", "F", 2)]),
        ("cubes_coloring__1", [{"turn": 1, "grid": BOARD}, {"turn": 2, "grid": BOARD}], [("warning", "F", 2)]),
        ("cubes_coloring__1", [{"turn": None}, {"turn": 1, "grid": BOARD}], [("error", "F", 1)]),
        ("cubes_coloring__7", [], [("warning", "F", None), ("warning", "grid_gt", None)]),
        ("shapes", [], [("warning", "F", None), ("warning", "grid_gt", None)]),
    ],
)
def test_boards_belong_to_a_turn_and_have_nine_cells(folder, name, rows, expected):
    folder.samples(folder.sample(folder.image(1), **GRID))
    folder.lines(f"data/grid_gt/Geometric_Coloring__{name}.jsonl", *rows)
    (folder.benchmark / "config/domain_classes.json").write_text('{"Static Spatial": ["Geometric_Coloring"]}')
    check_benchmark(folder.benchmark, folder.problems)
    found = [(p.level, Path(p.file).name, p.line) for p in folder.problems]
    file = f"Geometric_Coloring__{name}.jsonl"
    assert found == [(level, file if where == "F" else where, line) for level, where, line in expected]


def test_a_domain_without_a_class_is_named(whole):
    (whole.benchmark / "config/domain_classes.json").write_text('{"Hybrid": []}')
    assert check(whole) == [("warning", "domain_classes.json", None, "Cooking")]


def test_images_are_decoded(whole, tmp_path):
    good = (whole.question / "turn_1_output.png").read_bytes()
    for content, level in ((good[:40], "error"), (b"no image", "error"), (b"", "error"), (good, None)):
        (whole.question / "turn_1_output.png").write_bytes(content)
        (whole.benchmark / "data/images/in.png").write_bytes(content)
        found = check(whole)
        assert {row[0] for row in found} == ({level} if level else set())
        assert [row[1] for row in found] == (["in.png", "turn_1_output.png"] if level else [])


def test_a_suffix_that_says_another_format_is_a_warning(whole):
    Image.new("RGB", (8, 8)).save(whole.question / "turn_3_output.png", format="JPEG")
    assert check(whole) == [("warning", "turn_3_output.png", None, "turn 3")]


def test_what_belongs_to_no_turn_is_named(whole):
    whole.reply((1, "turn_1_output.png"), (2, "A"), (3, "turn_3_output.png"), (4, "B"), (7, "A"))
    whole.draw("turn_2_output.png"), whole.draw("turn_9_output.jpg"), whole.draw("notes.png")
    (whole.question.with_name("question_12")).mkdir()
    assert check(whole) == [
        ("warning", "result.json", None, "turn 7"),
        ("warning", "turn_2_output.png", None, "turn 2"),
        ("warning", "turn_9_output.jpg", None, "turn 9"),
        ("warning", "question_12", None, ""),
    ]


def test_missing_outputs_are_errors(whole):
    (whole.question / "turn_3_output.png").unlink()
    whole.reply((1, "turn_1_output.png"), (3, "turn_3_output.png"), (4, "B"))
    assert check(whole) == [("error", "result.json", None, "turn 2"), ("error", "question_1", None, "turn 3")]


@pytest.mark.parametrize(
    ("rows", "fields"),
    [
        ([], [(None, "Cooking/pan/1 turn 2")]),
        ([(2, "AB"), (2, "B")], [(2, "turn")]),
        ([(2, "")], [(1, "determined_answer")]),
        ([(2, "A C")], [(1, "determined_answer")]),
        ([(2, "A"), (4, "B")], [(2, "turn")]),
        ([(2, "A"), (9, "B")], [(2, "turn")]),
    ],
)
def test_resolved_keys_are_letters_of_a_dynamic_turn(whole, rows, fields):
    whole.judgements("dynamic_answer", *({"turn": turn, "determined_answer": letters} for turn, letters in rows))
    assert check(whole) == [("warning", "mine_dynamic_answer.jsonl", *field) for field in fields]


@pytest.mark.parametrize(
    ("scores", "level", "field"),
    [
        ([5], "warning", "scores"),
        ([5, 6], "warning", "scores[1].score"),
        ([-1, 5], "warning", "scores[0].score"),
        ([2.5, 5], "warning", "scores[0].score"),
        (["5", 5], "warning", "scores[0].score"),
        ([None, 5], "error", "scores[0].score"),
    ],
)
def test_points_are_whole_numbers_from_0_to_5_one_for_each_asked(whole, scores, level, field):
    rows = [{"turn": 3, "scores": [{"point_id": n + 1, "score": score} for n, score in enumerate(scores)]}]
    rows.append({"turn": 1, "scores": [{"point_id": n, "score": 5} for n in (1, 2)]})
    whole.judgements("score_img", *rows)
    assert check(whole) == [(level, "mine_img_score.jsonl", 1, field)]


def test_a_image_judged_twice_or_not_at_all_is_named(whole):
    points = [{"point_id": n, "score": 5} for n in (2, 1)]
    whole.judgements("score_img", {"turn": 1, "scores": points}, {"turn": 1, "scores": points[::-1]})
    assert check(whole) == [
        ("warning", "mine_img_score.jsonl", 1, "scores"),
        ("warning", "mine_img_score.jsonl", 2, "turn"),
        ("warning", "mine_img_score.jsonl", None, "Cooking/pan/1 turn 3"),
    ]


def test_the_recorded_benchmark_shows_the_traps_that_were_laid_in_it(golden):
    root, problems = golden / "pipeline", imug.Problems()
    samples = check_benchmark(root, problems)
    check_judged(samples, root / "official", "alpha_strong", problems)
    messages = [problem.message for problem in problems]
    for trap, count in (
        ("occurs twice", 1),  # a sample in the links
        ("expected an entry for this dynamic question", 2),
        ("it is skipped", 5),  # unknown turns among the references
        ("the benchmark has no sample Weather/cloud_shift/777", 1),
        ("expected a turn of the sample, got '12'", 1),
        ("has no true board", 1),
        ("has no resolved key", 2),
        ("expected 1 points, got 2", 1),  # the released grid scorer's second point
    ):
        assert sum(trap in message for message in messages) == count, trap
    check_outputs(samples, root / "model_outputs" / "alpha_strong", before := imug.Problems())
    assert [(p.level, p.field) for p in before] == [("warning", "turn 3")]  # a JPEG under .png
