# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Rows of items.jsonl: a field under another name is asked about, never passed over."""

from __future__ import annotations

import json

import pytest

from imug_metrics.errors import ArgumentError
from imug_metrics.evaluation.item_scores import metric_spec, read_item_scores

ROW = {"model": "a", "dialogue": "x/1", "turn": 1, "modality": "text", "answer_strict": 0.5}


def read(tmp_path, *rows):
    (tmp_path / "items.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return read_item_scores(tmp_path, metric_spec("answer_accuracy"))


def without(name, **more):
    return {**{field: value for field, value in ROW.items() if field != name}, **more}


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (without("model"), "expected a field `model`, the row has none"),
        (without("model", Model="a"), "`model`, the row has none; is it 'Model'"),
        (without("dialogue", dialog="x"), "`dialogue`, the row has none; is it 'dialog'"),
        (without("turn", trun=2), "`turn`, the row has none; is it 'trun'"),
        (without("modality"), "expected a field `modality`"),
        (without("modality", modalty="text"), "`modality`, the row has none; is it 'modalty'"),
        ({**ROW, "modality": "Text"}, "modality: expected 'text' or 'image', got 'Text'"),
        ({**ROW, "modality": None}, "modality: expected"),
        (without("answer_strict", answer_strct=1.0), "`answer_strict`, the row has none; is it 'answer_strct'"),
        (without("answer_strict", AnswerStrict=1.0), "is it 'AnswerStrict'"),
    ],
)
def test_a_field_under_another_name_is_asked_about(tmp_path, row, message) -> None:
    with pytest.raises(ArgumentError, match=r"items\.jsonl:2: ") as caught:
        read(tmp_path, ROW, row)
    assert message in str(caught.value)


def test_a_score_that_only_some_rows_have_is_not_passed_over(tmp_path) -> None:
    with pytest.raises(ArgumentError, match=r"line 1 has `answer_strict` and line 2 does not"):
        read(tmp_path, ROW, without("answer_strict", turn=2))


def test_other_fields_are_free_and_null_is_no_score(tmp_path) -> None:
    rows = [{**ROW, "prompt": "?", "answer_imug": 1.0}, {**ROW, "turn": 2, "answer_strict": None}, {**ROW, "turn": 3}]
    image = {**without("answer_strict"), "modality": "image", "points_imug": 1.0}
    assert read(tmp_path, *rows, image) == {"a": {("x/1", 1): 0.5, ("x/1", 3): 0.5}}
    assert read(tmp_path, without("answer_strict", answer_imug=1.0)) == {"a": {}}  # a run without this metric
