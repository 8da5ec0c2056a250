# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""One model's answers in the official layout: texts, images, and what an untrusted folder may hold."""

from __future__ import annotations

import json

import pytest

from imug_metrics.protocols import imug


def test_texts_and_images_are_found(folder):
    folder.samples(folder.sample(folder.image(1), folder.text(2, "A")))
    folder.reply((1, "turn_1_output.png"), ("2", "答案是 A"))
    image = folder.draw("turn_1_output.png")
    drawn, said = folder.read()
    assert (drawn.image, drawn.text, drawn.attempted) == (image, None, True)
    assert (said.image, said.text, said.target) == (None, "答案是 A", "A")
    assert drawn.groups == {"class": "Hybrid", "domain": "Cooking", "subdomain": "pan"}
    assert said.groups == {**drawn.groups, "question": "static"}
    assert not folder.problems


def test_what_was_not_asked_for_is_kept_beside_what_was(folder):
    folder.samples(folder.sample(folder.image(1), folder.text(2), folder.image(3), folder.image(4)))
    folder.reply((1, "Here is the ball."), (2, "B"), (3, "I cannot draw."), (4, ""))
    beside, unasked = folder.draw("turn_1_output.png"), folder.draw("turn_2_output.png")
    found = [(record.text, record.image) for record in folder.read()]
    assert found == [("Here is the ball.", beside), ("B", unasked), ("I cannot draw.", None), ("", None)]


@pytest.mark.parametrize("name", ["turn_1_output.png", " turn_1_output.JPG\n", "outputs/mine/turn_1.webp", "drawn"])
def test_the_name_of_a_file_at_an_image_turn_is_no_answer_in_words(folder, name):
    folder.samples(folder.sample(folder.image(1)))
    folder.reply((1, name))
    folder.draw("turn_1_output.png")
    folder.draw("drawn")
    assert folder.read()[0].text is None


def test_an_image_at_a_text_turn_is_not_followed_out_of_the_folder(folder, tmp_path):
    folder.samples(folder.sample(folder.text(1)))
    folder.reply((1, "B"))
    outside = tmp_path / "outside.png"
    folder.draw("inside.png").rename(outside)
    (folder.question / "turn_1_output.png").symlink_to(outside)
    assert folder.read()[0].image is None


def test_a_question_whose_key_hangs_on_earlier_outputs_is_dynamic(folder):
    folder.samples(folder.sample(folder.image(1), folder.text(2, "A+<DYNAMIC>"), folder.text(3)))
    folder.reply((1, ""), (2, "A"), (3, "B"))
    assert [record.groups.get("question") for record in folder.read()] == [None, "dynamic", "static"]


def test_a_sample_of_images_alone_needs_no_result(folder):
    """Nothing is left out where no text is asked for; an image that is absent is told by itself."""
    folder.samples(folder.sample(folder.image(1), folder.image(2)))
    folder.draw("turn_1_output.png")
    assert [record.image is not None for record in folder.read()] == [True, False]
    assert folder.said() == [("question_1", None, "turn 2")]


def test_of_repeated_answers_the_last_counts(folder):
    folder.samples(folder.sample(folder.text(1)))
    folder.reply((1, "A"), ("1", "B"))
    assert folder.read()[0].text == "B"
    assert folder.said("warning") == [("result.json", None, "turn 1")]


def test_a_failed_text_turn_stays_an_answer_and_is_a_warning(folder):
    folder.samples(folder.sample(folder.text(1)))
    folder.reply((1, "ERROR: timeout"))
    assert folder.read()[0].text == "ERROR: timeout"
    assert folder.said("warning") == [("result.json", None, "turn 1")]


@pytest.mark.parametrize("reply", [None, 7, True, ["A"], {"text": "A"}])
def test_a_reply_that_is_no_text_counts_as_no_answer(folder, reply):
    folder.samples(folder.sample(folder.text(1)))
    folder.reply((1, reply))
    record = folder.read()[0]
    assert (record.text, record.attempted) == (None, True)
    assert folder.said() == [("result.json", None, "turn 1")]


@pytest.mark.parametrize(
    ("content", "attempted"),
    [
        (b"{broken", False),
        (b"[]", False),
        (b"\xff", False),
        (b"[" * 100_000, False),
        (b'{"tasks": null}', True),
        (b'{"tasks": [{"model_response": "A"}]}', True),
        (b'{"tasks": ["A"]}', True),
        (b'{"tasks": [{"turn": 1e999, "model_response": "A"}]}', True),
    ],
)
def test_a_malformed_result_leaves_the_texts_absent_and_says_so(folder, content, attempted):
    folder.samples(folder.sample(folder.text(1)))
    (folder.question / "result.json").write_bytes(content)
    record = folder.read()[0]
    assert (record.text, record.attempted) == (None, attempted)
    assert folder.said()[0][:2] == ("result.json", None)


def test_without_a_result_images_are_still_found(folder):
    folder.samples(folder.sample(folder.image(1), folder.text(2)))
    image = folder.draw("turn_1_output.png")
    drawn, said = folder.read()
    assert (drawn.image, said.text, said.attempted) == (image, None, False)
    assert folder.said() == [("result.json", None, "")]


def test_a_image_under_another_name_is_the_first_named_one_that_exists(folder):
    folder.samples(folder.sample(folder.image(1)))
    folder.reply((1, "lost.png"), (1, "second.JPG"), (1, "third.webp"))
    folder.draw("third.webp"), folder.draw("second.JPG")
    assert folder.read()[0].image == folder.question / "second.JPG"


def test_the_usual_name_goes_before_a_named_one(folder):
    folder.samples(folder.sample(folder.image(1)))
    folder.reply((1, "other.png"))
    folder.draw("other.png"), folder.draw("turn_1_output.png")
    assert folder.read()[0].image.name == "turn_1_output.png"


@pytest.mark.parametrize("reply", ["ERROR: no image", "", ".", "..", "x" * 5000, "a\0b", "text\nwith lines", None, 3])
def test_a_reply_that_names_no_file_is_a_missing_image(folder, reply):
    folder.samples(folder.sample(folder.image(1)))
    folder.reply((1, reply))
    assert folder.read()[0].image is None
    assert folder.said() == [("question_1", None, "turn 1")]


@pytest.mark.parametrize("name", ["../question_2/turn_1_output.png", "{outside}", "link.png", "sub/link.png"])
def test_no_name_in_a_result_is_followed_out_of_its_folder(folder, tmp_path, name):
    outside = tmp_path / "secret.png"
    other = folder.question.with_name("question_2")
    other.mkdir()
    folder.draw("turn_9_output.png").rename(outside)
    (other / "turn_1_output.png").write_bytes(outside.read_bytes())
    (folder.question / "link.png").symlink_to(outside)
    (folder.question / "sub").symlink_to(tmp_path, target_is_directory=True)
    (tmp_path / "link.png").symlink_to(outside)
    folder.samples(folder.sample(folder.image(1)))
    folder.reply((1, name.format(outside=outside)))
    assert folder.read()[0].image is None
    assert folder.said() == [("question_1", None, "turn 1")]


def test_links_out_of_the_models_folder_are_not_followed(folder, tmp_path):
    folder.samples(folder.sample(folder.image(1), folder.text(2)))
    folder.draw("turn_1_output.png").rename(tmp_path / "elsewhere.png")
    (folder.question / "turn_1_output.png").symlink_to(tmp_path / "elsewhere.png")
    (tmp_path / "result.json").write_text(json.dumps({"tasks": [{"turn": 2, "model_response": "B"}]}))
    (folder.question / "result.json").symlink_to(tmp_path / "result.json")
    assert [(r.image, r.text) for r in folder.read()] == [(None, None), (None, None)]
    assert {name for name, _, _ in folder.said()} == {"turn_1_output.png", "result.json"}


def test_a_folder_or_pipe_in_place_of_a_file_is_not_read(folder):
    import os

    folder.samples(folder.sample(folder.image(1), folder.text(2)))
    (folder.question / "turn_1_output.png").mkdir()
    os.mkfifo(folder.question / "result.json")  # reading it would wait for ever
    assert [(r.image, r.text) for r in folder.read()] == [(None, None), (None, None)]
    assert len(folder.said()) == 2


def test_dynamic_keys_come_from_judgements_and_the_later_wins(folder):
    keys = ("<DYNAMIC>", "A+<DYNAMIC>", "C", "")
    folder.samples(folder.sample(*(folder.text(turn + 1, key) for turn, key in enumerate(keys))))
    folder.reply((1, "B"), (2, "B"), (3, "C"), (4, "C"))
    assert [record.target for record in folder.read()] == [None, None, "C", None]
    folder.judgements("dynamic_answer", {"turn": 1, "determined_answer": "A"}, {"turn": "1", "determined_answer": "BD"})
    assert [record.target for record in folder.read()] == ["BD", None, "C", None]


def test_malformed_judgements_are_reported_and_left_out(folder):
    folder.judgements("dynamic_answer", {"turn": 1, "determined_answer": None}, {"determined_answer": "A"})
    good = {"turn": 1, "scores": [{"point_id": 1, "score": "4"}, {"point_id": 2, "score": 9}]}
    wrong = [[{"point_id": 1}], [{"score": None}], [{"score": "nan"}], ["4"], None, [{"score": [1]}]]
    folder.judgements("score_img", good, {"turn": 2, "scores": []}, *({"turn": 3, "scores": rows} for rows in wrong))
    assert imug.read_keys(folder.judged, "mine", folder.problems) == {}
    (image,) = imug.read_points(folder.judged, "mine", folder.problems)
    assert (image.turn, image.points) == (1, (4.0, 9.0))
    assert len(folder.said()) == 2 + len(wrong)


def test_absent_judgements_are_a_warning(folder):
    assert imug.read_keys(folder.judged, "mine", folder.problems) == {}
    assert imug.read_points(folder.judged, "mine", folder.problems) == []
    assert len(folder.said("warning")) == 2
    assert not folder.problems.errors


def test_models_are_the_visible_folders_in_order(folder):
    outputs = folder.model.parent
    (outputs / "zeta").mkdir(), (outputs / ".cache").mkdir(), (outputs / "notes.txt").write_text("")
    assert imug.list_models(outputs) == ["mine", "zeta"]
