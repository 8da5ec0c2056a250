# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""The files of the guide to engines, as they are printed, on clusters of two local processes."""

from __future__ import annotations

import json
import os
import random
import re
import runpy
import subprocess
import sys
from pathlib import Path

import pytest

from tests.integrations.recorded import rows

GUIDE = Path(__file__).resolve().parents[2] / "docs/guides/engines.md"
LIMIT_S = 300  # of a cluster's start, work and end
ENGINES = {"dask": "distributed", "ray": "ray"}
BY_ROW = """

def shard(row):
    return row["turn"] % SHARDS
"""


def write_files(folder: Path, more: str = "") -> None:
    """The guide's files, and a run in three files over which its dialogues are scattered."""
    files = re.findall(r'```python title="([\w.]+)"\n(.*?)^```', GUIDE.read_text(encoding="utf-8"), re.M | re.S)
    for name, text in files:
        (folder / name).write_text(text + (more if name == "scoring.py" else ""), encoding="utf-8")
    order = random.Random(0)
    run = [{**row, "grade": order.random()} for row in rows()]
    order.shuffle(run)
    for part in range(3):
        lines = "".join(json.dumps(row) + "\n" for row in run[part::3])
        (folder / f"run-{part}.jsonl").write_text(lines, encoding="utf-8")


def one_process(folder: Path) -> dict[str, float]:
    """What the shared file makes of the whole run, here."""
    scoring = runpy.run_path(str(folder / "scoring.py"))
    paths = sorted(folder.glob("run-*.jsonl"))
    whole = [json.loads(line) for path in paths for line in path.read_text(encoding="utf-8").splitlines()]
    scores: dict[str, float] = scoring["scores"]([scoring["state"](whole)])
    return scores


def run(folder: Path, program: str) -> tuple[dict[str, float], str]:
    """The scores that a program prints last, and what it says beside them."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "RAY_AUTH_MODE": "disabled", "RAY_USAGE_STATS_ENABLED": "0"}
    with (folder / "out").open("w+") as out, (folder / "err").open("w+") as err:  # workers may outlive a pipe's reader
        try:
            code = subprocess.run(
                [sys.executable, program], cwd=folder, env=environment, stdout=out, stderr=err, timeout=LIMIT_S
            ).returncode
        except subprocess.TimeoutExpired:
            code = None
    printed, said = (folder / "out").read_text(), (folder / "err").read_text()
    if code is None:
        pytest.fail(f"{program} was not done within {LIMIT_S} s. It said: {said[-2000:]}")
    assert code == 0, said[-4000:]
    return json.loads(printed.splitlines()[-1]), said


@pytest.mark.parametrize("engine", ENGINES)
def test_a_recipe_has_at_most_thirty_lines(engine: str, tmp_path: Path) -> None:
    write_files(tmp_path)
    files = [(tmp_path / name).read_text(encoding="utf-8") for name in ("scoring.py", f"on_{engine}.py")]
    assert len([line for text in files for line in text.splitlines() if line.strip()]) <= 30


@pytest.mark.parametrize("engine", ENGINES)
def test_shards_of_dialogues_score_as_one_process(engine: str, tmp_path: Path) -> None:
    pytest.importorskip(ENGINES[engine], reason=f"{engine} is not installed")
    write_files(tmp_path)
    expected = one_process(tmp_path)
    found, said = run(tmp_path, f"on_{engine}.py")
    assert found.keys() == expected.keys()
    assert found["answer_accuracy_dialogues"] == 30
    for name, value in expected.items():
        off = 0 if name.startswith("answer_accuracy") else 1e-12
        assert found[name] == pytest.approx(value, rel=off, abs=off, nan_ok=True), name
    assert "had been counted before" not in said


def test_shards_of_rows_are_told(tmp_path: Path) -> None:
    pytest.importorskip("distributed", reason="dask is not installed")
    write_files(tmp_path, BY_ROW)
    found, said = run(tmp_path, "on_dask.py")
    assert "RepeatedDialoguesWarning" in said
    assert "dialogues had been counted before" in said
    assert found["answer_accuracy_dialogues"] > 30
