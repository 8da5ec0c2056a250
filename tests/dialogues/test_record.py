# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""A record is checked when it is made: every field is as it has to be, or the error names it."""

from __future__ import annotations

import io
import math
import pickle
from dataclasses import fields, replace
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from imug_metrics import Record
from imug_metrics.dialogues.record import by_dialogue, dialogue_steps, image_name
from imug_metrics.dialogues.record_fields import FIELDS
from imug_metrics.errors import InputError
from imug_metrics.media.images import load_image

PLAIN = {"dialogue": "a", "turn": 2, "modality": "text", "prompt": "Which?"}


def made(**fields) -> Record:
    return Record(**{**PLAIN, **fields})


REFUSED = {
    "dialogue": [None, 1.5, True, "", ["a"], b"a", ("a", 1), {"id": 1}, math.nan, "\ud800", np.bool_(True)],
    "turn": [0, -1, 1.5, "2", None, True, math.nan, math.inf, 1025, [1], 10**30, np.bool_(True)],
    "modality": ["img", "Image", "texts", "", None, 1, b"text", ["text"], "audio", "IMG", "picture", True],
    "prompt": [None, 1, math.nan, b"Which?", ["Which?"], {}, 0.5, True, Path("prompt"), ("Which?",)],
    "text": [1, math.nan, b"A", ["A"], {}, True, 0.5, Path("A"), ("A",), np.float64(1)],
    "image": [1, "", b"", True, 0.5, {"bytes": b""}, {}, object(), "data:image/png;base64,AA", "http://x/cat.png",
              "a\0b", ["cat.png"], np.zeros((2, 2, 7), np.uint8), torch.full((3, 2, 2), 2.0)],
    "target": [["A"], True, math.nan, math.inf, b"A", {}, ("A", "B"), Path("A"), object(), {"A"}, np.bool_(True)],
    "links": [1, "1", [2], [3], [0], [-1], ["1"], [1.5], None, {1: 1}, [True], [None], b"1"],
    "groups": [None, [], "class", {"class": None}, {"class": 1.5}, {1: "x"}, {"class": True}, 1, [("class", "x")],
               {"class": ["x"]}, {None: "x"}],
    "attempted": [None, 1, 0, "yes", "False", [], 1.0, math.nan, "", {}],
    "options": ["ABB", "ab", "", "A B", [], ["A", "B"], {}, {"A": 1}, {"AB": "x"}, {"a": "x"}, 1, True, {1: "x"}],
    "scores": [None, 0.5, [0.5], "judge", {"judge": "0.5"}, {"judge": None}, {"judge": True}, {"judge": math.inf},
               {"judge": -math.inf}, {"": 1.0}, {" judge": 1.0}, {"a\nb": 1.0}, {1: 1.0}, {"judge": [1.0]},
               {"judge": 1j}, {"judge": Decimal("0.5")}, {"judge": torch.tensor(True)}, {"judge": np.bool_(False)},
               {"judge": torch.ones(2)}, {"x" * 101: 1.0}],
    "reference": [1, "", b"", True, 0.5, {}, object(), "data:image/png;base64,AA", "https://x/cat.png", ["cat.png"]],
    "mask": [1, "", b"", True, 0.5, {}, object(), "data:image/png;base64,AA", "https://x/cat.png", ["cat.png"],
             np.zeros((2, 2, 7), np.uint8)],
    "subject": ["", 1.5, True, ["cat"], math.nan, b"cat", {}, ("cat",), Path("cat"), "\udfff"],
    "costs": [None, 3, [3.0], {"tokens": -1}, {"tokens": math.inf}, {"tokens": "3"}, {"tokens": None},
              {"tokens": True}, {"": 1.0}, {2: 1.0}, {"tokens": -1e-300}, {"tokens": [3]}],
    "objects": ["dog", b"dog", 1, 0.5, True, {"dog": 1}, {"dog"}, [1], [""], [" \n"], [None], [["dog"]], ["x" * 1001]],
    "target_objects": ["dog", b"dog", 1, 0.5, True, {"dog": 1}, {"dog"}, [math.nan], [b"dog"], ["dog", "\ud800"]],
}  # fmt: skip


def test_every_field_has_a_check_and_wrong_values() -> None:
    names = [field.name for field in fields(Record)]
    assert list(FIELDS) == names
    assert sorted(REFUSED) == sorted(names)
    assert all(len(values) >= 10 for values in REFUSED.values())


@pytest.mark.parametrize(
    ("name", "value"), [pytest.param(n, v, id=f"{n}-{i}") for n, vs in REFUSED.items() for i, v in enumerate(vs)]
)
def test_a_wrong_value_is_refused_with_the_field_and_what_was_found(name, value) -> None:
    with pytest.raises(InputError) as caught:
        made(**{name: value})
    error = caught.value
    assert error.argument == name
    assert str(error).startswith(f"Expected argument `{name}` to ")
    assert error.got
    assert len(str(error)) < 400


TURNED = [
    ("dialogue", 7, "7"),
    ("dialogue", np.int64(-3), "-3"),
    ("dialogue", "чат/1", "чат/1"),
    ("turn", 3.0, 3),
    ("turn", np.int32(2), 2),
    ("turn", np.float64(4), 4),
    ("turn", torch.tensor(5), 5),
    ("image", "cat.png", Path("cat.png")),
    ("image", "猫.png", Path("猫.png")),
    ("image", bytearray(b"\x89PNG"), b"\x89PNG"),
    ("image", memoryview(b"\x89PNG"), b"\x89PNG"),
    ("target", 42, "42"),
    ("target", 2.5, "2.5"),
    ("target", np.int64(4), "4"),
    ("links", [1], (1,)),
    ("links", np.array([1]), (1,)),
    ("links", (1.0,), (1,)),
    ("groups", {"level": 3, "class": "x"}, {"level": "3", "class": "x"}),
    ("scores", {"judge": 1, "b": np.float32(0.5), "c": torch.tensor(0.25)}, {"judge": 1.0, "b": 0.5, "c": 0.25}),
    ("scores", {"judge": Fraction(1, 4)}, {"judge": 0.25}),
    ("scores", {"оценка, %": 0.5, "gpt-4.1/strict": 2.0}, {"оценка, %": 0.5, "gpt-4.1/strict": 2.0}),
    ("costs", {"tokens": 12, "seconds": np.float64(0.5)}, {"tokens": 12.0, "seconds": 0.5}),
    ("subject", 3, "3"),
    ("reference", "ref.png", Path("ref.png")),
    ("mask", "mask.png", Path("mask.png")),
    ("objects", ["red  Car", "car", "car"], ("red  Car", "car", "car")),
    ("objects", np.array(["dog", "猫"]), ("dog", "猫")),
    ("target_objects", [], ()),
    ("target_objects", (name for name in "ab"), ("a", "b")),
]


@pytest.mark.parametrize(("name", "value", "expected"), TURNED)
def test_other_forms_become_the_one_that_is_said(name, value, expected) -> None:
    found = getattr(made(**{name: value}), name)
    assert found == expected
    assert type(found) is type(expected)
    if isinstance(found, dict):
        assert all(type(entry) is type(expected[key]) for key, entry in found.items())


def test_what_a_record_is_made_of_is_left_as_it_was() -> None:
    scores, groups = {"judge": 1}, {"level": 2}
    made(scores=scores, groups=groups)
    assert type(scores["judge"]) is int
    assert groups == {"level": 2}


def test_not_a_number_stands_for_what_is_not_known() -> None:
    record = made(scores={"judge": math.nan}, costs={"tokens": float("nan")})
    assert math.isnan(record.scores["judge"])
    assert math.isnan(record.costs["tokens"])


def test_a_turn_of_0_is_told_that_turns_count_from_1() -> None:
    with pytest.raises(InputError, match="turns count from 1"):
        made(turn=0)


@pytest.mark.parametrize(
    ("word", "meant"), [("img", "image"), ("Image", "image"), ("images", "image"), ("imgae", "image"),
                        ("picture", "image"), ("photo", "image"), ("TEXT", "text"), ("txt", "text"),
                        ("texts", "text"), ("str", "text")]
)  # fmt: skip
def test_a_modality_by_another_word_is_asked_for(word, meant) -> None:
    with pytest.raises(InputError, match=f"did you mean `{meant}`"):
        made(modality=word)


def test_a_modality_that_is_neither_is_not_guessed_at() -> None:
    with pytest.raises(InputError) as caught:
        made(modality="audio")
    assert "did you mean" not in str(caught.value)


PIXELS = np.arange(2 * 3 * 3, dtype=np.uint8).reshape(2, 3, 3) * 10
IN_MEMORY = {
    "PIL RGB": Image.fromarray(PIXELS),
    "PIL RGBA": Image.fromarray(PIXELS).convert("RGBA"),
    "PIL palette": Image.fromarray(PIXELS).convert("P"),
    "PIL grey": Image.fromarray(PIXELS).convert("L"),
    "PIL CMYK": Image.fromarray(PIXELS).convert("CMYK"),
    "PIL 1 bit": Image.fromarray(PIXELS).convert("1"),
    "array": PIXELS,
    "array, channels first": PIXELS.transpose(2, 0, 1).copy(),
    "array, grey": PIXELS[..., 0].copy(),
    "array, floats": PIXELS.astype(np.float32) / 255,
    "tensor": torch.from_numpy(PIXELS).permute(2, 0, 1),
    "tensor, floats": torch.from_numpy(PIXELS).permute(2, 0, 1).float() / 255,
}


@pytest.mark.parametrize("image", IN_MEMORY.values(), ids=IN_MEMORY)
def test_an_image_in_memory_is_kept_as_the_content_of_a_file_with_its_pixels(image) -> None:
    kept = made(modality="image", image=image).image
    assert isinstance(kept, bytes)
    assert Image.open(io.BytesIO(kept)).format == "PNG"
    seen = load_image(image, row=0).float()
    seen = (255 * seen).round() if seen.max() <= 1 else seen
    assert torch.equal(load_image(kept, row=0).float(), seen)


def test_an_image_in_memory_keeps_its_orientation_and_profile() -> None:
    turned = Image.fromarray(PIXELS)
    turned.getexif()[0x0112] = 6
    buffer = io.BytesIO()
    turned.save(buffer, "JPEG", exif=turned.getexif(), quality=100)
    opened = Image.open(io.BytesIO(buffer.getvalue()))
    kept = made(modality="image", image=opened).image
    assert kept is not None
    assert torch.equal(load_image(kept, row=0), load_image(buffer.getvalue(), row=0))
    assert load_image(kept, row=0).shape == (3, 3, 2)


def test_a_mask_of_booleans_is_white_where_the_subject_is() -> None:
    place = np.array([[True, False], [False, True]])
    for mask in (place, torch.from_numpy(place)):
        kept = made(modality="image", mask=mask).mask
        assert isinstance(kept, bytes)
        assert (load_image(kept, row=0)[0] > 127).tolist() == place.tolist()


def test_a_path_is_not_followed_when_the_record_is_made() -> None:
    assert made(modality="image", image="nowhere/cat.png").image == Path("nowhere/cat.png")


def test_names_of_images_are_paths_or_made_of_their_content() -> None:
    assert image_name(b"one") == image_name(bytes(bytearray(b"one"))) != image_name(b"two")
    assert image_name(Path("猫.png")) == "猫.png"


def test_records_are_replaced_copied_and_pickled() -> None:
    record = made(links=[1], scores={"judge": 1})
    assert replace(record, turn=3).turn == 3
    assert pickle.loads(pickle.dumps(record)) == record
    with pytest.raises(InputError, match="links"):
        replace(record, turn=1)


NO_RECORDS = [
    {"dialogue": "a", "turn": 1},
    "a",
    ("a", 1, "text", "Which?"),
    None,
    1,
    b"a",
    ["a"],
    Path("records.jsonl"),
    np.zeros(2),
    object(),
]


@pytest.mark.parametrize("wrong", NO_RECORDS, ids=lambda value: type(value).__name__)
@pytest.mark.parametrize("lazily", [False, True])
def test_what_is_no_record_is_named_with_its_row_and_type(wrong, lazily) -> None:
    given = [made(), made(turn=3), wrong]
    with pytest.raises(InputError, match=rf"`records` to hold.* got {type(wrong).__name__} at row 2") as caught:
        list(dialogue_steps(iter(given) if lazily else given, 1))
    assert ("Record(**row)" in str(caught.value)) == isinstance(wrong, dict)


@pytest.mark.parametrize("wrong", [made(), {"a": [made()]}, "records.jsonl", Path("records.jsonl"), 1, None, b"a"])
def test_what_holds_no_records_is_refused_as_a_whole(wrong) -> None:
    with pytest.raises(InputError, match=f"`records` to be .* got a {type(wrong).__name__}"):
        by_dialogue(wrong)
