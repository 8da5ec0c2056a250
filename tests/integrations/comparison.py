# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""One harness's run of the recorded dialogues, held against the library."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.integrations.environments import HARNESSES, clean_variables, python_of
from tests.integrations.recorded import expected, write_rows

COMPARED = ("answer_accuracy", "answer_accuracy_lower", "answer_accuracy_upper", "answer_accuracy_slope")
_LEAST_DIGITS = 4


@dataclass(frozen=True)
class Outcome:
    """What a harness said, and what became of it.

    Attributes:
        version: of the harness.
        scores: what it wrote as its result.
        faults: what differs from the library; empty where nothing does.
        rescored: how its finished log was scored again, in words.
    """

    version: str
    scores: Mapping[str, float]
    faults: tuple[str, ...]
    rescored: str


def run_harness(name: str, environment: Path, folder: Path) -> Outcome:
    """Run a harness on the recorded dialogues, in an environment and an empty folder."""
    data = write_rows(folder / "data.jsonl")
    work = folder / "work"
    work.mkdir()
    command = [str(python_of(environment)), str(HARNESSES / name / "run.py"), str(data)]
    ended = subprocess.run(command, cwd=work, env=clean_variables(), capture_output=True, text=True, timeout=1_200)
    (folder / "run.txt").write_text(ended.stdout + ended.stderr)
    if ended.returncode:
        return Outcome("", {}, (f"run.py ended with {ended.returncode}: {_last_line(ended)}",), "")
    found = json.loads((work / "found.json").read_text())
    faults = [f"{fault} in its result" for fault in differences(found["scores"])]
    ways = []
    if rescored := found.get("rescored"):
        faults += [f"{fault} in its own second scoring" for fault in differences(rescored)]
        ways.append("by the harness")
    if found.get("log"):
        faults += [f"{fault} by imug-metrics score" for fault in _scored_again(work / found["log"], folder / "score")]
        ways.append("by `imug-metrics score`")
    return Outcome(found["version"], found["scores"], tuple(faults), " and ".join(ways))


def differences(found: Mapping[str, Any]) -> list[str]:
    """Scores that are not the library's, to all digits that are given.

    Example:
        >>> differences({name: round(value, 4) for name, value in expected().items()})
        []
        >>> differences(dict.fromkeys(COMPARED, 0.5))[0]
        'answer_accuracy is 0.5, the library says 0.6545454545454545'
    """
    wanted = expected()
    return [
        f"{name} is {found.get(name)}, the library says {wanted[name]}"
        for name in COMPARED
        if not _same(found.get(name), wanted[name])
    ]


def _same(found: Any, wanted: float) -> bool:
    """Whether a number is another one, rounded to the digits that it has; fewer than four are none to compare."""
    if isinstance(found, bool) or not isinstance(found, (int, float)):
        return False
    digits = max(len(repr(float(found)).partition(".")[2]), _LEAST_DIGITS)
    # Where none is left out, the order in which a harness hands over its samples is in the last one.
    return abs(found - wanted) <= 1e-14 or found == round(wanted, digits)


def _scored_again(log: Path, out: Path) -> list[str]:
    """What `imug-metrics score` says of a finished log that the library does not."""
    command = [str(Path(sys.executable).with_name("imug-metrics")), "score", str(log), "--out", str(out)]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=600)
    if ended.returncode:
        return [f"the command ended with {ended.returncode}: {_last_line(ended)}"]
    [scores] = json.loads((out / "summary.json").read_text())["models"].values()
    return differences(scores)


def _last_line(ended: subprocess.CompletedProcess[str]) -> str:
    return (ended.stderr.strip() or ended.stdout.strip() or "nothing was said").splitlines()[-1]
