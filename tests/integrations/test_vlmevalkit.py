# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""The recorded run in tables as VLMEvalKit writes them, rescored to the numbers of the library."""

from __future__ import annotations

import csv
import json
import math
import warnings
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from imug_metrics import TurnDecay, evaluate, read_records
from imug_metrics.errors import ArgumentError
from imug_metrics.integrations.vlmevalkit import evaluate_table
from tests.integrations.recorded import DIALOGUES, expected, rows

KINDS = ("xlsx", "tsv", "json")


def dialogues() -> list[dict[str, Any]]:
    """A row a dialogue, as its multi-turn data sets have it: what was read of a tsv is text, predictions are a list."""
    found: dict[str, list[dict[str, Any]]] = {}
    for row in rows():
        found.setdefault(row["dialogue"], []).append(row)
    return [
        {
            **{"index": index, "dialogue": name, "image_path": "['a.jpg', 'b.jpg']"},
            **{
                "question": str([turn["question"] for turn in turns]),
                "answer": str([turn["answer"] for turn in turns]),
            },
            "prediction": [turn["reply"] for turn in turns],
        }
        for index, (name, turns) in enumerate(found.items())
    ]


def turns() -> list[dict[str, Any]]:
    """A row a turn, of a data set whose rows name dialogue and turn."""
    names = {"question": "question", "answer": "answer", "dialogue": "dialogue", "turn": "turn", "prediction": "reply"}
    return [{"index": str(n), **{name: row[key] for name, key in names.items()}} for n, row in enumerate(rows())]


def dump(given: list[dict[str, Any]], path: Path) -> Path:
    """What `vlmeval.smp.dump` does with a frame."""
    frame = pd.DataFrame(given)
    if path.suffix == ".json":
        path.write_text(json.dumps(frame.to_dict("records"), indent=4, ensure_ascii=False), encoding="utf-8")
    elif path.suffix == ".tsv":
        frame.to_csv(path, sep="\t", index=False, encoding="utf-8", quoting=csv.QUOTE_ALL)
    else:
        frame.to_excel(path, index=False, engine="openpyxl")
    return path


def same(found: Any) -> None:
    for name, value in expected().items():
        assert found[name] == value or (math.isnan(found[name]) and math.isnan(value)), name


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("made", [dialogues, turns])
def test_the_row_that_evaluate_returns_holds_the_scores_of_the_library(tmp_path, made, kind) -> None:
    frame = evaluate_table(dump(made(), tmp_path / f"mine_Rooms.{kind}"))
    assert len(frame) == 1
    assert all(dtype.kind in "fi" for dtype in frame.dtypes)
    same(frame.iloc[0])
    assert frame["problems"].item() == 0


@pytest.mark.parametrize("kind", KINDS)
def test_a_finished_table_is_rescored_to_the_same(tmp_path, kind) -> None:
    records = read_records(dump(dialogues(), tmp_path / f"mine_Rooms.{kind}"))
    assert (records.format, list(records.problems)) == ("vlmevalkit", [])
    scores = evaluate(records).scores["mine_Rooms"]
    assert scores["answer_accuracy"] == expected()["answer_accuracy"]
    assert scores["answer_accuracy_slope"] == expected()["answer_accuracy_slope"]


def test_questions_that_stand_alone_say_so(tmp_path) -> None:
    alone = [{name: row[name] for name in row if name not in ("dialogue", "turn")} for row in turns()]
    path = dump(alone, tmp_path / "mine_Rooms.xlsx")
    with pytest.raises(ArgumentError, match="say turn=1 if each row is a dialogue of its own"):
        evaluate_table(path)
    frame = evaluate_table(path, columns={"turn": "1"})
    assert frame["answer_accuracy_dialogues"].item() == len(rows())


@pytest.mark.parametrize(
    "failure", ["Failed to obtain answer via API.A timeout", "Failed to obtain answer: <class 'B'>"]
)
def test_a_failure_that_the_kit_wrote_is_no_answer(tmp_path, failure) -> None:
    given = dialogues()
    given[3]["prediction"][1] = failure
    path = dump(given, tmp_path / "mine_Rooms.xlsx")
    [records] = read_records(path).values()
    assert [record.text for record in records if record.text and "Failed" in record.text] == [f"ERROR: {failure}"]
    frame = evaluate_table(path)
    assert frame["answer_accuracy_n"].item() == len(rows()) - 1
    assert frame["answer_accuracy_coverage"].item() == (len(rows()) - 1) / len(rows())


def test_a_cell_that_a_workbook_cut_off_is_told_and_counted(tmp_path) -> None:
    given = dialogues()
    given[0]["prediction"][1] = "x" * 40_000  # a cell holds 32,767 characters
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of pandas, which cuts it off
        path = dump(given, tmp_path / "mine_Rooms.xlsx")
    with pytest.warns(UserWarning, match="1 rows or cells could not be read, the first: .*got a list of 4 and text"):
        frame = evaluate_table(path)
    assert frame["problems"].item() == 1
    assert frame["answer_accuracy_dialogues"].item() == DIALOGUES - 1
    assert evaluate_table(dump(given, tmp_path / "mine_Rooms.tsv"))["problems"].item() == 0


def test_other_metrics_are_taken_as_they_are(tmp_path) -> None:
    given = [{**row, "hit": float(row["prediction"].startswith(row["answer"]))} for row in turns()]
    frame = evaluate_table(dump(given, tmp_path / "mine_Rooms.tsv"), {"score": TurnDecay(detail=True)})
    assert frame["score_dialogues"].item() == DIALOGUES


def test_what_is_no_table_of_one_model_is_refused(tmp_path) -> None:
    path = tmp_path / "mine_Rooms.json"
    path.write_text("[]")
    with pytest.raises(ArgumentError, match="expected records of one model"):
        evaluate_table(path)
    two = [{**row, "model": f"m{number % 2}"} for number, row in enumerate(turns())]
    with pytest.raises(ArgumentError, match="several models, m0, m1"):
        evaluate_table(dump(two, path))
