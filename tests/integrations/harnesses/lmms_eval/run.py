# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""lmms-eval on the recorded run: its command line, the tasks that are installed, a model that replays.

Each turn is a document of its own in one task, a round of its dialogue in the other: the scores have to be the same.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path

TASK, ROUNDS = "imug_answers", "imug_dialogues"
TASKS = files("imug_metrics.integrations") / "lmms_eval_tasks"
NAMES = ("answer_accuracy", "answer_accuracy_lower", "answer_accuracy_upper", "answer_accuracy_slope")


def main(data: Path) -> None:
    shutil.copy(data, f"{TASK}.jsonl")
    write_dialogues(data, Path(f"{ROUNDS}.jsonl"))
    command = [
        *(sys.executable, str(Path(__file__).with_name("replay.py")), "eval"),
        *("--model", "replay", "--model_args", f"data={TASK}.jsonl", "--batch_size", "1"),
        *("--tasks", f"{TASK},{ROUNDS}", "--include_path", str(TASKS), "--log_samples", "--output_path", "out"),
    ]
    offline = {**os.environ, "HF_HOME": str(Path("cache").absolute()), "HF_HUB_OFFLINE": "1"}
    done = subprocess.run(command, env=offline, check=True, stdout=subprocess.PIPE, text=True)
    [results] = Path("out").rglob("*_results.json")
    [log] = Path("out").rglob(f"*_samples_{TASK}.jsonl")
    written = json.loads(results.read_text(encoding="utf-8"))["results"]
    scores, in_rounds = ({name: written[task][f"{name},none"] for name in NAMES} for task in (TASK, ROUNDS))
    if scores != in_rounds:
        sys.exit(f"Expected the same scores in rounds, {scores}, got {in_rounds}.")
    found = {
        "version": f"lmms_eval {version('lmms_eval')}",
        "scores": scores,
        "log": log.as_posix(),
        "printed": "".join(line for line in done.stdout.splitlines(keepends=True) if line.startswith("|")),
    }
    Path("found.json").write_text(json.dumps(found, indent=2), encoding="utf-8")


def write_dialogues(data: Path, path: Path) -> None:
    """A line a dialogue, of rows that are turns."""
    turns: dict[str, list[dict[str, str]]] = {}
    for row in map(json.loads, data.read_text(encoding="utf-8").splitlines()):
        turns.setdefault(row["dialogue"], []).append({"question": row["question"], "answer": row["answer"]})
    lines = [json.dumps({"dialogue": name, "turns": of}) + "\n" for name, of in turns.items()]
    path.write_text("".join(lines), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
