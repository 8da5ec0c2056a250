# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Judgements of one judge or several: scores, and how far they can be believed."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from imug_metrics._version import __version__
from imug_metrics.errors import ArgumentError
from imug_metrics.evaluation.checklist_scores import checklist_scores
from imug_metrics.evaluation.judgement_rows import read_judgements, write_judgements
from imug_metrics.juries import Judgement, JurySummary, summarize_jury
from imug_metrics.reading.files import Problems
from imug_metrics.report.files import json_text, write_problems, write_whole
from imug_metrics.report.findings import Finding
from imug_metrics.report.jury import jury_findings, jury_page, tables_of_jury
from imug_metrics.report.tables.table import Table


@dataclass(frozen=True)
class JuryEvaluation:
    """What `evaluate_jury` found out.

    Attributes:
        summary: scores, agreement, stability, biases, failures; see `JurySummary`.
        findings: what they say of the judges, in sentences.
        judgements: everything that the judges said.
        manifest: what was read or asked, and how.
        problems: what is wrong in the data.
        checklists: of judges that answered items, the details of `ChecklistScore` by judge and model.
    """

    summary: JurySummary
    findings: Sequence[Finding]
    judgements: Sequence[Judgement]
    manifest: Mapping[str, Any]
    problems: Problems
    checklists: Mapping[str, Mapping[str, Mapping[str, float]]] = field(default_factory=dict)

    def tables(self) -> list[Table]:
        """Scores, judges, biases, and agreement with people."""
        return tables_of_jury(self.summary, self.checklists)

    def table(self) -> str:
        """The tables and sentences as text."""
        said = [f"{one.model} {one.text}".strip() for one in self.findings]
        return "\n\n".join([*map(str, self.tables()), "\n".join(said)])

    def report(self, out: Path | str) -> Path:
        """Write report.html, jury.json, judgements.jsonl and problems.jsonl into a folder; returns the first's path."""
        out = Path(out)
        out.mkdir(parents=True, exist_ok=True)
        write_problems(self.problems, out)
        write_judgements(self.judgements, out)
        content = {**self.manifest, **jury_content(self.summary), "checklists": self.checklists}
        write_whole(out / "jury.json", json_text("jury", content))
        page = jury_page(self.summary, self.checklists, self.manifest, self.problems, __version__)
        return write_whole(out / "report.html", page)


def evaluate_jury(
    judgements: Sequence[Judgement] | Sequence[Path | str] | Path | str,
    *,
    columns: Mapping[str, str] | None = None,
    people: Sequence[str] = (),
    families: Mapping[str, str] | None = None,
    best: float = 1.0,
    costs: Mapping[str, Mapping[str, float]] | None = None,
    problems: Problems | None = None,
    manifest: Mapping[str, Any] | None = None,
) -> JuryEvaluation:
    r"""What judgements say of models, and of the judges that made them.

    Args:
        judgements: a table of judgements, or several, see `read_judgements`; or `Judgement`s.
        columns: by field the column that holds it, where its name is not a usual one.
        people: names of judges that are people: the others are held against them.
        families: by name of a judge or a model, its family; else the letters that the name begins with.
        best: the highest score of an output that is judged as a whole.
        costs: by judge, what all its answers cost.
        problems: of the data, found before.
        manifest: what is told of how the judgements were made.

    Raises:
        ArgumentError: if there is no judgement, a column is not there, `people` or `families` name nobody, or `best` is
            not above 0 or not the highest score.

    Example:
        >>> import json, tempfile
        >>> file = Path(tempfile.mkdtemp(), "judged.jsonl")
        >>> rows = [{"judge": judge, "model": model, "dialogue": d, "turn": 1, "score": (d * 7 + shift) % 10 / 10}
        ...         for judge, shift in (("a", 0), ("b", 0)) for model in "mn" for d in range(30)]
        >>> _ = file.write_text("\n".join(map(json.dumps, rows)))
        >>> found = evaluate_jury(file)
        >>> round(found.summary.scores["a"]["m"].value, 2), round(found.summary.agreement["outputs"]["alpha"], 2)
        (0.45, 1.0)
    """
    collected = Problems() if problems is None else problems
    if not 0 < best < math.inf:
        raise ArgumentError("best", f"expected a number above 0, got {best}")
    given, files = _given(judgements, columns or {}, collected)
    judges = {one.judge for one in given}
    _check_bounds(judges)
    check_names("people", people, judges, "judges")
    check_names("families", families or (), judges | {one.model for one in given}, "judges and models")
    if judges and judges <= set(people):
        raise ArgumentError("people", "expected a judge beside people")
    check_scale(given, best)
    summary = summarize_jury(given, people=people, families=families, best=best, costs=costs)
    if not any(mean.outputs for means in summary.scores.values() for mean in means.values()):
        why = (collected.first_error(files[0]) if files else "") or first_failure(given)
        raise ArgumentError("judgements", f"expected judgements with an answer or a score, found none{why}")
    named = {"files": [str(file) for file in files], "people": list(people), "families": dict(families or {})}
    content = {"imug_metrics": __version__, **named, "best": best, **(manifest or {})}
    checklists = checklist_scores(given, people)
    return JuryEvaluation(summary, jury_findings(summary), given, content, collected, checklists)


def _check_bounds(judges: set[str]) -> None:
    """Raise where a judge has the name of a bound, under which an estimate of another one stands."""
    bounds = {"lower", "upper"} | {f"{name}_{side}" for name in judges for side in ("lower", "upper")}
    for name in sorted(judges & bounds):
        raise ArgumentError("judgements", f"expected a judge's name that is not the name of a bound, got {name[:60]!r}")


def check_names(argument: str, names: Iterable[str], known: set[str], kind: str) -> None:
    """Raise an `ArgumentError` where a name is not known."""
    unknown = [name for name in names if name not in known]
    if unknown:
        raise ArgumentError(argument, f"expected names of {kind}, got {unknown[0]!r}; there are {_listed(known)}")


def check_scale(judgements: Sequence[Judgement], best: float) -> None:
    """Raise an `ArgumentError` where an output as a whole has a score below 0 or above the best."""
    for one in judgements:
        if one.item is None and one.value is not None and (one.value < 0 or one.value > best):
            where = f"{one.judge[:60]!r} gave {one.value:g} to turn {one.turn} of {one.dialogue[:60]!r}"
            raise ArgumentError("best", f"expected the highest score, and none below 0, got {best:g}; {where}")


def jury_content(summary: JurySummary) -> dict[str, Any]:
    """A summary as JSON."""
    biases = [
        {"judge": bias.judge, "bias": bias.name, "beside": bias.reference, "found": bias.is_found}
        | bias.contrast._asdict()
        for bias in summary.biases
    ]
    return {
        "judges": {name: asdict(told) for name, told in summary.answering.items()},
        "scores": {judge: _means(models) for judge, models in summary.scores.items()},
        "consensus": {rule: _means(models) for rule, models in summary.together.items()},
        "reliability": summary.consensus.reliability,
        "agreement": summary.agreement,
        "stability": summary.stability,
        "biases": biases,
        "people": {
            judge: {category or "": kappa._asdict() for category, kappa in kappas.items()}
            for judge, kappas in summary.people.items()
        },
        "powered": {
            judge: {model: mean._asdict() for model, mean in models.items()}
            for judge, models in summary.powered.items()
        },
        "variance": summary.variance,
        "worth": [
            {"judges": judges, "repeats": repeats, "width": width} for (judges, repeats), width in summary.worth.items()
        ],
    }


def _means(models: Mapping[str, Any]) -> dict[str, Any]:
    return {model: mean._asdict() for model, mean in models.items()}


def _given(judgements: Any, columns: Mapping[str, str], problems: Problems) -> tuple[list[Judgement], list[Path]]:
    rows: list[Any] = [judgements] if isinstance(judgements, (str, Path)) else [*judgements]
    if all(isinstance(one, Judgement) for one in rows):
        if not rows:
            raise ArgumentError("judgements", "expected judgements, got none")
        return rows, []
    files = [Path(file) for file in rows]
    for file in files:
        if not file.is_file():
            raise ArgumentError("judgements", f"expected a file, got {file}, which is none")
    return read_judgements(files, columns, problems), files


def first_failure(judgements: Sequence[Judgement]) -> str:
    """Why a judge gave no judgement, to end a message with."""
    failed = next((one for one in judgements if one.error is not None), None)
    return "" if failed is None else f"; {failed.judge[:60]}: {failed.error}"


def _listed(names: set[str]) -> str:
    return ", ".join(sorted(names))[:200]
