# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""The report of a log of verdicts: tables, sentences, and one page for reading."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from markupsafe import Markup

from imug_metrics._numbers import number
from imug_metrics.reading.files import Problem
from imug_metrics.report.estimates import as_float, curve, estimate, span
from imug_metrics.report.findings import Finding
from imug_metrics.report.pages.render import render
from imug_metrics.report.sections.findings import listed_findings
from imug_metrics.report.sections.notes import Note
from imug_metrics.report.sections.section import Figure, Panels, Section, fragment
from imug_metrics.report.sections.source import source_parts
from imug_metrics.report.svg import Line, curves
from imug_metrics.report.tables.cells import change_cell, count_cell, estimate_cell, share_cell
from imug_metrics.report.tables.table import Cell, Table

Scores = Mapping[str, Mapping[str, float]]


class _Rate(NamedTuple):
    """A number of the page: its key, heading, meaning and when it misleads."""

    key: str
    label: str
    meaning: str
    misleads: str


RATES = (
    _Rate(
        "pass_rate",
        "Passes",
        "Share of verdicts that accept.",
        "It rises with permissiveness and with better work alike: only the truth tells them apart.",
    ),
    _Rate(
        "self_verification_accuracy",
        "Agrees with truth",
        "Share of verdicts that agree with the truth, where it is known.",
        "Where nearly all work is right, a judge that accepts everything agrees with nearly all of it.",
    ),
    _Rate(
        "self_verification_false_accept",
        "Accepts of wrong",
        "Share of wrong work that is accepted; its rise from turn to turn is permissiveness.",
        "Wrong work of late turns may be harder to see than that of early ones, with the same care.",
    ),
    _Rate(
        "self_verification_false_reject",
        "Rejects of right",
        "Share of right work that is rejected.",
        "A judge that rejects everything lets nothing wrong through, and rejects all that is right.",
    ),
    _Rate(
        "turn_of_flip_flip_rate",
        "Flips",
        "Share of neighbouring turns of a dialogue whose verdicts differ.",
        "Work that changes from turn to turn deserves verdicts that do.",
    ),
    _Rate(
        "verdict_specificity",
        "Specificity",
        "Share of the words of confirmations that name things, properties and places.",
        "It counts words and not truth; only English is read. Verdicts that grow vague are a sign, not a proof.",
    ),
)

CHANGES = {
    "permissiveness": "Permissiveness",
    "agreement": "Agreement",
    "pass_rate": "Passes",
    "specificity": "Specificity",
}
"""Changes per turn, by name, and their headings."""

_CURVES = ("pass_rate", "self_verification_false_accept", "self_verification_accuracy", "verdict_specificity")
_RISES = {  # of a change: tone and words where it rises, and where it falls
    "permissiveness": (
        ("loss", "grows permissive: it accepts wrong work more by"),
        ("gain", "grows stricter: the share of wrong work that it accepts changes by"),
    ),
    "agreement": (
        ("gain", "agrees better with the truth: its agreement changes by"),
        ("loss", "agrees worse with the truth: its agreement changes by"),
    ),
    "pass_rate": (
        ("note", "passes more from turn to turn: its pass rate changes by"),
        ("note", "passes less from turn to turn: its pass rate changes by"),
    ),
    "specificity": (
        ("gain", "says more when it confirms: its specificity changes by"),
        ("loss", "says less when it confirms: its specificity changes by"),
    ),
}
_WITHOUT_TRUTH = "; without truth nobody can say whether it grew permissive or the work better: label a sample"
_ABOUT = """Slopes within dialogues with intervals that hold together, with 95 %. Dialogues differ in length, so late
turns of a curve rest on other dialogues than early ones: the slopes do not."""


def rate_table(scores: Scores) -> Table:
    """One row a model, with 95 % intervals by dialogue."""
    shown = [rate for rate in RATES if any(estimate(of_model, rate.key).known for of_model in scores.values())]
    rows = [
        [
            Cell(model, "bold"),
            count_cell(found["pass_rate_dialogues"]),
            _verdicts(found),
            *(estimate_cell(estimate(found, rate.key)) for rate in shown),
        ]
        for model, found in scores.items()
    ]
    header = ("", "Dialogues", "Verdicts", *(rate.label for rate in shown))
    return Table(header, [rows], "Verdicts", name="rates")


def _verdicts(found: Mapping[str, float]) -> Cell:
    """How many verdicts there are, marked where many rows have none."""
    return share_cell(f"{found['pass_rate_n']:,.0f}", found["pass_rate_coverage"])._replace(value=found["pass_rate_n"])


def change_table(scores: Scores) -> Table:
    """One row a model, with intervals that hold together."""
    shown = [name for name in CHANGES if any(f"change_{name}" in of_model for of_model in scores.values())]
    rows = [
        [
            Cell(model, "bold"),
            *(change_cell(estimate(found, f"change_{name}"), higher_is_better=_better(name)) for name in shown),
        ]
        for model, found in scores.items()
    ]
    return Table(("", *(CHANGES[name] for name in shown)), [rows], "Change per turn", name="changes")


def _better(name: str) -> bool | None:
    return {"permissiveness": False, "pass_rate": None}.get(name, True)


def verdict_findings(scores: Scores) -> list[Finding]:
    """What the changes say, those that are seen first."""
    found = [finding for model, of_model in scores.items() for finding in _of_model(model, of_model)]
    return sorted(found, key=lambda finding: finding.tone in ("calm", "note"))


def _of_model(model: str, found: Mapping[str, float]) -> Iterator[Finding]:
    has_truth = "self_verification" in found
    for name in CHANGES:
        if f"change_{name}" not in found:
            continue
        change = estimate(found, f"change_{name}")
        digits = 2 if max(abs(change.lower), abs(change.upper)) >= 0.1 else 3
        size = f"{number(change.value, digits, signed=True)} a turn ({span(change, digits)})"
        if change.direction:
            tone, words = _RISES[name][change.direction < 0]
            more = _WITHOUT_TRUTH if name == "pass_rate" and not has_truth else ""
            yield Finding(tone, model, f"{words} {size}{more}")
        elif name == "permissiveness":
            yield Finding("calm", model, _none_seen(size if change.bounded else "", found))
    if not has_truth:
        yield Finding("note", model, "was logged without truth, so that nothing is said of permissiveness")


def _none_seen(size: str, found: Mapping[str, float]) -> str:
    if size:
        return f"shows no growing permissiveness: the share of wrong work that it accepts changes by {size}"
    wrong = as_float(found.get("self_verification_dialogues"))
    return f"cannot be judged: there is too little wrong work in its {number(wrong, 0)} dialogues to see a change"


def verdict_page(
    scores: Scores,
    findings: Sequence[Finding],
    manifest: Mapping[str, Any],
    problems: Sequence[Problem],
    version: str,
) -> str:
    """The page as HTML; everything that data put into it is escaped."""
    rates = rate_table(scores)
    notes = [Note(rate.label, "", rate.meaning, rate.misleads) for rate in RATES if rate.label in rates.header]
    sections = [
        Section("findings", "What the log says", parts=[listed_findings(findings)]),
        Section("rates", "Rates", "Means with 95 % intervals by dialogue.", [rates]),
        Section("changes", "Over the turns", _ABOUT, [change_table(scores), Panels([*_figures(scores)])]),
        Section("notes", "What each number means, and when it misleads", parts=[fragment("notes.html", notes=notes)]),
        Section("source", "How this was made", parts=source_parts(manifest, problems)),
    ]
    count = sum(found["pass_rate_n"] for found in scores.values())
    lead = f"{count:,.0f} verdicts of {len(scores)} {'model' if len(scores) == 1 else 'models'}"
    files = "verdicts.json, problems.jsonl"
    return render("page.html", title="Verdicts", lead=lead, sections=sections, files=files, version=version)


def _figures(scores: Scores) -> Iterator[Figure]:
    labels = {rate.key: rate.label for rate in RATES}
    for key in _CURVES:
        lines = [Line(model, place, curve(found, key), {}) for place, (model, found) in enumerate(scores.items())]
        svg = curves(lines, f"{labels[key]} by turn", is_share=True) if any(line.points for line in lines) else ""
        if svg:
            yield Figure(Markup(svg), labels[key], "by turn", f"curve_{key}")
