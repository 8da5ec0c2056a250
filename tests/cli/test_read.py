# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""`imug-metrics read`: what is read in one answer, why, and what the official scorer reads in the same text."""

from __future__ import annotations

import io
import json
import re
import shlex
import sys
from pathlib import Path

import pytest

from imug_metrics.cli import main
from imug_metrics.functional import answer_accuracy
from imug_metrics.reading.choice import READ, REASONS, UNREAD

DOCS = Path(__file__).resolve().parents[2] / "docs"
PROMPT = "What is on the table?\nA) a blue cup\nB) a red cup\nC) none of the above\n"


class Reader:
    """Runs `imug-metrics read`."""

    def __init__(self, capsys, root: Path) -> None:
        self.capsys = capsys
        self.prompt = root / "prompt.txt"
        self.prompt.write_text(PROMPT, encoding="utf-8")

    def run(self, *arguments) -> int:
        try:
            code = main(["read", *map(str, arguments)])
        except SystemExit as stop:  # argparse leaves this way
            code = stop.code
        self.said, self.warned = self.capsys.readouterr()
        return code

    def found(self, *arguments) -> dict:
        self.run("--json", *arguments)
        return json.loads(self.said)

    def shown(self, *arguments) -> dict[str, str]:
        self.run(*arguments)
        return {label: value.strip() for label, value in (line.split(maxsplit=1) for line in self.said.splitlines())}


@pytest.fixture
def reader(capsys, tmp_path) -> Reader:
    return Reader(capsys, tmp_path)


@pytest.mark.parametrize(
    ("text", "letters", "reason", "official", "weight"),
    [
        ("B", "B", "answer", "B", 1.0),
        ("A, C", "AC", "answer", "AC", 0.75),
        ("BD", "BD", "answer", "", 1.0),
        ("The answer is B.", "B", "answer", "B", 0.5),
        ("Die Antwort ist C, nicht A.", "C", "answer", "AC", 0.5),
        ("正确答案是D。", "D", "answer", "", 0.5),
        ("Je choisis la lettre A", "A", "choice", "A", 0.5),
        ("[x] B\n[ ] C", "B", "ticked", "BC", 0.5),
        ("A cat sits here.", "", "unclear", "A", 0.5),
        ("It isn't B.", "", "excluded", "B", 0.5),
        ("No puedo ver la imagen.", "", "declined", "", 0.5),
        ("ERROR: timeout", "", "failed", "", 0.5),
        ("Option A fits, and option C fits.", "", "ambiguous", "AC", 0.5),
        ("The answer is K.", "", "outside", "", 0.5),
        ("None of the above.", "", "above", "", 0.5),
        ("", "", "empty", "", 0.0),
    ],
)
def test_letters_reason_and_official_reading_are_told(reader, text, letters, reason, official, weight) -> None:
    found = reader.found(text)
    assert (found["read"], found["reason"], found["meaning"]) == (letters, reason, REASONS[reason])
    assert found["official"] == {"read": official, "weight": weight}
    assert found["options"] == dict.fromkeys("ABCDEFG", "")
    assert reader.run(text) == (0 if reason in READ else 1)
    assert (reason in UNREAD) == (not letters)
    assert reader.shown(text) == {
        "Options": "ABCDEFG (by default)",
        "Read": letters or "nothing",
        "Reason": f"{reason}: {REASONS[reason]}",
        "Official": f"{official or 'nothing'}, format weight {weight:g}",
    }


def test_options_are_read_in_the_prompt_and_shown(reader) -> None:
    found = reader.found("--prompt", reader.prompt, "It is the red cup.")
    assert (found["read"], found["reason"], found["options_from"]) == ("B", "text", "prompt")
    assert found["options"] == {"A": "a blue cup", "B": "a red cup", "C": "none of the above"}
    reader.run("--prompt", reader.prompt, "It is the red cup.")
    assert [line.split(maxsplit=1) for line in reader.said.splitlines()[:3]] == [
        ["Options", "A  a blue cup"],
        ["B", "a red cup"],
        ["C", "none of the above"],
    ]


def test_a_prompt_without_options_says_so(reader) -> None:
    reader.prompt.write_text("What is on the table?", encoding="utf-8")
    assert reader.shown("--prompt", reader.prompt, "F")["Options"] == "ABCDEFG (the prompt lists none)"


@pytest.mark.parametrize(
    ("options", "known"),
    [
        ("ABCD", dict.fromkeys("ABCD", "")),
        ("A,B,C", dict.fromkeys("ABC", "")),
        ("A, B", dict.fromkeys("AB", "")),
        ("A) a cup B) a plate", {"A": "a cup", "B": "a plate"}),
        ("A. une tasse\nB. une assiette", {"A": "une tasse", "B": "une assiette"}),
        ("(A) 杯子 (B) 盘子", {"A": "杯子", "B": "盘子"}),
    ],
)
def test_options_are_letters_or_a_list(reader, options, known) -> None:
    found = reader.found("--options", options, "B")
    assert (found["options"], found["options_from"], found["read"]) == (known, "options", "B")


def test_letters_that_are_no_options_are_not_read(reader) -> None:
    assert reader.found("--options", "AB", "The answer is C.")["reason"] == "outside"


@pytest.mark.parametrize(
    ("text", "key", "official_key"),
    [
        ("B", "B", "B"),
        ("The answer is B.", "B", "B"),
        ("B, D", "BD", ""),
        ("A cat", "A", "A"),
        ("A, C", "A and C", "AC"),
    ],
)
def test_scores_of_both_protocols_are_those_of_the_function(reader, text, key, official_key) -> None:
    found = reader.found("--key", key, text)
    strict, imug = (answer_accuracy([text], [key], protocol=protocol).item() for protocol in ("strict", "imug"))
    assert found["scores"] == {"strict": strict, "imug": imug}
    assert found["official_key"] == official_key
    shown = reader.shown("--key", key, text)
    assert shown["Score"] == f"strict {strict:.4g}, imug {imug:.4g}"
    assert ("officially nothing" in shown["Key"]) == (official_key == "")


def test_score_follows_the_options_of_the_prompt(reader) -> None:
    found = reader.found("--prompt", reader.prompt, "--key", "B", "It is the red cup.")
    assert found["scores"] == {"strict": 1.0, "imug": 0.0}


@pytest.mark.parametrize(
    ("arguments", "text", "number", "shown"),
    [
        ((), "The answer is 72. I checked it in 3 ways.", 72.0, "72"),
        ((), "about 3,000 people", 3000.0, "3000"),
        ((), "3,14", None, "nothing"),
        (("--decimal", ","), "3,14", 3.14, "3.14"),
        ((), "五", None, "nothing"),
        ((), "正解は1/4です", 0.25, "0.25"),
        ((), "1234567.25", 1234567.25, "1234567.25"),
        ((), "no number", None, "nothing"),
    ],
)
def test_numbers_are_shown(reader, arguments, text, number, shown) -> None:
    assert reader.found("--kind", "numeric", *arguments, text)["read"] == number
    assert reader.run("--kind", "numeric", *arguments, text) == (1 if number is None else 0)
    assert reader.said.split() == ["Read", shown]


@pytest.mark.parametrize(
    ("kind", "text", "key", "form", "score"),
    [
        ("numeric", "about 72 cups", "72", 72.0, 1.0),
        ("numeric", "none", "72", None, 0.0),
        ("exact", "The  “Straße”!", "strasse", "strasse", 1.0),
        ("exact", "(−3.14).", "3.14", "-3.14", 0.0),
        ("f1", "a red cup", "the red mug", "red cup", 0.5),
        ("f1", "北京市", "北京", "北京市", 0.8),
    ],
)
def test_other_kinds_have_one_score(reader, kind, text, key, form, score) -> None:
    found = reader.found("--kind", kind, "--key", key, text)
    assert found["read"] == form
    assert found["scores"] == {"strict": pytest.approx(score)}


def test_what_was_thought_aloud_is_told(reader) -> None:
    assert reader.found("<think>A?</think>B")["thinking_characters"] == 17
    assert reader.shown("<think>A?</think>B")["Thinking"] == "17 of 18 characters, left out"
    assert "Thinking" not in reader.shown("B")


@pytest.mark.parametrize("content", [b"B", b"\xef\xbb\xbfB\r\n", "Ответ: B".encode()])
def test_text_comes_from_a_file_or_standard_input(reader, tmp_path, monkeypatch, content) -> None:
    file = tmp_path / "reply.txt"
    file.write_bytes(content)
    assert reader.found("--file", file)["read"] == "B"
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))
    assert reader.found("-")["read"] == "B"


def test_text_that_begins_with_a_dash_stands_behind_two(reader) -> None:
    assert reader.found("--kind", "numeric", "--", "-5")["read"] == -5
    assert reader.found("--", "-- The answer is B")["read"] == "B"


def test_nothing_that_a_terminal_would_act_upon_is_printed(reader) -> None:
    reader.prompt.write_text("Which?\nA) \x1b[2Jone\nB) \x07two\n", encoding="utf-8")
    reader.run("--prompt", reader.prompt, "B")
    assert "\\x1b[2Jone" in reader.said
    assert "\\x07two" in reader.said
    assert reader.said.replace("\n", "").isprintable()
    reader.run("--kind", "exact", "\x1b]0;owned\x07")
    assert reader.said.replace("\n", "").isprintable()
    reader.run("--json", "--kind", "exact", "\x1b]0;owned\x07")
    assert reader.said.replace("\n", "").isprintable()


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ((), "TEXT, --file: expected one of them"),
        (("B", "--file", "reply.txt"), "TEXT, --file: expected one of them"),
        (("B", "--options", "AB", "--prompt", "p.txt"), "--prompt, --options: expected one of them at most"),
        (("B", "--options", "abcd"), "--options: expected letters"),
        (("B", "--options", "AAB"), "--options: expected letters"),
        (("B", "--options", ""), "--options: expected letters"),
        (("B", "--options", "A=red,B=blue"), "--options: expected letters"),
        (("B", "--key", "H"), "--key: expected letters among ABCDEFG"),
        (("B", "--key", "C", "--options", "AB"), "--key: expected letters among AB"),
        (("5", "--kind", "numeric", "--key", "five"), "--key: expected a number"),
        (("5", "--kind", "numeric", "--options", "AB"), "--options: expected together with --kind choice"),
        (("5", "--kind", "f1", "--prompt", "p.txt"), "--prompt: expected together with --kind choice"),
        (("B", "--kind", "essay"), "--kind"),
        (("\udcff",), "TEXT: expected UTF-8, found byte 0xff at 0"),
    ],
)
def test_what_is_not_as_expected_names_its_flag(reader, arguments, named) -> None:
    assert reader.run(*arguments) == 2
    assert named in reader.warned
    assert reader.said == ""


@pytest.mark.parametrize("flag", ["--file", "--prompt"])
def test_a_file_that_cannot_be_read_is_named(reader, tmp_path, flag) -> None:
    file = tmp_path / "latin.txt"
    file.write_bytes("né".encode("latin-1"))
    more = () if flag == "--file" else ("B",)
    assert reader.run(flag, file, *more) == 2
    assert f"{flag}: " in reader.warned
    assert "latin.txt: expected UTF-8" in reader.warned
    assert reader.run(flag, tmp_path / "nowhere.txt", *more) == 3
    assert "nowhere.txt" in reader.warned


def test_examples_of_the_page_are_what_is_printed(reader) -> None:
    page = (DOCS / "cli.md").read_text(encoding="utf-8")
    examples = re.findall(r"^\$ imug-metrics read (.*)\n((?:[^$`].*\n)+)```$", page, re.M)
    assert examples
    for command, printed in examples:
        reader.run(*shlex.split(command))
        assert reader.said == printed
