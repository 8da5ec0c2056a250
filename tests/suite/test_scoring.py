# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Records in, every metric out."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from PIL import Image

from imug_metrics import AnswerAccuracy
from imug_metrics.encoders import CallableEncoder
from imug_metrics.errors import InputError
from imug_metrics.functional import answer_accuracy
from imug_metrics.suite import ITEM_SCORES, Record, compare_histories, score_records
from imug_metrics.suite.items import OF_THEIR_OWN

COLOURS = {"red": (255, 0, 0), "lime": (0, 255, 0), "blue": (0, 0, 255), "white": (255, 255, 255)}


class ColourEncoder(CallableEncoder):
    """Mean colour of an image, and the colour a text names; counts what it encodes."""

    def __init__(self) -> None:
        super().__init__(self.see, self.read, name="colours", fingerprint="colours", dim=3)
        self.images, self.texts = 0, 0

    def see(self, images):
        self.images += len(images)
        return torch.stack([image.float().mean((1, 2)) / 255 for image in images])

    def read(self, texts):
        self.texts += len(texts)
        return torch.tensor([next((c for name, c in COLOURS.items() if name in t), (0, 0, 0)) for t in texts]) / 255


@pytest.fixture
def encoder():
    return ColourEncoder()


@pytest.fixture
def draw(tmp_path):
    def image(colour: str, name: str = "") -> Path:
        path = tmp_path / f"{name or colour}.png"
        Image.new("RGB", (6, 6), colour).save(path)
        return path

    return image


def asked(dialogue, turn, wanted, image, **more) -> Record:
    return Record(dialogue, turn, "image", f"Draw it {wanted}.", image=image, **more)


def said(dialogue, turn, text, target="A", **more) -> Record:
    return Record(dialogue, turn, "text", "Which?", text=text, target=target, **more)


def items_of(scores, column):
    return [item[column] for item in scores.items]


def test_answers_are_scored_under_both_protocols(encoder):
    records = [said("a", 1, "A"), said("a", 2, "(A)"), said("b", 1, "B"), said("b", 2, "A cat")]
    scores = score_records(records, model="mine", encoder=encoder)
    assert items_of(scores, "answer_strict") == [1.0, 1.0, 0.0, 0.0]
    assert items_of(scores, "answer_imug") == [1.0, 0.5, 0.0, 0.5]
    assert scores.scores["answer_accuracy"] == 0.5
    assert scores.scores["answer_accuracy_imug"] == 0.5
    assert scores.scores["answer_accuracy_turn_2"] == 0.5
    assert scores.scores["turn_decay"] == scores.scores["answer_accuracy_slope"] == 0.0
    assert (encoder.images, encoder.texts) == (0, 0)


def test_absent_and_failed_answers_follow_the_rule_of_each_protocol(encoder):
    records = [
        said("a", 1, "A"),
        said("a", 2, None),
        said("a", 3, "ERROR: A worker died"),
        said("b", 1, None, attempted=False),
        said("c", 1, "A", target=None),
    ]
    scores = score_records(records, model="mine", encoder=encoder)
    assert items_of(scores, "answer_strict") == [1.0, None, None, None, None]
    assert items_of(scores, "answer_imug") == [1.0, 0.0, 0.5, None, None]
    assert scores.scores["answer_accuracy"] == 1.0
    assert scores.scores["answer_accuracy_coverage"] == 0.25
    assert scores.scores["answer_accuracy_imug"] == 0.5
    assert scores.scores["answer_accuracy_without_key"] == 1
    zero = score_records(records, model="mine", encoder=encoder, missing="zero").scores
    assert (zero["answer_accuracy"], zero["answer_accuracy_imug"]) == (0.25, 0.5)


def test_a_key_that_names_no_option_is_counted_and_scored_by_the_official_rule_alone(encoder):
    scores = score_records([said("a", 1, "A", target="none"), said("a", 2, "A")], model="mine", encoder=encoder)
    assert items_of(scores, "answer_strict") == [None, 1.0]
    assert items_of(scores, "answer_imug") == [0.0, 1.0]
    assert scores.scores["answer_accuracy_without_key"] == 1


def test_images_are_scored_against_prompts_and_each_other(encoder, draw):
    records = [
        asked("a", 1, "red", draw("red")),
        asked("a", 2, "blue", draw("blue")),
        asked("b", 1, "red", draw("red", "r1")),
        asked("b", 2, "blue", draw("red", "r2")),
    ]
    scores = score_records(records, model="mine", encoder=encoder)
    assert items_of(scores, "alignment") == [2.5, 2.5, 2.5, 0.0]
    assert items_of(scores, "retrieval") == [1.0, 1.0, 1.0, 0.0]
    assert items_of(scores, "consistency") == pytest.approx([0.0, 0.0, 1.0, 1.0])
    assert items_of(scores, "copy") == [None, 0.0, None, 1.0]
    assert scores.scores["turn_alignment"] == pytest.approx(1.875)
    assert scores.scores["turn_retrieval"] == 0.75
    assert scores.scores["turn_consistency_copy_rate"] == 0.5
    assert scores.scores["turn_consistency_pixel_copy_rate"] == 0.5
    assert "turn_consistency_graph" not in scores.scores
    assert "answer_accuracy" not in scores.scores


def test_each_distinct_image_and_prompt_is_encoded_once(encoder, draw):
    same = [draw("red", f"copy_{n}") for n in range(4)]
    records = [asked(f"d{n % 2}", 1 + n // 2, "red", path) for n, path in enumerate(same)]
    score_records(records, model="mine", encoder=encoder, dialogues_per_step=1)
    assert (encoder.images, encoder.texts) == (1, 1)


def test_absent_and_unreadable_images_lower_the_coverage(encoder, draw, tmp_path):
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"no image")
    records = [
        asked("a", 1, "red", draw("red")),
        asked("a", 2, "red", None),
        asked("a", 3, "red", broken),
        asked("a", 4, "blue", tmp_path / "lost.png"),
    ]
    reasons = {}
    scores = score_records(
        records, model="mine", encoder=encoder, unreadable=lambda record, why: reasons.update({record.turn: why})
    )
    assert items_of(scores, "alignment") == [2.5, None, None, None]
    assert scores.scores["turn_alignment_coverage"] == 0.25
    assert math.isnan(scores.scores["turn_consistency"])
    assert set(reasons) == {3, 4}
    assert "row" not in reasons[3]
    zero = score_records(records, model="mine", encoder=encoder, missing="zero")
    assert zero.scores["turn_alignment"] == pytest.approx(0.625)


def test_a_model_without_a_single_image_is_scored(encoder):
    scores = score_records([asked("a", 1, "red", None), asked("a", 2, "blue", None)], model="mine", encoder=encoder)
    assert scores.scores["turn_alignment_coverage"] == 0.0
    assert math.isnan(scores.scores["turn_alignment"])


def test_graph_mode_follows_links_within_the_dialogue(encoder, draw):
    images = [draw("red"), draw("blue"), draw("red", "again")]
    records = [asked("a", n + 1, "red", path) for n, path in enumerate(images)]
    records += [asked("b", 1, "red", draw("white")), asked("b", 4, "red", draw("red"), links=(1, 2))]
    records[2] = replace(records[2], links=(1,))
    scores = score_records(records, model="mine", encoder=encoder).scores
    assert scores["turn_consistency_graph_turn_3"] == pytest.approx(1.0)
    assert scores["turn_consistency_graph_turn_4"] == pytest.approx(1 / math.sqrt(3))
    assert scores["turn_consistency_graph_n"] == 2


def test_steps_and_record_order_do_not_change_the_scores(encoder, draw):
    colours = list(COLOURS)
    records = [
        asked(f"d{d}", t, colours[d % 4], draw(colours[(d * t) % 4])) if t % 2 else said(f"d{d}", t, "AB"[d * t % 2])
        for d in range(7)
        for t in range(1, 6)
    ]
    whole = score_records(records, model="mine", encoder=encoder)
    steps = score_records(records, model="mine", encoder=encoder, dialogues_per_step=2)
    mixed = score_records(records[::-1], model="mine", encoder=encoder)
    assert steps.items == whole.items
    for other in (steps, mixed):
        assert other.scores == pytest.approx(whole.scores, rel=1e-9, abs=1e-7, nan_ok=True)


def test_an_encoder_of_images_alone_gives_consistency(draw):
    encoder = CallableEncoder(lambda images: torch.stack([image.float().mean((1, 2)) for image in images]))
    records = [asked("a", 1, "red", draw("red")), asked("a", 2, "red", draw("red", "r2"))]
    scores = score_records(records, model="mine", encoder=encoder).scores
    assert scores["turn_consistency"] == pytest.approx(1.0)
    assert "turn_alignment" not in scores


def test_items_name_the_record_and_every_score(encoder, draw):
    groups = {"class": "Hybrid", "domain": "Cooking", "subdomain": "pan"}
    path = draw("red")
    (item,) = score_records([asked("a", 1, "red", path, groups=groups)], model="mine", encoder=encoder).items
    head = {"dialogue": "a", "turn": 1, "modality": "image", "prompt": "Draw it red.", "text": None, "image": str(path)}
    head["target"] = None
    nothing = dict.fromkeys(("read", "reading", *ITEM_SCORES, *OF_THEIR_OWN[1:]))
    assert item == {**head, **groups, **nothing, "alignment": 2.5, "modality_compliance": 1.0}


def test_no_records_give_no_scores(encoder):
    scores = score_records([], model="mine", encoder=encoder)
    assert (scores.scores, scores.items) == ({}, [])


def test_later_turns_than_usual_are_on_the_curve(encoder):
    records = [said("a", turn, "A") for turn in range(1, 31)]
    assert score_records(records, model="mine", encoder=encoder).scores["answer_accuracy_turn_30"] == 1.0


def test_progress_counts_dialogues(encoder):
    seen = []
    records = [said(f"d{n}", 1, "A") for n in range(5)]
    score_records(records, model="m", encoder=encoder, dialogues_per_step=2, progress=lambda *done: seen.append(done))
    assert seen == [(2, 5), (4, 5), (5, 5)]


def test_a_turn_twice_and_an_empty_step_are_refused(encoder):
    with pytest.raises(ValueError, match="once in its `dialogue`"):
        score_records([said("a", 1, "A"), said("a", 1, "B")], model="mine", encoder=encoder)
    with pytest.raises(ValueError, match="dialogues_per_step"):
        score_records([], model="mine", encoder=encoder, dialogues_per_step=0)


def test_histories_are_compared_by_answers_and_by_images(encoder, draw):
    def run(last_answer, last_colour):
        answers = [said(d, 1, "A") for d in "ab"] + [said("a", 3, last_answer), said("b", 3, "B")]
        images = [asked(d, 2, "red", draw("red", f"{d}2")) for d in "ab"]
        records = [*answers, *images, asked("a", 4, "blue", draw(last_colour, f"a4{last_colour}"))]
        return records, score_records(records, model="mine", encoder=encoder)

    (_, own), (records, reference) = run("B", "red"), run("A", "blue")
    found = compare_histories(records, own.items, reference.items)
    assert found["exposure_bias"] == pytest.approx(100 * (1.0 / 0.5 - 1)), "losses 0, 1 against 0, 1/2"
    assert found["exposure_bias_turn_3"] == 0.5
    assert found["exposure_gap_alignment_turn_2"] == 0
    assert found["exposure_gap_alignment_turn_4"] == pytest.approx(2.5)


def test_only_what_both_histories_have_is_compared(encoder):
    records = [said("a", 1, "A"), said("a", 2, None), said("a", 3, "A", target=None), said("b", 1, "B")]
    reference = score_records(records, model="mine", encoder=encoder).items
    own = score_records([said("a", 1, "B"), said("a", 2, "A"), said("a", 3, "A")], model="m", encoder=encoder).items
    found = compare_histories(records, own, reference)
    assert (found["exposure_bias_n"], found["exposure_bias_unpaired"]) == (1, 2)
    assert found["exposure_bias_coverage"] == pytest.approx(1 / 3), "a turn without a key is no part of it"
    assert not [key for key in found if "alignment" in key]
    zero = compare_histories(records, own, reference, missing="zero")
    assert zero["exposure_bias_mean"] == pytest.approx((1 - 1 + 0) / 3)
    assert compare_histories(records, [], reference) == compare_histories([], own, reference) == {}


# What is said, the options of the question, and the letters read with the reason's word.
READ = [
    ("B", None, "B", "answer"),
    ("I choose C.", None, "C", "choice"),
    ("a blue cup", {"A": "a red cup", "B": "a blue cup"}, "B", "text"),
    ("eine blaue Tasse", {"A": "eine rote Tasse", "B": "eine blaue Tasse"}, "B", "text"),
    ("一个蓝色的杯子", {"A": "一个红色的杯子", "B": "一个蓝色的杯子"}, "B", "text"),
    ("E", "ABCD", "", "outside"),
    ("H", "ABCDEFGH", "H", "answer"),
    ("", None, "", "empty"),
    ("I cannot see the image, so I cannot answer.", None, "", "declined"),
    ("A cat", None, "", "unclear"),
    (None, None, None, None),
    ("ERROR: timeout", None, None, None),
]


def test_rows_say_how_answers_were_read():
    records = [
        Record("a", turn, "text", "Which?", text=text, target="A", options=options)
        for turn, (text, options, _, _) in enumerate(READ, 1)
    ]
    records += [Record("a", 20, "text", "Which?", text="A"), Record("a", 21, "text", "Which?", text="A", target="none")]
    items = score_records(records, model="mine", encoder=None).items
    read = [(item["read"], item["reading"]) for item in items]
    assert read == [*((letters, reason) for *_, letters, reason in READ), (None, None), (None, None)]


def test_records_are_scored_by_the_options_of_their_question_under_protocol_strict_alone():
    texts = {"A": "a red cup", "B": "a blue cup"}
    said = [("a blue cup", texts), ("a blue cup", None), ("H", "ABCDEFGH"), ("B", texts), ("E", "ABCD")]
    records = [
        Record("a", turn, "text", "Which?", text=text, target="H" if text == "H" else "B", options=options)
        for turn, (text, options) in enumerate(said, 1)
    ]
    found = score_records(records, model="mine", encoder=None)
    assert [item["answer_strict"] for item in found.items] == [1, 0, 1, 1, 0]
    assert [item["answer_imug"] for item in found.items] == [0, 0, 0, 1, 0]
    assert found.scores["answer_accuracy_unread"] == 2
    assert "answer_accuracy_imug_unread" not in found.scores
    plain = score_records([replace(r, options=None) for r in records], model="mine", encoder=None)
    official = [key for key in found.scores if key.startswith("answer_accuracy_imug")]
    assert {key: found.scores[key] for key in official} == pytest.approx(
        {key: plain.scores[key] for key in official}, nan_ok=True
    )


def test_a_key_that_is_none_of_the_options_is_no_key():
    records = [Record("a", 1, "text", "Which?", text="D", target="D", options="ABC")]
    found = score_records(records, model="mine", encoder=None)
    assert found.scores["answer_accuracy_without_key"] == 1


WORDS = [
    ("umbrella", "An umbrella."),
    ("зонт", "зонт"),
    ("北京", "北京市"),
    ("2", "There are 2 dogs."),
    ("2", "two"),
    ("no", "No, it is white."),
    ("1,5", "1,5"),
    ("Straße", "die Straße"),
    ("red cup", None),
    ("قطة", "قطة"),
    ("yes", "Yes"),
]


@pytest.mark.parametrize(
    ("options", "keyed"),
    [
        ({"kind": "exact"}, range(11)),
        ({"kind": "f1"}, range(11)),
        ({"kind": "numeric"}, (3, 4)),
        ({"kind": "numeric", "decimal": ","}, (3, 4, 6)),
    ],
)
def test_answers_to_keys_of_words_and_numbers_are_scored_from_records(options, keyed) -> None:
    records = [said("d", turn, text, key) for turn, (key, text) in enumerate(WORDS, 1)]
    metric = AnswerAccuracy(detail=True, **options)
    found = score_records(records, model="m", encoder=None, metrics={"words": metric})
    preds, target = ([WORDS[row][side] for row in keyed] for side in (1, 0))
    values = answer_accuracy(preds, target, reduction="none", **options)
    assert found.scores["words"] == pytest.approx(values.nanmean().item())
    assert found.scores["words_coverage"] == pytest.approx((~values.isnan()).double().mean().item())
    rows = [found.items[row]["words"] for row in keyed]
    assert rows == [None if math.isnan(value) else value for value in values.tolist()]
    assert all(found.items[row]["words"] is None for row in set(range(len(WORDS))) - set(keyed))


def test_the_standard_metrics_of_a_kind_hold_no_choices() -> None:
    records = [said("d", turn, text, key) for turn, (key, text) in enumerate(WORDS, 1)]
    found = score_records(records, model="m", encoder=None, kind="f1")
    of_answers = [name for name in found.scores if name.startswith("answer_") and name.count("_") == 2]
    assert of_answers == ["answer_accuracy_f1"]
    assert 0 < found.scores["answer_accuracy_f1"] < 1
    assert found.items[0]["answer_accuracy_f1"] == 1.0


def test_an_image_that_cannot_be_read_is_no_image_that_was_asked_for(encoder, tmp_path):
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"none")
    records = [asked("a", 1, "red", broken), asked("a", 2, "red", tmp_path / "nowhere.png")]
    found = score_records(records, model="mine", encoder=encoder, unreadable=lambda record, why: None)
    assert math.isnan(found.scores["modality_compliance"])
    assert found.scores["modality_compliance_coverage"] == 0


def test_answers_of_words_have_no_score_of_options_to_lose_at_a_switch(encoder):
    record = Record("a", 1, "text", "Which?", text="a cup", target="a cup")
    found = score_records([record], model="mine", encoder=encoder, kind="exact")
    assert not any(name.startswith(("switch_cost", "turn_decay")) for name in found.scores)


@pytest.mark.parametrize("name", ["seconds_growth", "seconds_sum", "seconds_mean", "seconds_cumulative_turn_3_lower"])
def test_a_cost_is_not_called_like_an_estimate_of_another_one(name):
    record = Record("a", 1, "text", "Which?", text="A", costs={"seconds": 1.0, name: 2.0})
    with pytest.raises(InputError, match="estimates of each other"):
        score_records([record], model="mine", encoder=None)
    lone = Record("a", 1, "text", "Which?", text="A", costs={name: 2.0})
    assert score_records([lone], model="mine", encoder=None).scores[f"cost_{name}"] == 2.0
