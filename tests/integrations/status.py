# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""The page that says which harness was run when, in which version, and whether its numbers were the library's."""

from __future__ import annotations

import datetime
from pathlib import Path

from tests.integrations.comparison import COMPARED, Outcome
from tests.integrations.environments import ROOT
from tests.integrations.recorded import DIALOGUES, rows

PAGE = ROOT / "docs" / "integrations" / "status.md"
_BEGIN = f"""# What was run

`make integrations` builds an environment for each harness from pinned versions, with the wheel of this project, and
lets the harness run {len(rows())} recorded answers of {DIALOGUES} dialogues through its own command line, or its Python
driver where it has no other. A run counts as equal when the accuracy, both of its bounds and the slope are the
library's to all digits that the harness writes. Those that install within two minutes are run before every change
lands; the others by hand. VLMEvalKit is on no registry: its tables, written by a script as its code writes them, are
scored in the tests, where the Trainer, Lightning and Accelerate on two processes, Dask and Ray are run as well.

| harness | version | run on | result | finished log scored again | installed in |
|---|---|---|---|---|---|
"""


def record(name: str, outcome: Outcome, seconds: float, page: Path = PAGE) -> None:
    """Write a harness's row, in place of an older one."""
    result = "equal" if not outcome.faults else "**differs**: " + "; ".join(outcome.faults).replace("|", "/")
    again = "" if not outcome.rescored else f"{outcome.rescored}: {'see result' if outcome.faults else 'equal'}"
    today = datetime.date.today().isoformat()
    cells = [f"[{name}]({name}.md)", outcome.version, today, result, again, f"{seconds:.0f} s"]
    lines = _rows(page) | {name: f"| {' | '.join(cells)} |"}
    page.write_text(_BEGIN + "\n".join(lines[name] for name in sorted(lines)) + "\n", encoding="utf-8")


def shown(outcome: Outcome) -> str:
    """An outcome in one line."""
    if outcome.faults:
        return "; ".join(outcome.faults)
    numbers = ", ".join(f"{name} {outcome.scores[name]}" for name in COMPARED)
    return f"equal: {numbers}" + (f"; scored again {outcome.rescored}" if outcome.rescored else "")


def _rows(page: Path) -> dict[str, str]:
    """The rows that are there, by harness."""
    if not page.is_file():
        return {}
    lines = [line for line in page.read_text(encoding="utf-8").splitlines() if line.startswith("| [")]
    return {line[3:].partition("]")[0]: line for line in lines}
