# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""A finished log of verdicts: how much passes, how rightly, and whether permissiveness creeps in over the turns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from imug_metrics._version import __version__
from imug_metrics.errors import ArgumentError
from imug_metrics.evaluation.settings import as_argument
from imug_metrics.evaluation.verdict_rows import read_verdicts
from imug_metrics.evaluation.verdict_scores import verdict_scores
from imug_metrics.reading.files import Problems
from imug_metrics.report.files import json_text, write_problems, write_whole
from imug_metrics.report.findings import Finding
from imug_metrics.report.tables.table import Table
from imug_metrics.report.verdicts import CHANGES, change_table, rate_table, verdict_findings, verdict_page


@dataclass(frozen=True)
class VerdictEvaluation:
    """What `evaluate_verdicts` found out.

    Attributes:
        scores: by model, see `imug_metrics.evaluation.verdict_scores`.
        findings: what they say, in sentences.
        manifest: what was read, and how.
        problems: what is wrong in the data.
    """

    scores: Mapping[str, Mapping[str, float]]
    findings: Sequence[Finding]
    manifest: Mapping[str, Any]
    problems: Problems

    def tables(self) -> list[Table]:
        """Rates, and what becomes of them over the turns."""
        return [rate_table(self.scores), change_table(self.scores)]

    def table(self) -> str:
        """The tables and sentences as text."""
        said = [f"{finding.model} {finding.text}" for finding in self.findings]
        return "\n\n".join([*map(str, self.tables()), "\n".join(said)])

    def report(self, out: Path | str) -> Path:
        """Write report.html, verdicts.json and problems.jsonl into a folder; returns the path of the first."""
        out = Path(out)
        out.mkdir(parents=True, exist_ok=True)
        write_problems(self.problems, out)
        said = [vars(finding) for finding in self.findings]
        content = {**self.manifest, "models": self.scores, "findings": said}
        write_whole(out / "verdicts.json", json_text("verdicts", content))
        page = verdict_page(self.scores, self.findings, self.manifest, self.problems, __version__)
        return write_whole(out / "report.html", page)


def evaluate_verdicts(
    files: Sequence[Path | str] | Path | str,
    *,
    columns: Mapping[str, str] | None = None,
    threshold: float | None = None,
    truth_threshold: float | None = None,
) -> VerdictEvaluation:
    r"""What a log of verdicts says, with intervals by dialogue.

    A row is a verdict at one turn of a dialogue, with the truth where it is known, and what was said with it. Without
    truth a pass rate that rises may be permissiveness or better work: nothing is said of permissiveness then. Changes
    over turns are slopes within dialogues; their intervals hold together, with 95 % (Bonferroni), so that of all
    sentences of a page on a log without a change one in twenty pages at most has a wrong one.

    Args:
        files: a table, or several that add up: JSON lines, CSV, TSV or workbooks.
        columns: by field (dialogue, turn, verdict, truth, text, prompt, model) the column that holds it, where its name
            is not a usual one.
        threshold: verdicts that are numbers accept from it on; None: they are words, booleans, or 1 and 0.
        truth_threshold: the same of the truth.

    Raises:
        ArgumentError: if there is no file, a column is not there, or no verdict can be read.

    Example:
        >>> import json, tempfile
        >>> log = Path(tempfile.mkdtemp(), "log.jsonl")
        >>> rows = [{"id": d, "turn": t, "verdict": "pass" if t > d % 3 else "fail", "truth": d % 2 == 0}
        ...         for d in range(40) for t in (1, 2, 3, 4)]
        >>> _ = log.write_text("\n".join(map(json.dumps, rows)))
        >>> found = evaluate_verdicts(log)
        >>> found.findings[0].text.partition(" (")[0]
        'grows permissive: it accepts wrong work more by +0.23 a turn'
    """
    given = [files] if isinstance(files, (str, Path)) else [*files]
    if not given:
        raise ArgumentError("files", "expected a log, got none")
    paths = [Path(file) for file in given]
    for path in paths:
        if not path.is_file():
            raise ArgumentError("files", f"expected a file, got {path}, which is none")
    problems = Problems()
    with as_argument("files", of="path"):
        rows = read_verdicts(paths, columns or {}, {"verdict": threshold, "truth": truth_threshold}, problems)
    if not any(row.verdict is not None for of_model in rows.values() for row in of_model):
        first = problems.first_error(paths[0])
        raise ArgumentError("files", f"expected verdicts, found none in {', '.join(map(str, paths))[:200]}{first}")
    level = 1 - 0.05 / (len(rows) * len(CHANGES))
    scores = {model: verdict_scores(of_model, level) for model, of_model in rows.items()}
    read = {"files": paths, "columns": columns or {}, "threshold": threshold, "truth_threshold": truth_threshold}
    manifest = {"imug_metrics": __version__, **read, "level_of_changes": level}
    return VerdictEvaluation(scores, verdict_findings(scores), manifest, problems)
