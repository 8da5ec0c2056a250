# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Prediction tables of VLMEvalKit: options in columns, dialogues in lists, and rows that stand alone."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from imug_metrics import Record, read_records
from imug_metrics.errors import ArgumentError
from imug_metrics.formats import READERS
from imug_metrics.formats.common.head import read_head

ROW = {
    "index": 7,
    "question": "Which?",
    "A": "red",
    "B": "blue",
    "answer": "B",
    "category": "colour",
    "prediction": "(B)",
}


def read(folder: Path, rows: list[dict[str, Any]], kind: str = "tsv", **options: Any) -> tuple[list[Record], list[str]]:
    path = folder / f"m_D.{kind}"
    if kind == "xlsx":
        pd.DataFrame(rows).to_excel(path, index=False, engine="openpyxl")
    elif kind == "json":
        path.write_text(json.dumps(rows))
    else:
        pd.DataFrame(rows).to_csv(path, index=False, sep="\t" if kind == "tsv" else ",")
    assert [reader.name for reader in READERS if reader.recognises(read_head(path))] == ["vlmevalkit"]
    found = read_records(path, **options)
    return [record for records in found.values() for record in records], [*map(str, found.problems)]


@pytest.mark.parametrize("kind", ["tsv", "csv", "xlsx", "json"])
def test_single_questions_are_read_as_the_kit_writes_them(tmp_path, kind) -> None:
    rows = [{**ROW, "C": "green", "hit": 1}, {**ROW, "index": 8, "C": None, "answer": "A", "hit": 0}]
    first, second = read(tmp_path, rows, kind, columns={"turn": "1"})[0]
    assert (first.dialogue, first.turn, first.prompt, first.text, first.target) == ("7", 1, "Which?", "(B)", "B")
    assert first.options == {"A": "red", "B": "blue", "C": "green"}
    assert second.options == {"A": "red", "B": "blue"}
    assert (first.scores, second.scores, first.groups) == ({"score": 1.0}, {"score": 0.0}, {"class": "colour"})


def test_rows_without_a_turn_are_refused_with_the_cure(tmp_path) -> None:
    with pytest.raises(ArgumentError, match="say turn=1 if each row is a dialogue of its own"):
        read(tmp_path, [ROW])


@pytest.mark.parametrize("write", [json.dumps, repr])
def test_dialogues_in_lists_are_read_turn_by_turn(tmp_path, write) -> None:
    row = {"index": 3, "question": write(["Which?", "Что это?", "it's"]), "answer": write(["red", "кот", "猫"])}
    records, problems = read(tmp_path, [{**row, "prediction": write(["red", "собака", 'a "cat"'])}])
    assert [(record.turn, record.prompt, record.text, record.target) for record in records] == [
        (1, "Which?", "red", "red"),
        (2, "Что это?", "собака", "кот"),
        (3, "it's", 'a "cat"', "猫"),
    ]
    assert problems == []


@pytest.mark.parametrize(
    ("more", "count", "message"),
    [
        ({"prediction": '["a"]'}, 0, "as many questions and predictions, got a list of 2 and a list of 1"),
        ({"prediction": "a"}, 0, "got a list of 2 and text"),
        ({"prediction": "[a, b]"}, 0, "got a list of 2 and text"),
        ({"prediction": "[" * 300}, 0, "got a list of 2 and text"),
        ({"question": "Which?"}, 0, "got text and a list of 2"),
        ({"answer": '["a"]'}, 2, "expected a list of 2 keys, got one of 1"),
        ({"prediction": '["a", ["b", "c"]]'}, 2, "expected text, got a list"),
    ],
)  # fmt: skip
def test_lists_that_do_not_fit_are_told(tmp_path, more, count, message) -> None:
    right = {"index": 1, "question": '["p", "q"]', "answer": '["a", "b"]', "prediction": '["a", "b"]'}
    records, problems = read(tmp_path, [right, {**right, "index": 2, **more}])
    assert [record.dialogue for record in records] == ["1"] * 2 + ["2"] * count
    assert message in problems[0]


def test_the_images_of_questions_are_not_taken_for_answers(tmp_path) -> None:
    image = base64.b64encode(b"question").decode()
    [record], problems = read(tmp_path, [{**ROW, "image": image}], columns={"turn": "1"})
    assert (record.modality, record.image, problems) == ("text", None, [])


def test_images_that_the_model_drew_are_base64_or_files(tmp_path) -> None:
    (tmp_path / "drawn.png").write_bytes(b"file")
    base = {"dialogue": "a", "modality": "image", "question": "Draw.", "prediction": None}
    images = [base64.b64encode(b"inside").decode(), "drawn.png", "gone.png", "/etc/passwd"]
    rows = [{"index": n, **base, "turn": n, "image": image} for n, image in enumerate(images, 1)]
    records, problems = read(tmp_path, rows)
    shown = [image.read_bytes() if isinstance(image, Path) else image for image in (record.image for record in records)]
    assert shown == [b"inside", b"file", None, None]
    assert len(problems) == 2


def test_a_cell_longer_than_the_csv_module_takes_is_read(tmp_path) -> None:
    content = b"x" * 300_000
    row = {"index": 1, "dialogue": "a", "turn": 1, "modality": "image", "question": "Draw.", "prediction": ""}
    [record], problems = read(tmp_path, [{**row, "image": base64.b64encode(content).decode()}])
    assert (record.image, problems) == (content, [])
