# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""A run that is killed again and again ends as one that was left alone, asks nothing twice and leaves no half file."""

from __future__ import annotations

import json
import os
import random
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from imug_metrics.inference import infer
from tests.inference.worlds import World

WORLD = World(12, 4, images=(2, 4))
CONCURRENCY = 3
KILLS = 10
IN_PLACE = 77

MODEL = """
import hashlib, io, os, time
from PIL import Image
from imug_metrics.inference.model import ImageFile, ModelError, Reply

LOG = os.open(os.environ["IMUG_TEST_LOG"], os.O_WRONLY | os.O_APPEND | os.O_CREAT)

def answer(history, *, want, seed):
    said = [[m.role, [part if isinstance(part, str) else part.data.hex() for part in m.parts]] for m in history]
    digest = hashlib.sha256(repr((said, want, seed)).encode()).hexdigest()
    os.write(LOG, f"{digest}\\n".encode())
    time.sleep(0.004)
    if digest[0] == "0":
        raise ModelError("no memory", is_final=True)
    if want == "text":
        return Reply("ABCD"[int(digest[1], 16) % 4], usage={"tokens": int(digest[:3], 16)})
    file = io.BytesIO()
    Image.new("RGB", (16, 16), "#" + digest[:6]).save(file, "png")
    return Reply(image=ImageFile(file.getvalue()), usage={"tokens": 7})
"""


@dataclass
class Run:
    """One folder of outputs, one log of what the model was asked, and processes that are forked and killed."""

    benchmark: Path
    model: Path
    folder: Path

    @property
    def log(self) -> Path:
        return self.folder / "asked.log"

    @property
    def out(self) -> Path:
        return self.folder / "out"

    def asked(self) -> list[str]:
        return self.log.read_text().splitlines() if self.log.exists() else []

    def recorded(self) -> int:
        """Whole lines of the journal."""
        path = self.out / ".model/journal.jsonl"
        return path.read_bytes().count(b"\n") if path.exists() else 0

    def start(self, die_at: int = 0) -> int:
        """Start a process; see `watch`."""
        # Forked, because a new interpreter would import the library again: seconds instead of none.
        process = os.fork()
        if process:
            return process
        code = 1
        try:
            os.environ["IMUG_TEST_LOG"] = str(self.log)
            watch(self.out, die_at)
            spec = f"python:{self.model}:answer"
            infer(spec, self.benchmark, self.out, name="model", seed=5, concurrency=CONCURRENCY)
            code = 0
        finally:
            os._exit(code)

    def finish(self) -> None:
        _, status = os.waitpid(self.start(), 0)
        assert status == 0

    def kill_after(self, requests: int, pause: float) -> None:
        """Start, wait for so many further requests and then a moment, and kill."""
        goal = len(self.asked()) + requests
        process = self.start()
        try:
            wait_for(lambda: len(self.asked()) >= goal)  # never met where the process ends before
            time.sleep(pause)
        finally:
            os.kill(process, signal.SIGKILL)
            _, status = os.waitpid(process, 0)
        assert os.WTERMSIG(status) == signal.SIGKILL, "killed at work, not after it"

    def outputs(self) -> dict[str, bytes]:
        """All files of the official layout, those that no run should leave among them."""
        root = self.out / "model"
        return {path.relative_to(root).as_posix(): path.read_bytes() for path in root.rglob("*") if path.is_file()}

    def names(self) -> set[str]:
        """Names of all files, of the hidden folder too."""
        return {path.relative_to(self.out).as_posix() for path in self.out.rglob("*") if path.is_file()}

    def usage(self) -> dict[str, object]:
        """What each dialogue has cost, but for the time."""
        root = self.out / ".model"
        paths = root.rglob("question_*.json")
        found = {path.relative_to(root).as_posix(): json.loads(path.read_bytes()) for path in paths}
        for content in found.values():
            for turn in content["turns"]:
                assert turn["costs"].pop("seconds") > 0
        return found


def watch(folder: Path, die_at: int) -> None:
    """Kill this process right before so many files below `folder` are opened for writing, renamed or removed; 0: never.

    Outputs may only come by renaming: a process that opens one of them for writing ends with IN_PLACE.
    """
    left = die_at

    def step(event: str, arguments: tuple[Any, ...]) -> None:
        nonlocal left
        path = arguments[0] if event in ("open", "os.rename", "os.remove") else None
        if not isinstance(path, (str, Path)) or not Path(path).is_relative_to(folder):
            return
        if event == "open" and not arguments[2] & (os.O_WRONLY | os.O_RDWR):
            return
        if event == "open" and Path(path).is_relative_to(folder / "model"):
            os._exit(IN_PLACE)
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(step)


def wait_for(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < end, "nothing happens"
        time.sleep(0.001)


def half_files(out: Path) -> Iterator[Path]:
    """Results that are cut off or name an image that is not there whole."""
    for path in out.glob("model/*/*/*/result.json"):
        try:
            tasks = json.loads(path.read_bytes())["tasks"]
        except ValueError:
            yield path
            continue
        names = [task["model_response"] for task in tasks if task["modality"] == "image"]
        yield from (
            path.parent / name for name in names if not name.startswith("ERROR: ") and not is_whole(path.parent / name)
        )
    yield from (path for path in out.glob("model/*/*/*/turn_*_output.png") if not is_whole(path))


def is_whole(image: Path) -> bool:
    return image.is_file() and image.read_bytes().endswith(b"IEND\xaeB`\x82")


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> tuple[Run, Run, list[tuple[int, int]]]:
    """A run that was left alone, one that was killed and finished, and what each life of it asked and recorded."""
    root = tmp_path_factory.mktemp("kills")
    benchmark = WORLD.write(root / "benchmark")
    model = root / "scripted.py"
    model.write_text(MODEL)
    alone, killed = (Run(benchmark, model, root / name) for name in ("alone", "killed"))
    alone.folder.mkdir()
    killed.folder.mkdir()
    alone.finish()
    random_ = random.Random(25)
    lives = []
    for _ in range(KILLS):
        asked, recorded = len(killed.asked()), killed.recorded()
        killed.kill_after(random_.randint(1, 4), random_.uniform(0, 0.008))
        assert not list(half_files(killed.out))
        lives.append((len(killed.asked()) - asked, killed.recorded() - recorded))
    killed.finish()
    return alone, killed, lives


@pytest.fixture
def folders(tmp_path: Path) -> Callable[[str], Run]:
    """Runs of one dialogue, each in a folder of its own."""
    benchmark = World(1, 2, images=(2,)).write(tmp_path / "benchmark")
    model = tmp_path / "scripted.py"
    model.write_text(MODEL)

    def make(name: str) -> Run:
        (tmp_path / name).mkdir()
        return Run(benchmark, model, tmp_path / name)

    return make


def test_a_kill_before_any_change_of_a_file_does_no_harm(folders):
    alone = folders("alone")
    alone.finish()
    for step in range(1, 1000):
        run = folders(str(step))
        _, status = os.waitpid(run.start(die_at=step), 0)
        if status == 0:
            break
        assert os.WTERMSIG(status) == signal.SIGKILL
        assert not list(half_files(run.out))
        asked, recorded = len(run.asked()), run.recorded()
        run.finish()
        assert run.outputs() == alone.outputs()
        assert run.usage() == alone.usage()
        assert run.names() == alone.names(), "nothing is left of what was not whole"
        assert len(run.asked()) == len(alone.asked()) + asked - recorded
    assert step > 10, "every step was one to die at"


def test_the_outputs_are_those_of_a_run_that_was_left_alone(runs):
    alone, killed, _ = runs
    assert len([name for name in alone.outputs() if name.endswith("result.json")]) == WORLD.dialogues
    assert killed.outputs() == alone.outputs()
    assert killed.usage() == alone.usage()
    assert killed.names() == alone.names()
    assert len(killed.usage()) == WORLD.dialogues


def test_only_what_was_under_way_at_a_kill_is_asked_again(runs):
    alone, killed, lives = runs
    once, times = Counter(alone.asked()), Counter(killed.asked())
    assert once.total() == len(once) == WORLD.dialogues * WORLD.turns
    assert set(times) == set(once)
    assert all(asked - recorded <= CONCURRENCY for asked, recorded in lives)
    assert times.total() - len(once) == sum(asked - recorded for asked, recorded in lives)
    assert killed.recorded() == alone.recorded() == len(once)
    assert any(digest.startswith("0") for digest in once), "some of the turns fail"


def test_a_finished_run_asks_nothing(runs):
    alone, *_ = runs
    before = alone.asked(), alone.outputs()
    alone.finish()
    assert (alone.asked(), alone.outputs()) == before
