# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""The report of a run on UniM: one page for reading, and its numbers as JSON, CSV and JSON lines."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from imug_metrics._numbers import number
from imug_metrics.report.estimates import FEW_DIALOGUES, as_float, estimate
from imug_metrics.report.files import json_text, to_json, write_whole
from imug_metrics.report.pages.render import render
from imug_metrics.report.sections.notes import Note
from imug_metrics.report.sections.section import Folded, Part, Section, Text, fragment
from imug_metrics.report.sections.source import manifest_table
from imug_metrics.report.tables.cells import estimate_cell
from imug_metrics.report.tables.csv import csv_text
from imug_metrics.report.tables.table import Cell, Table

SUPPORT = "structure_integrity_support"
CSV_COLUMNS = ("by", "name", "instances", "answered", "score", "value", "lower", "upper", "relative", "support", "n")
SHOWN_PROBLEMS = 200
WORST = 20


@dataclass(frozen=True)
class Column:
    """One score of the tables."""

    key: str
    relative: str
    label: str
    meaning: str
    misleads: str


COLUMNS = (
    Column(
        "structure_integrity",
        "structure_integrity_relative",
        "StS",
        "Strict structure: mean over modalities of the F1 of the number of items in answer and reference.",
        "It counts tags and looks at nothing: an answer of empty files in the right numbers scores 1.",
    ),
    Column(
        "structure_integrity_lenient",
        "structure_integrity_lenient_relative",
        "LeS",
        "Lenient structure: share of the reference's modalities that the answer holds.",
        "Items too many cost nothing, so an answer that always holds every modality scores 1.",
    ),
    Column(
        "semantic_quality",
        "semantic_quality_relative",
        "SQCS",
        "Correctness by a judge, of which a part is earned only by items of good quality.",
        "A judge reads captions, not the media, and its grades are not those of the paper's judge.",
    ),
    Column(
        "interleaved_coherence",
        "interleaved_coherence_relative",
        "ICS",
        "Coherence and style of the answer by a judge, which sees neither question nor reference.",
        "A fluent answer to another question is coherent. Read it beside SQCS.",
    ),
)
TABLES = (
    (
        "all",
        "Scores",
        "Mean with its 95 % interval, by instance. The manifest says whether a missing answer counts as 0.",
    ),
    ("field", "By field", "The three fields of the benchmark."),
    ("difficulty", "By difficulty", "The levels that the references state."),
    ("domain", "By domain", "Domains of few instances have wide intervals."),
)
RELATIVE = Note(
    "Relative",
    "",
    "Mean of supporting rate and score, instance by instance. The rate is the share of an instance's modalities that "
    "the model was said to support.",
    "How the paper finds its rates is not published, so relative scores need not agree with it.",
)
INTERVALS = Note(
    "Intervals",
    "",
    "95 % each, by instance, not adjusted for the number of rows.",
    f"Below {FEW_DIALOGUES} instances they are approximate. Where nearly all instances score 0, or nearly all 1, they "
    "are too short, and where all score alike they have no width and say nothing.",
)


def write_unim_report(
    groups: Sequence[Mapping[str, Any]],
    items: Sequence[Mapping[str, Any]],
    out: Path,
    *,
    manifest: Mapping[str, Any],
    problems: Sequence[Mapping[str, Any]] = (),
    version: str,
) -> list[Path]:
    """Write report.html, summary.json, summary.csv and items.jsonl, each whole or not at all.

    Args:
        groups: the scores of each group with `by`, `name`, `instances`, `answered` and the details of the metrics.
        items: one row an instance.
        out: an existing folder.
        manifest: what was run; shown as it is.
        problems: what was wrong in the data, each with `file`, `line`, `field` and `message`.
        version: the library's version.

    Returns:
        The files.
    """
    page = unim_page(groups, items, manifest, problems, version)
    lines = "".join(json.dumps(to_json(item), allow_nan=False) + "\n" for item in items)
    return [
        write_whole(out / "report.html", page),
        write_whole(out / "summary.json", json_text("unim", {"manifest": manifest, "groups": groups})),
        write_whole(out / "summary.csv", _csv(groups)),
        write_whole(out / "items.jsonl", lines),
    ]


def unim_page(
    groups: Sequence[Mapping[str, Any]],
    items: Sequence[Mapping[str, Any]],
    manifest: Mapping[str, Any],
    problems: Sequence[Mapping[str, Any]],
    version: str,
) -> str:
    """The page as HTML; everything that data put into it is escaped."""
    columns = shown_columns(groups)
    whole = next((group for group in groups if group["by"] == "all"), {})
    found = ((by, title, about, [group for group in groups if group["by"] == by]) for by, title, about in TABLES)
    sections = [
        *(Section(by, title, about, [_scores(by, rows, columns)]) for by, title, about, rows in found if rows),
        *_modalities(whole, items),
        _worst(items),
        _notes(columns),
        _source(manifest, problems),
    ]
    return render(
        "page.html",
        title="UniM report",
        lead=f"{whole.get('instances', 0):,} instances, {whole.get('answered', 0):,} answered",
        sections=sections,
        files="summary.json, summary.csv, items.jsonl",
        version=version,
    )


def shown_columns(groups: Sequence[Mapping[str, Any]]) -> list[Column]:
    """The scores that some group has."""
    return [column for column in COLUMNS if any(column.key in group for group in groups)]


def _scores(by: str, groups: Sequence[Mapping[str, Any]], columns: Sequence[Column]) -> Table:
    """One row a group; what a supporting rate adds stands beside the scores where one is known."""
    relative = [column for column in columns if any(_known(group, column.relative) for group in groups)]
    support = any(_known(group, SUPPORT) for group in groups)
    rows = [
        [
            Cell(group["name"]),
            Cell(str(group["answered"]), "", f"of {group['instances']}", group["answered"], n=group["instances"]),
            *(_score(group, column) for column in columns),
            *([_plain(group, SUPPORT)] if support else []),
            *(_plain(group, column.relative) for column in relative),
        ]
        for group in groups
    ]
    labels = [column.label for column in columns]
    more = [*(["Support"] if support else []), *(f"{column.label}, relative" for column in relative)]
    title = "Scores of all instances" if by == "all" else f"Scores by {by}"
    return Table((by.capitalize(), "Answered", *labels, *more), [rows], title, name=f"scores_{by}", sortable=True)


def _known(group: Mapping[str, Any], key: str) -> bool:
    return not math.isnan(as_float(group.get(key)))


def _plain(group: Mapping[str, Any], key: str) -> Cell:
    value = as_float(group.get(key))
    return Cell(number(value, 3), value=value)


def _score(group: Mapping[str, Any], column: Column) -> Cell:
    scored, all_scored = (
        as_float(group.get(f"{key.removesuffix('_lenient')}_n")) for key in (column.key, COLUMNS[0].key)
    )
    partial = Cell(f"{scored:.0f} of {all_scored:.0f} scored") if scored < all_scored else None  # a judge failed
    cell = estimate_cell(estimate(group, column.key), 3, reason="no interval", n=scored)
    return cell._replace(tone="bold", trend=partial)


def _modalities(whole: Mapping[str, Any], items: Sequence[Mapping[str, Any]]) -> list[Section]:
    names = list(items[0]["counts"]) if items else []
    found = [(name, estimate(whole, f"structure_integrity_{name}")) for name in names]
    rows = [[Cell(name), estimate_cell(f1, 3)] for name, f1 in found if f1.known]
    about = "Mean F1 of the number of items of each modality, over the answers where reference or answer holds it."
    table = Table(("Modality", "F1"), [rows], "Structure by modality", name="scores_modality", sortable=True)
    return [Section("modality", "By modality", about, [table])] if rows else []


def _worst(items: Sequence[Mapping[str, Any]]) -> Section:
    scored = [item for item in items if as_float(item["strict"]) < 1]
    scored.sort(key=lambda item: (item["strict"], item["lenient"], item["field"], item["domain"], item["id"]))
    rows = [
        [
            Cell("/".join((item["field"], item["domain"], item["id"]))),
            _plain(item, "strict"),
            _plain(item, "lenient"),
            Cell(_counted(item["asked"])),
            Cell(_counted(item["counts"])),
        ]
        for item in scored[:WORST]
    ]
    header = ("Instance", "StS", "LeS", "Asked", "Given")
    table = Table(header, [rows], f"The {len(rows)} lowest answers", name="lowest", sortable=True)
    about = "Answers whose items differ most from what the reference holds."
    return Section("lowest", "Lowest structure scores", about, [table if rows else Text("No answer to show.")])


def _counted(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{count} {name}" for name, count in counts.items() if count) or "nothing"


def _notes(columns: Sequence[Column]) -> Section:
    found = [Note(column.label, "", column.meaning, column.misleads) for column in columns]
    listed = fragment("notes.html", notes=[*found, RELATIVE, INTERVALS])
    return Section("notes", "What each number means, and when it misleads", parts=[listed])


def _source(manifest: Mapping[str, Any], problems: Sequence[Mapping[str, Any]]) -> Section:
    parts: list[Part] = [Folded("Manifest", [manifest_table(manifest)])]
    if problems:
        rows = [
            [Cell(f"{row['file']}:{row['line']}" if row["line"] else row["file"]), *_texts(row)]
            for row in problems[:SHOWN_PROBLEMS]
        ]
        hidden = len(problems) - SHOWN_PROBLEMS
        more = [Text(f"{hidden} more are listed in problems.jsonl.")] if hidden > 0 else []
        table = Table(("Where", "Field", "What"), [rows], "Problems")
        parts.append(Folded(f"{len(problems)} problems in the data", [table, *more]))
    return Section("source", "How this was made", parts=parts)


def _texts(row: Mapping[str, Any]) -> tuple[Cell, Cell]:
    return Cell(row["field"]), Cell(row["message"])


def _csv(groups: Sequence[Mapping[str, Any]]) -> str:
    """One line a group and score; an undefined number is an empty cell."""
    rows: list[list[Any]] = []
    for group in groups:
        head = [group[key] for key in ("by", "name", "instances", "answered")]
        for column in COLUMNS:
            if column.key not in group:
                continue
            found = estimate(group, column.key)
            prefix = column.key.removesuffix("_lenient")
            numbers = (*vars(found).values(), *(as_float(group.get(key)) for key in (column.relative, SUPPORT)))
            cells = (None if math.isnan(value) else value for value in numbers)
            rows.append([*head, column.label, *cells, int(group[f"{prefix}_n"])])
    return csv_text(CSV_COLUMNS, rows)
