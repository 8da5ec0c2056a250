# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Outputs of a model that means harm: nothing outside of its folder is opened, nothing it wrote runs, all is listed."""

from __future__ import annotations

import json
import os
import shutil
import struct
import subprocess
import sys
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from PIL import Image

RUN = "document.title='owned'"
SCRIPT = f"<script>{RUN}</script>"
HANDLER = f'"><img src=x onerror="{RUN}"><svg onload={RUN}>'
ESCAPES = "\x1b]0;owned\x07\x1b[2J\u202e"
SECRET = "what no report may show"


class Hostile:
    """One sample with image turns 1, 3, 5, ... and text turns 2, 4, 6, ..., answered by one model."""

    def __init__(
        self, command, replies: dict[int, object], *, model: str = "evil", prompt: str = "Draw a red star."
    ) -> None:
        self.command, self.outside = command, command.root / "outside"
        command.benchmark, command.outputs = command.root / "bench", command.root / "outs"
        self.sample = {"domain": "Cooking", "subdomain": "pan", "sample_id": "1"}
        self.folder = command.outputs / model / "Cooking" / "pan" / "question_1"
        self.folder.mkdir(parents=True)
        self.outside.mkdir()
        (command.benchmark / "data").mkdir(parents=True)
        (command.benchmark / "config").mkdir()
        (command.benchmark / "config/domain_classes.json").write_text('{"Hybrid": ["Cooking"]}')
        outputs = {"answer": "A"}, {"evaluation_points": ["a star"]}
        tasks = [
            {"turn": t, "modality": ("text", "image")[t % 2], "input": [{"text": prompt}], "output": outputs[t % 2]}
            for t in replies
        ]
        (command.benchmark / "data/benchmark.jsonl").write_text(json.dumps({**self.sample, "tasks": tasks}) + "\n")
        rows = [{"turn": turn, "model_response": reply} for turn, reply in replies.items()]
        (self.folder / "result.json").write_text(json.dumps({"tasks": rows}))

    def fields(self, level: str) -> list[str]:
        return [row["field"] for row in self.command.rows("problems.jsonl") if row["level"] == level]

    def items(self) -> dict[int, dict]:
        return {row["turn"]: row for row in self.command.rows("items.jsonl")}


def image(path: Path, colour: str = "red", form: str = "PNG") -> Path:
    Image.new("RGB", (16, 16), colour).save(path, format=form)
    return path


def huge_png(path: Path, side: int = 50_000) -> Path:
    """A file of some 70 bytes that claims to be an image of side x side pixels."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    header = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    parts = chunk(b"IHDR", header), chunk(b"IDAT", zlib.compress(b"\0" * 9)), chunk(b"IEND", b"")
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(parts))
    return path


_opened: list[str] | None = None


def _listen(event: str, arguments: tuple) -> None:
    if _opened is not None and event in ("open", "os.listdir", "os.scandir"):
        _opened.append(os.fsdecode(arguments[0]) if isinstance(arguments[0], (str, bytes, os.PathLike)) else "")


@contextmanager
def listening() -> Iterator[list[str]]:
    """All files and folders that are opened meanwhile, by any code of this process."""
    global _opened
    if not getattr(_listen, "there", False):
        sys.addaudithook(_listen)  # it stays for the life of the process
        _listen.there = True
    _opened = found = []
    try:
        yield found
    finally:
        _opened = None


def test_nothing_outside_of_the_models_folder_is_opened(command):
    replies = {
        1: "../../../../../outside/1.png",
        3: str(command.root / "outside/3.png"),
        5: "link.png",
        7: "down/7.png",
        9: "9.png",
        11: "11.png",
    }
    hostile = Hostile(command, {**replies, 2: "A"})
    for turn in (1, 3, 5, 7):
        image(hostile.outside / f"{turn}.png")
    os.mkfifo(hostile.outside / "pipe")
    (hostile.folder / "link.png").symlink_to(hostile.outside / "5.png")
    (hostile.folder / "down").symlink_to(hostile.outside, target_is_directory=True)
    (hostile.folder / "9.png").symlink_to(hostile.outside / "pipe")
    os.mkfifo(hostile.folder / "11.png")
    other = command.outputs / "evil" / "Cooking" / "pan" / "question_2"
    other.symlink_to(hostile.outside, target_is_directory=True)
    with listening() as opened:
        assert command.score() == 1
        assert command.run("check", "--benchmark", command.benchmark, "--outputs", command.outputs) == 1
    real = {os.path.realpath(path) for path in opened if path}
    assert any(path.endswith("result.json") for path in real), "the listener hears nothing"
    assert not [path for path in real if path.startswith(str(hostile.outside.resolve()))]
    assert not [path for path in real if path.endswith("11.png")]
    assert hostile.fields("error") == [f"turn {turn}" for turn in (1, 3, 5, 7, 9, 11)]
    assert {row["image"] for row in hostile.items().values()} == {None}


def test_a_result_that_leads_outside_is_not_read(command):
    hostile = Hostile(command, {2: "A"})
    result = hostile.folder / "result.json"
    (hostile.outside / "result.json").write_text(result.read_text().replace('"A"', json.dumps(SECRET)))
    result.unlink()
    result.symlink_to(hostile.outside / "result.json")
    assert command.score() == 1
    assert "leads out of the model's folder" in command.rows("problems.jsonl")[0]["message"]
    for path in command.out.rglob("*"):
        assert path.is_dir() or SECRET not in path.read_text(encoding="utf-8")


def test_images_that_cannot_be_read_are_listed_and_the_others_scored(command):
    hostile = Hostile(command, dict.fromkeys(range(1, 12, 2), ""))
    turn = {t: hostile.folder / f"turn_{t}_output.png" for t in range(1, 12, 2)}
    huge_png(turn[1])
    turn[3].write_bytes(image(turn[3]).read_bytes()[:45])
    turn[5].write_bytes(b"<svg onload=alert(1)>")
    image(turn[7], form="JPEG")
    image(turn[9], form="EPS")
    image(turn[11])
    assert command.score() == 1
    assert hostile.fields("error") == [f"turn {t}" for t in (1, 3, 5, 9)]
    assert "pixels" in command.rows("problems.jsonl")[0]["message"]
    scored = {t for t, row in hostile.items().items() if row["alignment"] is not None}
    assert scored == {7, 11}
    assert command.run("check", "--benchmark", command.benchmark, "--outputs", command.outputs) == 1
    lines = [line for line in command.said.splitlines() if "_output.png" in line]
    assert [line.split()[0] for line in lines] == ["error", "error", "error", "warning", "error"]
    assert "suffix" in lines[3]


def test_answers_of_any_size_and_any_characters_have_their_record(command):
    answers = {2: "B A " * 200_000, 4: "A\0", 6: "\ud800 A \udfff", 8: ESCAPES, 10: "A" * 2_000_000, 12: "\0" * 9}
    hostile = Hostile(command, answers, prompt="Which?\ud800\0")
    assert command.score() == 0, command.warned
    items = hostile.items()
    assert {turn: row["text"] for turn, row in items.items()} == answers
    assert all(row["answer_imug"] is not None and row["answer_strict"] is not None for row in items.values())
    assert (items[4]["answer_imug"], items[6]["answer_imug"]) == (0.5, 0.5)
    assert (command.out / "report.html").stat().st_size < 1_000_000
    assert "\0" not in (command.out / "report.html").read_text(encoding="utf-8")
    json.loads((command.out / "summary.json").read_text(encoding="utf-8"))


def test_a_result_beyond_the_limit_is_refused(command):
    hostile = Hostile(command, {2: "A"})
    with (hostile.folder / "result.json").open("a") as file:
        file.write(" " * 17 * 2**20)
    assert command.score() == 1
    assert "at most" in command.rows("problems.jsonl")[0]["message"]


@pytest.mark.parametrize("what", ["score", "check"])
def test_no_control_character_reaches_the_terminal(command, what):
    hostile = Hostile(command, {1: ESCAPES, 2: ESCAPES, 4: f"ERROR: {ESCAPES}"}, model=f"m{ESCAPES}")
    rows = [{**hostile.sample, "tasks": []}, {**hostile.sample, "domain": ESCAPES, "tasks": []}, {"domain": ESCAPES}]
    with (command.benchmark / "data/benchmark.jsonl").open("a") as file:
        file.writelines(json.dumps(row) + "\n" for row in rows)
    folders = ("--benchmark", command.benchmark, "--outputs", command.outputs)
    assert (command.score() if what == "score" else command.run("check", *folders)) == 1
    said = command.said + command.warned
    assert "m\\x1b]0;owned" in said
    assert not [c for c in said if not c.isprintable() and c != "\n"]
    assert command.score("--model", ESCAPES) == 2
    assert command.warned.isprintable() or "\x1b" not in command.warned


def test_a_name_that_can_be_no_folder_is_refused(command):
    hostile = Hostile(command, {2: "A"})
    names = ["../up", "a/b", "..", "", "x" * 300, "\ud800", "a\x9bb", "\0", ["a"], None]
    with (command.benchmark / "data/benchmark.jsonl").open("a") as file:
        file.writelines(json.dumps({**hostile.sample, "sample_id": name, "tasks": []}) + "\n" for name in names)
    assert command.score() == 1
    assert hostile.fields("error") == ["sample_id"] * len(names)


@pytest.fixture(scope="module")
def chromium() -> str:
    found = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if found is None:
        pytest.skip("no Chromium on this machine")
    return found


def title_after_loading(chromium: str, page: Path) -> str:
    """The page's title once the browser has run what it will run."""
    command = [chromium, "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={page.parent / 'browser'}"]
    done = subprocess.run([*command, "--dump-dom", page.as_uri()], capture_output=True, timeout=60, check=True)
    return done.stdout.decode().partition("<title>")[2].partition("</title>")[0]


def test_no_script_of_a_model_runs_in_the_report(command, chromium):
    replies = {1: SCRIPT, 2: f"A {SCRIPT}", 3: HANDLER, 4: f"B {HANDLER}", 6: "</style></script><!--" + SCRIPT}
    hostile = Hostile(command, replies, model="m<img src=x onerror=document.title='owned'>", prompt=SCRIPT + HANDLER)
    row = json.loads((command.benchmark / "data/benchmark.jsonl").read_text())
    row["sample_id"], folder = HANDLER.replace("/", ""), hostile.folder
    (command.benchmark / "data/benchmark.jsonl").write_text(json.dumps(row) + "\n")
    folder.rename(folder.with_name(f"question_{row['sample_id']}"))
    assert command.score() == 1
    page = command.out / "report.html"
    text = page.read_text(encoding="utf-8")
    policy = '<meta http-equiv="Content-Security-Policy" content="default-src \'none\''
    assert policy in text
    assert SCRIPT in text.replace("&lt;", "<").replace("&gt;", ">").replace("&#39;", "'"), "the answers are not shown"
    bare = page.with_name("bare.html")  # escaping alone has to hold, without the policy
    bare.write_text(text.replace(policy, '<meta content="none'), encoding="utf-8")
    broken = page.with_name("broken.html")  # what a page that escaped nothing would do
    broken.write_text(text.replace(policy, '<meta content="none').replace("</body>", f"{SCRIPT}</body>"))
    assert title_after_loading(chromium, broken) == "owned"
    assert title_after_loading(chromium, bare) == "Dialogue report"
    guarded = page.with_name("guarded.html")  # and the policy alone
    guarded.write_text(text.replace("</body>", f"{SCRIPT}{HANDLER}</body>"), encoding="utf-8")
    assert title_after_loading(chromium, guarded) == "Dialogue report"
