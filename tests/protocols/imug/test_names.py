# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Images and folders that are named nearly as they should be: read where one reading is certain, else named."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from PIL import Image

from imug_metrics.errors import ArgumentError
from imug_metrics.evaluation import check_data
from imug_metrics.protocols import imug
from imug_metrics.protocols.imug.differences import count_differences
from imug_metrics.protocols.imug.images import SampleImages
from imug_metrics.protocols.imug.readings import Readings, recorded_readings

HEIC = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(40)


def put(folder, name: str, kind: str = "PNG") -> Path:
    path = folder.question / name
    Image.new("RGB", (8, 8), "blue").save(path, kind)
    return path


def one_image(folder, *names: str) -> None:
    folder.samples(folder.sample(folder.image(1)))
    for name in names:
        put(folder, name)


def check(folder) -> list[str]:
    found = check_data(folder.benchmark, outputs=folder.model.parent, models=["mine"]).problems
    return [f"{problem.level}: {problem.message}" for problem in found]


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("turn_1_output.jpg", "JPEG"),
        ("turn_1_output.jpeg", "JPEG"),
        ("turn_1_output.JPG", "JPEG"),
        ("turn_1_output.JPEG", "JPEG"),
        ("turn_1_output.webp", "WEBP"),
        ("turn_1_output.PNG", "PNG"),
        ("turn_1_output.Png", "PNG"),
        ("turn_1_output.bmp", "BMP"),
        ("turn_1_output.tiff", "TIFF"),
        ("turn_1_output.gif", "GIF"),
        ("turn_1_output.avif", "AVIF"),
        ("turn_1_output.jp2", "JPEG2000"),
        ("turn_1_output.jpg", "PNG"),  # the content counts
        ("turn_1_output.img", "PNG"),
    ],
)
def test_another_suffix_is_read_by_strict_and_not_by_the_released_look_up(folder, name, kind):
    folder.samples(folder.sample(folder.image(1)))
    path = put(folder, name, kind)
    (record,) = folder.read()
    assert record.image == path
    assert folder.said("warning") == [(name, None, "turn 1")]
    assert not folder.said()
    (sample,) = folder.read_samples()
    for protocol in ("imug", "strict"):
        images = SampleImages(folder.benchmark, sample, folder.model, protocol, imug.Problems())
        sent = kind in ("PNG", "JPEG", "WEBP", "GIF")  # what judges take
        assert (images.output(1) is not None) == (protocol == "strict" and sent)
        assert images.default_output(1) is None
    assert any(f"is read in place of {path.stem}.png" in message for message in check(folder))
    assert sum("error" in message for message in check(folder)) == 0


def test_points_that_a_judge_gave_without_seeing_the_image_are_official_alone(folder):
    folder.samples(folder.sample(folder.image(1), folder.image(2)))
    put(folder, "turn_1_output.jpg", "JPEG"), put(folder, "turn_2_output.png")
    points = [{"point_id": n, "score": 5} for n in (1, 2)]
    folder.judgements("score_img", *({"turn": turn, "scores": points} for turn in (1, 2)))
    records, benchmark = folder.read(), folder.read_samples()
    found = recorded_readings(benchmark, records, folder.model, folder.judged, folder.problems)
    assert [turn for _, turn in found.points] == [1, 2]
    assert [turn for _, turn in found.strict_points] == [2]
    assert count_differences(benchmark, records, found)["image: suffix"] == 1
    assert count_differences(benchmark, records, found)["image: missing target"] == 1
    folder.reply((1, "turn_1_output.jpg"))  # so that the released tool finds it
    found = recorded_readings(benchmark, folder.read(), folder.model, folder.judged, folder.problems)
    assert [turn for _, turn in found.strict_points] == [1, 2]
    assert count_differences(benchmark, folder.read(), Readings())["image: suffix"] == 0


def test_a_named_file_goes_before_another_suffix(folder):
    one_image(folder, "turn_1_output.jpg", "chosen.png")
    folder.reply((1, "chosen.png"))
    assert folder.read()[0].image.name == "chosen.png"
    assert not folder.problems


@pytest.mark.parametrize(
    "names",
    [
        ("turn_1_output.jpg", "turn_1_output.webp"),
        ("turn_1_output.PNG", "turn_1_output.jpg"),
        ("turn_1_output.JPG", "turn_1_output.jpg"),
        ("turn_1_output.gif", "turn_1_output.jpeg", "turn_1_output.webp"),
    ],
)
def test_of_several_suffixes_none_is_read_and_all_are_named(folder, names):
    one_image(folder, *names)
    assert folder.read()[0].image is None
    (problem,) = folder.problems
    assert f"but {' and '.join(sorted(names))}: keep one of them" in problem.message


def test_beside_the_usual_name_another_suffix_is_unused_and_said(folder):
    one_image(folder, "turn_1_output.png", "turn_1_output.jpg", "turn_1_output.PNG")
    assert folder.read()[0].image.name == "turn_1_output.png"
    assert not folder.problems
    assert [message for message in check(folder) if "unused" in message] == [
        "warning: is unused: turn_1_output.png is read"
    ] * 2


@pytest.mark.parametrize(
    ("name", "content", "why"),
    [
        ("turn_1_output.heic", HEIC, "a HEIC file, which is not read: convert it to PNG"),
        ("turn_1_output.jpg", HEIC, "a HEIC file"),
        ("turn_1_output.svg", b"<svg/>", "an SVG drawing"),
        ("turn_1_output.jxl", b"\xff\x0a" + bytes(40), "a JPEG XL file"),
        ("turn_1_output.psd", b"8BPS" + bytes(40), "a Photoshop file"),
        ("turn_1_output.txt", b"ERROR: timeout", "no image of a known format"),
        ("turn_1_output.jpg", b"<!doctype html>", "a web page"),
        ("turn_1_output.jpg", b"", "the file is empty"),
        ("turn_1_output.webp", b"version https://git-lfs.github.com/spec/v1", "a pointer of Git LFS in place"),
        ("turn_1_output.eps", b"%!PS-Adobe-3.0 EPSF-3.0", "no image of a known format"),
        ("turn_1_output", b"", "the file is empty"),
    ],
)
def test_what_is_no_image_under_another_suffix_is_named_with_the_cure(folder, name, content, why):
    folder.samples(folder.sample(folder.image(1)))
    (folder.question / name).write_bytes(content)
    assert folder.read()[0].image is None
    (problem,) = folder.problems
    assert f"found no file turn_1_output.png; {name}: {why}" in problem.message


def test_another_suffix_is_not_followed_out_of_the_folder(folder, tmp_path):
    one_image(folder)
    put(folder, "secret.png").rename(tmp_path / "secret.png")
    (folder.question / "turn_1_output.jpg").symlink_to(tmp_path / "secret.png")
    (folder.question / "turn_1_output.gif").mkdir()
    assert folder.read()[0].image is None
    assert "turn_1_output.jpg: leads out of the model's folder" in folder.problems[0].message


@pytest.mark.parametrize(
    "name",
    [
        "turn1_output.png",
        "turn_01_output.png",
        "Turn_1_output.png",
        "TURN_1_OUTPUT.PNG",
        "turn-1-output.png",
        "turn 1 output.png",
        "turn_1.png",
        "turn1.jpg",
        "turn_1_image.webp",
        "turn_1_out.png",
        "turn_1_Output.png",
        "turn_001.png",
    ],
)
def test_a_near_miss_is_named_and_not_read(folder, name):
    one_image(folder, name)
    assert folder.read()[0].image is None
    assert f"found {name}: rename it to turn_1_output.png" in folder.problems[0].message


@pytest.mark.parametrize(
    "name",
    ["turn_11_output.png", "turn_1_output_2.png", "return_1_output.png", "turn_1_prompt.txt", "image.png", "1.png"],
)
def test_other_names_mean_no_turn(folder, name):
    one_image(folder, name)
    assert folder.read()[0].image is None
    assert "rename" not in folder.problems[0].message


def moved(folder, to: str) -> None:
    """A whole question under another path below the model, or beside it."""
    folder.samples(folder.sample(folder.image(1), folder.text(2)))
    put(folder, "turn_1_output.png")
    folder.reply((2, "B"))
    target = folder.model / to
    target.parent.mkdir(parents=True, exist_ok=True)
    folder.question.rename(target)


@pytest.mark.parametrize(
    "to",
    [
        "Cooking/pan/Question_1",
        "Cooking/pan/QUESTION_1",
        "Cooking/pan/question1",
        "Cooking/pan/question-1",
        "Cooking/pan/question_01",
        "Cooking/pan/1",
        "Cooking/pan/q1",
        "cooking/pan/question_1",
        "Cooking/Pan/question_1",
        "Cooking/question_1",
        "pan/question_1",
        "question_1",
        "mine/Cooking/pan/1",
    ],
)
def test_check_says_where_the_answers_of_a_question_lie(folder, to):
    moved(folder, to)
    assert any(f"the sample has no folder, but there is {folder.model / to}" in message for message in check(folder)), (
        check(folder)
    )


@pytest.mark.parametrize("to", ["Cooking/pan/question_2", "Baking/pan/question_1"])
def test_check_guesses_no_folder_of_another_question(folder, to):
    moved(folder, to)
    assert "error: the sample has no folder" in check(folder)


@pytest.mark.parametrize("to", ["outputs/Cooking/pan/question_1", "a/b/Cooking/pan/question_1"])
def test_answers_a_level_too_deep_are_refused_with_the_folder_that_is_meant(folder, to):
    moved(folder, to)
    with pytest.raises(ArgumentError, match=r"`outputs`.*holds folders of outputs; did you mean"):
        check(folder)


def test_check_says_that_outputs_is_the_folder_of_one_model(folder):
    folder.samples(folder.sample(folder.text(1)))
    folder.reply((1, "B"))
    with pytest.raises(ArgumentError, match=rf"`outputs`.*did you mean {folder.model.parent} with the model 'mine'"):
        check_data(folder.benchmark, outputs=folder.model)


def test_a_result_says_which_turn_it_holds(folder):
    folder.samples(folder.sample(folder.text(1)))
    (folder.question / "result.json").write_text(json.dumps({"tasks": [{"turn": "turn 1"}, "A", 7]}))
    folder.read()
    assert [problem.message.rpartition(", ")[2] for problem in folder.problems][:3] == [
        "got a turn 'turn 1'",
        "got text",
        "got a number",
    ]
