# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""lm-evaluation-harness on the recorded run: its command line, the task that is installed, a model that replays.

A task of our own (`own`), whose documents have other fields, has to have the same scores.
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

TASK, OWN = "imug_answers", "my_dialogues"
TASKS = files("imug_metrics.integrations") / "lm_eval_tasks"
NAMES = ("answer_accuracy", "answer_accuracy_lower", "answer_accuracy_upper", "answer_accuracy_slope")


def main(data: Path) -> None:
    shutil.copy(data, f"{TASK}.jsonl")
    write_own(data, Path("dialogues.jsonl"))
    here = Path(__file__).parent
    command = [
        *(sys.executable, str(here / "replay.py"), "run"),
        *("--model", "replay", "--model_args", f"model=replay,data={TASK}.jsonl"),
        *("--tasks", f"{TASK},{here / 'own' / OWN}.yaml", "--include_path", str(TASKS)),
        *("--log_samples", "--output_path", "out"),
    ]
    offline = {**os.environ, "HF_HOME": str(Path("cache").absolute()), "HF_HUB_OFFLINE": "1"}
    done = subprocess.run(command, env=offline, check=True, stdout=subprocess.PIPE, text=True)
    [results] = Path("out").rglob("results_*.json")
    [log] = Path("out").rglob(f"samples_{TASK}_*.jsonl")
    written = json.loads(results.read_text(encoding="utf-8"))["results"]
    for name in ("answer_accuracy,none", "answer_accuracy_slope,none"):
        if written[OWN][name] != written[TASK][name]:
            sys.exit(f"Expected the same {name} in a task of our own, {written[TASK][name]}, got {written[OWN][name]}.")
    found = {
        "version": f"lm_eval {version('lm_eval')}",
        "scores": {name: written[TASK][f"{name},none"] for name in NAMES},
        "log": log.as_posix(),
        "printed": "".join(line for line in done.stdout.splitlines(keepends=True) if line.startswith("|")),
    }
    Path("found.json").write_text(json.dumps(found, indent=2), encoding="utf-8")


def write_own(data: Path, path: Path) -> None:
    """The rows with the fields of our own task, in which turns count from 0."""
    rows = map(json.loads, data.read_text(encoding="utf-8").splitlines())
    own = (
        {"session": row["dialogue"], "round": row["turn"] - 1, "question": row["question"], "answer": row["answer"]}
        for row in rows
    )
    path.write_text("".join(json.dumps(row) + "\n" for row in own), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
