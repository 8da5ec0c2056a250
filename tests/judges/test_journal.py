# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""What a journal survives."""

from __future__ import annotations

import hashlib
import json
import os
import stat
import warnings
from pathlib import Path

import pytest

from imug_metrics.judges import ImagePart, JournalLockedError, JudgeRequest
from imug_metrics.judges.journal import Answer, Journal, _parse, address_of

REQUEST = JudgeRequest("Judge.", (ImagePart(b"png"), "Which?"), 0.5)
LINE = (
    b'{"key": ["model", 4], "prompt": "p", "images": [], "judge": "judge", "repeat": 0, "asked": 1, "reply": "5",'
    b' "error": null}'
)
ANSWER = Answer(1, '{"score": 5}', None)


def address(number: int):
    return address_of(("model", number), REQUEST, "judge", 0)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A journal of ten answers."""
    path = tmp_path / "journal.jsonl"
    with Journal(path) as journal:
        for number in range(10):
            journal.add(address(number), ANSWER)
    return path


def test_the_line_that_is_damaged_below_is_whole():
    assert _parse(LINE)[1] == Answer(1, "5", None)


def recorded(path: Path) -> list[int]:
    with Journal(path) as journal:
        return [number for number in range(12) if journal.find(address(number)) == ANSWER]


def test_every_line_says_what_it_answers(path: Path):
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    assert len(rows) == 10
    assert {len(row["prompt"]) for row in rows} == {64}
    assert rows[3] == {
        "key": ["model", 3],
        "prompt": rows[0]["prompt"],
        "images": [hashlib.sha256(b"png").hexdigest()],
        "judge": "judge",
        "repeat": 0,
        "asked": 1,
        "reply": '{"score": 5}',
        "error": None,
    }


def test_an_answer_is_in_the_file_before_the_journal_is_closed(path: Path):
    with Journal(path) as journal:
        journal.add(address(10), ANSWER)
        assert path.read_text().count("\n") == 11


def test_any_reply_is_kept_as_it_is(tmp_path: Path):
    reply = "NUL \0, \ud800, \u2028\n\r\n" + "x" * 1_000_000
    with Journal(tmp_path / "j") as journal:
        journal.add(address(0), Answer(1, reply, None))
    with Journal(tmp_path / "j") as journal:
        assert journal.find(address(0)) == Answer(1, reply, None)


def test_a_last_line_cut_anywhere_is_removed_and_writing_goes_on(path: Path):
    whole = path.read_bytes()
    start = whole[:-1].rindex(b"\n") + 1
    for cut in {start + 1, start + 30, len(whole) - 2, len(whole) - 1}:
        path.write_bytes(whole[:cut])
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            with Journal(path) as journal:
                assert journal.find(address(9)) is None
                journal.add(address(10), ANSWER)
        assert recorded(path) == [*range(9), 10]
        assert path.read_bytes()[:start] == whole[:start]


@pytest.mark.parametrize(
    "damage",
    [
        b"\0" * 50,
        b"\xff\xfe",
        b"{}",
        b"[1, 2]",
        b"null",
        b'{"key": ["mo',
        b"[" * 100_000,
        LINE.replace(b'["model", 4]', b'[["model"], 4]'),
        LINE.replace(b'["model", 4]', b"[4.0]"),
        LINE.replace(b'"repeat": 0', b'"repeat": "0"'),
        LINE.replace(b'"asked": 1', b'"asked": true'),
        LINE.replace(b'"reply": "5"', b'"reply": null'),
        b"",
    ],
)
def test_damaged_lines_are_reported_and_left_out(path: Path, damage: bytes):
    lines = path.read_bytes().split(b"\n")
    lines[4] = damage
    path.write_bytes(b"\n".join(lines))
    with pytest.warns(UserWarning, match=r"1 in all, the first is line 5\."):
        journal = Journal(path)
    with journal:
        assert journal.find(address(4)) is None
        journal.add(address(4), ANSWER)
    with warnings.catch_warnings():  # the line is gone
        warnings.simplefilter("error")
        assert recorded(path) == list(range(10))
    assert path.read_bytes().count(b"\n") == 10


def test_the_last_answer_counts_and_dead_lines_are_removed_once_they_prevail(path: Path):
    path.chmod(0o640)
    for asked in range(2, 5):
        with Journal(path) as journal:
            for number in range(9):
                journal.add(address(number), Answer(asked, None, "busy: 429"))
    with Journal(path) as journal:
        assert [journal.find(address(number)).asked for number in range(10)] == [4] * 9 + [1]
    assert path.read_bytes().count(b"\n") == 10 + 9  # rewritten when 28 lines held 10 answers
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert os.listdir(path.parent) == [path.name]


def test_a_rewriting_that_was_cut_off_changes_nothing(path: Path):
    path.with_name("journal.jsonl.new").write_bytes(b'{"key": ["half')
    assert recorded(path) == list(range(10))
    lines = path.read_bytes()
    path.write_bytes(b"damage\n" + lines)
    with pytest.warns(UserWarning, match=r"line 1\."):
        assert recorded(path) == list(range(10))
    assert path.read_bytes() == lines


def test_a_link_stays_a_link(path: Path):
    link = path.with_name("link.jsonl")
    link.symlink_to(path)
    path.write_bytes(b"damage\n" + path.read_bytes())
    with pytest.warns(UserWarning, match=r"line 1\."):
        assert recorded(link) == list(range(10))
    assert link.is_symlink()


def test_only_one_may_write(path: Path):
    with Journal(path) as journal:
        with pytest.raises(JournalLockedError, match="in use by another process"):
            Journal(path)
        journal.add(address(10), ANSWER)
    assert recorded(path) == [*range(11)]


def test_a_journal_that_has_just_been_rewritten_is_locked_as_well(path: Path):
    path.write_bytes(b"damage\n" + path.read_bytes())
    with pytest.warns(UserWarning, match=r"line 1\."):
        journal = Journal(path)
    with journal, pytest.raises(JournalLockedError):
        Journal(path)


@pytest.mark.parametrize(
    "content", [b'{"domain": "Cooking"}\n{"domain": "Botany"}\n', b"no line break", b"\x89PNG\r\n\x1a\n\0\0", b"[\n"]
)
def test_a_file_that_is_no_journal_is_refused_and_left_as_it_is(tmp_path: Path, content: bytes):
    path = tmp_path / "benchmark.jsonl"
    path.write_bytes(content)
    with pytest.raises(OSError, match="is no journal"):
        Journal(path)
    assert path.read_bytes() == content


@pytest.mark.parametrize("content", [b"", b"{", b'{"key": ["mo', b"\0" * 4096])
def test_a_journal_whose_first_line_was_cut_off_is_begun_anew(path: Path, content: bytes):
    path.write_bytes(content)
    with Journal(path) as journal:
        journal.add(address(3), ANSWER)
    assert recorded(path) == [3]


def test_a_folder_that_is_absent_is_the_callers_error(tmp_path: Path):
    with pytest.raises(FileNotFoundError):
        Journal(tmp_path / "absent" / "journal.jsonl")
