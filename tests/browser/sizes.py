# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""How large the page gets with the number of dialogues, and how long a browser takes to open it.

`python -m tests.browser.sizes --out docs/report_sizes.md` measures and writes the page of the documentation.
"""

from __future__ import annotations

import argparse
import platform
import statistics
import tempfile
import time
from datetime import date
from pathlib import Path
from typing import Any, NamedTuple

from imug_metrics.report import write_report
from tests.browser.chromium import launched, wait_until
from tests.report.large import large_scores

MODELS, TURNS, REPEATS = 3, 4, 5
DIALOGUES = (60, 3_000, 50_000)

MARKS = """() => ({
  loaded: performance.getEntriesByType("navigation")[0].loadEventEnd,
  painted: performance.getEntriesByName("first-contentful-paint")[0].startTime,
})"""

HEAD = """# How large the page gets

The page holds at most some thousands of samples and a few megabytes of thumbnails, whatever the number of dialogues:
samples.csv beside it has all of them. Measured with made-up scores of {models} models in dialogues of {turns} turns,
half of them images, each time with a browser just started: medians of {repeats} openings, in milliseconds from the
start of navigation to the first paint and to the end of loading. Times are of one machine, {machine}, on {day}:
read them as “seconds, not minutes”.

`make sizes` measures anew.

| dialogues | records | page (MB) | written in (s) | first paint (ms) | loaded (ms) |
|--:|--:|--:|--:|--:|--:|
"""


class Measured(NamedTuple):
    dialogues: int
    megabytes: float
    written: float
    painted: float
    loaded: float

    @property
    def line(self) -> str:
        records = MODELS * TURNS * self.dialogues
        numbers = f"{self.megabytes:.1f} | {self.written:.0f} | {self.painted:.0f} | {self.loaded:.0f}"
        return f"| {self.dialogues:,} | {records:,} | {numbers} |\n"


def measure(dialogues: int, folder: Path) -> Measured:
    """Write one report and open it some times."""
    models = large_scores(MODELS, dialogues, TURNS)
    start = time.perf_counter()
    path = write_report(models, folder, manifest={})
    written = time.perf_counter() - start
    opened = [_open(path) for _ in range(REPEATS)]
    painted, loaded = (statistics.median(found[key] for found in opened) for key in ("painted", "loaded"))
    return Measured(dialogues, path.stat().st_size / 1e6, written, painted, loaded)


def _open(path: Path) -> dict[str, Any]:
    with launched() as browser:
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        page.goto(path.as_uri())
        wait_until(page, "performance.getEntriesByName('first-contentful-paint').length > 0")
        found: dict[str, Any] = page.evaluate(MARKS)
        return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    lines = []
    for dialogues in DIALOGUES:
        with tempfile.TemporaryDirectory() as folder:
            lines.append(measure(dialogues, Path(folder)).line)
        print(lines[-1], end="")
    machine = f"{platform.system()} on {platform.machine()}"
    head = HEAD.format(models=MODELS, turns=TURNS, repeats=REPEATS, machine=machine, day=date.today().isoformat())
    options.out.write_text(head + "".join(lines), encoding="utf-8")


if __name__ == "__main__":
    main()
