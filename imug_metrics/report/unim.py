# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""The report of a run on UniM: one page for reading, and its numbers as JSON, CSV and JSON lines."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from imug_metrics.report.files import json_text, to_json, write_whole
from imug_metrics.report.metric_specs import FEW_DIALOGUES, as_float, estimate, number, span
from imug_metrics.report.pages.render import flat, render

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
        "",
        "Mean with its 95 % interval, by instance. The manifest says whether a missing answer counts as 0.",
    ),
    ("field", "By field", "Field", "The three fields of the benchmark."),
    ("difficulty", "By difficulty", "Difficulty", "The levels that the references state."),
    ("domain", "By domain", "Domain", "Domains of few instances have wide intervals."),
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
    """The page as HTML, without scripts; everything that data put into it is escaped."""
    columns = shown_columns(groups)
    tables = [
        {"title": title, "noun": noun, "about": about, "rows": [_row(group, columns) for group in found]}
        for by, title, noun, about in TABLES
        if (found := [group for group in groups if group["by"] == by])
    ]
    whole = next((group for group in groups if group["by"] == "all"), {})
    return render(
        "unim.html",
        title="UniM report",
        lead=f"{whole.get('instances', 0):,} instances, {whole.get('answered', 0):,} answered",
        tables=tables,
        columns=columns,
        modalities=_modalities(whole, items),
        worst=_worst(items),
        few=FEW_DIALOGUES,
        manifest=list(flat(manifest)),
        problems=_problems(problems),
        version=version,
    )


def shown_columns(groups: Sequence[Mapping[str, Any]]) -> list[Column]:
    """The scores that some group has."""
    return [column for column in COLUMNS if any(column.key in group for group in groups)]


def _row(group: Mapping[str, Any], columns: Sequence[Column]) -> dict[str, Any]:
    cells = []
    for column in columns:
        found, relative = estimate(group, column.key), as_float(group.get(column.relative))
        shown = "" if math.isnan(relative) else number(relative, 3)
        cell = {"value": number(found.value, 3), "interval": span(found, 3) or "no interval", "relative": shown}
        cells.append({**cell, "partial": _partial(group, column)})
    support = as_float(group.get(SUPPORT))
    return {
        "name": group["name"],
        "answered": group["answered"],
        "instances": group["instances"],
        "support": "" if math.isnan(support) else number(support, 3),
        "cells": cells,
    }


def _partial(group: Mapping[str, Any], column: Column) -> str:
    """How many instances the score is of, where others have none, since a judge failed on them."""
    scored, all_scored = (
        as_float(group.get(f"{key.removesuffix('_lenient')}_n")) for key in (column.key, COLUMNS[0].key)
    )
    return f"{scored:.0f} of {all_scored:.0f} scored" if scored < all_scored else ""


def _modalities(whole: Mapping[str, Any], items: Sequence[Mapping[str, Any]]) -> list[dict[str, str]]:
    names = list(items[0]["counts"]) if items else []
    found = [(name, estimate(whole, f"structure_integrity_{name}")) for name in names]
    return [{"name": name, "value": number(f1.value, 3), "interval": span(f1, 3)} for name, f1 in found if f1.known]


def _worst(items: Sequence[Mapping[str, Any]]) -> list[dict[str, str]]:
    scored = [item for item in items if as_float(item["strict"]) < 1]
    scored.sort(key=lambda item: (item["strict"], item["lenient"], item["field"], item["domain"], item["id"]))
    return [
        {
            "key": "/".join((item["field"], item["domain"], item["id"])),
            "strict": number(as_float(item["strict"]), 3),
            "lenient": number(as_float(item["lenient"]), 3),
            "asked": _counted(item["asked"]),
            "given": _counted(item["counts"]),
        }
        for item in scored[:WORST]
    ]


def _counted(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{count} {name}" for name, count in counts.items() if count) or "nothing"


def _problems(problems: Sequence[Mapping[str, Any]]) -> dict[str, Any] | None:
    if not problems:
        return None
    rows = [
        {"where": f"{row['file']}:{row['line']}" if row["line"] else row["file"], **_texts(row)}
        for row in problems[:SHOWN_PROBLEMS]
    ]
    return {"count": len(problems), "rows": rows, "hidden": max(0, len(problems) - SHOWN_PROBLEMS)}


def _texts(row: Mapping[str, Any]) -> dict[str, str]:
    return {"field": row["field"], "message": row["message"]}


def _csv(groups: Sequence[Mapping[str, Any]]) -> str:
    """One line a group and score; an undefined number is an empty cell."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(CSV_COLUMNS)
    for group in groups:
        head = [group[key] for key in ("by", "name", "instances", "answered")]
        for column in COLUMNS:
            if column.key not in group:
                continue
            found = estimate(group, column.key)
            prefix = column.key.removesuffix("_lenient")
            numbers = (*vars(found).values(), *(as_float(group.get(key)) for key in (column.relative, SUPPORT)))
            cells = ["" if math.isnan(value) else repr(value) for value in numbers]
            writer.writerow([*head, column.label, *cells, int(group[f"{prefix}_n"])])
    return buffer.getvalue()
