# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""lm-evaluation-harness on the recorded run: its command line, the task that is installed, a model that replays."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path

TASK = "imug_answers"
TASKS = files("imug_metrics.integrations") / "lm_eval_tasks"
NAMES = ("answer_accuracy", "answer_accuracy_lower", "answer_accuracy_upper", "answer_accuracy_slope")


def main(data: Path) -> None:
    shutil.copy(data, f"{TASK}.jsonl")
    command = [
        *(sys.executable, str(Path(__file__).with_name("replay.py")), "run"),
        *("--model", "replay", "--model_args", f"model=replay,data={TASK}.jsonl"),
        *("--tasks", TASK, "--include_path", str(TASKS), "--log_samples", "--output_path", "out"),
    ]
    offline = {**os.environ, "HF_HOME": str(Path("cache").absolute()), "HF_HUB_OFFLINE": "1"}
    done = subprocess.run(command, env=offline, check=True, stdout=subprocess.PIPE, text=True)
    [results] = Path("out").rglob("results_*.json")
    [log] = Path("out").rglob(f"samples_{TASK}_*.jsonl")
    scores = json.loads(results.read_text(encoding="utf-8"))["results"][TASK]
    found = {
        "version": f"lm_eval {version('lm_eval')}",
        "scores": {name: scores[f"{name},none"] for name in NAMES},
        "log": log.as_posix(),
        "printed": "".join(line for line in done.stdout.splitlines(keepends=True) if line.startswith("|")),
    }
    Path("found.json").write_text(json.dumps(found, indent=2), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
