# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Can the judge be believed? What judgements say of models and of their judges: sentences, tables, and one page."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from imug_metrics._numbers import number
from imug_metrics.juries import Bias, JurySummary
from imug_metrics.juries.summary import Mean
from imug_metrics.reading.files import Problem
from imug_metrics.report.estimates import Estimate, estimate, span
from imug_metrics.report.findings import Finding
from imug_metrics.report.pages.render import render
from imug_metrics.report.sections.findings import listed_findings
from imug_metrics.report.sections.notes import Note
from imug_metrics.report.sections.section import Part, Section, Text, fragment
from imug_metrics.report.sections.source import source_parts
from imug_metrics.report.tables.cells import change_cell, count_cell, coverage_cell, estimate_cell, share_cell
from imug_metrics.report.tables.table import Cell, Table

Checklists = Mapping[str, Mapping[str, Mapping[str, float]]]
"""Details of `ChecklistScore` by judge and model."""

TITLE = "Can the judge be believed?"
RULES = {"mean": "Mean of the judges", "majority": "Majority of the judges", "weighted": "Reliable judges count more"}
BIASES: Mapping[str, tuple[str, str, str]] = {
    "leniency": ("Lenient", "is milder: it scores higher by", "is stricter: its scores differ by"),
    "drift": ("Lenient per turn", "grows milder from turn to turn, by", "grows stricter from turn to turn, by"),
    "family": ("Own family", "favours its own family by", "is harder on its own family, by"),
    "length": ("Per doubling of length", "rewards length: for each doubling", "punishes length: for each doubling"),
    "order": ("Shown first", "favours the output that it sees first, by", "favours the output that it sees last, by"),
    "yes_saying": ("Says yes", "says yes whatever is asked, more often by", "says no whatever is asked, more often by"),
    "first_item": (
        "Yes to the first",
        "says yes to the item that it reads first, more often by",
        "says no to the item that it reads first, more often by",
    ),
}
"""Biases by name: their headings, and their words where they are above 0 and below."""
AGAINST = {"judges": "the judge in the middle", "people": "people"}
_SHORT = {"judges": "middle judge", "people": "people"}

_ABOUT = """Biases are differences on scores from 0 to 1, each adjusted for the others; their intervals hold together,
with 95 %, so that of twenty pages on fair judges one at most has a wrong sentence."""
_CHECKLIST = {
    "mean": "Met",
    "weighted": "By weight",
    "full": "All met",
    "new": "New wishes",
    "kept": "Kept",
    "answered": "Answered",
}
_MOST_COLUMNS = 12
_CHANCE = 0.4
_POOR_STABILITY = 0.8
_NOTES = (
    (
        "α",
        "Krippendorff's alpha over the judges: 1 where they always agree, 0 as by chance.",
        "Where nearly all outputs are good, even careful judges agree little beyond chance.",
    ),
    (
        "Stability",
        "Mean of Kendall's tau of the models' order over pairs of judges: 1 where all order them alike.",
        "Judges that err alike agree. Models that are equally good change places by chance.",
    ),
    (
        "Reliable judges count more",
        "Of checklists the probable answers by Dawid and Skene, else the mean weighted by the judges' precision.",
        "Judges are taken to err independently: what all of them miss, no weight brings back.",
    ),
    (
        "Biases",
        "What moves one judge beyond the judge in the middle, or beyond people.",
        "Of two judges nothing tells which is biased. A bias that most judges share does not show without people.",
    ),
    (
        "With people",
        "Cohen's kappa of a judge's yes and no with people's; and the mean that people would give, by "
        "people and the judge together.",
        "It holds if the outputs that people judged were drawn at random.",
    ),
)


def jury_findings(found: JurySummary) -> list[Finding]:
    """What is said of the judges, the gravest first."""
    said = [*_agreement(found), *_stability(found), *_biases(found.biases), *_failures(found), *_people(found)]
    said += [*_worth(found)]
    return sorted(said, key=lambda one: ("warn", "loss", "gain", "calm", "note").index(one.tone))


def _agreement(found: JurySummary) -> Iterator[Finding]:
    of_items = estimate(found.agreement.get("items", {}), "alpha")
    kind = "items" if of_items.known else "outputs"
    alpha = of_items if of_items.known else estimate(found.agreement.get("outputs", {}), "alpha")
    if len(found.panel.judges) < 2:
        yield Finding("note", "", "One judge alone: ask a second one, or people, to see how far it can be believed")
    elif not alpha.known:
        yield Finding("note", "", f"The judges have too few {kind} in common, or all are alike: no agreement is known")
    else:
        weak = alpha.value < _CHANCE
        words = "agree little beyond chance" if weak else "agree beyond chance"
        yield Finding("warn" if weak else "calm", "", f"The judges {words}: α {_with_span(alpha)} over {kind}")


def _stability(found: JurySummary) -> Iterator[Finding]:
    tau = estimate(found.stability, "tau")
    if not tau.known:
        return
    apart = {name: found.stability[f"tau_{name}"] for name in found.panel.judges}
    if tau.value >= _POOR_STABILITY:
        yield Finding("calm", "", f"Models keep their order when the judge changes: tau {_with_span(tau)}")
        return
    lowest = min(apart, key=lambda name: math.inf if math.isnan(apart[name]) else apart[name])
    named = ""
    if len(apart) > 2 and apart[lowest] < tau.value - 1e-9:
        named = f"; {lowest} stands apart, with {number(apart[lowest], 2)} to the others"
    if tau.bounded and tau.upper >= _POOR_STABILITY:
        said = "Too few dialogues tell whether the order of the models hangs on the judge"
        yield Finding("note", "", f"{said}: tau {_with_span(tau)}{named}")
    else:
        yield Finding("warn", "", f"The order of the models hangs on the judge: tau {_with_span(tau)}{named}")


def _biases(biases: Sequence[Bias]) -> Iterator[Finding]:
    pairs = {bias.judge for bias in biases if bias.reference == "judges"}
    for bias in biases:
        _, more, less = BIASES[bias.name]
        if bias.is_found:
            size = _estimate(bias)
            words = more if size.value > 0 else less
            against = "the other judge" if bias.reference == "judges" and len(pairs) == 2 else AGAINST[bias.reference]
            said = f"{words} {number(size.value, 3, signed=True)} ({span(size, 3)}) beside {against}"
            yield Finding("loss", bias.judge, said)
    if biases and not any(bias.is_found for bias in biases):
        tested = ", ".join(dict.fromkeys(BIASES[bias.name][0].lower() for bias in biases))
        yield Finding("calm", "", f"No judge shows a bias among those that the data can show: {tested}")


def _failures(found: JurySummary) -> Iterator[Finding]:
    for name, told in found.answering.items():
        if told.failed:
            kinds = ", ".join(f"{count} {kind}" for kind, count in told.failed.items())
            failed = sum(told.failed.values())
            yield Finding(
                "warn" if failed > told.asked / 20 else "note",
                name,
                f"failed {failed:,} of {told.asked:,} requests ({kinds}): they are missing, not 0",
            )
        if told.unanswered:
            share = number(100 * told.unanswered / max(told.items, 1), 1)
            said = f"left {told.unanswered:,} items without an answer ({share} %): they are missing, not wrong"
            yield Finding("note", name, said)


def _people(found: JurySummary) -> Iterator[Finding]:
    panel = found.panel
    of_people = ~panel.people.isnan()
    of_people[panel.item_output[~panel.people_answers.isnan()]] = True
    of_judges = ~panel.scores.isnan().all(1)
    if bool(of_people.any()) and not bool((of_people & of_judges).any()):
        said = "People and judges judged no output in common: compare their names of models, dialogues and turns"
        yield Finding("warn", "", said)
    for name, kappas in found.people.items():
        if None in kappas:
            kappa = kappas[None]
            size = Estimate(kappa.value, kappa.lower, kappa.upper)
            words = "agrees little with people beyond chance" if kappa.value < _CHANCE else "agrees with people"
            alike = f"{kappa.answers:,} items, {number(100 * kappa.agreed, 0)} % alike"
            said = f"{words}: kappa {_with_span(size)} over {alike}"
            yield Finding("warn" if kappa.value < _CHANCE else "calm", name, said)


def _worth(found: JurySummary) -> Iterator[Finding]:
    three = found.worth.get((3, 1), math.nan)
    if not math.isnan(three):
        again = found.worth.get((1, 3), math.nan)
        repeats = "" if math.isnan(again) else f"; asking one judge three times, by {number(100 * (1 - again), 0)} %"
        said = f"Three judges in place of one shorten the intervals of models by {number(100 * (1 - three), 0)} %"
        yield Finding("note", "", said + repeats)


def score_table(found: JurySummary) -> Table:
    """One row a model: its score by every judge, and by the jury together."""
    columns = {**found.scores, **{RULES[rule]: means for rule, means in found.together.items()}}
    if len(found.panel.judges) < 2:
        columns = dict(found.scores)
    rows = [
        [Cell(model, "bold"), *(_mean_cell(means[model]) for means in columns.values())] for model in found.panel.models
    ]
    caption = ("means over outputs, from 0 to 1, with 95 % intervals by dialogue",)
    return Table(("Model", *columns), [rows], "Scores by judge", caption, name="scores")


def judge_table(found: JurySummary) -> Table:
    """One row a judge: what it answered, how it agrees, and what it cost."""
    costs = list(dict.fromkeys(kind for told in found.answering.values() for kind in told.costs))
    reliability = found.consensus.reliability
    rows = []
    for name, told in found.answering.items():
        failed = sum(told.failed.values())
        cells = [
            Cell(name, "bold"),
            count_cell(told.asked),
            Cell(str(failed), "bad" if failed else "", ", ".join(told.failed), float(failed)),
            share_cell(str(told.unanswered), 1 - told.unanswered / max(told.items, 1)),
            count_cell(told.not_applicable),
            estimate_cell(estimate(found.stability, f"tau_{name}")),
            _plain(reliability.get(name, {}).get("weight", math.nan)),
            _plain(reliability.get(name, {}).get("sensitivity", math.nan)),
            _plain(reliability.get(name, {}).get("specificity", math.nan)),
            *(count_cell(told.costs[kind]) if kind in told.costs else Cell("–") for kind in costs),
        ]
        rows.append(cells)
    header = (
        "Judge",
        "Requests",
        "Failed",
        "Items without answer",
        "n/a",
        "Tau with others",
        "Weight",
        "Sensitivity",
        "Specificity",
        *costs,
    )
    return Table(header, [rows], "Judges", name="judges")


def checklist_table(checklists: Checklists) -> Table | None:
    """One row a model and judge: what `ChecklistScore` says of its lists; None where there are none."""
    models = list(dict.fromkeys(model for of_judge in checklists.values() for model in of_judge))
    has_kept = any("kept" in _known(scores) for of_judge in checklists.values() for scores in of_judge.values())
    keys = [key for key in _CHECKLIST if has_kept or key not in ("new", "kept")]
    groups = []
    for model in models:
        rows: list[list[Cell]] = []
        for judge, of_judge in checklists.items():
            if model in of_judge:
                scores = of_judge[model]
                cells = [estimate_cell(estimate(scores, f"checklist_score_{key}")) for key in keys]
                slope = change_cell(estimate(scores, "checklist_score_slope"))
                covered = coverage_cell(scores["checklist_score_coverage"])
                rows.append([Cell(model if not rows else "", "bold"), Cell(judge), *cells, slope, covered])
        groups.append(rows)
    header = ("Model", "Judge", *(_CHECKLIST[key] for key in keys), "Per turn", "Coverage")
    caption = ("share of items met; kept: of wishes of earlier turns",) if has_kept else ("share of items met",)
    return Table(header, groups, "Checklists", caption, name="checklists") if groups else None


def category_table(checklists: Checklists) -> Table | None:
    """One row a category, a column a judge and model; None without categories."""
    prefix = "checklist_score_category_"
    columns = [(judge, model, scores) for judge, models in checklists.items() for model, scores in models.items()]
    names = list(
        dict.fromkeys(
            key.removeprefix(prefix)
            for _, _, scores in columns
            for key in scores
            if key.startswith(prefix) and not (key.endswith(("_lower", "_upper")) and key[:-6] in scores)
        )
    )
    if not names or len(columns) > _MOST_COLUMNS:
        return None
    rows = [
        [Cell(name, "bold"), *(estimate_cell(estimate(scores, f"{prefix}{name}")) for _, _, scores in columns)]
        for name in names
    ]
    several = len(checklists) > 1
    header = ("Category", *(f"{model}\n{judge}" if several else model for judge, model, _ in columns))
    return Table(header, [rows], "Checklists by category", name="categories")


def _known(scores: Mapping[str, float]) -> set[str]:
    return {key for key in _CHECKLIST if estimate(scores, f"checklist_score_{key}").known}


def bias_table(found: JurySummary) -> Table | None:
    """One row a judge and reference; None where nothing could be tested."""
    names = [name for name in BIASES if any(bias.name == name for bias in found.biases)]
    if not names:
        return None
    rows = []
    for reference, words in _SHORT.items():
        for judge in found.panel.judges:
            mine = {b.name: b for b in found.biases if (b.judge, b.reference) == (judge, reference)}
            if mine:
                cells = [
                    change_cell(_estimate(mine[name]), higher_is_better=False) if name in mine else Cell("–")
                    for name in BIASES
                    if name in names
                ]
                rows.append([Cell(judge, "bold"), Cell(words), *cells])
    return Table(("Judge", "Beside", *(BIASES[name][0] for name in names)), [rows], "Biases", name="biases")


def people_table(found: JurySummary) -> Table | None:
    """One row a judge and category of items: agreement with people beyond chance; None without people."""
    groups = [
        [
            [
                Cell(judge, "bold"),
                Cell(category or "all items"),
                count_cell(kappa.answers),
                estimate_cell(Estimate(kappa.value, kappa.lower, kappa.upper)),
                _plain(kappa.agreed),
            ]
            for category, kappa in kappas.items()
        ]
        for judge, kappas in found.people.items()
        if kappas
    ]
    header = ("Judge", "Of", "Items", "Kappa", "Alike")
    return Table(header, groups, "Agreement with people", name="people") if groups else None


def powered_table(found: JurySummary) -> Table | None:
    """One row a model and judge: what people would give, by people and the judge; None without people."""
    rows = [
        [
            Cell(model, "bold"),
            Cell(judge),
            _mean_cell(found.scores[judge][model]),
            estimate_cell(Estimate(mean.value, mean.lower, mean.upper)),
            count_cell(mean.scored),
            _plain(mean.variance_ratio),
        ]
        for judge, models in found.powered.items()
        for model, mean in models.items()
    ]
    header = (
        "Model",
        "Judge",
        "The judge alone",
        "People, with its help",
        "Outputs that people judged",
        "Variance beside people alone",
    )
    return Table(header, [rows], "What people would say", name="powered") if rows else None


def tables_of_jury(found: JurySummary, checklists: Checklists) -> list[Table]:
    """All tables that have something to show: of the scores, then of the judges."""
    scores = (score_table(found), checklist_table(checklists), category_table(checklists))
    every = (*scores, judge_table(found), bias_table(found), people_table(found), powered_table(found))
    return [table for table in every if table is not None]


def jury_page(
    found: JurySummary, checklists: Checklists, manifest: Mapping[str, Any], problems: Sequence[Problem], version: str
) -> str:
    """The page as HTML; everything that data put into it is escaped."""
    tables = tables_of_jury(found, checklists)
    of_scores = [table for table in tables if table.name in ("scores", "checklists", "categories")]
    others = [table for table in tables if table not in of_scores]
    believed: list[Part] = [listed_findings(jury_findings(found)), *others]
    if found.biases:
        believed.append(Text(_ABOUT))
    notes = fragment("notes.html", notes=[_note(*note) for note in _NOTES])
    sections = [
        Section("believed", TITLE, "What the judges themselves show, in words first.", believed),
        Section("scores", "Scores", "By each judge, and by all together.", [*of_scores]),
        Section("notes", "What each number means, and when it misleads", parts=[notes]),
        Section("source", "How this was made", parts=source_parts(manifest, problems)),
    ]
    judges, models = len(found.panel.judges), len(found.panel.models)
    lead = (
        f"{len(found.panel.outputs):,} outputs of {models} {'model' if models == 1 else 'models'} before "
        f"{judges} {'judge' if judges == 1 else 'judges'}"
    )
    files = "jury.json, judgements.jsonl, problems.jsonl"
    return render("page.html", title="Jury", lead=lead, sections=sections, files=files, version=version)


def _note(label: str, meaning: str, misleads: str) -> Note:
    return Note(label, "", meaning, misleads)


def _mean_cell(mean: Mean) -> Cell:
    return estimate_cell(Estimate(mean.value, mean.lower, mean.upper), n=mean.outputs)


def _plain(value: float) -> Cell:
    return estimate_cell(Estimate(value))


def _estimate(bias: Bias) -> Estimate:
    return Estimate(bias.contrast.value, bias.contrast.lower, bias.contrast.upper)


def _with_span(found: Estimate) -> str:
    bounds = span(found)
    return f"{number(found.value, 2)} ({bounds})" if bounds else number(found.value, 2)
