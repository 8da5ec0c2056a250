# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""What the page consists of: sections, each with a title, what to know first, and parts in order."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar, TypeAlias

from markupsafe import Markup

from imug_metrics.errors import ArgumentError
from imug_metrics.reading.files import Problem
from imug_metrics.report.comparison import MetricComparison
from imug_metrics.report.dialogues.outcomes import ANSWERED
from imug_metrics.report.dialogues.scored_dialogue import ScoredDialogue, listed, scored_dialogues
from imug_metrics.report.dialogues.thumbnails import ThumbnailShelf
from imug_metrics.report.failures import FailureFigure, failure_figures
from imug_metrics.report.findings import Finding, find
from imug_metrics.report.judging import RuleRow
from imug_metrics.report.marks import lowest_coverage
from imug_metrics.report.metric_specs import MetricSpec, row_metrics, shown_metrics
from imug_metrics.report.pages.render import render
from imug_metrics.report.tables.cells import is_covered
from imug_metrics.report.tables.table import Cell, Mark, Table, name_cell

if TYPE_CHECKING:
    from imug_metrics.suite import ModelScores

_NAME = re.compile("[a-z0-9_-]+")


@dataclass(frozen=True)
class Report:
    """All that sections are made of.

    Attributes:
        models: scores of at least one model.
        manifest: what was run.
        compared: the models in pairs; empty for one.
        rules, judges, problems: see `write_report`.
        shelf: makes thumbnails, and watches the size of the page.
    """

    models: Sequence[ModelScores]
    manifest: Mapping[str, Any] = field(default_factory=dict)
    compared: Sequence[MetricComparison] = ()
    rules: Sequence[RuleRow] = ()
    judges: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    problems: Sequence[Problem] = ()
    shelf: ThumbnailShelf = field(default_factory=ThumbnailShelf)

    @cached_property
    def metrics(self) -> list[MetricSpec]:
        """The metrics that a model has a value for, in order."""
        return shown_metrics(self.models)

    @cached_property
    def scored(self) -> list[MetricSpec]:
        """Those of them that say how good outputs are, which costs do not."""
        return [view for view in self.metrics if not view.is_cost]

    @cached_property
    def dialogues(self) -> list[ScoredDialogue]:
        """Every dialogue of every model, scored by the metrics that have a value a record."""
        return scored_dialogues(self.models, row_metrics(self.metrics))

    @cached_property
    def listed(self) -> list[ScoredDialogue]:
        """Those that the page lists, the worst first; other sections lead there."""
        return listed(self.dialogues)

    @cached_property
    def judges_answers(self) -> bool:
        """Whether any answer was judged right or wrong, or could not be read; none is where questions have no keys."""
        return any(found in ANSWERED for one in self.dialogues for found in one.outcomes)

    @cached_property
    def failures(self) -> list[FailureFigure]:
        """The failures that models could be judged by, with their figures."""
        return failure_figures(self.models)

    @cached_property
    def findings(self) -> list[Finding]:
        """What the numbers say, in sentences."""
        return find(self.models, self.judges, self.compared, self.failures)

    def name(self, place: int, *, shown: bool = True) -> Cell:
        """The cell that names a model, marked where it left outputs out."""
        model = self.models[place]
        share = lowest_coverage(model, self.scored)
        cell = name_cell(model.model, place, shown=shown)
        if not shown or is_covered(share):
            return cell
        told = f"of the outputs of the least covered score {100 * share:.0f} % could be scored"
        return cell._replace(marks=(Mark("!", "coverage", told),))


@dataclass(frozen=True)
class Figure:
    """A drawing with its title and what it shows.

    Attributes:
        svg: the drawing, see `imug_metrics.report.svg`.
        title: above it.
        caption: beside the title.
        name: what its files are called; empty: it has none.
    """

    svg: Markup
    title: str
    caption: str = ""
    name: str = ""
    kind: ClassVar[str] = "figure"


@dataclass(frozen=True)
class Panels:
    """Parts side by side, where there is room."""

    parts: Sequence[Part]
    kind: ClassVar[str] = "panels"


@dataclass(frozen=True)
class Folded:
    """Parts that are shown when asked for."""

    summary: str
    parts: Sequence[Part]
    is_open: bool = False
    kind: ClassVar[str] = "folded"


@dataclass(frozen=True)
class Text:
    """A paragraph."""

    text: str
    kind: ClassVar[str] = "text"


@dataclass(frozen=True)
class Fragment:
    """Markup of its own."""

    markup: Markup
    kind: ClassVar[str] = "fragment"


Part: TypeAlias = "Table | Figure | Panels | Folded | Text | Fragment"


@dataclass(frozen=True)
class Section:
    """One section of the page.

    Attributes:
        name: its anchor, and what the names of its files begin with.
        title: its heading, which the contents list as well.
        about: what to know before reading it.
        parts: what it shows, in order.
    """

    name: str
    title: str
    about: str = ""
    parts: Sequence[Part] = ()


SectionBuilder: TypeAlias = Callable[[Report], "Section | None"]
"""Makes a section of what was found; None where there is nothing to show."""


def build_sections(report: Report, builders: Sequence[SectionBuilder]) -> list[Section]:
    """The sections that have something to show.

    Raises:
        ArgumentError: if one is no section, or holds what is no part; if a name is no anchor, or that of another.
    """
    built = [section for build in builders if (section := build(report)) is not None]
    for section in built:
        _check(isinstance(section, Section), "functions that return a Section or None", section)
        _check(_NAME.fullmatch(section.name), "names of sections of the characters a-z, 0-9, _ and -", section.name)
        _check_parts(section.parts)
    for name, count in Counter(section.name for section in built).items():
        _check(count == 1, "names of sections to differ", name)
    return built


def _check_parts(parts: Any) -> None:
    _check(isinstance(parts, Sequence) and not isinstance(parts, str), "parts in a list", parts)
    for part in parts:
        _check(isinstance(part, (Table, Figure, Panels, Folded, Text, Fragment)), "tables, figures, texts, ...", part)
        if isinstance(part, (Panels, Folded)):
            _check_parts(part.parts)


def _check(holds: Any, expected: str, found: Any) -> None:
    if not holds:
        got = repr(found) if isinstance(found, str) else type(found).__name__
        raise ArgumentError("sections", f"expected {expected}, got {got}")


def tables_of(parts: Sequence[Part]) -> Iterator[Table]:
    """All tables among the parts, those within others included."""
    for part in parts:
        if isinstance(part, Table):
            yield part
        elif isinstance(part, (Panels, Folded)):
            yield from tables_of(part.parts)


def fragment(template: str, **values: Any) -> Fragment:
    """Markup from a template of `imug_metrics.report.pages`, all values escaped."""
    return Fragment(Markup(render(template, **values)))  # the template escapes
