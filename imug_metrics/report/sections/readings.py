# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""How answers were read, which could not be and why, with examples."""

from __future__ import annotations

from imug_metrics.reading.choice import READ, UNREAD
from imug_metrics.report.sections.section import Folded, Part, Report, Section
from imug_metrics.report.tables.cells import count_cell
from imug_metrics.report.tables.table import Cell, Table
from imug_metrics.suite.unread import AnswersRead, answers_read

ABOUT = """Answers to questions with a key, under the strict reading. An answer that could not be read scores 0 like a
wrong one: look at the examples before you believe that the model was wrong."""


def readings(report: Report) -> Section | None:
    """The section of readings."""
    found = {place: answers_read(model.items) for place, model in enumerate(report.models)}
    found = {place: answers for place, answers in found.items() if answers.answers}
    if not found:
        return None
    parts: list[Part] = [_ways(report, found)]
    if any(answers.unread for answers in found.values()):
        parts.append(Folded("Examples of answers that could not be read", [_examples(report, found)]))
    return Section("readings", "How answers were read", ABOUT, parts)


def _ways(report: Report, found: dict[int, AnswersRead]) -> Table:
    """One group a model: how many answers were read in which way, and how many were not for which reason."""
    groups = []
    for place, answers in found.items():
        ways = [("read", READ[word], count) for word, count in answers.read.items()]
        ways += [("not read", f"{word}: {UNREAD[word]}", count) for word, count in answers.unread.items()]
        groups.append(
            [
                [
                    report.name(place, shown=row == 0),
                    Cell(whether, "" if whether == "read" else "warn"),
                    Cell(way),
                    count_cell(count),
                    count_cell(answers.answers),
                ]
                for row, (whether, way, count) in enumerate(ways)
            ]
        )
    return Table(
        ("Model", "Answers were", "How, or why not", "Answers", "Of"),
        groups,
        "Answers by how they were read",
        name="readings",
    )


def _examples(report: Report, found: dict[int, AnswersRead]) -> Table:
    groups = []
    for place, answers in found.items():
        listed = [(reason, one) for reason, shown in answers.examples.items() for one in shown]
        groups.append(
            [
                [
                    report.name(place, shown=row == 0),
                    Cell(reason),
                    Cell(one.dialogue),
                    count_cell(one.turn),
                    Cell(one.text or "(empty)", value=one.text),
                    Cell(one.target),
                ]
                for row, (reason, one) in enumerate(listed)
            ]
        )
    header = ("Model", "Why not", "Dialogue", "Turn", "Answer", "Key")
    return Table(header, groups, "Answers that could not be read", name="unread_answers")
