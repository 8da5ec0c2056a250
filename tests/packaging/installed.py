# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""What is seen of an installed distribution, in an environment that has nothing else: no optional package is there."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

from tests.integrations.comparison import differences
from tests.integrations.environments import ROOT, clean_variables, python_of
from tests.integrations.recorded import write_rows

_MODULES = """
import json, time
begin = time.perf_counter()
import torch
torch_seconds = time.perf_counter() - begin
import imug_metrics
whole_seconds = time.perf_counter() - begin
print(json.dumps({
    "path": imug_metrics.__file__, "torch": torch_seconds, "whole": whole_seconds
}))
"""


def faults(environment: Path, folder: Path) -> Iterator[str]:
    """What is wrong with the package in an environment; prints how long its import takes beside that of torch.

    Args:
        environment: where it is installed.
        folder: an empty one.
    """
    yield from _import_faults(environment, folder)
    yield from _demo_faults(environment, folder)
    yield from _score_faults(environment, folder)


def _import_faults(environment: Path, folder: Path) -> Iterator[str]:
    found = json.loads(_output([python_of(environment), "-c", _MODULES], folder))
    if not Path(found["path"]).is_relative_to(environment):
        yield f"{found['path']} was imported, which is not in the environment"
    ratio = found["whole"] / found["torch"]
    print(
        f"import of torch {found['torch']:.1f} s, together with imug_metrics {found['whole']:.1f} s, {ratio:.1f} times"
    )


def _demo_faults(environment: Path, folder: Path) -> Iterator[str]:
    said = _output([environment / "bin" / "imug-metrics", "demo", "--out", folder / "demo"], folder)
    table = said[said.index("Scores by model") : said.index("Change per turn")]
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    if not all(line.strip() in readme for line in table.splitlines()):
        yield f"the demo prints another table than the README:\n{table}"
    if not (folder / "demo" / "report.html").is_file():
        yield "the demo wrote no report"


def _score_faults(environment: Path, folder: Path) -> Iterator[str]:
    data = write_rows(folder / "rows.jsonl")
    command = [environment / "bin" / "imug-metrics", "score", data, "--columns", "text=reply", "--out", folder / "rows"]
    _output(command, folder)
    [scores] = json.loads((folder / "rows" / "summary.json").read_text())["models"].values()
    yield from (f"{fault} as scored by the command" for fault in differences(scores))


def _output(command: list[object], folder: Path) -> str:
    """What a command printed; an error with all of it if it failed."""
    ended = subprocess.run(list(map(str, command)), cwd=folder, env=clean_variables(), capture_output=True, text=True)
    if ended.returncode:
        raise RuntimeError(f"{command[0]} ended with {ended.returncode}:\n{ended.stdout}{ended.stderr}")
    return ended.stdout
