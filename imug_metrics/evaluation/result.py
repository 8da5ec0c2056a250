# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""An evaluation: scores, problems and coverage of every model, to be shown, written, kept and read again."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from imug_metrics._optional import require
from imug_metrics.errors import ArgumentError
from imug_metrics.evaluation.layouts import kinds, misfit
from imug_metrics.evaluation.model_result import MAX_BYTES, ModelResult, read_result, write_result
from imug_metrics.evaluation.official import write_official
from imug_metrics.evaluation.states import write_states
from imug_metrics.protocols import imug
from imug_metrics.reading.files import as_name
from imug_metrics.reading.text_files import read_text
from imug_metrics.report import SECTIONS, RuleRow, SectionBuilder, write_report
from imug_metrics.report.figures import Draw, figures, write_figures
from imug_metrics.report.files import json_text, schema, write_problems, write_whole
from imug_metrics.report.tables.table import Table
from imug_metrics.report.terminal_tables import score_tables
from imug_metrics.report.trackers.groups import ScoreGroup, model_groups
from imug_metrics.report.trackers.tables import leaderboard, per_turn_table
from imug_metrics.report.trackers.trackable import Trackable
from imug_metrics.suite.unread import AnswersRead

if TYPE_CHECKING:
    from pandas import DataFrame

_BOUNDS = ("_lower", "_upper")


@dataclass(frozen=True)
class Evaluation(Trackable):
    """What `imug_metrics.evaluate` found out.

    Attributes:
        results: one a model, in the order in which they were scored.
        manifest: what was scored and how: folders, encoder, judge, versions.
        classes: the class of each domain of the benchmark; empty for records.
        benchmark_problems: what is wrong with the benchmark itself, or in the files that records were read from.
    """

    results: tuple[ModelResult, ...]
    manifest: Mapping[str, Any] = field(default_factory=dict)
    classes: Mapping[str, str] = field(default_factory=dict)
    benchmark_problems: tuple[imug.Problem, ...] = ()

    @property
    def scores(self) -> dict[str, dict[str, float]]:
        """By model, every score under its flat name, such as `turn_alignment_slope`; NaN where undefined."""
        return {result.model: result.scores.scores for result in self.results}

    @property
    def items(self) -> dict[str, list[dict[str, Any]]]:
        """By model, one row a record: what it is and what it scores by itself."""
        return {result.model: result.scores.items for result in self.results}

    @property
    def coverage(self) -> dict[str, dict[str, float]]:
        """By model and metric, the share of expected records that could be scored."""
        return {
            model: {
                name.removesuffix("_coverage"): value for name, value in scores.items() if name.endswith("_coverage")
            }
            for model, scores in self.scores.items()
        }

    @property
    def answers_read(self) -> dict[str, AnswersRead]:
        """By model, how many answers were read by which rule, and which could not be read and why."""
        return {result.model: result.scores.answers_read for result in self.results}

    @property
    def problems(self) -> imug.Problems:
        """What is wrong in the data, each problem once."""
        # The dialogues' files are read for judging and for scoring: what is wrong with them is said once.
        every = (*self.benchmark_problems, *(problem for result in self.results for problem in result.problems))
        return imug.Problems(dict.fromkeys(every))

    @property
    def judges(self) -> dict[str, Mapping[str, Any]]:
        """By model, what is known of its judge; empty without one."""
        return {result.model: result.judge for result in self.results if result.judge}

    def tables(self) -> list[Table]:
        r"""The main scores as tables, which can be taken out for papers and spreadsheets.

        Example:
            >>> import imug_metrics
            >>> records = [imug_metrics.Record("a", turn, "text", "Which?", text="B", target="B") for turn in (1, 2)]
            >>> scores, *_ = imug_metrics.evaluate({"mine": records}).tables()
            >>> print(scores.to_latex().splitlines()[6])
            Model & Answers & Answers, official rule & Coverage \\
        """
        return score_tables([result.scores for result in self.results], self.judges)

    def table(self) -> str:
        """The main scores as text; see `imug_metrics.report.terminal_tables.score_tables`."""
        return "\n\n".join(map(str, self.tables()))

    def to_pandas(self) -> DataFrame:
        """A data frame with a row for each estimate of each model: model, score, value, lower, upper.

        Raises:
            ModuleNotFoundError: if pandas is not installed.
        """
        pandas = require("pandas", purpose="A data frame")
        rows = [(model, *row) for model, scores in self.scores.items() for row in _estimates(scores)]
        return pandas.DataFrame(rows, columns=["model", "score", "value", "lower", "upper"])

    def _score_groups(self) -> list[ScoreGroup]:
        """The scores of each model, for trackers."""
        return model_groups([result.scores for result in self.results])

    def _tracked_tables(self) -> list[Table]:
        """For trackers: the main scores by model, and the curves."""
        models = [result.scores for result in self.results]
        return [leaderboard(models), per_turn_table(models)]

    def report(self, out: Path | str, *, sections: Sequence[SectionBuilder] = SECTIONS) -> Path:
        """Write everything into a folder: report.html, summary.json, per_turn.csv, items.jsonl, problems.jsonl, ...

        Args:
            out: the folder; made where it does not exist. Files of an earlier report are replaced.
            sections: what makes each section of the page, see `imug_metrics.report.write_report`.

        Returns:
            The path of report.html.
        """
        page = write_report(
            [result.scores for result in self.results],
            out,
            manifest=self.manifest,
            rules=self._rules(),
            judges=self.judges,
            problems=self.problems,
            sections=sections,
        )
        write_official(page.parent / "official", self.results, self.classes)
        write_problems(self.problems, page.parent)
        return page

    def figures(self) -> dict[str, Draw]:
        """What can be drawn, by the name of its file; each entry gives a matplotlib figure when called.

        Returns:
            As `imug_metrics.report.figures.figures` says: curves, slopes, differences, breakdowns, heat maps, gaps.
        """
        return figures([result.scores for result in self.results])

    def write_figures(self, out: Path | str, formats: Sequence[str] = ("svg", "pdf")) -> list[Path]:
        """Write all figures into `out/figures`, ready for a paper.

        Args:
            out: a folder; made where it does not exist.
            formats: "svg", "pdf", "png".

        Returns:
            The files.

        Raises:
            ArgumentError: if a format is unknown.
            ModuleNotFoundError: if matplotlib is not installed.
        """
        return write_figures([result.scores for result in self.results], out, formats)

    def save(self, folder: Path | str) -> None:
        """Keep the evaluation in a folder, from which `load` reads it again."""
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "evaluation.json").unlink(missing_ok=True)  # what fails half-way must not be read as a whole
        for result in self.results:
            write_result(folder / "models" / f"{result.model}.json", result)
        content = {
            "models": [result.model for result in self.results],
            "manifest": self.manifest,
            "classes": self.classes,
            "benchmark_problems": [asdict(problem) for problem in self.benchmark_problems],
        }
        write_whole(folder / "evaluation.json", json_text("evaluation", content))

    def save_states(self, path: Path | str) -> Path:
        """Write the states of all models as one file: parts that were scored apart are added up by `merge_states`.

        Returns:
            The path.

        Raises:
            ArgumentError: unless the evaluation was made with `keep_states=True`.
        """
        states = {result.model: result.scores.state for result in self.results}
        found = {model: state for model, state in states.items() if state is not None}
        if len(found) < len(states):
            raise ArgumentError("keep_states", "expected True in the call that made this evaluation")
        return write_states(found, path)

    @classmethod
    def load(cls, folder: Path | str) -> Evaluation:
        """The evaluation that was saved in a folder.

        Raises:
            ArgumentError: if there is none, or none of this version.
        """
        path = Path(folder) / "evaluation.json"
        if not path.is_file() and "results" not in kinds(path.parent):
            raise ArgumentError("folder", f"expected a saved evaluation, got {misfit(path.parent, 'results')}")
        try:
            content = json.loads(read_text(path, max_bytes=MAX_BYTES))
        except (OSError, ValueError, RecursionError) as error:
            raise ArgumentError("folder", f"expected a saved evaluation, {path} cannot be read: {error}") from error
        found = content.get("schema") if isinstance(content, dict) else None
        if found != schema("evaluation"):
            raise ArgumentError("folder", f"expected {schema('evaluation')} in {path}, got {found!r}")
        try:
            results = [_read(path.parent, model) for model in dict.fromkeys(content["models"])]
            problems = tuple(imug.Problem(**problem) for problem in content["benchmark_problems"])
            return cls(tuple(results), dict(content["manifest"]), dict(content["classes"]), problems)
        except (KeyError, TypeError, AttributeError) as error:
            raise ArgumentError("folder", f"expected a whole evaluation in {path}: {error!r}") from error

    def _rules(self) -> list[RuleRow]:
        counts = {result.model: result.official.rules for result in self.results if result.official is not None}
        if not counts:
            return []
        return [RuleRow(**asdict(rule), counts=_of(rule.name, counts)) for rule in imug.RULES]


def _read(folder: Path, model: Any) -> ModelResult:
    """The saved result of a model, whose name must not lead out of the folder."""
    result = read_result(folder / "models" / f"{model}.json") if as_name(model) == model else None
    if result is None:
        raise ArgumentError("folder", f"expected the scores of {model!r} in {folder / 'models'}")
    return result


def _of(name: str, counts: Mapping[str, Mapping[str, int]]) -> dict[str, int]:
    return {model: found[name] for model, found in counts.items() if name in found}


def _estimates(scores: Mapping[str, float]) -> Iterator[tuple[str, float, float, float]]:
    for name, value in scores.items():
        if not name.endswith(_BOUNDS):
            lower, upper = (scores.get(name + bound, math.nan) for bound in _BOUNDS)
            yield name, value, lower, upper
