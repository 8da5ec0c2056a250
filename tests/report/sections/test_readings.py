# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""The report says how answers were read, with examples of those that could not be."""

from __future__ import annotations

import html
import json
from pathlib import Path
from typing import Any

import pytest

from imug_metrics.reading.choice import READ, UNREAD
from imug_metrics.report import Report, Table, write_report
from imug_metrics.report.sections.readings import readings
from imug_metrics.suite import ModelScores


def model(name: str, *readings: tuple[str | None, Any]) -> ModelScores:
    items = [
        {"dialogue": f"d{turn}", "turn": turn, "modality": "text", "text": text, "target": "B", "reading": reading}
        for turn, (reading, text) in enumerate(readings, 1)
    ]
    return ModelScores(name, {"answer_accuracy": 0.5}, items)


def written(out: Path, *models: ModelScores) -> tuple[str, dict[str, Any]]:
    page = write_report(models, out, manifest={}).read_text(encoding="utf-8")
    return page, json.loads((out / "summary.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("reason", UNREAD)
def test_every_reason_is_told_in_a_sentence_with_an_example(reason: str, tmp_path: Path) -> None:
    page, summary = written(tmp_path, model("mine", ("answer", "B"), (reason, "the very reply")))
    assert html.escape(UNREAD[reason], quote=True).replace("&quot;", "&#34;") in page
    assert READ["answer"] in page
    assert "the very reply" in page
    shown = {"dialogue": "d2", "turn": 2, "text": "the very reply", "target": "B"}
    assert summary["answers"]["mine"] == {"read": {"answer": 1}, "unread": {reason: 1}, "examples": {reason: [shown]}}


HOSTILE = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "</table></section><h1>gotcha</h1>",
    "{{ 7 * 7 }}",
    "{% for x in y %}",
    "<!-- not closed",
    "&lt;b&gt;",
    "' onmouseover='alert(1)",
    "\x00\x08\x1b[31mred",
    "<style>body{display:none}</style>",
    "javascript:alert(1)",
]


@pytest.mark.parametrize("text", HOSTILE)
def test_what_a_model_wrote_is_shown_as_text(text: str, tmp_path: Path) -> None:
    found = model("mine", ("unclear", text))
    found.items[0] |= {"dialogue": text, "target": text}
    page, summary = written(tmp_path, found)
    section = page.partition('<section id="readings"')[2].partition("</section>")[0]
    plain, _ = written(tmp_path / "plain", model("mine", ("unclear", "plain")))
    tags = plain.partition('<section id="readings"')[2].partition("</section>")[0].count("<")
    assert section.count("<") == tags, "no tag of the reply's is one of the page"
    assert summary["answers"]["mine"]["examples"]["unclear"][0]["text"] == text
    assert not {"\x00", "\x08", "\x1b"} & set(page)


def test_models_are_told_apart_and_those_without_answers_left_out(tmp_path: Path) -> None:
    first = model("first", ("answer", "B"), ("label", "B) cup"))
    second = model("second", ("unclear", "?"), (None, None), ("unclear", "!"))
    section = readings(Report([first, model("drawn"), second]))
    assert section is not None
    table = section.parts[0]
    assert isinstance(table, Table)
    rows = [[cell.content for cell in row] for row in table.rows]
    assert [(row[0], row[1], row[3], row[4]) for row in rows] == [
        ("first", "read", 1, 2),
        ("first", "read", 1, 2),
        ("second", "not read", 2, 2),
    ]
    assert [row[0].model for row in table.rows] == [0, 0, 2]
    page, summary = written(tmp_path, first, model("drawn"), second)
    assert list(summary["answers"]) == ["first", "second"]
    assert "Examples of answers that could not be read" in page
    page, _ = written(tmp_path / "all-read", first)
    assert "How answers were read" in page
    assert "Examples of answers that could not be read" not in page


def test_rows_of_an_earlier_version_make_no_section(tmp_path: Path) -> None:
    found = model("mine", ("answer", "B"))
    del found.items[0]["reading"]
    page, summary = written(tmp_path, found)
    assert 'id="readings"' not in page
    assert "answers" not in summary
