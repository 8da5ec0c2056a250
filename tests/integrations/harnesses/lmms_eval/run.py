# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""lmms-eval on the recorded run: its command line, the tasks that are installed, a model that replays.

Each turn is a document of its own in one task, a round of its dialogue in another: the scores have to be the same. A
task of our own (`drawn`) is of images that a model draws: its scores have to be the library's.
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
from typing import Any

from PIL import Image, ImageDraw

from imug_metrics import ImugSuite, Record, TurnAlignment, TurnConsistency

TASK, ROUNDS = "imug_answers", "imug_dialogues"
TASKS = files("imug_metrics.integrations") / "lmms_eval_tasks"
NAMES = ("answer_accuracy", "answer_accuracy_lower", "answer_accuracy_upper", "answer_accuracy_slope")
OF_IMAGES = ("turn_consistency", "turn_consistency_coverage", "turn_alignment", "turn_alignment_slope")


def main(data: Path) -> None:
    shutil.copy(data, f"{TASK}.jsonl")
    write_dialogues(data, Path(f"{ROUNDS}.jsonl"))
    written, printed = run(f"{TASK},{ROUNDS}", TASKS, data, "out")
    scores, in_rounds = ({name: written[task][f"{name},none"] for name in NAMES} for task in (TASK, ROUNDS))
    require_same("in rounds", in_rounds, scores)
    [log] = Path("out").rglob(f"*_samples_{TASK}.jsonl")

    records = write_drawn(Path("drawn.jsonl"))
    of_images, _ = run("drawn", Path(__file__).with_name("drawn"), Path("drawn.jsonl"), "out_drawn")
    require_same_images(of_images["drawn"], records)

    found = {
        "version": f"lmms_eval {version('lmms_eval')}",
        "scores": scores,
        "log": log.as_posix(),
        "printed": "".join(line for line in printed.splitlines(keepends=True) if line.startswith("|")),
    }
    Path("found.json").write_text(json.dumps(found, indent=2), encoding="utf-8")


def run(tasks: str, folder: Any, replies: Path, out: str) -> tuple[dict[str, Any], str]:
    """The results that the command has written, by task, and what it printed."""
    command = [
        *(sys.executable, str(Path(__file__).with_name("replay.py")), "eval"),
        *("--model", "replay", "--model_args", f"data={replies}", "--batch_size", "1"),
        *("--tasks", tasks, "--include_path", str(folder), "--log_samples", "--output_path", out),
    ]
    offline = {**os.environ, "HF_HOME": str(Path("cache").absolute()), "HF_HUB_OFFLINE": "1"}
    done = subprocess.run(command, env=offline, check=True, stdout=subprocess.PIPE, text=True)
    [results] = Path(out).rglob("*_results.json")  # where a run has failed there is none, though it ends with 0
    return json.loads(results.read_text(encoding="utf-8"))["results"], done.stdout


def require_same(where: str, found: dict[str, float], wanted: dict[str, float]) -> None:
    if found != wanted:
        sys.exit(f"Expected {wanted} {where}, got {found}.")


def require_same_images(written: dict[str, Any], records: list[Record]) -> None:
    """Exit unless scores of images are those of the library."""
    suite = ImugSuite([TurnConsistency(detail=True), TurnAlignment(detail=True)], encoder="scene")
    suite.update(records)
    scores = suite.compute()
    found = {name: written.get(f"{name},none") for name in OF_IMAGES}
    require_same("of images", found, {name: scores[name] for name in OF_IMAGES})


def write_drawn(path: Path) -> list[Record]:
    """Documents of image turns, the replies that name files, the files; one image is missing. The records of these."""
    Path("images").mkdir()
    lines, records = [], []
    for number, (dialogue, turn) in enumerate((dialogue, turn) for dialogue in "abc" for turn in (1, 2, 3)):
        name = f"{dialogue}{turn}.png"
        image = Image.new("RGB", (64, 64), "white")
        ImageDraw.Draw(image).ellipse((8, 8, 24 + 3 * number, 24 + 3 * number), fill=("red", "blue", "green")[turn - 1])
        image.save(Path("images", name))
        there, question = number != 4, f"Dialogue {dialogue}, turn {turn}: a circle."
        reply = json.dumps({"text": "", "images": [name] if there else []})
        lines.append(json.dumps({"dialogue": dialogue, "turn": turn, "question": question, "reply": reply}) + "\n")
        drawn = Path("images", name) if there else None
        records.append(Record(dialogue, turn, "image", question, image=drawn))
    path.write_text("".join(lines), encoding="utf-8")
    return records


def write_dialogues(data: Path, path: Path) -> None:
    """A line a dialogue, of rows that are turns."""
    turns: dict[str, list[dict[str, str]]] = {}
    for row in map(json.loads, data.read_text(encoding="utf-8").splitlines()):
        turns.setdefault(row["dialogue"], []).append({"question": row["question"], "answer": row["answer"]})
    lines = [json.dumps({"dialogue": name, "turns": of}) + "\n" for name, of in turns.items()]
    path.write_text("".join(lines), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
