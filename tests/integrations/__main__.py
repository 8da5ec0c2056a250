# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Runs harnesses, each in an environment of its own: `python -m tests.integrations --wheel FILE [NAME ...]`.

Exits with 1 if a number is not the library's.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.integrations.comparison import Outcome, run_harness
from tests.integrations.environments import HARNESSES, make_environment
from tests.integrations.status import record, shown

QUICK = ("deepeval", "evaluate", "inspect_ai", "lm_eval")
"""Those that install within two minutes."""


def main() -> int:
    """Run what the command line names."""
    names = sorted(path.name for path in HARNESSES.iterdir() if (path / "run.py").is_file())
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(names)}; none: all")
    parser.add_argument("--wheel", type=Path, required=True, help="of this project")
    parser.add_argument("--quick", action="store_true", help=f"those that install within two minutes: {QUICK}")
    parser.add_argument("--status", action="store_true", help="write the results into docs/integrations/status.md")
    parser.add_argument("--folder", type=Path, help="where environments and runs go (default: one that is removed)")
    options = parser.parse_args()
    if unknown := {*options.names} - {*names}:
        parser.error(f"expected of {', '.join(names)}, got {', '.join(sorted(unknown))}")
    chosen = options.names or (list(QUICK) if options.quick else names)
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.folder or Path(temporary)
        faulty = [name for name in chosen if not _run(name, options.wheel.resolve(), folder / name, options.status)]
    return 1 if faulty else 0


def _run(name: str, wheel: Path, folder: Path, status: bool) -> bool:
    """Run one harness; whether its numbers were the library's."""
    folder.mkdir(parents=True)
    try:
        seconds = make_environment(folder / "environment", wheel, HARNESSES / name / "requirements.txt")
        outcome = run_harness(name, folder / "environment", folder)
    except subprocess.SubprocessError as error:
        seconds, outcome = 0.0, Outcome("", {}, (f"could not be run: {error}",), "")
    print(f"{name} {outcome.version}, installed in {seconds:.0f} s: {shown(outcome)}", flush=True)
    if status:
        record(name, outcome, seconds)
    return not outcome.faults


if __name__ == "__main__":
    sys.exit(main())
