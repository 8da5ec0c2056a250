# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""The letters of a reply, on replies of thirteen kinds in many languages; a new kind is a few new lines of the data.

A line holds a reply, the letters a careful human examiner would be certain of (none where two would disagree), the
letters that can be chosen, and where the examiner knows them the texts of the options.
"""

from __future__ import annotations

import json
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest

from imug_metrics.reading.choice import read_choice

DATA = Path(__file__).parent / "data"


def _rows(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


CASES = _rows(DATA / "choice_kinds.jsonl")
REPLIES = _rows(DATA / "choice_replies.jsonl")  # written to be misread
SHOWN = _rows(DATA / "shown_choices.jsonl")  # made of public bug reports of neighbouring tools
KINDS = 13


def _name(case: dict[str, Any]) -> str:
    return ascii(f"{case['kind']}, {case['language']}: {case['text'][:60]}")[1:-1]


@pytest.mark.parametrize("case", SHOWN, ids=lambda case: ascii(f"{case['kind']}: {case['text'][:60]}")[1:-1])
def test_reply_that_other_tools_misread_is_read_right(case: dict[str, Any]) -> None:
    assert read_choice(case["text"], case["options"]).letters == case["letters"]


@pytest.mark.parametrize("case", CASES, ids=_name)
def test_reply_is_read_as_an_examiner_reads_it(case: dict[str, Any]) -> None:
    assert read_choice(case["text"], case.get("texts", case["options"])).letters == case["letters"]


@pytest.mark.parametrize("kind", sorted({case["kind"] for case in REPLIES}))
def test_replies_written_to_be_misread_are_not(kind: str) -> None:
    cases = [case for case in REPLIES if case["kind"] == kind]
    assert len(cases) >= 10
    read = [read_choice(case["text"], case.get("texts", case["options"])).letters for case in cases]
    assert [case for case, letters in zip(cases, read, strict=True) if letters != case["letters"]] == []


def test_every_kind_is_met_in_number_and_in_many_languages() -> None:
    by_kind = defaultdict(list)
    for case in CASES:
        by_kind[case["kind"]].append(case)
    assert len(by_kind) == KINDS
    for cases in by_kind.values():
        assert len(cases) >= 25
        assert len({case["language"] for case in cases}) >= 4
        assert any(case["letters"] for case in cases)
        assert any(not case["letters"] for case in cases)


def test_lines_are_well_formed_and_distinct() -> None:
    seen = {json.dumps([case["text"], case["options"], case.get("texts")]) for case in CASES}
    assert len(seen) == len(CASES)
    for case in CASES:
        assert set(case["letters"]) <= set(case["options"])
        assert case["letters"] == "".join(sorted(set(case["letters"])))
        assert "".join(case.get("texts", case["options"])) == case["options"]
