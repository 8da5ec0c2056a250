# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""A model that means harm: nothing is written outside of the folder of the run, nothing breaks, all can be scored."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from imug_metrics.cli import main
from imug_metrics.errors import ArgumentError
from imug_metrics.evaluation import inputs
from imug_metrics.inference import Inference, Message, ModelError, Reply, infer
from imug_metrics.inference.model import MAX_IMAGE_BYTES, MAX_TEXT, ImageFile
from imug_metrics.inference.models.infer_server import InferServer as Client
from tests.cli.conftest import TinyEncoder
from tests.cli.test_hostile import ESCAPES, HANDLER, SCRIPT, huge_png
from tests.inference.server import InferServer
from tests.inference.worlds import World, place, png


class Hostile:
    """Replies at each turn of one dialogue with what it was told to."""

    name = "evil"

    def __init__(self, replies: Sequence[Any], want: str) -> None:
        self.replies = replies
        self.world = World(1, len(replies), images=tuple(range(1, len(replies) + 1)) if want == "image" else ())

    def __call__(self, history: Sequence[Message], *, want: str, seed: int) -> Any:
        reply = self.replies[place(history[-1])[1] - 1]
        if isinstance(reply, BaseException):
            raise reply
        return reply() if callable(reply) else reply

    def run(self, root: Path, **arguments: Any) -> tuple[Inference, list[str]]:
        """A run, and what result.json says of each turn."""
        benchmark = root / "benchmark"
        if not benchmark.exists():
            self.world.write(benchmark)
        found = infer(self, benchmark, root / "out", **arguments)
        path = root / "out/evil/World/all/question_0/result.json"
        return found, [task["model_response"] for task in json.loads(path.read_bytes())["tasks"]]


def everything(folder: Path) -> dict[str, bytes | None]:
    """Every file and folder below a folder but for the outputs."""
    paths = (path for path in folder.rglob("*") if path.relative_to(folder).parts[0] != "out")
    return {path.relative_to(folder).as_posix(): path.read_bytes() if path.is_file() else None for path in paths}


def score(root: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> tuple[int, str, str]:
    """Exit code of `score`, all that it printed, and the page."""
    monkeypatch.setattr(inputs, "load_encoder", lambda spec, device=None: TinyEncoder())
    arguments = ["--benchmark", root / "benchmark", "--outputs", root / "out", "--out", root / "scores"]
    code = main(["score", *map(str, arguments), "--encoder", "tiny"])
    page = root / "scores/report.html"
    return code, "".join(capsys.readouterr()), page.read_text(encoding="utf-8") if page.exists() else ""


TEXTS: dict[str, tuple[Any, str]] = {
    "too long": ("x" * (MAX_TEXT + 1), "ERROR: "),
    "NUL": ("A\0B", "A\0B"),
    "half a surrogate pair": ("A \ud800", "A "),
    "control characters": (f"A\r\n\v\f\x85\u2028\x7f{ESCAPES}", "A\r\n\v\f\x85\u2028\x7f\x1b]0;owned"),
    "markup": (f"A{SCRIPT}{HANDLER}", f"A{SCRIPT}"),
    "template": ("{{ 7 * 7 }} {% raw %} ${7*7}", "{{ 7 * 7 }}"),
    "path upwards": ("../../../../etc/passwd", "../../../../etc/passwd"),
    "name of an image": ("turn_1_output.png", "turn_1_output.png"),
    "end of a table": ("| A |\n|---|\n```", "| A |"),
    "nothing": ("", "ERROR: "),
    "None": (None, "ERROR: "),
    "number": (5, "ERROR: "),
    "list": (["A"], "ERROR: "),
    "image in place of a text": (png("red"), "ERROR: "),
    "path object": (Path("/etc/passwd"), "ERROR: "),
    "NaN tokens": (lambda: Reply("A", usage={"tokens": math.nan}), "ERROR: "),
    "negative tokens": (lambda: Reply("A", usage={"tokens": -1}), "ERROR: "),
    "too many tokens": (lambda: Reply("A", usage={"tokens": 10**400}), "ERROR: "),
    "path as a cost": (lambda: Reply("A", usage={"../tokens": 1}), "A"),
    "markup as a cost": (lambda: Reply("A", usage={SCRIPT: 1}), "A"),
    "escapes as a cost": (lambda: Reply("A", usage={ESCAPES: 1}), "ERROR: "),
    "words as a cost": (lambda: Reply("A", usage={"tokens": "1"}), "ERROR: "),  # type: ignore[dict-item]
    "costs of another shape": (lambda: Reply("A", usage=[1]), "ERROR: "),  # type: ignore[arg-type]
    "requests of its own": (lambda: Reply("A", usage={"requests": 1e9}), "ERROR: "),
    "error with escapes": (ModelError(f"no {ESCAPES}{SCRIPT}"), "ERROR: no "),
    "error without end": (ValueError("x" * 10**6), "ERROR: ValueError: xxx"),
    "error that cannot be told": (type("Bad", (Exception,), {"__str__": lambda self: 1 / 0})(), "ERROR: "),
    "recursion": (RecursionError(), "ERROR: RecursionError"),
}


def test_texts_of_every_kind_are_kept_or_refused_turn_by_turn(tmp_path, capsys, monkeypatch):
    before = everything(tmp_path)
    found, said = Hostile([reply for reply, _ in TEXTS.values()], "text").run(tmp_path)
    for (name, (_, beginning)), response in zip(TEXTS.items(), said, strict=True):
        assert response.startswith(beginning), name
        assert len(response) < 3000 or name == "too long", name
    failed = [problem.field for problem in found.problems]
    assert failed == [f"turn {turn}" for turn, response in enumerate(said, 1) if response.startswith("ERROR: ")]
    assert {name.split("/")[0] for name in set(everything(tmp_path)) - set(before)} == {"benchmark"}
    code, printed, page = score(tmp_path, capsys, monkeypatch)
    assert code in (0, 1), printed
    assert not [character for character in printed if not character.isprintable() and character != "\n"]
    assert not set("\x1b\x07\0\ud800") & set(page)
    assert SCRIPT not in page
    assert "&lt;script&gt;" in page
    assert HANDLER not in page
    usage = json.loads((tmp_path / "out/.evil/World/all/question_0.json").read_bytes())["turns"]
    assert [turn["costs"]["requests"] for turn in usage] == [1] * len(TEXTS)


IMAGES: dict[str, tuple[Any, bool]] = {
    "path as text": ("../../../../etc/passwd", False),
    "name of an earlier image": ("turn_2_output.png", False),
    "path object": (Path("/etc/passwd"), False),
    "nothing": (b"", False),
    "too large": (lambda: bytes(MAX_IMAGE_BYTES + 1), False),
    "number": (7, False),
    "no image": (b"no image", True),
    "drawing with a script": (b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>', True),
    "program": (b"#!/bin/sh\nrm -rf /\n", True),
    "cut image": (png("red")[:40], True),
    "sound image": (png("blue"), True),
    "two images": (Reply(text="A", image=ImageFile(png("green"), as_sent="../../etc/passwd")), True),
}


def test_images_of_every_kind_are_kept_as_they_are_or_refused(tmp_path, capsys, monkeypatch):
    bomb = huge_png(tmp_path / "bomb.png").read_bytes()
    kinds = {**IMAGES, "many pixels": (bomb, True)}
    found, said = Hostile([reply for reply, _ in kinds.values()], "image").run(tmp_path)
    folder = tmp_path / "out/evil/World/all/question_0"
    for turn, ((name, (reply, is_kept)), response) in enumerate(zip(kinds.items(), said, strict=True), 1):
        path = folder / f"turn_{turn}_output.png"
        assert response == path.name if is_kept else response.startswith("ERROR: "), name
        assert path.exists() == is_kept, name
        if isinstance(reply, bytes) and is_kept:
            assert path.read_bytes() == reply, name
    sound = {list(kinds).index(name) + 1 for name in ("sound image", "two images")}
    assert [problem.field for problem in found.problems] == [
        f"turn {turn}" for turn in range(1, len(kinds) + 1) if turn not in sound
    ], "also of what is kept, but cannot be opened"
    assert {path.name for path in folder.iterdir()} == {"result.json"} | {
        response for response in said if not response.startswith("ERROR")
    }
    code, printed, page = score(tmp_path, capsys, monkeypatch)
    assert code == 1, printed
    assert "onload=" not in page
    assert "root:" not in page


SERVED: dict[str, bytes | dict[str, Any]] = {
    "deep JSON": b'{"response": ' + b"[" * 200_000,
    "deep object": b'{"response": {"text": ' + b'{"a": ' * 100_000 + b"1" + b"}" * 100_001 + b"}",
    "list": b"[]",
    "null": b"null",
    "number": b"NaN",
    "nothing": b"",
    "no UTF-8": b'{"response": {"text": "\xff\xfe"}}',
    "response of another type": {"response": [1]},
    "no response": {"answer": "A"},
    "number as text": {"response": {"text": 5}},
    "object as text": {"response": {"text": {"a": SCRIPT}}},
    "null as text": {"response": {"text": None}},
    "half a surrogate pair": b'{"response": {"text": "A \\ud800"}}',
    "error as an object": {"response": {"error": {"a": SCRIPT}, "text": "A"}},
    "NaN tokens": b'{"response": {"text": "A"}, "usage": {"tokens": NaN}}',
    "negative tokens": {"response": {"text": "A"}, "usage": {"tokens": -5}},
    "words as usage": {"response": {"text": "A"}, "usage": "free"},
    "costs without end": b'{"response": {"text": "A"}, "usage": {"tokens": 1' + b"0" * 400 + b"}}",
    "numbers without end": b'{"response": {"text": ' + b"1" * 10_000 + b"}}",
    "sound": {"response": {"text": "A"}, "usage": {"tokens": 3}},
}


def serve(root: Path, replies: Sequence[Any], want: str, attempts: int = 2) -> tuple[Inference, list[str]]:
    """A run, and what result.json says of each turn, where a server replies so."""
    pytest.importorskip("aiohttp", reason="aiohttp is not installed")
    world = World(1, len(replies), images=tuple(range(1, len(replies) + 1)) if want == "image" else ())

    def answer(body: dict[str, Any]) -> tuple[int, bytes | dict[str, Any]]:
        return 200, replies[sum(message["role"] == "user" for message in body["history"]) - 1]

    with InferServer(answer) as server:
        found = infer(
            Client(server.url, pause=0, attempts=attempts), world.write(root / "benchmark"), root / "out", name="evil"
        )
    path = root / "out/evil/World/all/question_0/result.json"
    return found, [task["model_response"] for task in json.loads(path.read_bytes())["tasks"]]


def test_a_server_may_reply_with_anything(tmp_path, capsys, monkeypatch):
    _, responses = serve(tmp_path, list(SERVED.values()), "text")
    said = dict(zip(SERVED, responses, strict=True))
    assert said.pop("sound") == "A"
    assert said.pop("half a surrogate pair").startswith("A ")
    assert set(said.pop("no UTF-8")) == {"\N{REPLACEMENT CHARACTER}"}
    for name, response in said.items():
        assert response.startswith("ERROR: ") or response == "A", name
        assert len(response) < 3000, name
        assert response == "A" or "tokens" not in name or response.startswith("ERROR: "), name
    usage = json.loads((tmp_path / "out/.evil/World/all/question_0.json").read_bytes())["turns"]
    assert usage[-1]["costs"]["tokens"] == 3
    assert all(math.isfinite(cost) and cost >= 0 for turn in usage for cost in turn["costs"].values())
    code, printed, page = score(tmp_path, capsys, monkeypatch)
    assert code in (0, 1), printed
    assert SCRIPT not in page


def test_images_of_a_server_may_be_anything(tmp_path):
    """Base64 is read as the released loop reads it: the letters of a path are an image that cannot be opened."""
    paths = ["../../etc/passwd", "/etc/passwd", "file:///etc/passwd", "http://127.0.0.1:9/a.png"]
    replies = [*paths, "!!!", "data:,", 5, None, {"path": "/etc/passwd"}]
    found, said = serve(tmp_path, [{"response": {"image": image}} for image in replies], "image")
    assert [problem.field for problem in found.problems] == [f"turn {turn}" for turn in range(1, len(replies) + 1)]
    for image in (tmp_path / "out/evil").rglob("*.png"):
        assert image.name in said
        assert b"root:" not in image.read_bytes()
        assert image.stat().st_size < 20
    assert all(response.startswith("ERROR: ") for response in said[-5:])


def test_a_body_without_end_is_given_up(tmp_path):
    body = b'{"response": {"text": "' + b"A" * (MAX_IMAGE_BYTES * 2) + b'"}}'
    _, (response,) = serve(tmp_path, [body], "text", attempts=1)
    assert response.startswith("ERROR: ")
    assert len(response) < 3000


def test_the_largest_replies_that_are_taken_can_be_read_again(tmp_path, capsys, monkeypatch):
    """Ten texts of the greatest length and of characters that take four bytes each."""
    hostile = Hostile(["\N{GRINNING FACE}" * MAX_TEXT] * 10, "text")
    _, said = hostile.run(tmp_path)
    assert [len(response) for response in said] == [MAX_TEXT] * 10
    path = tmp_path / "out/evil/World/all/question_0/result.json"
    written = path.stat().st_mtime_ns
    hostile.run(tmp_path)
    assert path.stat().st_mtime_ns == written, "it counts as finished"
    code, printed, _ = score(tmp_path, capsys, monkeypatch)
    assert code in (0, 1), printed
    problems = (tmp_path / "scores/problems.jsonl").read_text()
    assert "left out" not in problems


NAMES = ["../evil", "a/b", "..", ".", "", ".hidden", "a\0b", "a\nb", "/etc", "x" * 300, "\ud800"]


@pytest.mark.parametrize("name", NAMES, ids=range(len(NAMES)))
def test_a_name_that_is_no_folder_is_refused(tmp_path, name):
    hostile = Hostile(["A"], "text")
    with pytest.raises(ArgumentError, match="name"):
        hostile.run(tmp_path, name=name)
    assert not (tmp_path / "out").exists()


def test_a_model_that_calls_itself_a_path_gets_a_folder_within(tmp_path):
    hostile = Hostile(["A"], "text")
    hostile.name = "../../etc"
    benchmark = hostile.world.write(tmp_path / "a/b/benchmark")
    found = infer(hostile, benchmark, tmp_path / "a/b/out")
    (name,) = found.models
    assert (tmp_path / "a/b/out" / name / "World/all/question_0/result.json").is_file()
    assert {path.name for path in tmp_path.iterdir()} == {"a"}
    assert {path.name for path in (tmp_path / "a/b").iterdir()} == {"benchmark", "out"}


PLACES = [
    {"sample_id": "../../../../up"},
    {"sample_id": "a/b"},
    {"sample_id": "/etc"},
    {"sample_id": ""},
    {"sample_id": None},
    {"sample_id": "\0"},
    {"domain": ".."},
    {"domain": "../.."},
    {"domain": [1]},
    {"subdomain": ".."},
    {"subdomain": "/"},
    {"subdomain": "", "category": "../up"},
]


def test_a_sample_that_leads_out_of_the_folder_is_left_out(tmp_path):
    hostile = Hostile(["A"], "text")
    path = hostile.world.write(tmp_path / "benchmark") / "data/benchmark.jsonl"
    row = json.loads(path.read_text())
    path.write_text("".join(json.dumps(each) + "\n" for each in [*({**row, **other} for other in PLACES), row]))
    before = everything(tmp_path)
    found, said = hostile.run(tmp_path)
    assert said == ["A"]
    assert [problem.line for problem in found.problems] == list(range(1, len(PLACES) + 1))
    assert everything(tmp_path) == before
    assert [file.parent.name for file in (tmp_path / "out").rglob("result.json")] == ["question_0"]


def test_an_input_image_outside_of_the_benchmark_is_not_sent(tmp_path):
    (tmp_path / "secret.png").write_bytes(png("red"))
    hostile = Hostile(["A"], "text")
    path = hostile.world.write(tmp_path / "benchmark") / "data/benchmark.jsonl"
    row = json.loads(path.read_text())
    row["tasks"][0]["input"].append({"image": "../../../secret.png"})
    path.write_text(json.dumps(row) + "\n")
    sent: list[Any] = []
    found = infer(lambda history, *, want, seed: sent.append(history), path.parents[1], tmp_path / "out", name="evil")
    assert not sent
    assert "not found" in found.problems[0].message


LINKS: dict[str, bool] = {  # by place: whether it leads to a folder
    "evil": True,
    "evil/World": True,
    "evil/World/all/question_0": True,
    "evil/World/all/question_0/result.json": False,
    "evil/World/all/question_0/turn_1_output.png": False,
    ".evil": True,
    ".evil/World": True,
    ".evil/images": True,
    ".evil/journal.jsonl": False,
    ".evil/run.json": False,
    ".evil/World/all/question_0.json": False,
}


@pytest.mark.parametrize("link", LINKS)
@pytest.mark.parametrize("overwrite", [False, True])
def test_nothing_is_written_through_a_link(tmp_path, link, overwrite):
    hostile = Hostile([png("red"), png("blue")], "image")
    hostile.world.write(tmp_path / "benchmark")
    outside = tmp_path / "other"
    outside.mkdir()
    (outside / "file").write_text("{}")
    path = tmp_path / "out" / link
    path.parent.mkdir(parents=True)
    path.symlink_to(outside if LINKS[link] else outside / "file")
    before = everything(tmp_path)
    try:
        found = infer(hostile, tmp_path / "benchmark", tmp_path / "out", overwrite=overwrite)
    except (ArgumentError, OSError):
        pass  # told before anything was asked
    else:
        results = list((tmp_path / "out/evil").rglob("result.json"))
        assert found.problems or [file.is_symlink() for file in results] == [False]
    assert everything(tmp_path) == before


def test_a_reply_that_says_it_failed_is_a_failure_like_any_other(tmp_path):
    """The layout has no other mark of a turn that failed, so that the model's own word counts."""
    hostile = Hostile(["ERROR: I give up"], "text")
    _, said = hostile.run(tmp_path)
    assert said == ["ERROR: I give up"]


def test_an_interrupt_ends_the_run_and_leaves_it_whole(tmp_path):
    replies: list[Any] = ["A", KeyboardInterrupt()]
    hostile = Hostile(replies, "text")
    with pytest.raises(KeyboardInterrupt):
        hostile.run(tmp_path)
    replies[1] = "B"
    _, said = hostile.run(tmp_path)
    assert said == ["A", "B"]
