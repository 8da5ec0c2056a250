# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Holds the distributions against what they should be: `python -m tests.packaging DIST`.

Looks into wheel and source distribution, installs one after the other into an environment that has nothing else, and
runs it there.
Exits with 1 if something is wrong.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tests.integrations.environments import install, make_environment
from tests.packaging import distributions, installed


def main() -> int:
    """Check the folder that the command line names."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, metavar="DIST", help="holds one wheel and one source distribution")
    folder = parser.parse_args().folder.resolve()
    found = [*distributions.faults(folder)]
    if not found:
        with tempfile.TemporaryDirectory() as temporary:
            found = [*_installed_faults(sorted(folder.iterdir()), Path(temporary))]
    print(*(found or ["nothing is wrong with the distributions"]), sep="\n")
    return 1 if found else 0


def _installed_faults(files: list[Path], folder: Path) -> Iterator[str]:
    """What is wrong with distributions where they are installed, one in place of the other."""
    environment = folder / "environment"
    for file in files:
        print(f"{file.name}: {file.stat().st_size:,} bytes", flush=True)
        if environment.exists():
            install(environment, "--force-reinstall", "--no-deps", str(file))
        else:
            make_environment(environment, file)
        work = folder / file.name
        work.mkdir()
        yield from (f"{file.name}: {fault}" for fault in installed.faults(environment, work))


if __name__ == "__main__":
    sys.exit(main())
