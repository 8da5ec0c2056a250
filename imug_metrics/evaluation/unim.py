# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""A model's answers to UniM, scored for structure and, with a judge, for sense and coherence."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from imug_metrics._numbers import number
from imug_metrics._version import __version__
from imug_metrics.errors import ArgumentError
from imug_metrics.evaluation.layouts import HOLDS, kinds
from imug_metrics.functional.interleaved.coupling import Scale
from imug_metrics.judges import Judge
from imug_metrics.protocols import unim
from imug_metrics.reading.files import Problems
from imug_metrics.reading.tags import MODALITIES, Repeated, TextType
from imug_metrics.report.estimates import as_float, estimate, span
from imug_metrics.report.files import write_problems
from imug_metrics.report.tables.cells import estimate_cell, share_cell
from imug_metrics.report.tables.table import Cell, Table
from imug_metrics.report.unim import Column, shown_columns, write_unim_report

SIDE_BY_SIDE = 2  # scores with their intervals on a terminal of 80 columns


@dataclass(frozen=True)
class UnimSettings:
    """What is scored, and how.

    Attributes:
        references: file or folder of records.
        outputs: the model's answers, likewise.
        repeated, text: as in `structure_integrity`.
        need_files: whether a tag counts only if its file is below `outputs`.
        missing: what an instance without an answer counts as.
        supports: modalities that the model can read and write: adds relative scores.
        judge: grades answers: adds SQCS and ICS.
        captions, reference_captions: files of descriptions of the media of answers and references, for the judge.
        journal: file of the judge's answers, which a later run does not ask for again.
        retry_errors: ask again where an earlier reply cannot be used.
        scale: how a judge's grade s becomes a share: (s - 1) / 4 or s / 5.
        out: where the report will be written, which must not lie in what is read.
    """

    references: Path
    outputs: Path
    repeated: Repeated = "once"
    text: TextType = "tags"
    need_files: bool = False
    missing: Literal["skip", "zero"] = "zero"
    supports: tuple[str, ...] | None = None
    judge: Judge | None = None
    captions: Path | None = None
    reference_captions: Path | None = None
    journal: Path | None = None
    retry_errors: bool = False
    scale: Scale = "grade"
    out: Path | None = None

    def __post_init__(self) -> None:
        for name in ("references", "outputs", "captions", "reference_captions"):
            path = getattr(self, name)
            if path is not None and not path.exists():
                raise ArgumentError(name, f"expected a file or folder, there is no {path}")
        for name in ("references", "outputs"):
            _check_records(name, getattr(self, name))
        for name in ("captions", "reference_captions", "retry_errors"):
            if getattr(self, name) and self.judge is None:
                raise ArgumentError(name, "expected together with a judge; structure needs none")
        unknown = sorted(set(self.supports or ()) - set(MODALITIES))
        if unknown:
            raise ArgumentError("supports", f"expected modalities of {', '.join(MODALITIES)}, got {unknown[0]!r}")
        self._check_apart()

    def _check_apart(self) -> None:
        references, outputs = self.references.resolve(), self.outputs.resolve()
        if references != outputs and (references in outputs.parents or outputs in references.parents):
            raise ArgumentError("outputs", "expected files apart from the references; one would be read as the other")
        if self.out is None:
            return
        if self.out.exists() and not self.out.is_dir():
            raise ArgumentError("out", f"expected a folder, {self.out} is a file")
        for name, folder in (("references", references), ("outputs", outputs)):
            if folder.is_dir() and self.out.resolve().is_relative_to(folder):
                raise ArgumentError(
                    "out", f"expected a folder outside of the {name}, where it would be read as records"
                )


def _check_records(argument: str, path: Path) -> None:
    """Raise where a folder holds no records, or those of another kind."""
    if not path.is_dir():
        return
    found = [kind for kind in kinds(path) if kind not in ("results", "judged part")]
    if found:
        message = f"expected records of UniM, {path} {HOLDS[found[0]]} in the layout of IMUG-Bench"
        raise ArgumentError(argument, f"{message}; did you mean `imug-metrics score`?")
    if (path / "report.html").is_file() and (path / "items.jsonl").is_file():
        raise ArgumentError(argument, f"expected records of UniM, {path} holds scores that this command has written")
    if not any(next(path.rglob(ending), None) for ending in ("*.jsonl", "*.json")):
        raise ArgumentError(argument, f"expected files that end in .jsonl or .json, {path} holds none")


@dataclass(frozen=True)
class UnimEvaluation:
    """What `evaluate_unim` found out.

    Attributes:
        groups: scores of all instances, and by field, domain and difficulty; see `unim.summarize`.
        instances: each with everything that is scored of it.
        manifest: what was scored, and how.
        problems: what is wrong in the data.
    """

    groups: Sequence[Mapping[str, Any]]
    instances: Sequence[unim.Scored]
    manifest: Mapping[str, Any]
    problems: Problems

    def tables(self) -> list[Table]:
        """The scores, some columns at a time."""
        columns = shown_columns(self.groups)
        starts = range(0, len(columns), SIDE_BY_SIDE)
        return [_table(self.groups, columns[start : start + SIDE_BY_SIDE]) for start in starts]

    def table(self) -> str:
        """The tables as text."""
        return "\n\n".join([*map(str, self.tables()), *self.notes])

    @property
    def notes(self) -> tuple[str, ...]:
        """Relative scores, where a supporting rate is known."""
        whole = self.groups[0]
        support = as_float(whole.get("structure_integrity_support"))
        if math.isnan(support):
            return ()
        scores = (f"{c.label} {number(as_float(whole.get(c.relative)), 3)}" for c in shown_columns(self.groups))
        return (f"relative, at a supporting rate of {number(support, 3)}: {', '.join(scores)}",)

    def report(self, out: Path | str) -> Path:
        """Write report.html, summary.json, summary.csv, items.jsonl and problems.jsonl; returns the page's path."""
        out = Path(out)
        out.mkdir(parents=True, exist_ok=True)
        rows = [problem.as_row() for problem in self.problems]
        items = [entry.row() for entry in self.instances]
        write_problems(self.problems, out)
        manifest = {**self.manifest, "errors": self.problems.errors, "problems": len(self.problems)}
        page, *_ = write_unim_report(self.groups, items, out, manifest=manifest, problems=rows, version=__version__)
        return page


def evaluate_unim(settings: UnimSettings) -> UnimEvaluation:
    """Score a model's interleaved answers to UniM (arXiv 2603.05075).

    Args:
        settings: what is scored, and how.

    Raises:
        ArgumentError: if there is nothing to score.
        OSError: if a file cannot be read or written.
    """
    problems = Problems()
    instances = unim.read_references(settings.references, problems)
    if not instances:
        why = problems.first_error(settings.references)
        raise ArgumentError("references", f"found no instance in {settings.references}{why}")
    answers = unim.read_answers(settings.outputs, instances, problems)
    _check_answers(settings, instances, answers, problems)
    scored = unim.score_structure(
        instances,
        answers,
        problems,
        repeated=settings.repeated,
        text=settings.text,
        need_files=settings.need_files,
        supported=settings.supports,
    )
    if settings.judge is not None:
        scored = unim.with_grades(scored, _grades(settings, settings.judge, instances, answers, problems))
    groups = unim.summarize(scored, missing=settings.missing, scale=settings.scale)
    return UnimEvaluation(groups, scored, _manifest(settings), problems)


def _check_answers(
    settings: UnimSettings,
    instances: Sequence[unim.Instance],
    answers: Mapping[unim.Key, unim.Answer],
    problems: Problems,
) -> None:
    """Raise where references and answers stand in each other's place, or belong to different data."""
    if not any(instance.prompt for instance in instances):
        asked = [one for one in unim.read_references(settings.outputs, Problems()) if one.prompt]
        if asked:
            cure = f"did you mean references {settings.outputs} and outputs {settings.references}?"
            raise ArgumentError(("references", "outputs"), f"they seem to be swapped: only the latter ask; {cure}")
    strays = [problem for problem in problems if problem.message.startswith("no reference has the instance")]
    if strays and not answers:
        raise ArgumentError("outputs", f"found no answer to any of the references in {settings.outputs}: {strays[0]}")


def _grades(
    settings: UnimSettings,
    judge: Judge,
    instances: Sequence[unim.Instance],
    answers: Mapping[unim.Key, unim.Answer],
    problems: Problems,
) -> dict[unim.Key, unim.Grades]:
    from imug_metrics.protocols.unim.grading import grade_answers

    captions, of_references = (
        None if path is None else unim.read_captions(path, problems)
        for path in (settings.captions, settings.reference_captions)
    )
    if settings.journal is not None:
        settings.journal.parent.mkdir(parents=True, exist_ok=True)
    return grade_answers(
        instances,
        answers,
        judge,
        problems,
        captions=captions,
        reference_captions=of_references,
        journal=settings.journal,
        retry_errors=settings.retry_errors,
    )


def _manifest(settings: UnimSettings) -> dict[str, Any]:
    named = {name: value for name, value in vars(settings).items() if name not in ("judge", "journal")}
    shown = {name: str(value) if isinstance(value, Path) else value for name, value in named.items()}
    judge = None if settings.judge is None else settings.judge.name
    return {"imug_metrics": __version__, **shown, "judge_model": judge}


def _table(groups: Sequence[Mapping[str, Any]], columns: Sequence[Column]) -> Table:
    header = ["", "Answered"]
    for column in columns:
        header += [column.label, "95 % interval"]
    sections: dict[str, list[list[Cell]]] = {}
    for group in groups:
        by = group["by"]
        label = f"difficulty {group['name']}" if by == "difficulty" else group["name"]
        share = group["answered"] / max(group["instances"], 1)
        answered = share_cell(f"{group['answered']}/{group['instances']}", share)._replace(value=share)
        cells = [cell for column in columns for cell in _cells(group, column.key)]
        sections.setdefault(by, []).append([Cell(label, "bold" if by == "all" else ""), answered, *cells])
    return Table(tuple(header), list(sections.values()), name="scores")


def _cells(group: Mapping[str, Any], key: str) -> tuple[Cell, Cell]:
    found = estimate(group, key)
    return estimate_cell(found, 3)._replace(below=""), Cell(span(found, 3) or "–")
