# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Records of any format become chat JSON lines, and those the same records again."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from imug_metrics import Record, read_records
from imug_metrics.formats import write_records
from tests.formats.dialogues import source_records
from tests.formats.test_every_format import FILES, content

PNG = next(record.image for record in source_records() if isinstance(record.image, bytes))
ASK = Record(dialogue="a", turn=1, modality="text", prompt="Which?", text="B")
DRAW = Record(dialogue="a", turn=1, modality="image", prompt="Draw.", image=PNG)


def again(records: list[Record], folder: Path) -> list[Record]:
    """Records that were written and read, with the contents of their images."""
    found = read_records(write_records({"m": records}, folder / "all.jsonl"))
    return [contents(record) for record in found["m"]]


def contents(record: Record) -> Record:
    images = {name: getattr(record, name) for name in ("image", "reference", "mask")}
    return replace(record, **{name: x.read_bytes() if isinstance(x, Path) else x for name, x in images.items()})


@pytest.mark.parametrize("form", FILES)
def test_every_format_becomes_chat_lines(form: str, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    path = FILES[form](tmp_path / "in")
    records = read_records(path)
    (tmp_path / "out").mkdir()
    found = read_records(write_records(records, tmp_path / "out" / "all.jsonl"))
    assert (found.format, list(found.problems)) == ("openai", [])
    expected = {model: {(r.dialogue, r.turn): content(r) for r in rows} for model, rows in records.items()}
    assert {model: {(r.dialogue, r.turn): content(r) for r in rows} for model, rows in found.items()} == expected


@pytest.mark.parametrize(
    "record",
    [
        ASK,
        DRAW,
        replace(ASK, text=None, attempted=False),
        replace(ASK, text=None),
        replace(ASK, text=""),
        replace(ASK, image=PNG),
        replace(DRAW, image=None),
        replace(DRAW, image=None, text="I cannot."),
        replace(DRAW, text="Here it is.", reference=PNG, mask=PNG, subject="Käthe"),
        replace(ASK, target="B", options={"A": "x", "B": "y"}),
        replace(ASK, target="BD", options="ABCD"),
        replace(ASK, dialogue="диалог/对话\n1", prompt="<image>", text="<image>"),
        replace(ASK, groups={"domain": "d", "language": "de"}),
        replace(ASK, scores={"clip": 0.1 + 0.2, "judge": -3.0}, costs={"tokens": 12.0}),
        replace(ASK, prompt="", text="A\u2028B\r\n\tC"),
        replace(ASK, turn=7),
        replace(DRAW, turn=3, links=(1, 2)),
        replace(DRAW, objects=("dog", "red car", "dog"), target_objects=("Dog, old", "a;b", "猫")),
        replace(ASK, objects=(), target_objects=("dog",)),
        replace(ASK, objects=("dog",), target_objects=()),
    ],
    ids=lambda record: str(record)[:20],
)
def test_a_record_is_read_as_it_was(record: Record, tmp_path: Path) -> None:
    assert again([record], tmp_path) == [record]


def test_a_score_that_could_not_be_had_stays_one(tmp_path: Path) -> None:
    [record] = again([replace(ASK, scores={"clip": math.nan})], tmp_path)
    assert math.isnan(record.scores["clip"])
    json.loads((tmp_path / "all.jsonl").read_text(), parse_constant=pytest.fail)


def test_a_question_without_options_is_read_by_the_default_letters(tmp_path: Path) -> None:
    [record] = again([replace(ASK, prompt="Which? A. red B. blue", target="B")], tmp_path)
    assert record.options == "ABCDEFG"


def test_turns_without_an_output_stay_turns(tmp_path: Path) -> None:
    records = [
        replace(ASK, turn=turn, text=None if turn == 2 else "A", groups={"domain": str(turn)}) for turn in (1, 2, 4)
    ]
    assert again(records, tmp_path) == records


def test_dialogues_are_put_together_and_models_kept_apart(tmp_path: Path) -> None:
    mixed = [replace(DRAW, dialogue=name, turn=turn) for turn, name in ((2, "b"), (1, "a"), (1, "b"))]
    path = write_records({"x": mixed, "y": [DRAW]}, tmp_path / "all.jsonl")
    assert len(path.read_text().splitlines()) == 3
    found = read_records(path)
    assert {model: [(r.dialogue, r.turn) for r in rows] for model, rows in found.items()} == {
        "x": [("b", 1), ("b", 2), ("a", 1)],
        "y": [("a", 1)],
    }
    assert len(list((tmp_path / "all_images").iterdir())) == 4


def test_images_are_copied_from_files_and_named_by_what_they_are(tmp_path: Path) -> None:
    (tmp_path / "photo.PNG").write_bytes(PNG)
    records = [replace(DRAW, image=tmp_path / "photo.PNG"), replace(DRAW, turn=2, image=b"no image")]
    write_records({"m": records}, tmp_path / "all.jsonl")
    assert sorted(path.name for path in (tmp_path / "all_images").iterdir()) == ["1_1.png", "1_2"]
    write_records(read_records(tmp_path / "all.jsonl"), tmp_path / "all.jsonl")  # onto itself
    assert (tmp_path / "all_images" / "1_1.png").read_bytes() == PNG


def test_an_image_that_is_not_there_is_an_error_and_no_half_file_is_left(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="none"):
        write_records({"m": [replace(DRAW, image=tmp_path / "none.png")]}, tmp_path / "all.jsonl")
    assert not (tmp_path / "all.jsonl").exists()


TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.fixed_dictionaries(
            {
                "turn": st.integers(1, 1024),
                "prompt": TEXTS,
                "text": st.none() | TEXTS,
                "scores": st.dictionaries(st.sampled_from(["clip", "x_1"]), st.floats(-1e300, 1e300), max_size=2),
                "subject": st.none() | st.sampled_from(["cat", "Ёж"]),
                "objects": st.none() | st.lists(TEXTS.filter(str.strip), max_size=3).map(tuple),
            }
        ),
        min_size=1,
        max_size=5,
        unique_by=lambda fields: fields["turn"],
    ),
    st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=20).filter(str.strip),
)
def test_any_texts_are_read_as_they_were(
    tmp_path_factory: pytest.TempPathFactory, turns: list[dict[str, Any]], dialogue: str
) -> None:
    turns.sort(key=lambda fields: fields["turn"])
    attempted = any(fields["text"] is not None for fields in turns)
    records = [Record(dialogue=dialogue, modality="text", attempted=attempted, **fields) for fields in turns]
    found = again(records, tmp_path_factory.mktemp("any"))
    assert [replace(record, options=None) for record in found] == records
