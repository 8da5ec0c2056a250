# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Inspect on the recorded run, by its own commands: an evaluation, and its finished log scored a second time.

What the recorded run does not have is in `behaviour.py`, which runs first.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import inspect_ai
from inspect_ai.log import EvalScore, read_eval_log

HERE = Path(__file__).parent
NAMES = ("answer_accuracy", "answer_accuracy_lower", "answer_accuracy_upper", "answer_accuracy_slope")


def main(data: Path) -> None:
    variables = install_replay(Path("model").absolute())
    subprocess.run([sys.executable, str(HERE / "behaviour.py")], env=variables, check=True)
    task = [f"{HERE / 'rooms.py'}@rooms", "-T", f"data={data}"]
    model = ["--model", "replay/recorded", "-M", f"data={data}"]
    printed = inspect("eval", *task, *model, "--log-dir", "logs", "--display", "plain", env=variables)
    [log] = Path("logs").glob("*.eval")
    again = ["--scorer", "imug_metrics/answers", "--action", "append", "--output-file", "scored_again.eval"]
    inspect("score", str(log), *again, env=variables)
    results = read_eval_log("scored_again.eval").results
    assert results is not None
    first, second = results.scores
    found = {
        "version": f"inspect-ai {inspect_ai.__version__}",
        "scores": values(first),
        "log": str(log),
        "rescored": values(second),
        "printed": "\n".join(line.rstrip() for line in printed.splitlines() if line.startswith("answer")),
    }
    Path("found.json").write_text(json.dumps(found, indent=2), encoding="utf-8")


def install_replay(folder: Path) -> dict[str, str]:
    """Give a folder what an installed package has; the variables under which Inspect finds the model by it."""
    installed = folder / "replay-1.dist-info"
    installed.mkdir(parents=True)
    (installed / "METADATA").write_text("Metadata-Version: 2.1\nName: replay\nVersion: 1\n", encoding="utf-8")
    (installed / "entry_points.txt").write_text("[inspect_ai]\nreplay = replay\n", encoding="utf-8")
    return {**os.environ, "PYTHONPATH": os.pathsep.join((str(folder), str(HERE)))}


def inspect(*arguments: str, env: dict[str, str]) -> str:
    """What the command prints."""
    command = [str(Path(sys.executable).with_name("inspect")), *arguments]
    return subprocess.run(command, env=env, check=True, stdout=subprocess.PIPE, text=True).stdout


def values(score: EvalScore) -> dict[str, float]:
    return {name: score.metrics[name].value for name in NAMES}


if __name__ == "__main__":
    main(Path(sys.argv[1]))
