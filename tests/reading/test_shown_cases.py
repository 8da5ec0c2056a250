# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Every small input that is kept with the value it should be read as, whatever reads it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from imug_metrics.errors import ReplyError
from imug_metrics.functional.answers.answer_accuracy import answer_accuracy
from imug_metrics.protocols.imug.replies import strict_letters, strict_points
from imug_metrics.reading.choice import read_choice

PATH = Path(__file__).resolve().parents[3] / "shared" / "reading" / "cases.jsonl"


def test_every_case_has_its_value() -> None:
    if not PATH.is_file():
        pytest.skip(f"cases not found at {PATH}")
    cases = [json.loads(line) for line in PATH.read_text(encoding="utf-8").splitlines()]
    assert len(cases) >= 125
    assert [case for case in cases if _read(case) != case["want"]] == []


def _read(case: dict[str, Any]) -> Any:
    match case["read"]:
        case "choice":
            return read_choice(case["text"], case["options"]).letters
        case "key":
            return strict_letters(case["text"], case["options"])
        case "points":
            try:
                return [*strict_points(case["text"], case["points"])]
            except ReplyError:
                return None
        case kind:
            return pytest.approx(answer_accuracy([case["text"]], [case["key"]], kind=kind).item())
