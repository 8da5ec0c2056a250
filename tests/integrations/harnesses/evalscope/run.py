# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""EvalScope on the recorded run: a sample a turn, a sample a dialogue, and the finished run reviewed again.

EvalScope's command line cannot be told of benchmarks outside of its package, so its Python driver runs them.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable
from importlib.metadata import version
from pathlib import Path
from typing import Any

os.environ |= {"REPLAYED": sys.argv[1], "MODELSCOPE_CACHE": "cache", "EVALSCOPE_CACHE": "cache", "HF_HUB_OFFLINE": "1"}

import tasks  # noqa: F401  # registers benchmarks and model
from evalscope import TaskConfig, run_task

NAMES = ("answer_accuracy", "answer_accuracy_lower", "answer_accuracy_upper", "answer_accuracy_slope")


def write_lines(path: Path, rows: Iterable[dict[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def dialogues(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The rows, one line a dialogue."""
    found: dict[str, dict[str, Any]] = {}
    for row in rows:
        line = found.setdefault(row["dialogue"], {"dialogue": row["dialogue"], "questions": [], "answers": []})
        line["questions"].append(row["question"])
        line["answers"].append(row["answer"])
    return [*found.values()]


def run(benchmark: str, data: Path, **options: Any) -> Path:
    """The folder of a finished run."""
    folder = Path("outputs", benchmark)
    config = TaskConfig(
        model="recorded",
        eval_type="replay",
        datasets=[benchmark],
        dataset_args={benchmark: {"local_path": str(data.absolute())}},
        work_dir=str(folder),
        no_timestamp=True,
        **options,
    )
    run_task(config)
    return folder


def scores_of(folder: Path, benchmark: str) -> dict[str, float]:
    """The scores in the report that EvalScope wrote."""
    report = json.loads((folder / "reports" / "recorded" / f"{benchmark}.json").read_text(encoding="utf-8"))
    found = {metric["identity"]["name"]: metric["categories"][0]["subsets"][0] for metric in report["metrics"]}
    return {name: found[name]["metadata"]["unrounded"] for name in NAMES}


def printed(folder: Path) -> str:
    """The table that EvalScope printed."""
    log = (folder / "logs" / "eval_log.log").read_text(encoding="utf-8")
    return log[log.rindex("Overall report table") :].partition("\n\n")[0]


def main(data: Path) -> None:
    rows = [json.loads(line) for line in data.read_text(encoding="utf-8").splitlines()]
    whole = write_lines(Path("dialogues.jsonl"), dialogues(rows))
    turns, folder = run("imug_turns", data), run("imug_dialogues", whole)
    scores = scores_of(folder, "imug_dialogues")
    assert scores_of(turns, "imug_turns") == scores
    run("imug_dialogues", whole, use_cache=str(folder), rerun_review=True)
    found = {
        "version": f"evalscope {version('evalscope')}",
        "scores": scores,
        "log": str(folder / "reviews" / "recorded" / "imug_dialogues_default.jsonl"),
        "rescored": scores_of(folder, "imug_dialogues"),
        "printed": printed(folder),
    }
    Path("found.json").write_text(json.dumps(found, indent=2), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
