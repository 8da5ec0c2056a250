# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Hugging Face evaluate on the recorded run: batches through a loaded module, its result saved by evaluate."""

from __future__ import annotations

import contextlib
import io
import json
import os
import sys
from pathlib import Path

os.environ |= {"HF_HOME": str(Path("cache").absolute()), "HF_HUB_OFFLINE": "1"}

import evaluate

from imug_metrics.integrations import hf_evaluate

BATCH = 7
NAMES = ("answer_accuracy", "answer_accuracy_lower", "answer_accuracy_upper", "answer_accuracy_slope")


def main(data: Path) -> None:
    rows = [json.loads(line) for line in data.read_text(encoding="utf-8").splitlines()]
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        metric = evaluate.load(hf_evaluate.__file__)
        for begin in range(0, len(rows), BATCH):
            batch = rows[begin : begin + BATCH]
            metric.add_batch(
                predictions=[row["reply"] for row in batch],
                references=[row["answer"] for row in batch],
                dialogue=[row["dialogue"] for row in batch],
                turn=[row["turn"] for row in batch],
            )
        scores = metric.compute()
        print({name: scores[name] for name in NAMES})
    saved = json.loads(evaluate.save("results", **scores).read_text(encoding="utf-8"))
    found = {
        "version": f"evaluate {evaluate.__version__}",
        "scores": {name: saved[name] for name in NAMES},
        "log": None,  # evaluate keeps no samples
        "printed": printed.getvalue(),
    }
    Path("found.json").write_text(json.dumps(found, indent=2), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
