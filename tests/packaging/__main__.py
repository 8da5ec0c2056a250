# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Holds the distributions against what they should be: `python -m tests.packaging DIST`.

Looks into wheel and source distribution, installs each into an environment that has nothing else, and runs it there.
Exits with 1 if something is wrong.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from tests.integrations.environments import make_environment
from tests.packaging import distributions, installed


def main() -> int:
    """Check the folder that the command line names."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, metavar="DIST", help="holds one wheel and one source distribution")
    folder = parser.parse_args().folder.resolve()
    found = [*distributions.faults(folder)]
    for distribution in () if found else sorted(folder.iterdir()):
        print(f"{distribution.name}: {distribution.stat().st_size:,} bytes", flush=True)
        with tempfile.TemporaryDirectory() as temporary:
            environment, work = Path(temporary, "environment"), Path(temporary, "work")
            work.mkdir()
            make_environment(environment, distribution)
            found += [f"{distribution.name}: {fault}" for fault in installed.faults(environment, work)]
    print(*(found or ["nothing is wrong with the distributions"]), sep="\n")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
