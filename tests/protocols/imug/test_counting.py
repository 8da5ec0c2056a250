# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Turns that count from 0 are refused with the cure wherever turns are named, and nothing else is taken for them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from imug_metrics import Record, evaluate
from imug_metrics.cli import main
from imug_metrics.errors import ArgumentError, InputError
from imug_metrics.evaluation import check_data, evaluate_gain
from imug_metrics.protocols import imug
from imug_metrics.protocols.imug.candidates import read_candidates
from imug_metrics.protocols.imug.readings import recorded_readings

CURE = "turns count from 1; add 1 to every turn"


def answers(folder, *dialogues) -> None:
    """Three questions a dialogue, and the turns that the model has answered in each."""
    turns = [folder.text(turn, "A") for turn in (1, 2, 3)]
    folder.samples(*(folder.sample(*turns, sample_id=str(number)) for number, _ in enumerate(dialogues, 1)))
    for number, numbers in enumerate(dialogues, 1):
        question = folder.question.with_name(f"question_{number}")
        question.mkdir(exist_ok=True)
        tasks = [{"turn": turn, "model_response": "A"} for turn in numbers]
        (question / "result.json").write_text(json.dumps({"tasks": tasks}))


REFUSED = [
    [(0, 1, 2)],
    [(0, 1, 2)] * 3,
    [("0", "1", "2")] * 2,
    [(0.0, 1.0, 2.0)],
    [(2, 1, 0)],
    [(0, 1)],  # ended early
    [(0,)],
    [(0, 0, 1, 1, 2)],
    [(0, 1, 2), ()],
    [(0, 1, 2), (0, 1), (0,)],
    [(0, 1, 2), (1, 2, 3)],  # some dialogues alone
    [(1, 2, 3), (1, 2, 3), (0, 1)],
    [(0, 1, 2), ("turn 1",)],
    [(0, 1, 2), (0, 1, 2, 3)],
]


@pytest.mark.parametrize("dialogues", REFUSED, ids=str)
def test_answers_that_count_from_0_are_refused_and_so_everywhere(folder, dialogues, tmp_path, capsys):
    answers(folder, *dialogues)
    with pytest.raises(ArgumentError, match=f"got turns from 0 in the result.json of .*: {CURE}") as caught:
        folder.read()
    assert str(folder.model) in str(caught.value)
    outputs = folder.model.parent
    with pytest.raises(ArgumentError, match=r"`outputs`.*add 1"):
        evaluate(benchmark=folder.benchmark, outputs=outputs)
    with pytest.raises(ArgumentError, match="add 1"):
        list(read_candidates(folder.read_samples(), folder.model, folder.problems))
    (tmp_path / "a" / folder.question.relative_to(outputs)).mkdir(parents=True)
    with pytest.raises(ArgumentError, match=r"`b`.*add 1"):
        evaluate_gain(folder.benchmark, tmp_path / "a", outputs)
    found = check_data(folder.benchmark, outputs=outputs).problems
    errors = [problem for problem in found if problem.level == "error"]
    assert len(errors) == 1
    assert CURE in errors[0].message
    folders = ["--benchmark", str(folder.benchmark), "--outputs", str(outputs)]
    assert main(["score", *folders, "--out", str(tmp_path / "out")]) == 2
    assert f"--outputs: {folder.model}" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


READ = [
    [(1, 2, 3)],
    [(1, 2)],  # the last failed
    [(3,)],
    [()],
    [(0, 1, 2, 3)],  # one more than there are questions: turn 0 is none of them
    [(0, 1, 3)],
    [(0, 3)],
    [(0, 1, 2, 3), (1, 2, 3)],
    [(0,), (1, 2, 3)],  # of this dialogue nothing else is read
    [("turn 1", "turn 2", "turn 3")],
    [(1, 1, 2, 3)],
    [(-1, 1, 2, 3)],
    [(False, True, 2)],
    [(0, 5)],
    [(None, 2, 3)],
]


@pytest.mark.parametrize("dialogues", READ, ids=str)
def test_other_numbers_are_read_as_they_stand(folder, dialogues):
    answers(folder, *dialogues)
    records = folder.read()
    for record in records:
        numbers = dialogues[int(record.dialogue.rpartition("/")[2]) - 1]
        answered = any(type(number) is int and number == record.turn for number in numbers)
        assert (record.text is not None) == answered
    wrong = {str(n) for numbers in dialogues for n in numbers if type(n) is not int or n < 1}
    assert all(any(f"got a turn '{number}'" in p.message for p in folder.problems) for number in wrong)


def test_a_refusal_counts_the_dialogues_and_names_one(folder):
    answers(folder, (1, 2, 3), (0, 1, 2), (1, 2), ())
    message = r"result.json of 1 of 3 dialogues, such as 0, 1, 2 in .*question_2: .* there, or remove turn 0"
    with pytest.raises(ArgumentError, match=message):
        folder.read()


@pytest.mark.parametrize(
    ("turns", "names", "refused"),
    [
        ("iii", "012", True),
        ("iii", "01", True),
        ("iti", "02", True),
        ("it", "0", True),
        ("iii", "123", False),
        ("iii", "12", False),
        ("iii", "0123", False),  # an image before the first turn
        ("iti", "013", False),
        ("iti", "01", False),
        ("ti", "1", False),  # an image for a question, or turn 2 from 0: it cannot be told
        ("iii", "", False),
    ],
)
def test_image_names_count_from_1(folder, turns, names, refused):
    made = {"i": folder.image, "t": folder.text}
    folder.samples(folder.sample(*(made[kind](turn) for turn, kind in enumerate(turns, 1))))
    for name in names:
        folder.draw(f"turn_{name}_output.png")
    if refused:
        with pytest.raises(ArgumentError, match=r"image names of 1 of 1.*in turn_<t>_output.png, the last first"):
            folder.read()
    else:
        assert [r.turn for r in folder.read() if r.image and r.modality == "image"] == [
            turn for turn, kind in enumerate(turns, 1) if kind == "i" and str(turn) in names
        ]


@pytest.mark.parametrize("name", ["turn_0_output.jpg", "turn_0_output_1.png", "turn_00_output.PNG"])
def test_images_of_any_suffix_and_candidates_count_too(folder, name):
    folder.samples(folder.sample(folder.image(1), folder.image(2)))
    folder.draw(name), folder.draw("turn_1_output.png")
    with pytest.raises(ArgumentError, match="image names"):
        folder.read()


@pytest.mark.parametrize(
    ("dialogues", "refused"),
    [
        ([(0, 1, 2)], True),
        ([("0", "1")], True),
        ([(0, 1), (0, 1)], True),
        ([(0,)], True),
        ([(0,), (0,)], True),
        ([(1, 2), (0, 1, 2)], True),
        ([(1, 2), (0,)], False),
        ([(1, 2), (2, 3)], False),
        ([(1, 2), ("x", 1)], False),
        ([(1, 2), ()], False),
    ],
)
def test_questions_count_from_1(folder, dialogues, refused):
    rows = [folder.sample(*map(folder.text, turns), sample_id=str(number)) for number, turns in enumerate(dialogues, 1)]
    folder.samples(*rows)
    if not refused:
        folder.read_samples()
        return
    with pytest.raises(ArgumentError, match=f"`benchmark`.*got turns from 0 in .*{CURE}, in all files"):
        folder.read_samples()
    found = check_data(folder.benchmark).problems
    assert [problem.level for problem in found].count("error") == 1 + sum("got '0'" in p.message for p in found)
    assert CURE in found[-1].message


def link(turn, *refs, sample_id="1"):
    entry = {"turn_idx": turn, "refs": [{"ref_turn": ref, "ref_type": "output"} for ref in refs]}
    head = {"domain": "Cooking", "subdomain": "pan", "sample_id": sample_id}
    return {**head, "reference_links": [entry]}


def dynamic(turn, references):
    head = {"domain": "Cooking", "subdomain": "pan", "sample_id": "1"}
    return {**head, "turn_idx": turn, "ref_turn_idxs": references}


@pytest.mark.parametrize(
    ("name", "rows", "refused"),
    [
        ("image_references", [link(2, 0, 1)], True),
        ("image_references", [link("1", "0")], True),
        ("image_references", [link(1, 0), link(2, 0, sample_id="2")], True),
        ("image_references", [link(3, 0)], False),
        ("image_references", [link(2, 0), link(3, 1, sample_id="2")], False),
        ("image_references", [link(3, 1, 2)], False),
        ("dynamic_references", [dynamic(1, [0])], True),
        ("dynamic_references", [dynamic(2, ["0", "1"])], True),
        ("dynamic_references", [dynamic(3, [0])], False),
        ("dynamic_references", [dynamic(2, [1])], False),
    ],
)
def test_files_beside_the_questions_count_from_1(folder, name, rows, refused):
    turns = [folder.image(1), folder.image(2), folder.image(3)]
    folder.samples(folder.sample(*turns), folder.sample(*turns, sample_id="2"))
    folder.lines(f"data/{name}.jsonl", *rows)
    if refused:
        with pytest.raises(ArgumentError, match=f"`benchmark`.*{name}.jsonl: expected turns from 1.*{CURE}"):
            folder.read_samples()
        assert CURE in check_data(folder.benchmark).problems[-1].message
    else:
        folder.read_samples()


@pytest.mark.parametrize(("turns", "refused"), [((0, 1), True), ((0,), True), ((1, 2), False), ((0, 2), False)])
def test_boards_count_from_1(folder, turns, refused):
    place = {"domain": "Geometric_Coloring", "subdomain": "cubes_coloring"}
    folder.samples(folder.sample(folder.image(1), folder.image(2), **place))
    rows = [{"turn": turn, "grid": [["0"] * 3] * 3} for turn in turns]
    folder.lines("data/grid_gt/Geometric_Coloring__cubes_coloring__1.jsonl", *rows)
    if refused:
        with pytest.raises(ArgumentError, match=f"grid_gt: expected turns from 1.*{CURE}"):
            folder.read_samples()
    else:
        folder.read_samples()


@pytest.mark.parametrize(
    ("name", "turns", "refused"),
    [
        ("dynamic_answer", (0,), True),
        ("dynamic_answer", ("0", 2), True),
        ("dynamic_answer", (1, 3), False),
        ("dynamic_answer", (0, 1), False),
        ("score_img", (1,), False),  # fits turn 2 alone, but holds no 0
        ("score_img", (0, 1), False),
        ("score_img", (2,), False),
    ],
)
def test_judgements_count_from_1(folder, name, turns, refused):
    folder.samples(folder.sample(folder.text(1, "<DYNAMIC>"), folder.image(2), folder.text(3, "<DYNAMIC>")))
    row = {"determined_answer": "A"} if name == "dynamic_answer" else {"scores": [{"point_id": 1, "score": 5}]}
    folder.judgements(name, *({"turn": turn, **row} for turn in turns))
    (folder.judged / "mine").mkdir(parents=True, exist_ok=True)
    problems = check_data(folder.benchmark, judged=folder.judged, models=["mine"]).problems
    assert any(CURE in problem.message for problem in problems) == refused
    benchmark = folder.read_samples()
    if refused:
        with pytest.raises(ArgumentError, match=f"`judged`.*{CURE}"):
            recorded_readings(benchmark, [], folder.model, folder.judged, imug.Problems())
    else:
        recorded_readings(benchmark, [], folder.model, folder.judged, imug.Problems())


def test_points_that_count_from_0_are_refused(folder):
    folder.samples(folder.sample(folder.image(1), folder.image(2)))
    folder.judgements("score_img", *({"turn": turn, "scores": [{"point_id": 1, "score": 5}]} for turn in (0, 1)))
    with pytest.raises(ArgumentError, match=f"`judged`.*mine_img_score.jsonl.*{CURE}"):
        recorded_readings(folder.read_samples(), [], folder.model, folder.judged, imug.Problems())


def test_records_count_from_1():
    with pytest.raises(InputError, match=r"`turn`.*got 0: turns count from 1"):
        Record("a", 0, "text", "Which?", text="A", target="A")


def test_the_reference_history_is_named_by_its_own_argument(folder, tmp_path):
    answers(folder, (1, 2, 3))
    other = tmp_path / "reference" / "mine" / Path("Cooking/pan/question_1")
    other.mkdir(parents=True)
    rows = [{"turn": turn, "model_response": "A"} for turn in (0, 1, 2)]
    (other / "result.json").write_text(json.dumps({"tasks": rows}))
    with pytest.raises(ArgumentError, match=r"`reference_history`.*add 1"):
        evaluate(benchmark=folder.benchmark, outputs=folder.model.parent, reference_history=tmp_path / "reference")
