# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""The released loop's run, repeated: the same requests to the byte, the same files to the byte, the same ends."""

from __future__ import annotations

import base64
import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from imug_metrics.cli import main
from imug_metrics.inference import Inference, infer
from imug_metrics.inference.models.infer_server import InferServer as Client
from tests.inference.server import InferServer, Recording
from tests.inference.worlds import World, png

pytest.importorskip("aiohttp", reason="aiohttp is not installed")

SMALL = Path(__file__).parent / "data/released"  # three of the samples, so that something always runs


@pytest.fixture(params=["whole", "small"])
def recording(request: pytest.FixtureRequest) -> Recording:
    if request.param == "small":
        return Recording(SMALL)
    return Recording(request.getfixturevalue("golden") / "infer")


def run(url: str, benchmark: Path, out: Path, **arguments: Any) -> Inference:
    return infer(Client(url, pause=0), benchmark, out, name="model", concurrency=1, **arguments)


def files(folder: Path) -> dict[str, bytes]:
    """All files below a folder, by path."""
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def broken(ends: list[dict[str, Any]], images: Path) -> list[str]:
    """What was said of the samples that could not be gone on with."""
    return [end["message"].replace("IMAGES", str(images)) for end in ends if not end["ended"]]


def test_requests_files_and_ends_are_those_of_the_released_loop(recording, tmp_path):
    benchmark = recording.folder / "benchmark"
    with InferServer(recording.answer) as server:
        found = run(server.url, benchmark, tmp_path)
    assert recording.found == recording.expected
    assert json.dumps(recording.found) == json.dumps(recording.expected), "in the same order of keys"
    assert server.bodies == [json.dumps(json.loads(body)).encode() for body in server.bodies], "and the same spaces"
    assert {header["content-type"] for header in server.headers} == {"application/json"}
    assert set(server.paths) == {"/infer"}
    assert files(tmp_path / "model") == files(recording.folder / "outputs/model")
    assert {path.name for path in tmp_path.iterdir()} == {"model", ".model"}
    errors = [problem.message for problem in found.problems if problem.level == "error"]
    assert errors == broken(recording.ended["first"], benchmark / "data/images")


def test_a_second_run_asks_nothing_and_changes_nothing(recording, tmp_path):
    benchmark = recording.folder / "benchmark"
    with InferServer(recording.answer) as server:
        run(server.url, benchmark, tmp_path)
        before = files(tmp_path)
        found = run(server.url, benchmark, tmp_path)
    assert len(server.bodies) == len(recording.expected)
    changed = {name for name, content in files(tmp_path).items() if before.pop(name) != content}
    assert not changed
    assert not before
    errors = [problem.message for problem in found.problems if problem.level == "error"]
    said = [message for message in recording.ended["second_run"] if message != "skipped"]
    assert errors == [message.replace("IMAGES", str(benchmark / "data/images")) for message in said]


def test_the_command_ends_as_the_released_one(tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(Client.__init__.__kwdefaults__, "pause", 0.0)
    recording = Recording(SMALL)
    with InferServer(recording.answer) as server:
        arguments = ["--benchmark", SMALL / "benchmark", "--model", f"infer:{server.url}", "--out", tmp_path / "out"]
        code = main(["infer", *map(str, arguments), "--name", "model", "--concurrency", "1"])
    assert code == 1, "a sample has failed"
    assert recording.found == recording.expected
    assert files(tmp_path / "out/model") == files(SMALL / "outputs/model")
    assert "missing.png" in "".join(capsys.readouterr())


def test_a_result_that_was_cut_off_is_not_taken_for_done(tmp_path):
    """The released loop skips a sample whose result.json is there, whatever it holds."""
    recording = Recording(SMALL)
    with InferServer(recording.answer) as server:
        run(server.url, SMALL / "benchmark", tmp_path)
        whole = files(tmp_path / "model")
        path = tmp_path / "model/Physics/falls/question_3/result.json"
        path.write_bytes(path.read_bytes()[:500])
        (tmp_path / "model/Apparel/garment/question_2/turn_2_output.png").unlink()
        run(server.url, SMALL / "benchmark", tmp_path)
    assert files(tmp_path / "model") == whole
    assert len(server.bodies) == len(recording.expected), "from the recorded replies"


def test_an_image_goes_into_the_history_as_the_server_sent_it(tmp_path):
    world = World(1, 3, images=(1, 2))
    red, blue = (base64.b64encode(png(colour)).decode() for colour in ("red", "blue"))
    sent = [f"data:image/png;name=a;base64,{red}", blue]

    def answer(body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        turn = sum(message["role"] == "user" for message in body["history"])
        return 200, {"response": {"image": sent[turn - 1]} if turn < 3 else {"text": "A"}}

    with InferServer(answer) as server:
        run(server.url, world.write(tmp_path / "benchmark"), tmp_path / "out")
        (tmp_path / "out/model/World/all/question_0/result.json").unlink()
        shutil.rmtree(tmp_path / "out/model/World/all/question_0")
        journal = tmp_path / "out/.model/journal.jsonl"
        journal.write_text("".join(journal.read_text().splitlines(keepends=True)[:2]))
        run(server.url, tmp_path / "benchmark", tmp_path / "out")
    histories = [json.loads(body)["history"] for body in server.bodies]
    assert len(histories) == 4, "the last turn was asked twice"
    for history in histories[2:]:
        assert [message["content"] for message in history if message["role"] == "assistant"] == [
            [{"type": "image", "image": image}] for image in sent
        ]
    found = files(tmp_path / "out/model/World/all/question_0")
    assert (found["turn_1_output.png"], found["turn_2_output.png"]) == (png("red"), png("blue"))


def test_dialogues_go_side_by_side_and_turns_one_by_one(tmp_path):
    world = World(6, 3)

    def answer(body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        return 200, {"response": {"text": str(len(body["history"]))}}

    with InferServer(answer, latency=0.02) as server:
        infer(Client(server.url, pause=0), world.write(tmp_path / "benchmark"), tmp_path / "out", name="model")
        assert server.highest == 2, "two requests a server, as the released loop"
    for path in (tmp_path / "out/model").rglob("result.json"):
        tasks = json.loads(path.read_text())["tasks"]
        assert [task["model_response"] for task in tasks] == ["1", "3", "5"]
